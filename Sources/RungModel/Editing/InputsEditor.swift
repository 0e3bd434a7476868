import RungCore

/// Writes inputs into the text of a step, in the way in which its inputs are written already.
struct InputsEditor {
  /// An input ready to be written.
  struct Line {
    /// Nil for an item of a list.
    var name: String?
    /// The path or glob from the folder of the file.
    var text: String
    /// A path that would be taken for a glob.
    var isLiteral: Bool

    /// As a member of a mapping, or an item of a list.
    func written(_ style: ScalarText.Style, keys: ScalarText.Style = .plain) -> String {
      let scalar = ScalarText.written(text, style)
      let value = isLiteral ? "{path: \(scalar)}" : scalar
      return name.map { "\(ScalarText.written($0, keys)): \(value)" } ?? value
    }
  }

  let layout: SourceLayout
  /// The step as its pipeline writes it, without defaults and what it uses.
  let step: YAMLNode.Entry
  /// Where the names of steps begin: what a level of indentation is.
  let margin: Int
  /// The step has inputs that are not written in it.
  let inherits: Bool

  init(layout: SourceLayout, step: YAMLNode.Entry, inherits: Bool) {
    self.layout = layout
    self.step = step
    self.inherits = inherits
    margin = step.key.column
  }

  /// Whether the inputs are a list, which has no names.
  var isList: Bool { own("inputs")?.value.items != nil }

  private var bytes: [UInt8] { layout.source.bytes }

  private func own(_ key: String) -> YAMLNode.Entry? { layout.ownEntries(of: step.value).first { $0.name == key } }

  /// What has to be put where.
  func insertions(_ lines: [Line]) throws(CannotEdit) -> [Insertion] {
    guard step.value.entries != nil, layout.isOwn(step) else {
      throw CannotEdit(reason: "the step is not written out here")
    }
    guard let inputs = own("inputs") else {
      if inherits { throw CannotEdit(reason: "its inputs are not written in the step itself") }
      return try newInputs(lines)
    }
    guard layout.isOwn(inputs) else { throw CannotEdit(reason: "its inputs are an alias") }
    if inputs.value.isNull { return try instead(of: inputs, lines) }
    if inputs.value.items != nil { return try intoList(inputs.value, lines) }
    guard inputs.value.entries != nil else { throw CannotEdit(reason: "its inputs are neither a mapping nor a list") }
    return try intoMapping(inputs.value, lines)
  }

  // MARK: inputs that are there

  private func intoMapping(_ mapping: YAMLNode, _ lines: [Line]) throws(CannotEdit) -> [Insertion] {
    let entries = layout.ownEntries(of: mapping)
    let values = entries.filter { layout.isOwn($0) && $0.value.text != nil }.map { layout.start(of: $0.value) }
    let style = style(of: values)
    let keys = self.style(of: entries.map { layout.start(of: $0.key) })
    let texts = lines.map { $0.written(style, keys: keys) }
    guard let last = entries.last else {
      if mapping.isFlow { return try CollectionEditor(layout: layout).emptyFlow(at: layout.start(of: mapping), texts) }
      return try before(mapping, texts)
    }
    guard let end = layout.end(of: last) else { throw CannotEdit(reason: "it is not clear where its last input ends") }
    let editor = CollectionEditor(layout: layout)
    if mapping.isFlow { return try editor.flow(behind: layout.start(of: last.key)..<end, texts) }
    return [editor.block(below: end, texts, indent: spaces(last.key.column - 1))]
  }

  // A block with nothing but a merge: above it.
  private func before(_ mapping: YAMLNode, _ texts: [String]) throws(CannotEdit) -> [Insertion] {
    let start = layout.start(of: mapping)
    let prefix = layout.prefix(of: start)
    guard bytes[start...].starts(with: "<<".utf8), prefix.allSatisfy({ $0 == 0x20 }) else {
      throw CannotEdit(reason: "its inputs are merged in from elsewhere")
    }
    let nl = layout.lineBreak(at: start)
    return [Insertion(at: layout.lineStart(start), texts.flatMap { prefix + Array($0.utf8) + nl })]
  }

  private func intoList(_ list: YAMLNode, _ lines: [Line]) throws(CannotEdit) -> [Insertion] {
    guard let items = layout.items(of: list) else {
      throw CannotEdit(reason: "it is not clear where its last input ends")
    }
    let texts = lines.map { $0.written(style(of: items.map(\.lowerBound))) }
    let editor = CollectionEditor(layout: layout)
    guard let last = items.last else { return try editor.emptyFlow(at: layout.start(of: list), texts) }
    if list.isFlow { return try editor.flow(behind: last, texts) }
    // The dash as the last item has it; for one that is below its dash, as the first has it.
    var indent = layout.prefix(of: last.lowerBound)
    if !Self.isDash(indent) {
      let start = layout.start(of: list)
      guard bytes[start] == UInt8(ascii: "-") else {
        throw CannotEdit(reason: "it is not clear how its list is indented")
      }
      indent = layout.prefix(of: start) + Array("- ".utf8)
    }
    guard Self.isDash(indent) else { throw CannotEdit(reason: "it is not clear how its list is indented") }
    return [editor.block(below: last.upperBound, texts, indent: indent)]
  }

  private static func isDash(_ prefix: [UInt8]) -> Bool {
    let rest = prefix.drop { $0 == 0x20 }
    return rest.first == UInt8(ascii: "-") && rest.count > 1 && rest.dropFirst().allSatisfy { $0 == 0x20 }
  }

  // The quotes that all scalars at these places have.
  private func style(of starts: [Int]) -> ScalarText.Style {
    let marks = Set(starts.map { bytes[$0] })
    if marks == [UInt8(ascii: "\"")] { return .double }
    if marks == [UInt8(ascii: "'")] { return .single }
    return .plain
  }

  // MARK: inputs that are not there

  // A `null` is replaced, nothing at all is filled.
  private func instead(of inputs: YAMLNode.Entry, _ lines: [Line]) throws(CannotEdit) -> [Insertion] {
    let flow = Self.flow(lines)
    let start = layout.start(of: inputs.value)
    if let text = inputs.value.text, !text.isEmpty {
      guard bytes[start...].starts(with: text.utf8) else { throw CannotEdit(reason: "its inputs have an anchor") }
      return [Insertion(instead: start..<(start + text.utf8.count), Array(flow.utf8))]
    }
    let colon = layout.skip(from: layout.end(of: inputs.key) ?? bytes.count)
    guard colon < bytes.count, bytes[colon] == UInt8(ascii: ":"), layout.lineIndex(of: colon) == inputs.key.line - 1,
      bytes[(colon + 1)..<layout.lineEnd(colon)].first(where: { !SourceLayout.isBlank($0) }) != UInt8(ascii: "&")
    else { throw CannotEdit(reason: "it is not clear where its inputs begin") }
    if step.value.isFlow || wantsFlow(lines) { return [Insertion(at: colon + 1, Array(" \(flow)".utf8))] }
    let indent = spaces(inputs.key.column - 1 + level)
    return [
      CollectionEditor(layout: layout).block(below: colon, lines.map { $0.written(.plain) }, indent: indent)
    ]
  }

  private func newInputs(_ lines: [Line]) throws(CannotEdit) -> [Insertion] {
    let editor = CollectionEditor(layout: layout)
    let entries = layout.ownEntries(of: step.value)
    guard let place = entries.first(where: { $0.name == "run" }) ?? entries.last else {
      guard step.value.isFlow else { throw CannotEdit(reason: "the step has nothing of its own") }
      return try editor.emptyFlow(at: layout.start(of: step.value), ["inputs: \(Self.flow(lines))"])
    }
    guard let end = layout.end(of: place) else {
      throw CannotEdit(reason: "it is not clear where its '\(place.name)' ends")
    }
    if step.value.isFlow {
      let keys = style(of: entries.map { layout.start(of: $0.key) })
      let text = "\(ScalarText.written("inputs", keys)): \(Self.flow(lines))"
      return try editor.flow(behind: layout.start(of: place.key)..<end, [text])
    }
    var texts = ["inputs: \(Self.flow(lines))"]
    if !wantsFlow(lines) {
      let indent = String(repeating: " ", count: level)
      texts = ["inputs:"] + lines.map { indent + $0.written(.plain) }
    }
    return [editor.block(below: end, texts, indent: spaces(place.key.column - 1))]
  }

  private static func flow(_ lines: [Line]) -> String {
    lines.isEmpty || lines.contains { $0.name == nil }
      ? "[\(lines.map { $0.written(.plain) }.joined(separator: ", "))]"
      : "{\(lines.map { $0.written(.plain) }.joined(separator: ", "))}"
  }

  // As the outputs are written, unless the line would be too long.
  private func wantsFlow(_ lines: [Line]) -> Bool {
    if let outputs = own("outputs")?.value, outputs.entries != nil, !outputs.isFlow { return false }
    return Self.flow(lines).unicodeScalars.count <= 90
  }

  // How much deeper the members of a member of the step stand.
  private var level: Int {
    if let outputs = own("outputs"), !outputs.value.isFlow, layout.isOwn(outputs),
      let first = layout.ownEntries(of: outputs.value).first, first.key.column > outputs.key.column
    {
      return first.key.column - outputs.key.column
    }
    let first = layout.ownEntries(of: step.value).first?.key.column ?? 0
    return (1...8).contains(first - margin) ? first - margin : 2
  }

  private func spaces(_ count: Int) -> [UInt8] { [UInt8](repeating: 0x20, count: max(0, count)) }
}
