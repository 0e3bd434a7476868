import RungCore

/// Texts as scalars of YAML: plain where nothing can be misread, else in quotes.
enum ScalarText {
  /// How a text is written.
  enum Style {
    /// Without quotes where that is safe.
    case plain
    /// In `'…'` where that is possible.
    case single
    /// In `"…"`.
    case double
  }

  /// The text as a scalar that may stand in a block, in `{…}` and in `[…]`.
  static func written(_ text: String, _ style: Style = .plain) -> String {
    if style == .plain, isPlain(text) { return text }
    if style == .single, !text.unicodeScalars.contains(where: needsEscape) {
      return "'" + text.replacing("'", with: "''") + "'"
    }
    return doubleQuoted(text)
  }

  // Narrower than YAML allows: what looks unusual is quoted.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first != "-", first != "+", first != "=", first != "%", first != "@",
      case .string = YAMLNode.resolve(text), text != "...", text != "=", text != "<<"
    else { return false }
    return text.unicodeScalars.allSatisfy { scalar in
      if scalar.isASCII { return Names.isPart(UInt8(scalar.value)) || "./+=%@".unicodeScalars.contains(scalar) }
      return scalar.properties.isAlphabetic
    }
  }

  private static func doubleQuoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case _ where needsEscape(scalar):
        let hex = String(scalar.value, radix: 16)
        let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        out += "\\\(letter)\(String(repeating: "0", count: width - hex.count))\(hex)"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  // Control characters, breaks of lines, and what would not be seen.
  private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse, .surrogate: true
    case .spaceSeparator: scalar != " "
    default: false
    }
  }

  /// A path of the project as the format writes it from a folder: `../../shared/x.csv`.
  static func path(_ path: RelativePath, from folder: RelativePath) -> String {
    let target = path.components
    let base = folder.components
    var common = 0
    while common < base.count, common < target.count - 1, base[common] == target[common] { common += 1 }
    let up = Array(repeating: "..", count: base.count - common)
    return (up + target[common...].map(String.init)).joined(separator: "/")
  }

  /// The text with `{{name}}` for every `{name}` in it, so that no part of it is a placeholder.
  static func literal(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var i = 0
    while i < bytes.count {
      // A placeholder ends at the first closing brace after its opening one.
      if bytes[i] == UInt8(ascii: "{"), let close = bytes[i...].firstIndex(of: UInt8(ascii: "}")),
        case let inner = String(decoding: bytes[i...close], as: UTF8.self),
        case .placeholder(let found) = TemplatePiece.pieces(of: inner).first, found.braced == inner
      {
        out += [UInt8(ascii: "{")] + bytes[i...close] + [UInt8(ascii: "}")]
        i = close + 1
      } else {
        out.append(bytes[i])
        i += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
