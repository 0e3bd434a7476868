import RungCore
import RungLedger
import RungPlan
import RungRemote
import RungStore
import Synchronization

/// Gives many results to one remote, some at a time.
public enum RemotePush {
  /// A result to give.
  public struct Item: Hashable, Sendable {
    /// Its action key.
    public let key: Digest
    /// Its record.
    public let record: Digest
    /// What people call it.
    public let instance: String
    let passing: Set<String>
  }

  /// What came of it.
  public struct Report: Sendable {
    /// Results that were given now, by instance.
    public var pushed: [String] = []
    /// Results that were there.
    public var known = 0
    /// Results that cannot be given, with the reason, by instance.
    public var gone: [(instance: String, reason: String)] = []
    /// Objects that were sent.
    public var objects = 0
    /// Bytes of them.
    public var bytes: Int64 = 0
    /// Why it ended before everything was given; nil when it did not.
    public var problem: String?
  }

  /// How far it has come.
  public struct Progress: Sendable {
    /// Results that are done.
    public var done = 0
    /// Of so many.
    public var of = 0
    /// Bytes that were sent for them.
    public var bytes: Int64 = 0
  }

  private static let width = 4

  /// Blocks until all results are at the remote, or it fails. What was sent stays, so that the next time nothing is sent
  /// twice.
  public static func push(
    _ items: [Item], to cache: RemoteCache, from store: ObjectStore, _ caches: RemoteCaches,
    progress: @escaping @Sendable (Progress) -> Void
  ) -> Report {
    guard let signer = caches.signer else {
      var report = Report()
      report.problem = "there is no key to sign results with"
      return report
    }
    let pusher = ResultPusher(cache.storage, store: store, signer: signer)
    let state = Mutex((report: Report(), progress: Progress(of: items.count)))
    let pool = WorkerPool(limit: width)
    for item in items {
      pool.submit {
        if state.withLock({ $0.report.problem != nil }) { return }
        let result = Result { try pusher.push(item.key, item.record, passing: item.passing) }
        let now = state.withLock { state in
          state.report.add(item, result)
          state.progress.done += 1
          state.progress.bytes = state.report.bytes
          return state.progress
        }
        progress(now)
      }
    }
    pool.close()
    var report = state.withLock { $0.report }
    report.pushed.sort()
    report.gone.sort { $0.instance < $1.instance }
    return report
  }

  /// What of these is not at the remote; asks for the results alone.
  public static func missing(_ items: [Item], at cache: RemoteCache, _ caches: RemoteCaches) throws -> [String] {
    var missing: [String] = []
    for item in items {
      let listing = try cache.storage.result(item.key).flatMap(RemoteListing.init(bytes:)) ?? RemoteListing()
      let known = listing.candidates.first { $0.record == item.record }
      guard let known, let signer = caches.signer else {
        missing.append(item.instance)
        continue
      }
      let signed = Digest(of: signer.sign(item.key, item.record).bytes)
      if !known.objects.contains(where: { $0.digest == signed }) { missing.append(item.instance) }
    }
    return missing
  }
}

extension RemotePush.Report {
  fileprivate mutating func add(_ item: RemotePush.Item, _ result: Result<ResultPusher.Outcome, any Error>) {
    switch result {
    case .success(.pushed(let objects, let bytes)):
      pushed.append(item.instance)
      self.objects += objects
      self.bytes += bytes
    case .success(.known): known += 1
    case .success(.gone(let reason)): gone.append((item.instance, reason))
    case .failure(let error as RemoteError) where error.kind == .missing || error.kind == .damaged:
      gone.append((item.instance, error.message))
    case .failure(let error): problem = problem ?? "\(error)"
    }
  }
}

extension Session {
  /// The results of surveyed instances that are up to date, each once.
  public func resultsToGive(_ survey: Survey) -> [RemotePush.Item] {
    var seen: Set<Digest> = []
    return graph.instanceOrder.compactMap { instance in
      guard survey.standing[instance] == .current, !isSettled(instance),
        let result = resolver.value.results[instance], seen.insert(result.record).inserted
      else { return nil }
      return RemotePush.Item(
        key: result.key, record: result.record, instance: graph.name(of: instance),
        passing: graph.step(of: instance).step.passing)
    }
  }

  /// Every result that the cache knows, of whatever project.
  public func allResults() throws -> [RemotePush.Item] {
    var rows: [(Digest, Digest)] = []
    try ledger.forEachAction { rows.append(($0.key, $0.record)) }
    return try rows.map { key, record in
      let name = try ledger.row(ofRecord: record)?.instance ?? record.short
      return RemotePush.Item(key: key, record: record, instance: name, passing: [])
    }
  }
}
