/// Where published files come from: one execution and all that is behind it.
public struct LineageValues: Sendable {
  /// The files that it published, pictures first.
  public var figures: [FigureValues]
  /// Published files that are no pictures.
  public var files: [FileValues]
  /// The pipeline of the execution.
  public var pipeline: String
  /// The instance.
  public var instance: String
  /// Its record, in full.
  public var record: String
  /// Facts of the execution: when, where, by which run, from which commit.
  public var facts: [NamedText]
  /// The run, when it has a page.
  public var run: String?
  /// How far all of it was watched, a sentence each; the first is the weakest level.
  public var watch: [String]
  /// What cannot be known, a sentence each.
  public var gaps: [String]
  /// Every step behind it, makers first.
  public var steps: [Step]
  /// Which step uses which, by their places.
  public var uses: [StepUse]
  /// Every file of the project behind it.
  public var sources: [Source]
  /// Environments and programs.
  public var machinery: [NamedText]
  /// The whole of it as text.
  public var text: String

  /// A lineage of which the head is known.
  public init(pipeline: String, instance: String, record: String) {
    self.pipeline = pipeline
    self.instance = instance
    self.record = record
    figures = []
    files = []
    facts = []
    run = nil
    watch = []
    gaps = []
    steps = []
    uses = []
    sources = []
    machinery = []
    text = ""
  }

  /// All executions of one step.
  public struct Step: Sendable {
    /// `pipeline/step`.
    public var path: String
    /// How many executions, and over which axes.
    public var instances: String
    /// `data`, `train`, …
    public var kind: String?
    /// How many executions.
    public var executions: Int
    /// Facts: parameters, durations, hosts, commits, environment, how far watched, what verifications found.
    public var facts: [NamedText]
    /// The commands as declared.
    public var commands: [String]
    /// The files of the project that they read.
    public var sources: [TextReference]
    /// Some of what they printed.
    public var logs: [TextReference]
    /// The word for what verifications found; nil when there was none.
    public var verified: String?

    /// A step.
    public init(path: String, instances: String, kind: String?, executions: Int) {
      self.path = path
      self.instances = instances
      self.kind = kind
      self.executions = executions
      facts = []
      commands = []
      sources = []
      logs = []
      verified = nil
    }

    var id: String { "step-" + Slug.of(path) }
  }

  /// A file of the project.
  public struct Source: Hashable, Sendable {
    /// The file.
    public var reference: TextReference
    /// `folder`, `lock file`, `observed`, …
    public var notes: [String]
    /// The steps that read it.
    public var usedBy: [String]

    /// A file.
    public init(reference: TextReference, notes: [String], usedBy: [String]) {
      self.reference = reference
      self.notes = notes
      self.usedBy = usedBy
    }
  }

  /// The page of the lineage of a record.
  static func path(record: String) -> String {
    "lineage/\(String(record.drop { $0 != ":" }.dropFirst().prefix(12))).html"
  }

  /// The first published file, or the instance.
  var title: String { figures.first?.path ?? files.first?.path ?? instance }
}
