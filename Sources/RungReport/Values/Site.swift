/// Everything that a report shows, as values. Whoever fills it has done all reading; what is made of it depends on nothing
/// else.
public struct Site: Sendable {
  /// The name of the project.
  public var project: String
  /// When the report was written, in nanoseconds since 1970: the only thing in it that is about now.
  public var written: Int64
  /// The version of Rung that wrote it.
  public var version: String
  /// In the order in which they are shown.
  public var pipelines: [PipelineValues]
  /// A page for each execution that made published files.
  public var lineages: [LineageValues]
  /// The newest first.
  public var runs: [RunValues]
  /// Runs that there are and that have no page.
  public var olderRuns: Int
  /// The texts that pages lead to: scripts and other sources, logs.
  public var texts: [TextValues]
  /// Whether a server shows it that also tells what runs now.
  public var isServed: Bool

  /// A report of nothing yet.
  public init(project: String, written: Int64, version: String) {
    self.project = project
    self.written = written
    self.version = version
    pipelines = []
    lineages = []
    runs = []
    olderRuns = 0
    texts = []
    isServed = false
  }
}

/// A name and what it stands for.
public struct NamedText: Hashable, Sendable {
  /// The name.
  public var name: String
  /// What it stands for.
  public var text: String

  /// A name and what it stands for.
  public init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

/// A text with a page of its own, such as a script as it was when it ran.
public struct TextValues: Hashable, Sendable {
  /// What it is.
  public enum Kind: Hashable, Sendable {
    /// A file of the project.
    case source
    /// What a step printed.
    case log
  }

  /// What it is.
  public var kind: Kind
  /// Its path in the project, or the name of the instance that printed it.
  public var name: String
  /// Its content, in full: `sha256:…`.
  public var digest: String
  /// Its lines.
  public var lines: [String]
  /// What was left out, a sentence; nil for nothing.
  public var leftOut: String?
  /// Sentences to show above it.
  public var notes: [String]

  /// A text.
  public init(
    kind: Kind, name: String, digest: String, lines: [String], leftOut: String? = nil, notes: [String] = []
  ) {
    self.kind = kind
    self.name = name
    self.digest = digest
    self.lines = lines
    self.leftOut = leftOut
    self.notes = notes
  }

  /// Where it lies in the site.
  public var reference: TextReference { TextReference(kind: kind, name: name, digest: digest) }
}

/// A text that pages name, with or without a page of its own.
public struct TextReference: Hashable, Sendable {
  /// What it is.
  public var kind: TextValues.Kind
  /// Its path in the project, or the name of the instance that printed it.
  public var name: String
  /// Its content, in full: `sha256:…`.
  public var digest: String

  /// A text.
  public init(kind: TextValues.Kind, name: String, digest: String) {
    self.kind = kind
    self.name = name
    self.digest = digest
  }

  /// The first characters of the digest.
  var short: String { String(digest.drop { $0 != ":" }.dropFirst().prefix(12)) }

  /// Where its page lies in the site.
  var path: String {
    let last = name.split(separator: "/").last.map(String.init) ?? name
    return switch kind {
    case .source: "sources/\(short)-\(Slug.of(last)).html"
    case .log: "logs/\(short)-\(Slug.of(last)).html"
    }
  }
}
