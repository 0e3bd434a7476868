import RungCore
import RungLedger
import RungModel

extension Lineage {
  /// Whether the reads of an execution were recorded; the weakest first.
  public enum TraceState: String, Hashable, Sendable, CaseIterable {
    /// They were not recorded.
    case off
    /// They were, but something was missed.
    case incomplete
    /// All of them were.
    case complete

    /// The state of a record. A word that this version does not know counts as the weakest.
    init(of record: Record) { self = TraceState(rawValue: record.trace) ?? .off }
  }

  /// How far the executions on the way were watched: never more than what holds for all of them.
  public struct Watch: Hashable, Sendable {
    /// How far the least watched one was watched.
    public let level: WatchLevel
    /// The steps that were watched no further than that, sorted.
    public let steps: [String]
    /// The weakest state of the recording of reads.
    public let trace: TraceState
    /// The steps whose recording was not complete: in the weakest state or better, sorted.
    public let traceSteps: [String]
    /// What kept recordings from being complete: each sentence once, in the order of the executions.
    public let traceProblems: [String]
    /// Whether any execution could use the network.
    public let network: Bool
    /// The steps that could, sorted.
    public let networkSteps: [String]
  }

  /// How far all of it was watched, and the steps to blame. Nil when no execution is known. A word that this version
  /// does not know counts as the weakest: nothing is claimed that is not understood.
  public var watch: Watch? {
    var byLevel: [WatchLevel: Set<String>] = [:]
    var states: Set<TraceState> = []
    var unrecorded: Set<String> = []
    var problems = Distinct<String>()
    var connected: Set<String> = []
    var last: (step: String, watch: String, trace: String, network: Bool)?
    for execution in executions {
      let record = execution.record
      let this = (execution.step, record.watch, record.trace, record.network)
      // As the one before, and nothing to be said of it.
      if let last, last == this, record.traceProblems.isEmpty { continue }
      last = this
      byLevel[WatchLevel(rawValue: record.watch) ?? .declared, default: []].insert(execution.step)
      let state = TraceState(of: record)
      states.insert(state)
      if state != .complete {
        unrecorded.insert(execution.step)
        for problem in record.traceProblems { problems.insert(problem) }
      }
      if record.network { connected.insert(execution.step) }
    }
    // Weakest first, as declared.
    guard let level = WatchLevel.allCases.first(where: { byLevel[$0] != nil }),
      let trace = TraceState.allCases.first(where: states.contains)
    else { return nil }
    return Watch(
      level: level, steps: (byLevel[level] ?? []).sorted(), trace: trace, traceSteps: unrecorded.sorted(),
      traceProblems: problems.items, network: !connected.isEmpty, networkSteps: connected.sorted())
  }
}
