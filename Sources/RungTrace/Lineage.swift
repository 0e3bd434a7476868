import RungCore
import RungLedger

/// Where something came from: every execution on the way to it, read from the records.
///
/// Records name the records of what they read, so a lineage is history as it was: when a step was rerun with identical
/// results, what was made before still names the execution that really fed it, and one instance may be here twice.
/// What cannot be read is said in `incomplete`; the rest is there all the same.
public struct Lineage: Sendable {
  /// One execution of a step instance.
  public struct Execution: Sendable {
    /// The record's name.
    public let digest: Digest
    /// The record without the fields of its key, which would double the memory.
    public var record: Record { kept.record }
    /// The command as the pipeline declares it, references in braces; nil when the record does not say. For a command
    /// without a shell: a JSON list.
    public let declaredCommand: String?
    /// `pipeline/step`.
    public let step: String

    // Kept once: executions are handed about by the ten thousand, and a record has some thirty parts.
    private let kept: Kept

    private final class Kept: Sendable {
      let record: Record
      init(_ record: Record) { self.record = record }
    }

    init(digest: Digest, record: Record, declaredCommand: String?) {
      self.digest = digest
      kept = Kept(record)
      self.declaredCommand = declaredCommand
      step = "\(record.pipeline)/\(record.step)"
    }
  }

  /// Something that the lineage lacks.
  public struct Gap: Hashable, Sendable {
    /// The record, collection or observed set in question.
    public let digest: Digest
    /// The instance whose record refers to it; nil for a record that was asked for.
    public let neededBy: String?
    /// What is wrong, one sentence without a full stop.
    public let message: String

    /// A gap.
    public init(digest: Digest, neededBy: String?, message: String) {
      self.digest = digest
      self.neededBy = neededBy
      self.message = message
    }
  }

  /// The records that were asked for.
  public let roots: [Digest]
  /// Each execution once, after those whose outputs it read.
  public let executions: [Execution]
  /// The collections that executions read, by the digest of their objects.
  public let collections: [Digest: RungLedger.Collection]
  /// What is missing, damaged or contradictory; empty for a complete lineage.
  public let incomplete: [Gap]

  /// The outputs whose bytes are not in the cache any more, or are not there yet; their records are enough for a trace.
  public let gone: Set<Digest>

  /// What the executions were observed to read.
  let observed: ObservedFiles

  private let places: [Digest: Int]

  init(
    roots: [Digest], executions: [Execution], collections: [Digest: RungLedger.Collection], observed: ObservedFiles,
    incomplete: [Gap], gone: Set<Digest> = []
  ) {
    self.roots = roots
    self.executions = executions
    self.collections = collections
    self.observed = observed
    self.incomplete = incomplete
    self.gone = gone
    places = Dictionary(executions.enumerated().map { ($1.digest, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// True when nothing is missing.
  public var isComplete: Bool { incomplete.isEmpty }

  /// The execution of a record, or nil.
  public func execution(_ record: Digest) -> Execution? { places[record].map { executions[$0] } }

  /// The step that an instance belongs to: its name without the brackets.
  static func step(ofInstance instance: String) -> String { String(instance.prefix { $0 != "[" }) }

  // The step that made a record, as far as is known.
  func step(ofRecord record: Digest, instance: String) -> String {
    execution(record)?.step ?? Self.step(ofInstance: instance)
  }
}
