/// An address that a page may lead to: a place in the site, or a page of the web. Nothing else can be made, above all no
/// `javascript:`.
public struct Link: Hashable, Sendable {
  /// The address, percent-encoded.
  let text: String

  private init(_ text: String) { self.text = text }

  /// A file of the site, by its path there, for a page at `from`.
  static func page(_ path: String, from: String) -> Link {
    let up = from.utf8.count { $0 == UInt8(ascii: "/") }
    return Link(String(repeating: "../", count: up) + encoded(path))
  }

  /// A place in the same page.
  static func place(_ id: String) -> Link { Link("#" + encoded(id)) }

  /// A place in another page.
  func at(_ id: String) -> Link { Link(text + "#" + Self.encoded(id)) }

  /// An address in a text of the user's: of the web, or of mail. Nil for any other.
  public init?(web address: String) {
    let trimmed = address.drop { $0 == " " }
    let lower = trimmed.lowercased()
    guard ["https://", "http://", "mailto:"].contains(where: lower.hasPrefix),
      trimmed.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0 != "\\" && $0.value != 0x7f })
    else { return nil }
    text = String(trimmed)
  }

  // Unreserved characters (RFC 3986) and slashes stay.
  private static func encoded(_ path: String) -> String {
    var out = ""
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        out.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        out += "%" + (hex.utf8.count < 2 ? "0" : "") + hex
      }
    }
    return out
  }
}
