/// A line for a terminal: pieces of text, each in one look. Its width is counted in columns, not in characters.
struct ScreenLine: Sendable {
  /// How a piece looks.
  enum Look: Sendable { case plain, dim, bold, green, red, yellow }

  private var pieces: [(text: String, look: Look)] = []
  /// In columns.
  private(set) var width = 0

  /// What it consists of.
  var parts: [(text: String, look: Look)] { pieces }

  init() {}

  /// A line of one piece.
  init(_ text: String, _ look: Look = .plain) { add(text, look) }

  /// Appends a piece. Nothing in it may steer a terminal.
  mutating func add(_ text: String, _ look: Look = .plain) {
    if text.isEmpty { return }
    pieces.append((text, look))
    width += Self.width(of: text)
  }

  /// Appends spaces up to a column.
  mutating func pad(to column: Int) {
    if column > width { add(String(repeating: " ", count: column - width)) }
  }

  /// The text, with its looks where `style` has any; no wider than `columns`.
  func text(_ style: Style, columns: Int) -> String {
    var left = columns
    var result = ""
    for (text, look) in pieces {
      let shown = Self.width(of: text) <= left ? text : Self.prefix(of: text, columns: left)
      left -= Self.width(of: shown)
      switch look {
      case .plain: result += shown
      case .dim: result += style.dim(shown)
      case .bold: result += style.bold(shown)
      case .green: result += style.green(shown)
      case .red: result += style.red(shown)
      case .yellow: result += style.yellow(shown)
      }
    }
    return result
  }

  /// How many columns a text takes: East Asian wide characters and emoji two, combining marks none (UAX #11; the ranges that
  /// terminals agree on).
  static func width(of text: String) -> Int {
    text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
  }

  private static func width(of scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0..<0x300: 1
    case 0x300...0x36f, 0x200b...0x200d, 0x20d0...0x20ff, 0xfe00...0xfe0f: 0
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
      0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
      2
    default: 1
    }
  }

  /// The beginning of a text that takes no more than so many columns.
  static func prefix(of text: String, columns: Int) -> String {
    var left = columns
    return String(
      text.prefix { character in
        left -= width(of: String(character))
        return left >= 0
      })
  }

  /// A text cut in the middle so that it takes no more than so many columns.
  static func fit(_ text: String, _ columns: Int) -> String {
    guard width(of: text) > columns else { return text }
    guard columns > 8 else { return prefix(of: text, columns: columns) }
    let head = prefix(of: text, columns: columns * 2 / 3)
    let room = columns - width(of: head) - 1
    let tail = String(prefix(of: String(text.reversed()), columns: room).reversed())
    return head + "…" + tail
  }
}
