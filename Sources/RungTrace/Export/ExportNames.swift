import RungCore

/// How things are called in exported documents: identifiers that are the same wherever a document is made, and that no
/// path or name can break.
enum ExportNames {
  /// What Rung's own words in other people's vocabularies begin with. A URN, since it names and leads nowhere.
  static let namespace = "urn:x-rung:"

  /// Content by its digest, as RFC 6920 (section 7) writes it.
  static func content(_ digest: Digest) -> String { "nih:sha-256;\(digest.hex)" }

  /// A path or a name as the path of a URI (RFC 3986, section 3.3): all but the unreserved characters and `/` are
  /// percent-encoded, byte by byte.
  static func escaped(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        bytes.append(byte)
      default:
        bytes.append(UInt8(ascii: "%"))
        for half in [byte >> 4, byte & 15] { bytes.append(half < 10 ? 48 + half : 55 + half) }
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The last component of a path; the path itself when it has none.
  static func base(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }
}
