/// A path below some folder (the project, a workspace): normalised, never absolute, never leaving the folder.
///
/// Has no empty, `.` or `..` components and no NUL; compares by bytes. The folder itself is the empty path.
public struct RelativePath: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The components joined by `/`; empty for the folder itself.
  public let text: String

  /// The folder itself.
  public static let root = RelativePath(verified: "")

  private init(verified: String) { text = verified }

  /// Normalises `path`, read from the folder `base`. Nil when it is absolute, would leave the root, or has a NUL.
  public init?(_ path: String, in base: RelativePath = .root) {
    // Most paths are normal already; finding that out costs no allocation.
    if Self.isNormal(path) {
      self.init(verified: base.text.isEmpty ? path : "\(base.text)/\(path)")
    } else {
      self.init(slowly: path, in: base)
    }
  }

  /// As `init(_:in:)`, for a part of a text.
  public init?(_ path: Substring, in base: RelativePath = .root) { self.init(String(path), in: base) }

  // Not empty, and every component is something else than nothing, `.` and `..`.
  private static func isNormal(_ path: String) -> Bool {
    var length = 0
    var dots = 0
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "/"):
        if length == 0 || length == dots && dots <= 2 { return false }
        (length, dots) = (0, 0)
      case 0: return false
      case UInt8(ascii: "."):
        length += 1
        dots += 1
      default: length += 1
      }
    }
    return length > 0 && !(length == dots && dots <= 2)
  }

  private init?(slowly path: String, in base: RelativePath) {
    guard !path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
    var parts: [Substring] = base.text.split(separator: "/")
    for part in Substring(path).split(separator: "/") where part != "." {
      if part == ".." {
        guard parts.popLast() != nil else { return nil }
      } else {
        parts.append(part)
      }
    }
    text = parts.joined(separator: "/")
  }

  /// The path of `name` inside this folder. Nil like `init(_:in:)`.
  public func appending(_ name: some StringProtocol) -> RelativePath? { RelativePath(String(name), in: self) }

  /// The components, outermost first.
  public var components: [Substring] { text.split(separator: "/") }

  /// The last component; empty for the root.
  public var name: String { components.last.map(String.init) ?? "" }

  /// The folder that this lies in; the root's is the root.
  public var parent: RelativePath {
    guard let slash = text.lastIndex(of: "/") else { return .root }
    return RelativePath(verified: String(text[..<slash]))
  }

  /// True for the root itself and for anything below `folder`.
  public func isInside(_ folder: RelativePath) -> Bool {
    folder.text.isEmpty || text == folder.text || text.hasPrefix(folder.text + "/")
  }

  /// This path below an absolute folder.
  public func absolute(in folder: String) -> String { text.isEmpty ? folder : "\(folder)/\(text)" }

  /// The text.
  public var description: String { text }

  /// The order of the UTF-8 bytes, the same on every machine.
  public static func < (a: RelativePath, b: RelativePath) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }
}
