import RungCore
import RungPlan

/// What a collection would free or has freed, and what is lost with it.
public struct CollectionReport: Sendable {
  /// A result whose bytes go.
  public struct Dropped: Sendable {
    /// The record, which stays.
    public let record: Digest
    /// The instance that made it.
    public let instance: String
    /// `pipeline/step`.
    public let step: String
    /// Why.
    public let why: Retention.Dropping
    /// Stored bytes that are freed by it.
    public let bytes: Int64
    /// How long its execution took, in nanoseconds.
    public let duration: Int64
    /// When it was last of use, in nanoseconds since 1970.
    public let lastUsed: Int64
    /// Whether it came out the same whenever it was made.
    public let reproducible: Reproducibility
    // Equal for results that making one again gives.
    let identity: Reproducibility.Execution
  }

  /// What was in fact freed.
  public struct Collected: Hashable, Sendable {
    /// Objects that are gone.
    public let objects: Int
    /// The bytes that they took.
    public let bytes: Int64
    /// Objects that living processes rely on and that were spared.
    public let spared: Int
  }

  /// The results that go, by step and instance.
  public let dropped: [Dropped]
  /// The records of results that stay, of which outputs go that are made again when something reads them.
  public let passed: [Digest]
  /// How many results stay, by the reason.
  public let kept: [Retention.Keeping: Int]
  /// Objects to be freed.
  public let objects: Int
  /// The bytes that they take.
  public let bytes: Int64
  /// Of those, the objects that nothing refers to.
  public let strayObjects: Int
  /// The bytes that these take.
  public let strayBytes: Int64
  /// The bytes that all the others take.
  public let keptBytes: Int64
  /// The limit that was asked for, in bytes.
  public let maxSize: Int64?
  /// False when what has to be kept takes more than that.
  public let fits: Bool
  /// Records that cannot be read, a sentence each. Objects that nothing else refers to are kept on their account.
  public let unreadable: [String]
  /// What was freed; nil when nothing was to be changed.
  public internal(set) var collected: Collected?

  init(_ census: Census, _ retention: Retention, _ rules: Retention.Rules) {
    var dropped: [Dropped] = []
    var kept: [Retention.Keeping: Int] = [:]
    for (index, verdict) in retention.verdicts.enumerated() where !census.facts.results[index].roots.isEmpty {
      switch verdict {
      case .kept(let why): kept[why, default: 0] += 1
      case .dropped(let why):
        let execution = census.executions[index]
        dropped.append(
          Dropped(
            record: execution.record, instance: execution.instance, step: execution.step, why: why,
            bytes: retention.freedBy[index], duration: execution.duration,
            lastUsed: census.facts.results[index].lastUsed,
            reproducible: census.reproducible[execution.identity] ?? .unknown, identity: execution.identity))
      }
    }
    self.dropped = dropped.sorted { ($0.step, $0.instance, $0.lastUsed) < ($1.step, $1.instance, $1.lastUsed) }
    self.kept = kept
    passed = retention.passed.map { census.executions[$0].record }
    objects = retention.freed.count
    bytes = retention.freedBytes
    strayObjects = retention.strays.count
    strayBytes = retention.strays.reduce(0) { $0 + census.facts.objects[$1].stored }
    keptBytes = retention.keptBytes
    maxSize = rules.maxSize
    fits = retention.fits
    unreadable = census.unreadable
  }

  /// What the results of one step come to.
  public struct Step: Sendable {
    /// `pipeline/step`.
    public let step: String
    /// How many results go.
    public internal(set) var results = 0
    /// The stored bytes that are freed.
    public internal(set) var bytes: Int64 = 0
    /// How long making them again takes, as far as earlier executions tell, in nanoseconds.
    public internal(set) var duration: Int64 = 0
    /// How many came out the same, did not, or were made once.
    public internal(set) var reproducible: [Reproducibility: Int] = [:]
  }

  /// The dropped results by step, sorted by its name.
  public var steps: [Step] {
    var steps: [Step] = []
    var seen: Set<Reproducibility.Execution> = []
    for result in dropped {
      if steps.last?.step != result.step { steps.append(Step(step: result.step)) }
      steps[steps.count - 1].results += 1
      steps[steps.count - 1].bytes += result.bytes
      if seen.insert(result.identity).inserted { steps[steps.count - 1].duration += result.duration }
      steps[steps.count - 1].reproducible[result.reproducible, default: 0] += 1
    }
    return steps
  }

  /// How long making all of them again takes, as far as earlier executions tell, in nanoseconds.
  public var rebuilding: Int64 { steps.reduce(0) { $0 + $1.duration } }
}
