import RungCore
import RungLedger
import RungModel
import RungPlan
import RungRemote
import RungStore
import Synchronization

/// Takes the results that targets need from remotes, without running anything: level by level, since the key of a step is
/// known when the results before it are.
public struct RemotePull {
  /// What came of it.
  public struct Report: Sendable {
    /// Results that were taken, by instance, with the remote.
    public var fetched: [(instance: String, remote: String)] = []
    /// Instances without a result, here or there.
    public var missing: [String] = []
    /// Instances that need what is missing: what they would ask for is not known.
    public var undecided = 0
    /// Instances that were up to date before.
    public var known = 0
    /// What is to be said.
    public var warnings: [String] = []
    /// Why a remote could not be used to the end; nil when all could.
    public var problem: String?

    /// Nothing yet.
    public init() {}
  }

  private let session: Session
  private let caches: RemoteCaches
  private let progress: (_ fetched: Int, _ asked: Int) -> Void
  private var report = Report()
  private var asked: Set<Digest> = []
  private var fetched: Set<BuildGraph.NodeID> = []
  private var health: [RemoteHealth]
  private static let width = 8

  /// - Parameter progress: told how many results were taken and how many asked for.
  public init(_ session: Session, _ caches: RemoteCaches, progress: @escaping (_ fetched: Int, _ asked: Int) -> Void) {
    self.session = session
    self.caches = caches
    self.progress = progress
    health = caches.remotes.map { _ in RemoteHealth() }
  }

  // One question: an instance, its key, and what is known of it here.
  private struct Wish {
    let instance: BuildGraph.NodeID
    let key: Digest
    let known: KnownResult?
  }

  /// Takes what there is. With `isDry` nothing is taken: `fetched` has what could be, of the first level.
  public mutating func pull(_ targets: [BuildGraph.NodeID], isDry: Bool = false) throws -> Report {
    var isFirst = true
    while true {
      let survey = try session.survey(targets)
      if isFirst { report.known = survey.count(.current) }
      isFirst = false
      let wishes = try self.wishes(survey)
      let before = report.fetched.count
      for remote in caches.remotes.indices {
        try take(wishes.filter { !fetched.contains($0.instance) }, remote, isDry: isDry)
      }
      if isDry || report.fetched.count == before {
        report.missing = session.graph.instanceOrder
          .filter { survey.standing[$0] == .wouldRun && !fetched.contains($0) }.map(session.graph.name(of:))
        report.undecided = survey.count(.undecided)
        return report
      }
    }
  }

  private mutating func wishes(_ survey: Survey) throws -> [Wish] {
    var wishes: [Wish] = []
    for instance in session.graph.instanceOrder where survey.standing[instance] == .wouldRun {
      let key = try session.resolver.value.key(of: instance)
      guard asked.insert(key).inserted else { continue }
      wishes.append(Wish(instance: instance, key: key, known: try session.lookUp(key, of: instance)))
    }
    return wishes
  }

  private mutating func take(_ wishes: [Wish], _ remote: Int, isDry: Bool) throws {
    guard !wishes.isEmpty else { return }
    let cache = caches.remotes[remote]
    let puller = ResultPuller(cache.storage, store: session.store, trust: caches.trust)
    let answers = Self.each(wishes) { wish in
      wish.known == nil ? try puller.ask(wish.key) : ResultPuller.Answer()
    }
    // Those whose observed files are as they are here.
    var jobs: [Job] = []
    for (wish, result) in zip(wishes, answers) {
      switch result {
      case .failure(let error): fail(error, remote)
      case .success(let answer):
        if wish.known != nil {
          jobs.append(job(wish, nil))
          continue
        }
        for refusal in answer.refusals { tell(refusal, wish, remote) }
        if let offer = choose(answer.offers, wish) { jobs.append(job(wish, offer)) }
      }
    }
    if isDry {
      report.fetched += jobs.map { (session.graph.name(of: $0.wish.instance), cache.name) }
      fetched.formUnion(jobs.map(\.wish.instance))
      return
    }
    var taken: [(wish: Wish, result: FetchedResult?)] = []
    let results = Self.each(jobs) { job -> (FetchedResult?, ResultPuller.Refusal?) in
      if let offer = job.offer { return try puller.take(offer, passing: job.passing) }
      let outputs = job.wish.known?.outputs.filter { !job.passing.contains($0.name) } ?? []
      return (nil, try puller.pullOutputs(outputs))
    }
    for (job, result) in zip(jobs, results) {
      switch result {
      case .failure(let error): fail(error, remote)
      case .success((_, let refusal?)): tell(refusal, job.wish, remote)
      case .success((let fetched, nil)): taken.append((job.wish, fetched))
      }
    }
    try keep(taken, cache)
  }

  private struct Job {
    let wish: Wish
    let offer: ResultPuller.Offer?
    let passing: Set<String>
  }

  private func job(_ wish: Wish, _ offer: ResultPuller.Offer?) -> Job {
    Job(wish: wish, offer: offer, passing: session.graph.step(of: wish.instance).step.passing)
  }

  private func choose(_ offers: [ResultPuller.Offer], _ wish: Wish) -> ResultPuller.Offer? {
    let required = session.requiredLevel(ofStep: Int(session.graph.stepOfInstance[wish.instance]))
    return offers.first { offer in
      session.checker.value.forgetMissing(offer.record.observed)
      return (WatchLevel(rawValue: offer.record.watch) ?? .declared) >= required
        && session.checker.value.isCurrent(offer.record.observed, &session.resolver.value.files)
    }
  }

  // Bytes first, then the index that names them.
  private mutating func keep(_ taken: [(wish: Wish, result: FetchedResult?)], _ cache: RemoteCache) throws {
    guard !taken.isEmpty else { return }
    var changes = LedgerChanges()
    for (wish, result) in taken {
      let name = session.graph.name(of: wish.instance)
      if let result {
        changes.merge(result.changes(project: session.projectName))
        changes.history.append(
          HistoryEntry(
            project: session.projectName, instance: name, sequence: 0, run: result.run, key: result.key,
            record: result.record, outcome: "fetched", at: Clock.now()))
      } else if let record = wish.known?.record {
        changes.uses.append(UseRow(record: record, at: Clock.now()))
      }
      report.fetched.append((name, cache.name))
      fetched.insert(wish.instance)
    }
    try session.store.flush()
    try session.ledger.commit(changes)
    progress(report.fetched.count, asked.count)
  }

  private mutating func fail(_ error: any Error, _ remote: Int) {
    if let error = error as? RemoteError {
      _ = health[remote].failed(error, .reading)
      report.problem = report.problem ?? error.message
    } else {
      report.problem = report.problem ?? "\(error)"
    }
  }

  private mutating func tell(_ refusal: ResultPuller.Refusal, _ wish: Wish, _ remote: Int) {
    let name = session.graph.name(of: wish.instance)
    if let warning = health[remote].tell(refusal, of: name, at: caches.remotes[remote].name) {
      report.warnings.append(warning)
    }
  }

  // Some at a time; after the first failure of the remote the others are not tried.
  private static func each<Item: Sendable, Value: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) throws -> Value
  ) -> [Result<Value, any Error>] {
    let results = Mutex([Result<Value, any Error>?](repeating: nil, count: items.count))
    let failure = Mutex<RemoteError?>(nil)
    let pool = WorkerPool(limit: width)
    for (number, item) in items.enumerated() {
      pool.submit {
        var result: Result<Value, any Error>
        if let error = failure.withLock({ $0 }) {
          result = .failure(error)
        } else {
          result = Result { try body(item) }
          if case .failure(let error as RemoteError) = result { failure.withLock { $0 = error } }
        }
        let done = result
        results.withLock { $0[number] = done }
      }
    }
    pool.close()
    return results.withLock { $0.compactMap(\.self) }
  }
}
