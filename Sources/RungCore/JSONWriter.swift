extension JSON {
  /// One line without spaces. The same value always gives the same bytes, so it may be hashed.
  public var compact: String { String(decoding: compactBytes, as: UTF8.self) }

  /// The bytes of `compact`.
  public var compactBytes: [UInt8] {
    var out: [UInt8] = []
    write(to: &out, indent: nil, depth: 0)
    return out
  }

  /// Indented by two spaces, ending without a line break.
  public var pretty: String {
    var out: [UInt8] = []
    write(to: &out, indent: 2, depth: 0)
    return String(decoding: out, as: UTF8.self)
  }

  private func write(to out: inout [UInt8], indent: Int?, depth: Int) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .number(let text):
      // NaN and the infinities are no JSON.
      let isFinite = text.utf8.last != UInt8(ascii: "N") && text.utf8.last != UInt8(ascii: "y")
      out += (isFinite ? text : "null").utf8
    case .string(let text): Self.quote(text, to: &out)
    case .array(let items):
      Self.list(items, "[", "]", to: &out, indent: indent, depth: depth) { item, out in
        item.write(to: &out, indent: indent, depth: depth + 1)
      }
    case .object(let members):
      Self.list(members, "{", "}", to: &out, indent: indent, depth: depth) { member, out in
        Self.quote(member.name, to: &out)
        out += (indent == nil ? ":" : ": ").utf8
        member.value.write(to: &out, indent: indent, depth: depth + 1)
      }
    }
  }

  private static func list<T>(
    _ items: [T], _ open: Unicode.Scalar, _ close: Unicode.Scalar, to out: inout [UInt8], indent: Int?, depth: Int,
    _ each: (T, inout [UInt8]) -> Void
  ) {
    func newLine(_ depth: Int) {
      guard let indent else { return }
      out.append(UInt8(ascii: "\n"))
      out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indent * depth))
    }
    out.append(UInt8(ascii: open))
    for (index, item) in items.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      newLine(depth + 1)
      each(item, &out)
    }
    if !items.isEmpty { newLine(depth) }
    out.append(UInt8(ascii: close))
  }

  // RFC 8259 section 7. Also escapes DEL and the C1 controls, so that text from a step cannot steer a terminal.
  private static func quote(_ text: String, to out: inout [UInt8]) {
    out.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      // Most texts have nothing to escape: what lies between two such bytes is copied at once.
      var from = 0
      var at = 0
      while at < bytes.count {
        let byte = bytes[at]
        // The C1 controls, U+0080 to U+009F, are C2 80 to C2 9F in UTF-8.
        let isC1 = byte == 0xc2 && at + 1 < bytes.count && bytes[at + 1] < 0xa0
        guard byte < 0x20 || byte == 0x22 || byte == 0x5c || byte == 0x7f || isC1 else {
          at += 1
          continue
        }
        out += bytes[from..<at]
        escape(isC1 ? bytes[at + 1] : byte, to: &out)
        at += isC1 ? 2 : 1
        from = at
      }
      out += bytes[from...]
    }
    out.append(UInt8(ascii: "\""))
  }

  private static func escape(_ code: UInt8, to out: inout [UInt8]) {
    switch code {
    case 0x22: out += "\\\"".utf8
    case 0x5c: out += "\\\\".utf8
    case 0x0a: out += "\\n".utf8
    case 0x0d: out += "\\r".utf8
    case 0x09: out += "\\t".utf8
    default:
      let hex = String(code, radix: 16)
      out += ("\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex).utf8
    }
  }
}
