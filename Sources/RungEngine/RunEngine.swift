import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore
import Synchronization

/// Brings step instances up to date: one thread that owns the scheduler as a value and performs what it decides.
///
/// Steps run on worker threads, results become durable on the committer's; both only post messages here.
public final class RunEngine {
  private enum Message: Sendable {
    case ended(BuildGraph.NodeID, StepWork.Ending)
    case fault(String)
    case interrupt
  }

  // What became of an instance; the last word counts, for one that was up to date may have to run again.
  private enum Fate {
    case ran, unchanged, restored, failed, skipped
  }

  private let session: Session
  private let options: RunOptions
  private let observe: @Sendable (RunEvent) -> Void
  private let mailbox = Mailbox<Message>()
  private let stop = StopSignal()
  private let locks: HeldLocks
  private let runID: String
  private let needed: [Bool]
  private let forced: Set<BuildGraph.NodeID>
  private var scheduler: Scheduler
  private var summary: RunSummary
  private let worker: StepWorker
  private let keeper: ObservationKeeper
  private let pool: WorkerPool
  private let workspaces: WorkspaceFolder

  private var keys: [BuildGraph.NodeID: ActionKey] = [:]
  private var attempts: [BuildGraph.NodeID: Int] = [:]
  // Who makes which key now, and who waits for it.
  private var inFlight: [Digest: BuildGraph.NodeID] = [:]
  private var claims: [BuildGraph.NodeID: Digest] = [:]
  private var sameKey: [Digest: [BuildGraph.NodeID]] = [:]
  // Keys that another process is making, with the instances that wait for them.
  private var foreign: [BuildGraph.NodeID: Digest] = [:]
  // What was made in this run; the ledger may not have it yet.
  private var made: [Digest: KnownResult] = [:]
  // Keys whose results are known but whose bytes are gone or damaged: they are made again.
  private var lost: Set<Digest> = []
  private var fates: [BuildGraph.NodeID: Fate] = [:]
  // Records whose use the ledger knows of.
  private var usedToday: Set<Digest>
  private var checksPublished: [BuildGraph.NodeID: [(output: String, path: RelativePath)]] = [:]
  private var changes = LedgerChanges()
  private var finished = false

  /// The thread-safe handle by which a signal handler's thread stops a run.
  public final class Interrupter: Sendable {
    fileprivate let act: @Sendable () -> Void
    private let count = Mutex(0)

    fileprivate init(_ act: @escaping @Sendable () -> Void) { self.act = act }

    /// The first call stops politely: nothing new starts, running steps get SIGTERM and, after their grace, SIGKILL. A
    /// second call kills them at once.
    public func interrupt() { act() }
  }

  /// Stops this run from another thread.
  public var interrupter: Interrupter {
    let stop = stop
    let mailbox = mailbox
    return Interrupter {
      // First the word, then the deed: a run whose last step is stopped by it must know why.
      mailbox.post(.interrupt)
      if stop.isRequested { stop.requestNow() } else { stop.request() }
    }
  }

  /// Prepares a run. Throws `Diagnostics` when the plan cannot be carried out: an input is missing, a step wants more
  /// than the machine has.
  ///
  /// - Parameters:
  ///   - executor: what runs steps; nil for processes on this machine.
  ///   - observe: told what happens, from any thread, one call at a time for each thread.
  public init(
    session: Session, options: RunOptions, executor: (any StepExecutor)? = nil, version: String,
    observe: @escaping @Sendable (RunEvent) -> Void
  ) throws {
    self.session = session
    self.options = options
    self.observe = observe
    let graph = session.graph
    needed = session.targets.closure(of: options.targets)
    forced = options.force ? Set(options.targets) : []
    let capacity = Self.capacity(session, options)
    var problems: [Diagnostic] = []
    do throws(Diagnostics) { try session.freeze(needed) } catch { problems += error.items }
    var demands: [Scheduler.Demand] = []
    do throws(Diagnostics) { demands = try Self.demands(session, needed, capacity) } catch { problems += error.items }
    do throws(Diagnostics) { try session.enforceFloor(needed) } catch { problems += error.items }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    let durations = session.expectedDurations()
    scheduler = Scheduler(
      graph: graph, needed: needed, demands: demands, priorities: graph.remainingPaths(durations: durations),
      capacity: capacity, keepGoing: options.keepGoing)
    usedToday = Set(try session.ledger.uses(since: Clock.now() - Self.day).keys)
    runID = Self.newRunID()
    summary = RunSummary(run: runID)
    locks = HeldLocks(try ActionLocks(path: session.cache))
    let workRoot = "\(session.cache)/work"
    sweepWorkspaces(under: workRoot)
    workspaces = try WorkspaceFolder(under: workRoot)
    pool = WorkerPool(limit: capacity.slots)
    let root = session.project.root
    let git = OnceGit(root: root)
    keeper = ObservationKeeper(
      root: root, store: session.store, observing: session.observing, cached: session.resolver.value.files.cached)
    worker = StepWorker(
      root: root, store: session.store,
      executor: executor
        ?? LocalExecutor(
          store: session.store, launcher: session.launcher, staging: session.project.settings.staging?.bytes),
      environments: session.environments.environments, workspaces: workspaces,
      publisher: Publisher(root: root, store: session.store, workspaces: workspaces), keeper: keeper,
      earlier: EarlierVersions(ledger: session.ledger, store: session.store, project: session.projectName),
      project: session.projectName,
      run: runID,
      host: session.host.name, version: version, git: { git.state }, notify: observe)
    for (path, place) in session.published where needed[place.instance] {
      let name = graph.step(of: place.instance).step.outputs[place.output].name
      if let path = RelativePath(path) { checksPublished[place.instance, default: []].append((name, path)) }
    }
  }

  // Read by git once, when the first record is written.
  private final class OnceGit: Sendable {
    private let root: String
    private let answer = Mutex<GitState??>(nil)

    init(root: String) { self.root = root }

    var state: GitState? {
      answer.withLock { answer in
        if let known = answer { return known }
        let state = GitState.read(root)
        answer = .some(state)
        return state
      }
    }
  }

  // MARK: what there is

  private static func capacity(_ session: Session, _ options: RunOptions) -> Scheduler.Capacity {
    let settings = session.project.settings
    return Scheduler.Capacity(
      slots: options.jobs ?? settings.jobs ?? session.host.processors,
      memory: settings.memory?.bytes ?? session.host.memory, gpus: settings.gpus ?? session.host.gpus,
      pools: settings.pools)
  }

  private static func demands(
    _ session: Session, _ needed: [Bool], _ capacity: Scheduler.Capacity
  ) throws(Diagnostics) -> [Scheduler.Demand] {
    var problems: [Diagnostic] = []
    var demands: [Scheduler.Demand] = []
    for step in session.graph.steps {
      let wants = step.step.resources
      let memory = wants.memory?.bytes ?? 0
      if (step.first..<(step.first + step.count)).contains(where: { needed[$0] }) {
        if wants.gpus > capacity.gpus.count {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(wants.gpus) \(wants.gpus == 1 ? "GPU" : "GPUs"); there are \(capacity.gpus.count)",
              at: step.step.location, notes: ["`gpus` in rung.yaml says which GPUs steps may use"]))
        }
        if memory > capacity.memory {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(ByteCount(bytes: memory)) of memory; steps may use \(ByteCount(bytes: capacity.memory))",
              at: step.step.location))
        }
        for (pool, units) in wants.pools.sorted(by: { $0.key < $1.key }) where units > capacity.pools[pool, default: 0]
        {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(units) of '\(pool)'; there are \(capacity.pools[pool, default: 0])",
              at: step.step.location, notes: ["`pools` in rung.yaml says how many there are"]))
        }
      }
      demands.append(
        Scheduler.Demand(
          slots: min(wants.cpus, capacity.slots), memory: memory, gpus: wants.gpus, pools: wants.pools))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return demands
  }

  // Sorts by time; the random part keeps two runs of the same second apart.
  private static func newRunID() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let date = "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
    let clock = "\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))"
    let random = String(UInt32.random(in: 0..<(1 << 24)) | 1 << 24, radix: 16).dropFirst()
    return "\(date)-\(clock)-\(random)"
  }

  // MARK: the loop

  /// Runs until everything is done, failed or skipped. Call once. Never throws for a step that fails: that is in the
  /// summary, and so is a machine that does (`fault`).
  public func run() -> RunSummary {
    let began = Clock.monotonic()
    let startedAt = Clock.now()
    let mailbox = mailbox
    let committer = Committer(store: session.store, ledger: session.ledger, locks: locks) { message in
      mailbox.post(.fault(message))
    }
    let wanted = needed[..<session.graph.instanceCount].count { $0 }
    observe(.started(run: runID, instances: wanted, jobs: Self.capacity(session, options).slots))
    warnOfWatch()
    process([.start], committer)
    while !finished {
      for message in mailbox.take(milliseconds: foreign.isEmpty ? nil : 20) {
        switch message {
        case .ended(let instance, let ending): process(ended(instance, ending, committer), committer)
        case .fault(let message):
          summary.fault = summary.fault ?? message
          stop.request()
          process([.stop], committer)
        case .interrupt:
          summary.interrupted = true
          process([.stop], committer)
        }
      }
      process(freedElsewhere(), committer)
    }
    pool.close()
    count()
    summary.duration = TimeSpan(nanoseconds: Clock.monotonic() - began)
    changes.merge(session.memories())
    changes.stats += keeper.takeFresh().map { .init(project: session.projectName, entry: $0) }
    if summary.ran + summary.failed + summary.restored > 0 || !changes.isEmpty {
      if summary.ran + summary.failed + summary.restored > 0 {
        changes.runs.append(
          RunRow(
            id: runID, project: session.projectName, started: startedAt, finished: Clock.now(),
            arguments: JSON.array(options.arguments.map { .string($0) }).compact, ran: Int64(summary.ran),
            unchanged: Int64(summary.unchanged), restored: Int64(summary.restored), failed: Int64(summary.failed),
            skipped: Int64(summary.skipped), commit: nil, dirty: nil))
      }
      committer.commit(changes)
    }
    if let fault = committer.close() { summary.fault = summary.fault ?? fault }
    observe(.finished(summary))
    return summary
  }

  private func count() {
    for fate in fates.values {
      switch fate {
      case .ran: summary.ran += 1
      case .unchanged: summary.unchanged += 1
      case .restored:
        summary.unchanged += 1
        summary.restored += 1
      case .failed: summary.failed += 1
      case .skipped: summary.skipped += 1
      }
    }
  }

  // A guarantee is never claimed that is not in force, and one that was asked for is not silently dropped.
  private func warnOfWatch() {
    if let notice = session.watchNotice(needed) { observe(.warning(notice)) }
  }

  private func process(_ events: [Scheduler.Event], _ committer: Committer) {
    var queue = events[...]
    var next: [Scheduler.Event] = []
    while let event = queue.popFirst() {
      for command in scheduler.handle(event) { perform(command, &next) }
      if queue.isEmpty {
        queue = next[...]
        next = []
      }
    }
  }

  private func perform(_ command: Scheduler.Command, _ events: inout [Scheduler.Event]) {
    switch command {
    case .check(let instances):
      for instance in instances { events.append(check(instance)) }
    case .launch(let instance, let gpus):
      events += launch(instance, gpus: gpus)
    case .skip(let instances):
      for instance in instances {
        fates[instance] = .skipped
        foreign[instance] = nil
      }
      observe(.skipped(instances: instances.map(session.graph.name(of:))))
    case .finish: finished = true
    }
  }

  // MARK: checking

  private func check(_ instance: BuildGraph.NodeID) -> Scheduler.Event {
    do {
      let digest = try session.resolver.value.key(of: instance)
      if forced.contains(instance), made[digest] == nil { return mustRun(instance, digest) }
      guard let result = try made[digest] ?? session.lookUp(digest, of: instance) else {
        if try session.isForgotten(digest, of: instance) { lose(digest, instance) }
        return mustRun(instance, digest)
      }
      // Bytes that were lost may be back: another instance or another run has made them.
      let isGone =
        lost.contains(digest)
        ? !result.outputs.allSatisfy(session.holds) : made[digest] == nil && session.isGone(instance, result, needed)
      if !isGone, accept(instance, result) {
        lost.remove(digest)
        return .upToDate(instance)
      }
      lose(digest, instance)
      return mustRun(instance, digest)
    } catch {
      mailbox.post(.fault("\(error)"))
      return .mustRun(instance)
    }
  }

  private func lose(_ key: Digest, _ instance: BuildGraph.NodeID) {
    guard lost.insert(key).inserted else { return }
    observe(.warning("\(session.graph.name(of: instance)): its result is no longer in the cache; it is made again"))
  }

  private func mustRun(_ instance: BuildGraph.NodeID, _ key: Digest) -> Scheduler.Event {
    if inFlight[key] != nil {
      sameKey[key, default: []].append(instance)
      return .busy(instance)
    }
    inFlight[key] = instance
    claims[instance] = key
    return .mustRun(instance)
  }

  // A result from the cache: published if its copy is not, noted in the history if it is another one than last time.
  // False, and nothing is accepted, when a copy cannot be written because the bytes turn out to be gone or damaged.
  private func accept(_ instance: BuildGraph.NodeID, _ result: KnownResult) -> Bool {
    let name = session.graph.name(of: instance)
    var restoredAny = false
    for (output, path) in checksPublished[instance] ?? [] {
      guard let made = result.outputs.first(where: { $0.name == output }) else { continue }
      if isPublished(made, at: path) {
        // The copy is right, but it may have been put there by another execution with the same bytes, or the index that
        // knew of it may be lost.
        if session.publishedRows[path.text]?.record != result.record {
          changes.published.append(
            PublishedRow(
              project: session.projectName, path: path.text, digest: made.digest, instance: name, output: output,
              record: result.record))
        }
        continue
      }
      var ending = StepWork.Ending(outcome: .succeeded)
      worker.publish(made, to: path, name, record: result.record, restored: true, &ending)
      if !session.holds(made) { return false }
      changes.merge(ending.changes)
      for event in ending.events {
        if case .published = event { restoredAny = true }
        tell(event)
      }
    }
    session.resolver.value.learn(instance, result)
    fates[instance] = restoredAny ? .restored : .unchanged
    let last = session.latest[name]
    if restoredAny || last?.key != result.key || last?.isFailure == true {
      let isNews = last?.key != result.key || last?.isFailure == true
      let entry = HistoryEntry(
        project: session.projectName, instance: name, sequence: 0, run: runID, key: result.key, record: result.record,
        outcome: isNews ? "cached" : "restored", at: Clock.now())
      session.latest[name] = entry
      changes.history.append(entry)
    } else {
      noteUse(of: result.record, knownAt: last?.record == result.record ? last?.at : nil)
    }
    observe(.unchanged(instance: name))
    return true
  }

  // Tells the ledger that a result was of use, once a day: that is what collecting goes by, and what is not worth a write
  // at every run.
  private func noteUse(of record: Digest, knownAt: Int64?) {
    let now = Clock.now()
    if let knownAt, now - knownAt < Self.day { return }
    guard usedToday.insert(record).inserted else { return }
    changes.uses.append(UseRow(record: record, at: now))
  }

  // In nanoseconds.
  private static let day: Int64 = 86_400_000_000_000

  // Tells an event that a worker has left behind; a copy that could not be published makes the run fail.
  private func tell(_ event: RunEvent) {
    if case .notPublished = event { summary.unpublished += 1 }
    observe(event)
  }

  private func isPublished(_ output: ActionOutput, at path: RelativePath) -> Bool {
    session.resolver.value.files.forget(path)
    guard let content = try? session.resolver.value.files.content(path, keeping: false) else { return false }
    return content.isCopy(of: output)
  }

  // MARK: running

  private func launch(_ instance: BuildGraph.NodeID, gpus: [String]) -> [Scheduler.Event] {
    do {
      let key = try keys[instance] ?? session.resolver.value.fullKey(of: instance)
      keys[instance] = key
      guard try locks.tryLock(key.digest) else {
        foreign[instance] = key.digest
        observe(.waiting(instance: session.graph.name(of: instance)))
        return [.busy(instance)]
      }
      // Another process may have made it since it was checked.
      if !forced.contains(instance), !lost.contains(key.digest),
        let result = try session.lookUp(key.digest, of: instance),
        accept(instance, result)
      {
        locks.unlock(key.digest)
        made[key.digest] = result
        return [.succeeded(instance)] + release(instance)
      }
      let attempt = attempts[instance, default: 0] + 1
      attempts[instance] = attempt
      let cause = forced.contains(instance) ? "forced" : lost.contains(key.digest) ? "rebuilt" : "ran"
      let work = try session.prepare(
        instance, key: key, attempt: attempt, cause: cause, gpus: gpus)
      let worker = worker
      let stop = stop
      let mailbox = mailbox
      pool.submit { mailbox.post(.ended(instance, worker.perform(work, stop: stop))) }
      return []
    } catch {
      mailbox.post(.fault("\(error)"))
      fates[instance] = .failed
      return [.failed(instance, retry: false)]
    }
  }

  private func ended(
    _ instance: BuildGraph.NodeID, _ ending: StepWork.Ending, _ committer: Committer
  ) -> [Scheduler.Event] {
    let step = session.graph.step(of: instance)
    let name = session.graph.name(of: instance)
    guard let key = keys[instance]?.digest else { return [] }
    for event in ending.events { tell(event) }
    // Looked up before the new result takes the place of the old.
    let before = session.outputs(of: key, seeing: ending.observed)
    committer.commit(ending.changes, unlock: [key])
    switch ending.outcome {
    case .succeeded:
      let result = KnownResult(key: key, record: ending.record ?? .empty, outputs: ending.outputs)
      if step.step.deterministic, let before, before != result.outputs {
        observe(.warning("\(name) gave other bytes than before under the same key: it is not reproducible"))
      }
      made[key] = result
      worker.earlier.note(result.outputs, of: step.path)
      lost.remove(key)
      attempts[instance] = nil
      session.resolver.value.learn(instance, result)
      // Its key may have been formed from other bytes when it runs again; keys of dependents are formed anew then.
      keys[instance] = nil
      fates[instance] = .ran
      observe(.stepSucceeded(instance: name, step: step.path, duration: ending.duration, record: result.record))
      return [.succeeded(instance)] + release(instance)
    case .failed(let failure):
      let attempt = attempts[instance, default: 1]
      if attempt <= step.step.retries, !stop.isRequested, !failure.isMachineFault {
        observe(.retrying(instance: name, attempt: attempt + 1, of: step.step.retries + 1, problem: failure.problem))
        return [.failed(instance, retry: true)]
      }
      fates[instance] = .failed
      observe(.stepFailed(failure))
      if failure.isMachineFault { summary.fault = summary.fault ?? failure.problem }
      return [.failed(instance, retry: false)] + release(instance)
    case .inputsLost(let makers):
      let names = makers.prefix(3).map(session.graph.name(of:)).joined(separator: ", ")
      observe(
        .warning(
          "results of \(names)\(makers.count > 3 ? " and others" : "") are missing or damaged in the cache; they are made again"
        ))
      for maker in makers {
        if let key = session.resolver.value.results[maker]?.key { lost.insert(key) }
      }
      attempts[instance, default: 1] -= 1
      keys[instance] = nil
      return [.inputsLost(instance, makers: makers)] + release(instance)
    case .interrupted:
      fates[instance] = .skipped
      return [.failed(instance, retry: false)] + release(instance)
    }
  }

  // An instance does not make its key any more: those who waited for it look again.
  private func release(_ instance: BuildGraph.NodeID) -> [Scheduler.Event] {
    guard let key = claims.removeValue(forKey: instance) else { return [] }
    inFlight[key] = nil
    return (sameKey.removeValue(forKey: key) ?? []).filter { scheduler.state(of: $0) == .held }.map { .released($0) }
  }

  private func freedElsewhere() -> [Scheduler.Event] {
    guard !foreign.isEmpty else { return [] }
    var events: [Scheduler.Event] = []
    for (instance, key) in foreign {
      guard let free = try? locks.tryLock(key), free else { continue }
      locks.unlock(key)
      foreign[instance] = nil
      guard scheduler.state(of: instance) == .held else { continue }
      events += [.released(instance)] + release(instance)
    }
    return events
  }
}
