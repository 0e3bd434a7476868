import RungCore
import RungExec
import RungFormats
import RungLedger
import RungModel
import RungPlan
import RungStore
import Synchronization

/// Executes steps again, away from the cache, and compares what comes out with what the cache has.
///
/// Everything runs from its roots in a scratch cache that begins empty, with the engine of any other run. What comes out
/// otherwise changes the inputs of what follows, which then says nothing about the steps that follow: those are executed
/// once more with the inputs that they had. So every step is judged by itself.
public final class Rerun {
  /// One instance that was executed again.
  public struct Finding: Sendable {
    /// The instance.
    public let instance: BuildGraph.NodeID
    /// Its name.
    public let name: String
    /// How it compared.
    public let verification: Verification
    /// Whether the pipeline says that it comes out otherwise each time.
    public let isDeclared: Bool
    /// Whether, run from the roots, it came out otherwise because an input did.
    public let follows: Bool
  }

  /// What one repetition found.
  public struct Outcome: Sendable {
    /// In the order of the graph: makers first.
    public var findings: [Finding] = []
    /// Instances that could not be judged, since what they read was changed meanwhile; none when it was interrupted.
    public var unjudged: [String] = []
    /// What made it end early when it was neither a step nor the user: the store, the machine.
    public var fault: String?
  }

  /// An instance whose result is compared.
  struct Expected {
    let key: Digest
    let record: Digest
    let outputs: [ActionOutput]
  }

  private let session: Session
  private let version: String
  private let jobs: Int?
  private let observe: @Sendable (RunEvent) -> Void
  private let stopping = Stopping()

  // What another thread may reach: whether to stop, and what to stop.
  private final class Stopping: Sendable {
    let isWanted = Atomic(false)
    let current = Mutex<RunEngine.Interrupter?>(nil)
  }

  /// Prepares to execute steps of this session again.
  ///
  /// - Parameters:
  ///   - jobs: processors' worth of steps at a time; nil for what the project says, and another number in each repetition.
  ///   - observe: told what happens, as by a run.
  public init(
    session: Session, jobs: Int?, version: String, observe: @escaping @Sendable (RunEvent) -> Void
  ) {
    self.session = session
    self.jobs = jobs
    self.version = version
    self.observe = observe
  }

  /// Stops it from another thread; what is found until then is kept.
  public var interrupter: RunEngine.Interrupter {
    let stopping = stopping
    return RunEngine.Interrupter {
      stopping.isWanted.store(true, ordering: .sequentiallyConsistent)
      stopping.current.withLock { $0 }?.interrupt()
    }
  }

  /// Whether it was stopped.
  public var wasInterrupted: Bool { stopping.isWanted.load(ordering: .sequentiallyConsistent) }

  /// Executes everything that surveyed targets need, once. All of it must be up to date. Throws what opening a cache
  /// throws.
  public func repeatAll(
    _ targets: [BuildGraph.NodeID], _ survey: Survey, repetition: Int
  ) throws -> Outcome {
    var expected: [BuildGraph.NodeID: Expected] = [:]
    for instance in session.graph.instanceOrder
    where survey.standing[instance] == .current && !survey.settled.contains(instance) {
      guard let result = session.resolver.value.results[instance] else { continue }
      expected[instance] = Expected(key: result.key, record: result.record, outputs: result.outputs)
    }
    return try repeatAll(expected, planted: [], repetition: repetition)
  }

  /// Executes instances that would run, each with the inputs that the cache has, and compares what comes out with the
  /// results that are to stand for them.
  public func check(_ acceptables: [Session.Acceptable]) throws -> Outcome {
    var expected: [BuildGraph.NodeID: Expected] = [:]
    for acceptable in acceptables {
      guard let record = session.record(acceptable.acceptance.record) else { continue }
      let outputs = record.outputs.compactMap { output in
        ActionOutput.Kind(name: output.kind).map {
          ActionOutput(name: output.name, kind: $0, digest: output.digest, size: output.size)
        }
      }
      expected[acceptable.instance] = Expected(
        key: acceptable.acceptance.key, record: acceptable.acceptance.record, outputs: outputs)
    }
    let makers = session.targets.closure(of: Array(expected.keys))
    let planted = (0..<session.graph.instanceCount).filter { makers[$0] && expected[$0] == nil }
    return try repeatAll(expected, planted: Set(planted), repetition: 1)
  }

  private func repeatAll(
    _ expected: [BuildGraph.NodeID: Expected], planted: Set<BuildGraph.NodeID>, repetition: Int
  ) throws -> Outcome {
    var outcome = Outcome()
    var findings: [BuildGraph.NodeID: Finding] = [:]
    var planted = planted
    var followers: Set<BuildGraph.NodeID> = []
    while findings.count < expected.count, !wasInterrupted {
      let pending = expected.filter { findings[$0.key] == nil }
      let before = findings.count
      let scratch = try Scratch(of: session)
      // Only what the pending ones read: the rest is of no use to them.
      let needed = session.targets.closure(of: Array(pending.keys))
      // What a collection has freed is made again.
      let results = planted.filter { needed[$0] }.sorted().compactMap { session.resolver.value.results[$0] }
        .filter { $0.outputs.allSatisfy(session.holds) }
      let known = Set(results.map(\.record))
      try scratch.plant(results, from: session.store)
      let (summary, varied) = try execute(Array(pending.keys).sorted(), in: scratch, repetition: repetition)
      let latest = try scratch.session.ledger.latest(project: scratch.session.projectName)
      for (instance, wanted) in pending {
        let name = session.graph.name(of: instance)
        guard let entry = latest[name], let digest = entry.record, entry.outcome != "interrupted",
          !known.contains(digest), let record = scratch.session.record(digest)
        else { continue }
        guard entry.key == wanted.key else {
          followers.insert(instance)
          continue
        }
        findings[instance] = finding(
          instance, name, wanted, record, scratch, repetition: repetition,
          varied: varied[name].map(\.rawValue), follows: followers.contains(instance))
      }
      if let fault = summary.fault {
        outcome.fault = fault
        break
      }
      // What follows gets what the cache has.
      planted.formUnion(findings.keys)
      if findings.count == before { break }
    }
    outcome.findings = session.graph.instanceOrder.compactMap { findings[$0] }
    if !wasInterrupted, outcome.fault == nil {
      outcome.unjudged = session.graph.instanceOrder.filter { expected[$0] != nil && findings[$0] == nil }
        .map(session.graph.name(of:))
    }
    return outcome
  }

  private func execute(
    _ targets: [BuildGraph.NodeID], in scratch: Scratch, repetition: Int
  ) throws -> (RunSummary, VariedNotes) {
    var options = RunOptions(targets: targets)
    options.keepGoing = true
    options.publishes = false
    options.variation = Variation(seed: UInt64(repetition))
    options.jobs = jobs ?? (repetition % 2 == 1 ? nil : 1)
    let engine = try RunEngine(session: scratch.session, options: options, version: version, observe: observe)
    stopping.current.withLock { $0 = engine.interrupter }
    defer { stopping.current.withLock { $0 = nil } }
    if wasInterrupted { engine.interrupter.interrupt() }
    return (engine.run(), engine.varied)
  }

  private func finding(
    _ instance: BuildGraph.NodeID, _ name: String, _ wanted: Expected, _ record: Record, _ scratch: Scratch,
    repetition: Int, varied: [String], follows: Bool
  ) -> Finding {
    let step = session.graph.step(of: instance).step
    var outputs: [Verification.Output] = []
    if record.outcome == .succeeded {
      for output in wanted.outputs {
        let tolerance = step.outputs.first { $0.name == output.name }?.tolerance
        let made = record.outputs.first { $0.name == output.name }
        let comparison = OutputCheck(
          name: output.name, expected: output, made: made, tolerance: tolerance, expectedIn: session.store,
          madeIn: scratch.session.store)
        outputs.append(comparison.answer)
      }
    }
    let verdict = record.outcome == .succeeded ? Verification.Verdict.worst(outputs.map(\.verdict)) : .failed
    let verification = Verification(
      record: wanted.record, instance: name, key: wanted.key, repetition: repetition, varied: varied, verdict: verdict,
      problem: record.problem, outputs: outputs, host: record.host, at: record.started, duration: record.duration,
      version: version)
    return Finding(
      instance: instance, name: name, verification: verification, isDeclared: !step.deterministic, follows: follows)
  }

  /// Writes what was found, for ever. Durable on return. The answer is the verifications' records, in the same order.
  @discardableResult
  public func keep(_ findings: [Finding]) throws -> [Digest] {
    var changes = LedgerChanges()
    for finding in findings {
      let digest = try session.store.putRecord(finding.verification.bytes)
      changes.verifications.append(VerificationRow(digest, finding.verification))
    }
    try session.store.flush()
    try session.ledger.commit(changes)
    return changes.verifications.map(\.digest)
  }
}
