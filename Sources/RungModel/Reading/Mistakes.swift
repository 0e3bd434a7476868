import RungCore

/// What is wrong with a project, gathered while it is read. A reference, so that every reader adds to one list; it
/// never leaves the thread and the call that made it.
final class Mistakes {
  private(set) var errors: [Diagnostic] = []
  /// How many more there were than `limit`.
  private(set) var unsaid = 0
  private(set) var warnings: [Diagnostic] = []
  // Defaults and steps taken by `uses` are read once for each step; what is wrong with them is said once.
  private var said: Set<Said> = []

  /// More mistakes than this come from one cause, and nobody reads them.
  static let limit = 1000

  /// Whether further mistakes are only counted.
  var isFull: Bool { errors.count >= Self.limit }

  // How many bytes may be read to find the exact places of placeholders, all together.
  private var searchable = 100_000_000

  /// The place of a placeholder; that of the whole text when finding many places in long texts would take too long.
  func place(of placeholder: Placeholder, in node: YAMLNode) -> SourceLocation {
    guard searchable > 0, !isFull else { return node.location }
    searchable -= (node.text ?? "").utf8.count + 1
    return node.location(of: placeholder.braced, at: placeholder.offset)
  }

  // The step that is read, if it uses another.
  private var use: Use?
  // What is wrong with texts that steps took over: a mistake of the step that uses, unless the used step has it, too.
  private var taken: [Taken] = []

  private struct Taken {
    var use: Use
    var said: Said
    var notes: [String]
  }

  /// Reads a step, blaming it for what is wrong with the texts that it takes over by `uses`.
  func blaming<T>(_ use: Use?, _ read: () -> T) -> T {
    self.use = use
    defer { self.use = nil }
    return read()
  }

  /// Whether a text was taken over by the step that is read.
  func isTaken(_ node: YAMLNode) -> Bool { use?.took(node.location) ?? false }

  /// How many mistakes there are so far, about.
  var count: Int { errors.count + taken.count }

  /// Tells what could not be told before every step was read.
  func settle() {
    struct Owned: Hashable {
      var step: String
      var said: Said
    }
    let owned = Set(taken.map { Owned(step: "\($0.use.pipeline)/\($0.use.step)", said: $0.said) })
    let direct = said
    for mistake in taken {
      let use = mistake.use
      let base = Owned(step: "\(use.base.pipeline)/\(use.base.step)", said: mistake.said)
      if direct.contains(mistake.said) || use.base.pipeline == use.pipeline && owned.contains(base) { continue }
      let place = mistake.said.location.map { ["the place in \(use.text) is \($0)"] } ?? []
      error(use.told(mistake.said.message), at: use.key, notes: place + mistake.notes)
    }
    taken = []
  }

  private struct Said: Hashable {
    var location: SourceLocation?
    var message: String
  }

  /// The mistakes, and a last one that tells how many there are beyond the limit.
  var all: [Diagnostic] {
    unsaid == 0
      ? errors : errors + [Diagnostic(.error, "and \(unsaid) more mistakes; only the first \(Self.limit) are shown")]
  }

  /// A mistake at a place, or at none.
  func error(
    _ message: String, at location: SourceLocation? = nil, line: String? = nil, length: Int = 1, notes: [String] = []
  ) {
    if let use, let location, use.took(location) {
      // Beyond that many nobody reads on; those that are kept stop the run.
      if taken.count < Self.limit * 10 {
        taken.append(Taken(use: use, said: Said(location: location, message: message), notes: notes))
      }
      return
    }
    guard said.insert(Said(location: location, message: message)).inserted else { return }
    guard !isFull else {
      unsaid += 1
      return
    }
    errors.append(
      Diagnostic(.error, message, at: location, sourceLine: line, length: length, notes: notes))
  }

  /// A mistake in a node.
  func error(_ message: String, at node: YAMLNode, notes: [String] = []) {
    error(message, at: node.location, line: node.source.shownLine(node.line), length: node.length, notes: notes)
  }

  /// A mistake in a node, with the nearest of the names that would be right.
  func error(_ message: String, at node: YAMLNode, name: String, among names: [String], of what: String) {
    error(message, at: node, notes: [Self.suggestion(name, among: names, of: what)].compactMap { $0 })
  }

  /// Something of the wrong kind: `expected a list for 'over', found the number 3`.
  func expected(_ what: String, for key: String, found node: YAMLNode) {
    var notes: [String] = []
    if node.isFlow, let only = node.entries?.first, node.entries?.count == 1, only.value.isNull {
      notes.append("a text that begins with '{' needs quotes: \"{\(only.name)}…\"")
    }
    error("expected \(what) for '\(key)', found \(node.described)", at: node, notes: notes)
  }

  /// Something worth saying that stops nothing.
  func warning(_ message: String, at node: YAMLNode, notes: [String] = []) {
    warnings.append(
      Diagnostic(
        .warning, message, at: node.location, sourceLine: node.source.shownLine(node.line), length: node.length,
        notes: notes))
  }

  /// The nearest name; none for a single letter, which is near to every other.
  static func near(_ name: String, among names: some Sequence<String>) -> String? {
    name.unicodeScalars.count > 1 ? nearest(name, among: names) : nil
  }

  /// `2 values`, `1 value`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// A text in a message, control characters shown as `?`.
  static func shown(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }

  /// `did you mean 'x'?`, or the list of what there is when nothing is near.
  static func suggestion(_ name: String, among names: [String], of what: String) -> String? {
    if let near = near(name, among: names) { return "did you mean '\(near)'?" }
    if names.isEmpty { return "there are no \(what)" }
    return "\(what): \(listed(names))"
  }

  /// The first dozen of names.
  static func listed(_ names: [String]) -> String {
    "\(names.prefix(12).joined(separator: ", "))\(names.count > 12 ? ", …" : "")"
  }
}
