import RungCore

/// A text cut into literal text and placeholders, before anything is looked up.
enum TemplatePiece: Equatable {
  /// Text as it is, `{{name}}` already turned into `{name}`.
  case literal(String)
  /// `{a.b}`.
  case placeholder(Placeholder)
}

/// What stands between braces.
struct Placeholder: Equatable {
  /// The names, `pipeline/` apart.
  var names: [String]
  /// The pipeline of `{pipeline/step.output}`.
  var pipeline: String?
  /// `files` in `{fit.metrics:files}`.
  var form: String?
  /// All that stands between the braces.
  var source: String
  /// Where its brace is in the text, in bytes.
  var offset = 0

  /// With the braces.
  var braced: String { "{\(source)}" }
}

extension TemplatePiece {
  /// Cuts a text. What is not exactly a placeholder stays literal: `${HOME}`, `{a,b}`, `{print $1}`, `{}`, JSON.
  static func pieces(of text: String) -> [TemplatePiece] {
    guard text.utf8.contains(UInt8(ascii: "{")) else { return text.isEmpty ? [] : [.literal(text)] }
    let bytes = Array(text.utf8)
    var pieces: [TemplatePiece] = []
    var literal: [UInt8] = []
    func flush() {
      if !literal.isEmpty { pieces.append(.literal(String(decoding: literal, as: UTF8.self))) }
      literal = []
    }
    var i = 0
    while i < bytes.count {
      guard bytes[i] == UInt8(ascii: "{") else {
        literal.append(bytes[i])
        i += 1
        continue
      }
      if i + 1 < bytes.count, bytes[i + 1] == UInt8(ascii: "{"), let (_, end) = placeholder(bytes, at: i + 1),
        end < bytes.count, bytes[end] == UInt8(ascii: "}")
      {
        literal += bytes[(i + 1)..<end]
        i = end + 1
      } else if i == 0 || bytes[i - 1] != UInt8(ascii: "$"), let (found, end) = placeholder(bytes, at: i) {
        flush()
        pieces.append(.placeholder(found))
        i = end
      } else {
        literal.append(bytes[i])
        i += 1
      }
    }
    flush()
    return pieces
  }

  // The placeholder that begins with the brace at `start`, and the index after its closing brace.
  private static func placeholder(_ bytes: [UInt8], at start: Int) -> (Placeholder, end: Int)? {
    var names: [String] = []
    var pipeline: String?
    var form: String?
    var i = start + 1
    func name() -> String? {
      let from = i
      guard i < bytes.count, Names.isStart(bytes[i]) else { return nil }
      while i < bytes.count, Names.isPart(bytes[i]) { i += 1 }
      return String(decoding: bytes[from..<i], as: UTF8.self)
    }
    guard let first = name() else { return nil }
    names.append(first)
    while i < bytes.count, bytes[i] == UInt8(ascii: ".") || bytes[i] == UInt8(ascii: "/") {
      let isSlash = bytes[i] == UInt8(ascii: "/")
      i += 1
      guard let next = name() else { return nil }
      if isSlash {
        guard pipeline == nil, names.count == 1 else { return nil }
        pipeline = names.removeFirst()
      }
      names.append(next)
    }
    if i < bytes.count, bytes[i] == UInt8(ascii: ":") {
      i += 1
      guard let word = name() else { return nil }
      form = word
    }
    guard i < bytes.count, bytes[i] == UInt8(ascii: "}") else { return nil }
    let source = String(decoding: bytes[(start + 1)..<i], as: UTF8.self)
    return (Placeholder(names: names, pipeline: pipeline, form: form, source: source, offset: start), i + 1)
  }
}
