import Glibc
import RungCore
import RungLedger
import RungPlan
import RungStore

/// Frees what nobody uses of a cache: decides by `Retention` and performs that. Records stay.
public struct Collector: Sendable {
  private let store: ObjectStore
  private let ledger: Ledger
  private let cache: String

  /// A collector of the cache at this path.
  public init(store: ObjectStore, ledger: Ledger, cache: String) {
    self.store = store
    self.ledger = ledger
    self.cache = cache
  }

  /// What is to be kept.
  public struct Request: Sendable {
    /// How long after its last use a result is kept, in nanoseconds.
    public var olderThan: Int64
    /// The most that the objects may take, in bytes; nil for no limit.
    public var maxSize: Int64?
    /// Runs that are treated as if they were pinned, by their whole names.
    public var keepRuns: [String]
    /// How the ledger calls the project that is asked from.
    public var project: String
    /// The instances that it declares; nil when that is not known, and then each that ever was counts as declared.
    public var instances: Set<String>?
    /// The outputs of its steps that are made again when something reads them (`recompute: true`), by instance.
    public var passing: [String: Set<String>] = [:]

    /// A request.
    public init(
      olderThan: Int64, maxSize: Int64? = nil, keepRuns: [String] = [], project: String, instances: Set<String>?
    ) {
      self.olderThan = olderThan
      self.maxSize = maxSize
      self.keepRuns = keepRuns
      self.project = project
      self.instances = instances
    }
  }

  /// Says what would be freed; changes nothing.
  public func survey(_ request: Request) throws -> CollectionReport {
    try decide(request).report
  }

  /// Frees it. Any number of processes may use the cache meanwhile; what living ones rely on is spared. Another
  /// collection is waited for, and `waiting` is called before that.
  public func collect(_ request: Request, waiting: () -> Void) throws -> CollectionReport {
    try free(waiting: waiting, sparingOwn: true) { try decide(request) }
  }

  /// Frees the outputs of a project's instances that were declared `recompute: true`, given by instance and name, of all
  /// their executions, and nothing else. What another result has, what is pinned and what other living processes rely on is
  /// spared. This process must have done with them.
  func pass(_ outputs: [String: Set<String>], of project: String) throws {
    let pins = Set(try ledger.pins().map(\.run))
    _ = try free(waiting: {}, sparingOwn: false) {
      let census = try Census.take(
        store, ledger, pinned: pins, project: project, instances: nil, isPassing: isPassing(outputs, project))
      var rules = Retention.Rules(now: Clock.now(), olderThan: .max)
      rules.sparesStrays = true
      return decide(census, rules)
    }
  }

  // Projects that share a cache may call different things alike.
  private func isPassing(
    _ outputs: [String: Set<String>], _ project: String
  ) -> (Census.Execution, String) -> Bool {
    { execution, output in
      outputs[execution.instance]?.contains(output) == true
        && (try? ledger.row(ofRecord: execution.record))?.project == project
    }
  }

  private typealias Decision = (report: CollectionReport, doomed: Set<Digest>, known: Set<Digest>)

  private func free(
    waiting: () -> Void, sparingOwn: Bool, decide: () throws -> Decision
  ) throws -> CollectionReport {
    try store.requireWritable()
    let lock = try CollectionLock(cache: cache, waiting: waiting)
    defer { lock.release() }
    var (report, doomed, known) = try decide()
    try spareNew(&doomed, known)
    let collected = try store.collect(doomed, sparingOwn: sparingOwn)
    report.collected = .init(objects: collected.objects, bytes: collected.bytes, spared: collected.kept)
    // Only so that a check does not take them for lost; on a full disk it cannot be written, and the bytes are free.
    var changes = LedgerChanges()
    let now = Clock.now()
    changes.collected = (report.dropped.map(\.record) + report.passed).map { CollectedRow(record: $0, at: now) }
    try? ledger.commit(changes)
    return report
  }

  private func decide(_ request: Request) throws -> Decision {
    let pins = Set(try ledger.pins().map(\.run)).union(request.keepRuns)
    let census = try Census.take(
      store, ledger, pinned: pins, project: request.project, instances: request.instances,
      isPassing: isPassing(request.passing, request.project))
    var rules = Retention.Rules(now: Clock.now(), olderThan: request.olderThan, maxSize: request.maxSize)
    rules.sparesStrays = !census.unreadable.isEmpty
    return decide(census, rules)
  }

  private func decide(_ census: Census, _ rules: Retention.Rules) -> Decision {
    let retention = Retention(census.facts, rules)
    let doomed = Set(retention.freed.map { census.facts.objects[$0].digest })
    return (CollectionReport(census, retention, rules), doomed, census.records)
  }

  // A run that began and ended since the records were read is not living any more, so that its pins are gone; but its
  // records say what it relied on.
  private func spareNew(_ doomed: inout Set<Digest>, _ known: Set<Digest>) throws {
    let new = doomed.isEmpty ? [] : try ledger.recordNames().subtracting(known)
    if new.isEmpty { return }
    var holdings = RecordHoldings(store: store)
    var trees: [Digest] = []
    for name in new {
      guard let record = (try? store.readRecord(name)).flatMap(Record.init(bytes:)) else { continue }
      try holdings.add(record)
      for output in record.outputs {
        doomed.remove(output.digest)
        if output.kind == ActionOutput.Kind.tree.name { trees.append(output.digest) }
      }
    }
    doomed.subtract(holdings.objects)
    trees += holdings.trees
    var seen: Set<Digest> = []
    while let tree = trees.popLast() {
      guard seen.insert(tree).inserted, let manifest = try? store.tree(tree) else { continue }
      doomed.remove(tree)
      for entry in manifest.entries {
        switch entry.kind {
        case .file(let digest, _, _): doomed.remove(digest)
        case .directory(let digest, _): trees.append(digest)
        case .link: break
        }
      }
    }
    // What is spared may be a list.
    for object in try store.objects() where !doomed.contains(object.digest) { doomed.subtract(object.parts) }
  }
}

/// Why a cache cannot be collected. Nothing was freed.
public struct CollectorError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What happened, to which file, and what to do next.
  public let message: String

  /// The message.
  public var description: String { message }

  static func unknownRecord(_ digest: Digest) -> CollectorError {
    CollectorError(
      message: "record \(digest.hex) has a format that this version of rung does not know, so that nobody can tell what"
        + " it needs; collect with the newer rung that wrote it. Nothing was freed")
  }
}

/// The lock under which a cache is collected and runs are pinned: an flock of the file `gc.lock`. The kernel lets go of
/// what a dead process held.
public final class CollectionLock {
  private var descriptor: Int32

  /// Waits for it; `waiting` is called before, when somebody has it.
  public init(cache: String, waiting: () -> Void) throws(CollectorError) {
    let path = "\(cache)/gc.lock"
    func problem(_ what: String) -> CollectorError {
      CollectorError(message: "cannot \(what) \(path): \(String(cString: strerror(errno))). Nothing was changed")
    }
    repeat {
      descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else { throw problem("open") }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
    if errno == EWOULDBLOCK { waiting() }
    while flock(descriptor, LOCK_EX) != 0 {
      if errno == EINTR { continue }
      let error = problem("lock")
      close(descriptor)
      descriptor = -1
      throw error
    }
  }

  deinit { release() }

  /// Lets go of it. Again is not an error.
  public func release() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }
}
