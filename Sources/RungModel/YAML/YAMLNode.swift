import RungCore

/// A value of a YAML file, with its place.
struct YAMLNode: Sendable {
  /// What a node is.
  enum Content: Sendable {
    /// A text; `isPlain` when it stands without quotes, so that it may be a number, a truth value or null.
    case scalar(String, isPlain: Bool)
    /// A list.
    case sequence([YAMLNode])
    /// Members in their order; keys are texts, each there once.
    case mapping([Entry])
  }

  /// A member of a mapping.
  struct Entry: Sendable {
    /// The key: a scalar.
    var key: YAMLNode
    /// Its value.
    var value: YAMLNode

    /// The key's text.
    var name: String { key.text ?? "" }
  }

  /// The value.
  var content: Content
  /// The text that it stands in; its folder is the one that paths in this node are relative to.
  var source: SourceText
  /// 1 for the first line.
  var line: Int
  /// 1 for the first character.
  var column: Int
  /// The line of the end.
  var endLine: Int
  /// The column after the last character.
  var endColumn: Int
  /// True for `{…}` and `[…]`.
  var isFlow = false
  /// True for `|` and `>`.
  var isBlockScalar = false

  /// The place of the first character.
  var location: SourceLocation { SourceLocation(file: source.name, line: line, column: column) }

  /// The text of a scalar.
  var text: String? { if case .scalar(let text, _) = content { text } else { nil } }

  /// The items of a list.
  var items: [YAMLNode]? { if case .sequence(let items) = content { items } else { nil } }

  /// The members of a mapping.
  var entries: [Entry]? { if case .mapping(let entries) = content { entries } else { nil } }

  /// The value of a key; nil when this is no mapping or lacks it.
  subscript(_ name: String) -> YAMLNode? {
    guard case .mapping(let entries) = content else { return nil }
    for index in entries.indices {
      if case .scalar(let text, _) = entries[index].key.content, text == name { return entries[index].value }
    }
    return nil
  }

  /// True for `null`, `~` and nothing at all, without quotes.
  var isNull: Bool { if case .scalar(let text, true) = content { Self.resolve(text) == .null } else { false } }

  /// What a plain text means: JSON's numbers, `true`, `false`, `null`, `~` and nothing; all else is a string. None of
  /// YAML 1.1's surprises (`no`, `0x1F`, `1_000`, `12:30`).
  static func resolve(_ text: String) -> JSON {
    switch text {
    case "", "~", "null": .null
    case "true": .bool(true)
    case "false": .bool(false)
    default: isNumber(text) ? .number(text) : .string(text)
    }
  }

  /// Whether a text is a number of JSON (RFC 8259 section 6).
  static func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    func digits() -> Int {
      let before = rest.count
      rest = rest.drop { $0 >= 0x30 && $0 <= 0x39 }
      return before - rest.count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let leadingZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0, !(leadingZero && whole > 1) else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard digits() > 0 else { return false }
    }
    if let e = rest.first, e == UInt8(ascii: "e") || e == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
      guard digits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  /// The node as a JSON value; numbers keep their text.
  var json: JSON {
    switch content {
    case .scalar(let text, let isPlain): isPlain ? Self.resolve(text) : .string(text)
    case .sequence(let items): .array(items.map(\.json))
    case .mapping(let entries): .object(entries.map { JSON.Member($0.name, $0.value.json) })
    }
  }

  /// What this is, for "expected a list, found the number 3".
  var described: String {
    switch content {
    case .sequence: "a list"
    case .mapping: "a mapping"
    case .scalar:
      switch json {
      case .null: "nothing"
      case .bool(let value): "the truth value \(value)"
      case .number(let text): text.utf8.count > 40 ? "a number" : "the number \(text)"
      case .string(let text): text.utf8.count > 40 ? "a text" : "the text '\(Mistakes.shown(text))'"
      default: "a text"
      }
    }
  }

  /// How many characters of the first line belong to this node.
  var length: Int {
    if line == endLine { return max(1, endColumn - column) }
    return max(1, source.line(line).unicodeScalars.count - column + 1)
  }

  /// The place of a piece of this scalar's text, which begins at `offset` (in bytes) of it: the n-th occurrence of the
  /// piece in the text is the n-th in the source. Escapes and folded lines do not matter, because a placeholder is
  /// written in one piece; where the source does hold another number of occurrences (an escape inside a placeholder),
  /// it is the place of the scalar.
  func location(of piece: String, at offset: Int) -> SourceLocation {
    var start = source.offset(line: line, column: column)
    let end = source.offset(line: endLine, column: endColumn)
    // The header of a block scalar may hold a comment.
    if isBlockScalar, line < source.lineStarts.count { start = source.lineStarts[line] }
    guard start < end else { return location }
    let piece = Array(piece.utf8)
    let written = Self.occurrences(of: piece, in: source.bytes[start..<end])
    let meant = Self.occurrences(of: piece, in: Array((text ?? "").utf8)[...])
    guard written.count == meant.count, let ordinal = meant.firstIndex(of: offset) else { return location }
    return source.location(offset: written[ordinal])
  }

  /// The offsets at which `piece` begins in `text`.
  static func occurrences(of piece: [UInt8], in text: ArraySlice<UInt8>) -> [Int] {
    guard let first = piece.first, text.count >= piece.count else { return [] }
    var found: [Int] = []
    for i in text.startIndex...(text.endIndex - piece.count)
    where text[i] == first && text[i..<(i + piece.count)].elementsEqual(piece) {
      found.append(i)
    }
    return found
  }
}
