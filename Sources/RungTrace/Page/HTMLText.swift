import RungCore

/// HTML that is put together piece by piece; whatever comes from a record or a file is escaped.
struct HTMLText {
  private(set) var text = ""

  /// Adds markup of our own.
  mutating func raw(_ markup: String) { text += markup }

  /// Adds text.
  mutating func add(_ words: String) { text += Self.escaped(words) }

  /// Adds an element that holds text only. `attributes` is markup.
  mutating func element(_ name: String, _ attributes: String = "", _ words: String) {
    text += "<\(name)\(attributes.isEmpty ? "" : " " + attributes)>\(Self.escaped(words))</\(name)>"
  }

  /// Text for content and for attribute values in quotes: what means something in HTML is escaped, and what could turn the
  /// direction of writing, or is no character, is a question mark.
  static func escaped(_ words: String) -> String {
    var out = ""
    for scalar in TextLayout.printable(words).unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// Bytes in base 64 (RFC 4648 section 4).
  static func base64(_ bytes: [UInt8]) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits: UInt32 = 0
      for index in 0..<3 {
        bits = bits << 8 | (index < group.count ? UInt32(group[group.startIndex + index]) : 0)
      }
      for index in 0..<4 {
        let letter = letters[Int(bits >> UInt32(18 - 6 * index) & 63)]
        out.append(index <= group.count ? letter : UInt8(ascii: "="))
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
