/// How many instances stand how.
public struct StateCounts: Hashable, Sendable {
  /// Their results are in the cache.
  public var current: Int
  /// Something that their keys cover has changed, or they have never run.
  public var wouldRun: Int
  /// Something that they need would run first.
  public var undecided: Int
  /// Of those that are not up to date, the ones that failed when they last ran.
  public var failed: Int

  /// Counts, all zero by default.
  public init(current: Int = 0, wouldRun: Int = 0, undecided: Int = 0, failed: Int = 0) {
    self.current = current
    self.wouldRun = wouldRun
    self.undecided = undecided
    self.failed = failed
  }

  var total: Int { current + wouldRun + undecided }

  static func + (a: StateCounts, b: StateCounts) -> StateCounts {
    StateCounts(
      current: a.current + b.current, wouldRun: a.wouldRun + b.wouldRun, undecided: a.undecided + b.undecided,
      failed: a.failed + b.failed)
  }

  /// One word for all of them together.
  var state: InstanceState {
    if failed > 0 { return .failed }
    if current == total { return .current }
    return undecided > 0 && wouldRun == 0 ? .undecided : .wouldRun
  }
}

/// How an instance stands.
public enum InstanceState: Int, Hashable, Sendable, CaseIterable {
  /// Its result is in the cache.
  case current
  /// It would run.
  case wouldRun
  /// It depends on what comes out of others that would run.
  case undecided
  /// It failed when it last ran.
  case failed

  /// For people.
  var words: String {
    switch self {
    case .current: "up to date"
    case .wouldRun: "would run"
    case .undecided: "waits for others"
    case .failed: "failed"
    }
  }

  /// A class of the style sheet.
  var style: String {
    switch self {
    case .current: "good"
    case .wouldRun: "due"
    case .undecided: "open"
    case .failed: "bad"
    }
  }
}

/// What a report says of a step.
public struct StepValues: Sendable {
  /// `pipeline/step`.
  public var path: String
  /// Its pipeline.
  public var pipeline: String
  /// Its name in the pipeline.
  public var name: String
  /// False for a step of another pipeline.
  public var isOwn: Bool
  /// `data`, `train`, …; nil when not said.
  public var kind: String?
  /// The axes it runs over, with how many values they have.
  public var axes: [(name: String, count: Int)]
  /// How its instances stand.
  public var counts: StateCounts
  /// The command as declared.
  public var command: String
  /// The names of its outputs.
  public var outputs: [String]
  /// The files of the project that it read when it last ran.
  public var sources: [TextReference]
  /// The logs of some instances, failed ones first.
  public var logs: [TextReference]
  /// What some instances told of while they ran.
  public var courses: [CourseValues]
  /// How long its results took to make in all, in nanoseconds.
  public var duration: Int64
  /// The instances one by one; nil for a step of another pipeline.
  public var table: MetricTable?

  /// A step.
  public init(path: String, pipeline: String, name: String, isOwn: Bool, kind: String?, command: String) {
    self.path = path
    self.pipeline = pipeline
    self.name = name
    self.isOwn = isOwn
    self.kind = kind
    self.command = command
    axes = []
    counts = StateCounts()
    outputs = []
    sources = []
    logs = []
    courses = []
    duration = 0
    table = nil
  }

  /// Its name in pages.
  var id: String { "step-" + Slug.of(isOwn ? name : path) }

  /// `20 × 12`, or nothing for a step without axes.
  var axesText: String { axes.map { "\($0.name) × \($0.count)" }.joined(separator: ", ") }
}

/// A claim and how it came out.
public struct ClaimValues: Hashable, Sendable {
  /// The name within its pipeline.
  public var name: String
  /// The sentence that it stands for.
  public var says: String?
  /// What theory says, for people.
  public var predicted: String
  /// What was measured, with its interval.
  public var measured: String
  /// How far they may lie apart.
  public var tolerance: String
  /// `holds`, `breaks`, `undecided`, `error`, or `not judged`.
  public var verdict: String
  /// `holds` or `breaks`.
  public var expected: String
  /// What is to be said of it: why it came out otherwise.
  public var note: String?
  /// Its cells, when it is evaluated at several places.
  public var cells: [Cell]
  /// The record of the judgement, in full; nil when there is none.
  public var record: String?

  /// A place at which a claim was evaluated.
  public struct Cell: Hashable, Sendable {
    /// The axes.
    public var place: String
    /// What theory says.
    public var predicted: String
    /// What was measured.
    public var measured: String
    /// How it came out.
    public var verdict: String

    /// A place.
    public init(place: String, predicted: String, measured: String, verdict: String) {
      self.place = place
      self.predicted = predicted
      self.measured = measured
      self.verdict = verdict
    }
  }

  /// A claim.
  public init(
    name: String, says: String?, predicted: String, measured: String, tolerance: String, verdict: String,
    expected: String, note: String? = nil, cells: [Cell] = [], record: String? = nil
  ) {
    self.name = name
    self.says = says
    self.predicted = predicted
    self.measured = measured
    self.tolerance = tolerance
    self.verdict = verdict
    self.expected = expected
    self.note = note
    self.cells = cells
    self.record = record
  }

  var isAsExpected: Bool { verdict == expected }
}
