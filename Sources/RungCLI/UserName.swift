import Glibc

/// The name of a user: what `/etc/passwd` calls them, or else what LOGNAME or USER says of the one who runs this; nil when
/// nothing does.
///
/// Not `getpwuid`: it loads name services at run time, which a statically linked program cannot rely on.
func userName(_ user: uid_t) -> String? {
  let wanted = "\(user)"
  if let file = fopen("/etc/passwd", "re") {
    defer { fclose(file) }
    var line: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(line) }
    while getline(&line, &room, file) > 0 {
      guard let line else { break }
      let fields = String(cString: line).split(separator: ":", omittingEmptySubsequences: false)
      if fields.count > 2, fields[2] == wanted, !fields[0].isEmpty { return String(fields[0]) }
    }
  }
  for name in ["LOGNAME", "USER"] {
    if let value = getenv(name), value.pointee != 0 { return String(cString: value) }
  }
  return nil
}
