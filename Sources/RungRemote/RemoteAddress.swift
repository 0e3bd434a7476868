import Glibc
import RungCore

/// Where a remote cache is, as people write it in rung.yaml or on the command line.
///
///     /mnt/lab/cache   ../cache   file:///mnt/lab/cache     a folder
///     http://host:8080/cache   https://host/cache           what Bazel's tools understand
///     ssh://user@host:port/path                             a cache of Rung at the other end
///     rclone:REMOTE:path                                    what the program rclone knows
public enum RemoteAddress: Hashable, Sendable, CustomStringConvertible {
  /// A folder of this machine.
  case folder(String)
  /// The whole address, without a slash at its end.
  case http(String, host: String)
  /// Where ssh goes to (`user@host`), the port, and the cache's folder there.
  case ssh(destination: String, port: Int?, path: String)
  /// What rclone calls it.
  case rclone(String)

  /// Reads an address; a relative path begins at `folder`. Throws `local` with what is wrong; an address with a password
  /// in it is refused, because it would be in files and lists of processes that others read.
  public init(_ text: String, in folder: String = "") throws(RemoteError) {
    func refuse(_ why: String) -> RemoteError {
      RemoteError(.local, "'\(Self.redacted(text))' is no remote cache: \(why)")
    }
    if text.isEmpty { throw refuse("it is empty") }
    if text.utf8.contains(where: { $0 < 32 || $0 == 127 }) { throw refuse("it has control characters in it") }
    if text.hasPrefix("rclone:") {
      let place = String(text.dropFirst("rclone:".count))
      guard place.contains(":"), !place.hasPrefix("-") else {
        throw refuse("after 'rclone:' comes what rclone calls it, such as rclone:lab:bucket/cache")
      }
      self = .rclone(place)
      return
    }
    guard let colon = text.firstRange(of: "://") else {
      self = .folder(text.hasPrefix("/") || folder.isEmpty ? text : "\(folder)/\(text)")
      return
    }
    let scheme = text[..<colon.lowerBound].lowercased()
    let rest = text[colon.upperBound...]
    let authority = rest.prefix { $0 != "/" }
    var path = String(rest[authority.endIndex...])
    let host = authority.split(separator: "@", omittingEmptySubsequences: false).last.map(String.init) ?? ""
    if let user = authority.split(separator: "@", omittingEmptySubsequences: false).dropLast().last, user.contains(":")
    {
      throw refuse(
        "a password in an address is seen by others. Set RUNG_REMOTE_USER and RUNG_REMOTE_PASSWORD, or use ~/.netrc or"
          + " ~/.config/rung/credentials")
    }
    switch scheme {
    case "file":
      guard authority.isEmpty || authority == "localhost", path.hasPrefix("/") else {
        throw refuse("a folder is written file:///path, with three slashes")
      }
      self = .folder(path)
    case "http", "https":
      guard !host.isEmpty else { throw refuse("the host is missing") }
      guard !authority.contains("@") else {
        throw refuse("the user's name belongs into RUNG_REMOTE_USER, ~/.netrc or ~/.config/rung/credentials")
      }
      guard !path.contains("?"), !path.contains("#") else { throw refuse("it may not have a query") }
      while path.hasSuffix("/") { path.removeLast() }
      self = .http("\(scheme)://\(authority)\(path)", host: Self.split(host).host)
    case "ssh":
      let (name, port) = Self.split(host)
      // ssh would take what begins with a hyphen for an option.
      guard !name.isEmpty, !authority.hasPrefix("-"), !name.hasPrefix("-") else { throw refuse("the host is missing") }
      guard path.count > 1 else { throw refuse("the folder of the cache there is missing: ssh://host/path/to/cache") }
      let user = authority.split(separator: "@").dropLast().last.map { "\($0)@" } ?? ""
      self = .ssh(destination: user + name, port: port, path: path)
    default:
      throw refuse("'\(scheme)' is not known; there are a path, file://, http://, https://, ssh:// and rclone:")
    }
  }

  /// As people know it.
  public var description: String {
    switch self {
    case .folder(let path): path
    case .http(let address, _): address
    case .ssh(let destination, let port, let path): "ssh://\(destination)\(port.map { ":\($0)" } ?? "")\(path)"
    case .rclone(let place): "rclone:\(place)"
    }
  }

  // `host:port`, and `[v6]:port`.
  private static func split(_ authority: String) -> (host: String, port: Int?) {
    if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
      let host = String(authority[authority.index(after: authority.startIndex)..<end])
      return (host, Int(authority[authority.index(after: end)...].dropFirst()))
    }
    let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return (parts.first.map(String.init) ?? "", parts.count > 1 ? Int(parts[1]) : nil)
  }

  /// A text without the password that may be in it, for messages.
  static func redacted(_ text: String) -> String {
    guard let start = text.firstRange(of: "://")?.upperBound else { return text }
    let authority = text[start...].prefix { $0 != "/" }
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return text }
    return text[..<colon] + ":…" + text[at...]
  }
}

extension StringProtocol {
  /// Where a word first stands.
  fileprivate func firstRange(of word: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }
}
