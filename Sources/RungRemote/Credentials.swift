import Glibc
import RungCore

/// What a server is shown to be let in. Never in a message, an argument or a record.
struct Credentials: Sendable {
  enum Secret: Sendable {
    case token(String)
    case password(user: String, String)
  }
  let secret: Secret
  /// Where they come from, for messages.
  let source: String

  /// Looks for them, in this order: RUNG_REMOTE_TOKEN; RUNG_REMOTE_USER and RUNG_REMOTE_PASSWORD; the line of the host in
  /// ~/.config/rung/credentials; that in ~/.netrc or what NETRC names. Nil when there are none. Throws `local` when the
  /// first file can be read by others.
  static func find(host: String, variables: [String: String]) throws(RemoteError) -> Credentials? {
    if let token = variables["RUNG_REMOTE_TOKEN"], !token.isEmpty {
      return Credentials(secret: .token(token), source: "RUNG_REMOTE_TOKEN")
    }
    if let user = variables["RUNG_REMOTE_USER"], !user.isEmpty {
      let password = variables["RUNG_REMOTE_PASSWORD"] ?? ""
      return Credentials(secret: .password(user: user, password), source: "RUNG_REMOTE_USER")
    }
    let home = variables["HOME"] ?? "/"
    let ring =
      (variables["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.config") + "/rung/credentials"
    if let text = try read(ring, isPrivate: true), let secret = fromRing(text, host) {
      return Credentials(secret: secret, source: ring)
    }
    let netrc = variables["NETRC"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.netrc"
    if let text = try read(netrc, isPrivate: false), let secret = fromNetrc(text, host) {
      return Credentials(secret: secret, source: netrc)
    }
    return nil
  }

  /// `HOST bearer TOKEN` or `HOST basic USER PASSWORD` on a line; `#` begins a comment. The first line of the host counts.
  static func fromRing(_ text: String, _ host: String) -> Secret? {
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
      guard words.count >= 3, words[0].lowercased() == host.lowercased() else { continue }
      if words[1] == "bearer", words.count == 3 { return .token(words[2]) }
      if words[1] == "basic", words.count == 4 { return .password(user: words[2], words[3]) }
    }
    return nil
  }

  /// The format of netrc(5): `machine`, `login`, `password`, `default`; macros are passed over.
  static func fromNetrc(_ text: String, _ host: String) -> Secret? {
    var words: [String] = []
    var isMacro = false
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      // A macro ends with an empty line.
      if isMacro {
        isMacro = !line.allSatisfy(\.isWhitespace)
        continue
      }
      var found: [String] = []
      for word in line.split(whereSeparator: \.isWhitespace) {
        // The rest is a comment, but a password may begin so.
        if word.hasPrefix("#"), found.last != "password" { break }
        found.append(String(word))
      }
      isMacro = found.first == "macdef"
      if !isMacro { words += found }
    }
    var isWanted = false
    var user: String?
    var password: String?
    var index = 0
    func value() -> String? {
      index += 1
      return index < words.count ? words[index] : nil
    }
    while index < words.count {
      switch words[index] {
      case "machine", "default":
        if isWanted, let password { return .password(user: user ?? "", password) }
        let isDefault = words[index] == "default"
        isWanted = isDefault || value()?.lowercased() == host.lowercased()
        (user, password) = (nil, nil)
      case "login": user = value()
      case "password": password = value()
      case "account": _ = value()
      default: break
      }
      index += 1
    }
    if isWanted, let password { return .password(user: user ?? "", password) }
    return nil
  }

  private static func read(_ path: String, isPrivate: Bool) throws(RemoteError) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    if isPrivate, status.st_mode & 0o077 != 0 {
      throw RemoteError(.local, "\(path) can be read by others than you: `chmod 600 \(path)`")
    }
    var bytes: [UInt8] = []
    guard status.st_size < 1 << 20,
      (try? RemoteFiles.read(file, path, piece: 4096, { bytes.append(contentsOf: $0) })) != nil
    else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
