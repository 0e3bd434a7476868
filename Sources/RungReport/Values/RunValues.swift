/// What a report says of a run.
public struct RunValues: Sendable {
  /// One execution in it.
  public struct Execution: Hashable, Sendable {
    /// The instance.
    public var instance: String
    /// `pipeline/step`.
    public var step: String
    /// Nanoseconds after the start of the run.
    public var start: Int64
    /// In nanoseconds.
    public var duration: Int64
    /// Processor time, in nanoseconds; nil when the record does not have it.
    public var cpu: Int64?
    /// The most memory at once, in bytes; nil when the record does not have it.
    public var memory: Int64?
    /// `succeeded`, `failed`, …
    public var outcome: String
    /// The executions of the same run that it took something from, by their places in the list.
    public var needs: [Int]
    /// The contents of its outputs, the first characters of their digests.
    public var outputs: [String]

    /// An execution.
    public init(
      instance: String, step: String, start: Int64, duration: Int64, cpu: Int64?, memory: Int64?, outcome: String,
      needs: [Int] = [], outputs: [String] = []
    ) {
      self.instance = instance
      self.step = step
      self.start = start
      self.duration = duration
      self.cpu = cpu
      self.memory = memory
      self.outcome = outcome
      self.needs = needs
      self.outputs = outputs
    }

    var end: Int64 { start &+ duration }
  }

  /// Its name.
  public var id: String
  /// Nanoseconds since 1970.
  public var started: Int64
  /// Nanoseconds since 1970; nil when it was killed, or goes on.
  public var finished: Int64?
  /// The command line.
  public var arguments: String
  /// Instances executed.
  public var ran: Int64
  /// Instances whose result was in the cache.
  public var unchanged: Int64
  /// Of those, the ones whose published files were written back.
  public var restored: Int64
  /// Instances that failed.
  public var failed: Int64
  /// Instances not tried because of a failure.
  public var skipped: Int64
  /// Where, from which commit, with which changes to parameters.
  public var facts: [NamedText]
  /// What it executed, in the order in which it started.
  public var executions: [Execution]

  /// A run.
  public init(
    id: String, started: Int64, finished: Int64?, arguments: String, ran: Int64, unchanged: Int64, restored: Int64,
    failed: Int64, skipped: Int64, facts: [NamedText] = [], executions: [Execution] = []
  ) {
    self.id = id
    self.started = started
    self.finished = finished
    self.arguments = arguments
    self.ran = ran
    self.unchanged = unchanged
    self.restored = restored
    self.failed = failed
    self.skipped = skipped
    self.facts = facts
    self.executions = executions
  }

  /// Its page.
  static func path(_ id: String) -> String { "runs/\(Slug.of(id)).html" }
}
