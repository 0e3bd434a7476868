import Glibc

/// Files that a varied step sees in place of the machine's.
enum VariedFiles {
  /// Which processors are there: what `os.cpu_count()` and the C library count.
  static let processors = "/sys/devices/system/cpu/online"
  /// Names of machines: a step must find its own.
  static let hosts = "/etc/hosts"

  /// Whether this machine has such a file; only then something can be put in its place.
  static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes them, and the home folder, for a task with a private view.
  static func prepare(_ variation: Variation, in place: Workspace.Place) throws(ExecError) {
    if let home = variation.home {
      let path = "\(place.temporary)/\(home)"
      if mkdir(path, 0o755) != 0 && errno != EEXIST { throw .system("make the folder", path) }
    }
    let machine = Variation.machine()
    if let seen = variation.processors(usable: machine.usable, online: machine.online) {
      try replace(place.processors, Array(seen.list.utf8))
    }
    if let name = variation.hostName {
      try replace(place.hosts, try read(hosts) + Array("\n127.0.1.1 \(name)\n".utf8))
    }
  }

  // The folder may be one that an earlier task had.
  private static func replace(_ path: String, _ bytes: [UInt8]) throws(ExecError) {
    unlink(path)
    try Workspace.write(bytes, to: path)
  }

  private static func read(_ path: String) throws(ExecError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      if errno == ENOENT { return [] }
      throw .system("read", path)
    }
    defer { close(file) }
    // A list that is longer than a mebibyte is cut.
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress.map { $0 + done }, $0.count - done) }
      if count == 0 { break }
      if count > 0 { done += count } else if errno != EINTR { throw .system("read", path) }
    }
    return Array(bytes[..<done])
  }
}
