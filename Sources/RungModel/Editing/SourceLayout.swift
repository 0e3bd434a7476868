import RungCore

/// What stands between the nodes of a YAML text: indentation, commas, comments, breaks of lines.
struct SourceLayout {
  /// The text.
  let source: SourceText

  private var bytes: [UInt8] { source.bytes }

  // MARK: nodes

  /// Where a node begins. For one with an anchor that is the anchor's place, for an alias the place of what it stands
  /// for.
  func start(of node: YAMLNode) -> Int { source.offset(line: node.line, column: node.column) }

  /// The members that are written in a mapping itself, in the order of the text; not those that `<<` brings.
  func ownEntries(of mapping: YAMLNode) -> [YAMLNode.Entry] {
    let span = start(of: mapping)..<rawEnd(of: mapping)
    return (mapping.entries ?? []).filter { span.contains(start(of: $0.key)) }
      .sorted { start(of: $0.key) < start(of: $1.key) }
  }

  /// Whether the value is written at its key: it is no alias.
  func isOwn(_ entry: YAMLNode.Entry) -> Bool { start(of: entry.value) >= rawEnd(of: entry.key) }

  /// The offset after the last character of a member; nil when it cannot be told.
  func end(of entry: YAMLNode.Entry) -> Int? {
    let key = rawEnd(of: entry.key)
    return isOwn(entry) ? end(of: entry.value) : aliasEnd(after: key)
  }

  /// The places of the items that are written in a list; nil when they cannot be told.
  func items(of list: YAMLNode) -> [Range<Int>]? {
    var places: [Range<Int>] = []
    var at = start(of: list)
    for item in list.items ?? [] {
      let begin = start(of: item)
      if begin >= at, begin < rawEnd(of: list) {
        guard let end = end(of: item) else { return nil }
        places.append(begin..<end)
      } else {
        guard let star = aliasStart(after: at), let end = aliasEnd(after: at) else { return nil }
        places.append(star..<end)
      }
      at = places.last?.upperBound ?? at
    }
    return places
  }

  // Where libyaml ends a node: a block collection where the next thing begins.
  private func rawEnd(of node: YAMLNode) -> Int { source.offset(line: node.endLine, column: node.endColumn) }

  /// The offset after the last character of a node that is no alias; nil when it cannot be told.
  func end(of node: YAMLNode) -> Int? {
    switch node.content {
    case .scalar(let text, _):
      let end = rawEnd(of: node)
      return node.isBlockScalar ? blockScalarEnd(text, start: start(of: node), end) : end
    case .mapping:
      if node.isFlow { return rawEnd(of: node) }
      return ownEntries(of: node).last.flatMap(end)
    case .sequence:
      if node.isFlow { return rawEnd(of: node) }
      return items(of: node)?.last?.upperBound
    }
  }

  // Empty lines behind a block belong to it only where it keeps them.
  private func blockScalarEnd(_ text: String, start: Int, _ end: Int) -> Int {
    var end = end
    if text.hasSuffix("\n\n") { return end }
    while case let line = lineIndex(of: end), line > 0, source.lineStarts[line] == end,
      bytes[source.lineStarts[line - 1]..<end].allSatisfy(Self.isBlank), source.lineStarts[line - 1] > start
    {
      end = source.lineStarts[line - 1]
    }
    return end
  }

  private func aliasStart(after offset: Int) -> Int? {
    var at = offset
    while at < bytes.count {
      at = skip(from: at)
      guard at < bytes.count else { return nil }
      if bytes[at] == UInt8(ascii: "*") { return at }
      guard ",:-?[{".utf8.contains(bytes[at]) else { return nil }
      at += 1
    }
    return nil
  }

  private func aliasEnd(after offset: Int) -> Int? {
    guard let star = aliasStart(after: offset) else { return nil }
    return bytes[(star + 1)...].firstIndex { !Names.isPart($0) } ?? bytes.count
  }

  // MARK: lines

  /// White space and breaks of lines that are one byte long.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

  /// The offset of the next byte that is neither white space nor part of a comment; the end of the text if none is.
  func skip(from offset: Int) -> Int {
    var at = offset
    while at < bytes.count {
      if Self.isBlank(bytes[at]) {
        at += 1
      } else if bytes[at] == UInt8(ascii: "#") {
        at = lineEnd(at)
      } else {
        return at
      }
    }
    return at
  }

  /// The line that an offset is in, 0 for the first.
  func lineIndex(of offset: Int) -> Int { source.location(offset: offset).line - 1 }

  /// Where the line of an offset begins.
  func lineStart(_ offset: Int) -> Int { source.lineStarts[lineIndex(of: offset)] }

  /// Where the line of an offset ends, before its break.
  func lineEnd(_ offset: Int) -> Int { nextLine(offset) - lineBreak(before: nextLine(offset)).count }

  /// Where the line after that of an offset begins; the end of the text if there is none.
  func nextLine(_ offset: Int) -> Int {
    let next = lineIndex(of: offset) + 1
    return next < source.lineStarts.count ? source.lineStarts[next] : bytes.count
  }

  /// The break of lines that ends just before an offset; empty when none does.
  func lineBreak(before offset: Int) -> [UInt8] {
    for text in ["\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"] {
      let mark = Array(text.utf8)
      if offset >= mark.count, bytes[(offset - mark.count)..<offset].elementsEqual(mark) { return mark }
    }
    return []
  }

  /// How the text breaks the line of an offset, or else its first line.
  func lineBreak(at offset: Int) -> [UInt8] {
    let own = lineBreak(before: nextLine(offset))
    if !own.isEmpty { return own }
    let first = source.lineStarts.count > 1 ? lineBreak(before: source.lineStarts[1]) : []
    return first.isEmpty ? [0x0A] : first
  }

  /// What stands before an offset on its line.
  func prefix(of offset: Int) -> [UInt8] { Array(bytes[lineStart(offset)..<offset]) }
}
