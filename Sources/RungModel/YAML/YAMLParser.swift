import CYaml
import RungCore

/// Turns the events of libyaml into nodes, within limits that no honest file comes near.
struct YAMLParser {
  /// How deep lists and mappings may be nested.
  static let depthLimit = 200
  /// How many nodes may come in through aliases, all together.
  static let aliasLimit = 100_000

  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let source: SourceText
  private let mistakes: Mistakes
  private var anchors: [String: Anchor] = [:]
  private var aliased = 0

  // What an alias stands for. `node` is nil while the anchored value is still being read.
  private struct Anchor {
    var node: YAMLNode?
    var size = 0
    var depth = 0
  }

  // A node with how many nodes and levels it holds, aliases counted as what they stand for.
  private struct Built {
    var node: YAMLNode
    var size: Int
    var depth: Int
  }

  // Thrown after the mistake was recorded.
  private struct Stop: Error {}

  /// The one document of a text; nil after a mistake, which is recorded. An empty text is a null.
  static func parse(_ source: SourceText, mistakes: Mistakes) -> YAMLNode? {
    // libyaml keeps a pointer to the parser inside the parser, so it needs an address of its own.
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    defer { parser.deallocate() }
    guard yaml_parser_initialize(parser) == 1 else {
      mistakes.error("no memory to read \(source.name)")
      return nil
    }
    defer { yaml_parser_delete(parser) }
    return source.bytes.withUnsafeBufferPointer { bytes in
      yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
      yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      var reader = YAMLParser(parser: parser, source: source, mistakes: mistakes)
      do throws(Stop) { return try reader.document() } catch { return nil }
    }
  }

  private init(parser: UnsafeMutablePointer<yaml_parser_t>, source: SourceText, mistakes: Mistakes) {
    self.parser = parser
    self.source = source
    self.mistakes = mistakes
  }

  private mutating func document() throws(Stop) -> YAMLNode {
    var root = YAMLNode(
      content: .scalar("", isPlain: true), source: source, line: 1, column: 1, endLine: 1, endColumn: 1)
    var documents = 0
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      switch event.type {
      case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: break
      case YAML_STREAM_END_EVENT: return root
      case YAML_DOCUMENT_START_EVENT:
        documents += 1
        if documents > 1 {
          throw stop(
            "a second document begins here", at: event.start_mark, notes: ["one file holds one document: remove '---'"])
        }
      default: root = try node(event, depth: 0).node
      }
    }
  }

  private mutating func node(_ event: yaml_event_t, depth: Int) throws(Stop) -> Built {
    if depth > Self.depthLimit {
      throw stop("nested more than \(Self.depthLimit) levels deep", at: event.start_mark)
    }
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      var node = make(.scalar(text, isPlain: scalar.plain_implicit != 0), event)
      node.isBlockScalar = scalar.style == YAML_LITERAL_SCALAR_STYLE || scalar.style == YAML_FOLDED_SCALAR_STYLE
      try refuse(tag: scalar.tag, event)
      let built = Built(node: node, size: 1, depth: 0)
      remember(scalar.anchor, built)
      return built
    case YAML_ALIAS_EVENT: return try alias(event, depth: depth)
    case YAML_SEQUENCE_START_EVENT: return try sequence(event, depth: depth)
    case YAML_MAPPING_START_EVENT: return try mapping(event, depth: depth)
    default: throw stop("this is no value", at: event.start_mark)
    }
  }

  private mutating func sequence(_ start: yaml_event_t, depth: Int) throws(Stop) -> Built {
    let head = start.data.sequence_start
    try refuse(tag: head.tag, start)
    open(head.anchor)
    var items: [YAMLNode] = []
    var built = Built(node: make(.sequence([]), start), size: 1, depth: 0)
    built.node.isFlow = head.style == YAML_FLOW_SEQUENCE_STYLE
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      if event.type == YAML_SEQUENCE_END_EVENT {
        end(&built.node, event)
        break
      }
      let item = try node(event, depth: depth + 1)
      items.append(item.node)
      built.size += item.size
      built.depth = max(built.depth, item.depth + 1)
    }
    built.node.content = .sequence(items)
    remember(head.anchor, built)
    return built
  }

  private mutating func mapping(_ start: yaml_event_t, depth: Int) throws(Stop) -> Built {
    let head = start.data.mapping_start
    try refuse(tag: head.tag, start)
    open(head.anchor)
    var entries: [YAMLNode.Entry] = []
    var places: [String: Int] = [:]
    var merged: [YAMLNode.Entry] = []
    var built = Built(node: make(.mapping([]), start), size: 1, depth: 0)
    built.node.isFlow = head.style == YAML_FLOW_MAPPING_STYLE
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      if event.type == YAML_MAPPING_END_EVENT {
        end(&built.node, event)
        break
      }
      let key = try node(event, depth: depth + 1)
      var valueEvent = try next()
      defer { yaml_event_delete(&valueEvent) }
      let value = try node(valueEvent, depth: depth + 1)
      built.size += key.size + value.size
      built.depth = max(built.depth, value.depth + 1)
      guard case .scalar(let name, let isPlain) = key.node.content else {
        mistakes.error(
          "a key must be a text, found \(key.node.described)", at: key.node,
          notes: ["a text that begins with '{' or '[' needs quotes"])
        continue
      }
      if name == "<<", isPlain {
        merged += merge(value.node)
      } else if let first = places[name] {
        mistakes.error(
          "the key '\(name)' is here twice", at: key.node,
          notes: ["first at \(entries[first].key.location)"])
      } else {
        places[name] = entries.count
        entries.append(YAMLNode.Entry(key: key.node, value: value.node))
      }
    }
    // What is written out wins over what is merged in; of several merged mappings the first wins.
    for entry in merged where places[entry.name] == nil {
      places[entry.name] = entries.count
      entries.append(entry)
    }
    built.node.content = .mapping(entries)
    remember(head.anchor, built)
    return built
  }

  private func merge(_ node: YAMLNode) -> [YAMLNode.Entry] {
    if let entries = node.entries { return entries }
    if let items = node.items, items.allSatisfy({ $0.entries != nil }) { return items.flatMap { $0.entries ?? [] } }
    mistakes.expected("a mapping or a list of mappings", for: "<<", found: node)
    return []
  }

  private mutating func alias(_ event: yaml_event_t, depth: Int) throws(Stop) -> Built {
    let name = text(event.data.alias.anchor)
    guard let anchor = anchors[name] else {
      throw stop("there is no anchor '&\(name)' above this alias", at: event.start_mark, length: name.count + 1)
    }
    guard let node = anchor.node else {
      throw stop("the alias '*\(name)' contains itself", at: event.start_mark, length: name.count + 1)
    }
    aliased += anchor.size
    if aliased > Self.aliasLimit {
      throw stop(
        "aliases expand to more than \(Self.aliasLimit) values", at: event.start_mark, length: name.count + 1)
    }
    if depth + anchor.depth > Self.depthLimit {
      throw stop("nested more than \(Self.depthLimit) levels deep", at: event.start_mark, length: name.count + 1)
    }
    return Built(node: node, size: anchor.size, depth: anchor.depth)
  }

  private mutating func open(_ anchor: UnsafeMutablePointer<yaml_char_t>?) {
    if anchor != nil { anchors[text(anchor)] = Anchor(node: nil) }
  }

  private mutating func remember(_ anchor: UnsafeMutablePointer<yaml_char_t>?, _ built: Built) {
    if anchor != nil { anchors[text(anchor)] = Anchor(node: built.node, size: built.size, depth: built.depth) }
  }

  private func refuse(tag: UnsafeMutablePointer<yaml_char_t>?, _ event: yaml_event_t) throws(Stop) {
    guard tag != nil else { return }
    throw stop("a tag (\(text(tag))) is not allowed", at: event.start_mark, notes: ["remove it; quote a text instead"])
  }

  private func next() throws(Stop) -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
    return event
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }

  private func make(_ content: YAMLNode.Content, _ event: yaml_event_t) -> YAMLNode {
    YAMLNode(
      content: content, source: source, line: event.start_mark.line + 1, column: event.start_mark.column + 1,
      endLine: event.end_mark.line + 1, endColumn: event.end_mark.column + 1)
  }

  private func end(_ node: inout YAMLNode, _ event: yaml_event_t) {
    node.endLine = event.end_mark.line + 1
    node.endColumn = event.end_mark.column + 1
  }

  private func stop(_ message: String, at mark: yaml_mark_t, length: Int = 1, notes: [String] = []) -> Stop {
    let place = SourceLocation(file: source.name, line: mark.line + 1, column: mark.column + 1)
    mistakes.error(message, at: place, line: source.shownLine(place.line), length: length, notes: notes)
    return Stop()
  }

  private func syntaxError() -> Stop {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not valid YAML"
    let context = parser.pointee.context.map { String(cString: $0) }
    let mark = parser.pointee.problem_mark
    let line = source.line(mark.line + 1)
    let indentation = line.prefix { $0 == " " || $0 == "\t" }
    if let tab = indentation.firstIndex(of: "\t") {
      var place = mark
      place.column = line.distance(from: line.startIndex, to: tab)
      return stop("a tab cannot indent a line of YAML", at: place, notes: ["use spaces"])
    }
    if context == "while scanning a quoted scalar", problem == "found unexpected end of stream" {
      return stop("the quote that opens here is never closed", at: parser.pointee.context_mark)
    }
    // `run: {code} --all`: YAML takes the brace for a mapping.
    let before = line.unicodeScalars.prefix(mark.column)
    if let brace = before.lastIndex(of: "{"), before[brace...].contains("}"),
      let last = before[..<brace].last(where: { $0 != " " }), last == ":" || last == "-"
    {
      var place = mark
      place.column = before.distance(from: before.startIndex, to: brace)
      return stop(
        "a text that begins with '{' needs quotes", at: place,
        notes: ["put the text into quotes, or on lines of its own below '|'"])
    }
    let told = SyntaxAdvice.tell(problem, context: context)
    return stop(told.message, at: mark, notes: told.notes)
  }
}
