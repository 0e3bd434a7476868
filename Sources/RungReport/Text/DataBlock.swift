/// Data for the script of a page.
enum DataBlock {
  /// JSON that may stand in a `script` element: it has no `<`, `>`, `&`, U+2028 and U+2029 but as escapes, which may be
  /// written for them in strings, the only place where they can be.
  static func escaped(_ json: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(json.count + json.count / 64)
    var at = 0
    while at < json.count {
      switch json[at] {
      case UInt8(ascii: "<"): out += "\\u003c".utf8
      case UInt8(ascii: ">"): out += "\\u003e".utf8
      case UInt8(ascii: "&"): out += "\\u0026".utf8
      case 0xe2 where at + 2 < json.count && json[at + 1] == 0x80 && (json[at + 2] & 0xfe) == 0xa8:
        out += json[at + 2] == 0xa8 ? "\\u2028".utf8 : "\\u2029".utf8
        at += 2
      default: out.append(json[at])
      }
      at += 1
    }
    return out
  }
}
