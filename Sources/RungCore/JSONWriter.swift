extension JSON {
  /// One line without spaces. The same value always gives the same bytes, so it may be hashed.
  public var compact: String {
    var out = ""
    write(to: &out, indent: nil, depth: 0)
    return out
  }

  /// Indented by two spaces, ending without a line break.
  public var pretty: String {
    var out = ""
    write(to: &out, indent: 2, depth: 0)
    return out
  }

  private func write(to out: inout String, indent: Int?, depth: Int) {
    switch self {
    case .null: out += "null"
    case .bool(let value): out += value ? "true" : "false"
    case .number(let text):
      // NaN and the infinities are no JSON.
      let isFinite = text.utf8.last != UInt8(ascii: "N") && text.utf8.last != UInt8(ascii: "y")
      out += isFinite ? text : "null"
    case .string(let text): Self.quote(text, to: &out)
    case .array(let items):
      Self.list(items, "[", "]", to: &out, indent: indent, depth: depth) { item, out in
        item.write(to: &out, indent: indent, depth: depth + 1)
      }
    case .object(let members):
      Self.list(members, "{", "}", to: &out, indent: indent, depth: depth) { member, out in
        Self.quote(member.name, to: &out)
        out += indent == nil ? ":" : ": "
        member.value.write(to: &out, indent: indent, depth: depth + 1)
      }
    }
  }

  private static func list<T>(
    _ items: [T], _ open: String, _ close: String, to out: inout String, indent: Int?, depth: Int,
    _ each: (T, inout String) -> Void
  ) {
    out += open
    for (index, item) in items.enumerated() {
      if index > 0 { out += "," }
      if let indent { out += "\n" + String(repeating: " ", count: indent * (depth + 1)) }
      each(item, &out)
    }
    if let indent, !items.isEmpty { out += "\n" + String(repeating: " ", count: indent * depth) }
    out += close
  }

  // RFC 8259 section 7. Also escapes DEL and the C1 controls, so that text from a step cannot steer a terminal.
  private static func quote(_ text: String, to out: inout String) {
    out += "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
