/// A place in a file, as an editor counts: the first line is 1, the first character of a line is column 1.
public struct SourceLocation: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The file's path as the user knows it (relative to the project).
  public let file: String
  /// 1 for the first line.
  public let line: Int
  /// 1 for the first character (Unicode scalar) of the line.
  public let column: Int

  /// A place in a file.
  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `file:line:column`, which editors and terminals can follow.
  public var description: String { "\(file):\(line):\(column)" }

  /// By file, line and column.
  public static func < (a: SourceLocation, b: SourceLocation) -> Bool {
    (a.file, a.line, a.column) < (b.file, b.line, b.column)
  }
}

/// One mistake, told as a compiler tells it: where, what, the line with a caret, and what to do.
public struct Diagnostic: Hashable, Sendable {
  /// How bad it is.
  public enum Severity: String, Hashable, Sendable {
    /// Nothing runs.
    case error
    /// Said once; the run goes on.
    case warning
  }

  /// An error stops the command; a warning does not.
  public var severity: Severity
  /// What is wrong, naming the thing. One sentence without a full stop.
  public var message: String
  /// Where it is, when it has a place.
  public var location: SourceLocation?
  /// The text of the line at `location`, without its line break.
  public var sourceLine: String?
  /// How many characters from the column on are meant; at least 1.
  public var length: Int
  /// What was expected, the nearest name, what to do next: each a line of its own.
  public var notes: [String]

  /// A diagnostic. See the properties for the meaning of each part.
  public init(
    _ severity: Severity = .error, _ message: String, at location: SourceLocation? = nil, sourceLine: String? = nil,
    length: Int = 1, notes: [String] = []
  ) {
    self.severity = severity
    self.message = message
    self.location = location
    self.sourceLine = sourceLine
    self.length = max(1, length)
    self.notes = notes
  }

  /// Several lines for people, ending without a line break:
  ///
  ///     pipelines/x/pipeline.yaml:7:5: error: unknown key 'ouputs' in step 'fit'
  ///       7 |     ouputs: {metrics: fit.json}
  ///         |     ^~~~~~
  ///       did you mean 'outputs'?
  ///
  /// Control characters in the source line are shown as `?`; long lines are cut around the column.
  public var rendered: String {
    var out = location.map { "\($0): " } ?? ""
    out += "\(severity.rawValue): \(message)"
    if let location, let sourceLine {
      let number = String(location.line)
      let margin = String(repeating: " ", count: number.count)
      let (shown, column) = Self.window(sourceLine, column: location.column, width: 110)
      let room = max(1, min(length, shown.count - column + 1))
      out += "\n  \(number) | \(shown)"
      out += "\n  \(margin) | \(String(repeating: " ", count: column - 1))^"
      out += String(repeating: "~", count: room - 1)
    }
    for note in notes { out += "\n  \(note)" }
    return out
  }

  // The part of the line around the column, one printable character for each of its scalars.
  private static func window(_ line: String, column: Int, width: Int) -> (shown: String, column: Int) {
    let scalars = line.unicodeScalars.map { scalar -> Character in
      scalar == "\t" ? " " : (scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? "?" : Character(scalar))
    }
    let column = max(1, min(column, scalars.count + 1))
    guard scalars.count > width else { return (String(scalars), column) }
    let start = max(0, min(column - 1 - width / 3, scalars.count - width))
    let cut = scalars[start..<min(scalars.count, start + width)]
    let prefix = start > 0 ? "…" : ""
    let suffix = start + width < scalars.count ? "…" : ""
    return (prefix + String(cut) + suffix, column - start + prefix.count)
  }
}

/// All mistakes of a request, thrown together.
public struct Diagnostics: Error, Sendable, CustomStringConvertible {
  /// In the order of file, line and column.
  public let items: [Diagnostic]

  /// Sorts the items by place; those without one come first.
  public init(_ items: [Diagnostic]) {
    self.items = items.enumerated().sorted { a, b in
      switch (a.element.location, b.element.location) {
      case (nil, nil): a.offset < b.offset
      case (nil, _): true
      case (_, nil): false
      case (let x?, let y?): x == y ? a.offset < b.offset : x < y
      }
    }.map(\.element)
  }

  /// One mistake.
  public init(_ message: String, at location: SourceLocation? = nil, notes: [String] = []) {
    self.init([Diagnostic(.error, message, at: location, notes: notes)])
  }

  /// Every item rendered, with an empty line between them.
  public var description: String { items.map(\.rendered).joined(separator: "\n\n") }
}
