import RungCore
import RungLedger
import RungPlan
import RungStore

/// What a collection has to know of a cache, read from the store, the records and the index.
///
/// Objects are listed before records are read and records before the index: what a run adds meanwhile is then either not
/// a candidate, or known.
struct Census {
  /// One execution, as far as a collection cares.
  struct Execution {
    let record: Digest
    let instance: String
    let step: String
    let run: String
    let identity: Reproducibility.Execution
    let outputs: [Digest]
    let outputNames: [String]
    let trees: [Digest]
    let size: Int64
    let duration: Int64
    let ended: Int64
    let succeeded: Bool
    let needs: [Digest]
    let gathers: [Digest]
  }

  private let store: ObjectStore
  private let ledger: Ledger
  private(set) var facts = Retention.Facts()
  /// For each result of the facts the execution that it came from.
  private(set) var executions: [Execution] = []
  /// Records that are damaged or lost, a sentence each: what they name is not known.
  private(set) var unreadable: [String] = []
  /// Every record that was read.
  private(set) var records: Set<Digest> = []
  private(set) var reproducible: [Reproducibility.Execution: Reproducibility] = [:]

  private var verifications: [Verification] = []
  private var places: [Digest: Int] = [:]
  private var trees: Set<Digest> = []
  private var holdings: RecordHoldings

  init(_ store: ObjectStore, _ ledger: Ledger) {
    self.store = store
    self.ledger = ledger
    holdings = RecordHoldings(store: store)
  }

  /// Looks at everything. `pinned` are the runs to keep, `instances` those that `project` declares, where that is known;
  /// `isPassing` says which outputs may go at once.
  static func take(
    _ store: ObjectStore, _ ledger: Ledger, pinned: Set<String>, project: String, instances: Set<String>?,
    isPassing: (_ execution: Execution, _ output: String) -> Bool
  ) throws -> Census {
    var census = Census(store, ledger)
    try census.listObjects()
    let all = try census.readRecords()
    let history = try HistoryDigest(
      ledger, pinned: pinned, succeeded: Set(all.lazy.filter(\.succeeded).map(\.record)),
      isDeclared: { $0 != project || instances?.contains($1) != false })
    try census.linkTrees(all)
    census.judge(all)
    try census.addResults(all, history, pinned, isPassing)
    try census.fix()
    return census
  }

  private mutating func listObjects() throws(StoreError) {
    let objects = try store.objects()
    places.reserveCapacity(objects.count)
    for object in objects {
      places[object.digest] = facts.objects.count
      facts.objects.append(.init(digest: object.digest, stored: object.stored))
    }
    for (index, object) in objects.enumerated() where !object.parts.isEmpty {
      facts.objects[index].parts = Set(object.parts.compactMap { places[$0] }).subtracting([index]).sorted()
    }
  }

  private mutating func readRecords() throws -> [Execution] {
    var all: [Execution] = []
    let errors = try store.forEachRecord { digest, bytes in try add(digest, bytes, to: &all) }
    for error in errors { try note(error) }
    // What was published meanwhile; and what was damaged and set aside before, or deleted.
    for digest in try ledger.recordNames().subtracting(records).sorted() {
      let bytes: [UInt8]
      do throws(StoreError) {
        bytes = try store.readRecord(digest)
      } catch {
        if !errors.contains(where: { $0.message.contains(digest.hex) }) { try note(error) }
        continue
      }
      try add(digest, bytes, to: &all)
    }
    return all
  }

  private mutating func add(_ digest: Digest, _ bytes: [UInt8], to all: inout [Execution]) throws {
    guard let any = AnyRecord(bytes: bytes) else { throw CollectorError.unknownRecord(digest) }
    records.insert(digest)
    switch any {
    case .execution(let record):
      try holdings.add(record)
      all.append(Execution(digest, record))
    case .run(let run): holdings.add(run)
    case .verification(let verification): verifications.append(verification)
    case .acceptance(let acceptance): holdings.add(acceptance)
    // It names a record only.
    case .revocation: break
    }
  }

  // One that cannot be read now but may be later could name anything: that is no reason to go on.
  private mutating func note(_ error: StoreError) throws(StoreError) {
    guard error.code == .damaged || error.code == .missing else { throw error }
    unreadable.append(error.message)
  }

  // What was done again only to compare counts like any other execution; within the tolerance counts as the same.
  private mutating func judge(_ all: [Execution]) {
    var executions = all.filter(\.succeeded).map { ($0.identity, outputs: $0.outputs) }
    let places = Dictionary(all.map { ($0.record, $0) }, uniquingKeysWith: { first, _ in first })
    for verification in verifications {
      // One of a changed step, made to support an acceptance, says nothing about what was executed then.
      guard let execution = places[verification.record], execution.identity.key == verification.key else { continue }
      switch verification.verdict {
      case .identical, .within: executions.append((execution.identity, outputs: execution.outputs))
      case .different:
        executions.append((execution.identity, outputs: verification.outputs.map { $0.made ?? .empty }))
      case .failed: break
      }
    }
    reproducible = Reproducibility.judge(executions)
  }

  // Folders are read from their manifests, each once.
  private mutating func linkTrees(_ all: [Execution]) throws(StoreError) {
    var stack = Array(holdings.trees)
    for execution in all { stack += execution.trees }
    for row in try displaced() where row.isTree { stack.append(row.digest) }
    while let tree = stack.popLast() {
      guard let index = places[tree], trees.insert(tree).inserted, let manifest = try manifest(tree) else { continue }
      var parts = Set(facts.objects[index].parts)
      for entry in manifest.entries {
        switch entry.kind {
        case .file(let digest, _, _): if let part = places[digest] { parts.insert(part) }
        case .directory(let digest, _):
          if let part = places[digest] { parts.insert(part) }
          stack.append(digest)
        case .link: break
        }
      }
      facts.objects[index].parts = parts.subtracting([index]).sorted()
    }
  }

  private func manifest(_ digest: Digest) throws(StoreError) -> TreeManifest? {
    do {
      return try store.tree(digest)
    } catch {
      // A damaged folder is lost, and what is in it belongs to nobody.
      if error.code == .missing || error.code == .damaged { return nil }
      throw error
    }
  }

  private func displaced() throws(StoreError) -> [DisplacedRow] {
    do {
      return try ledger.displaced()
    } catch {
      throw StoreError(.io, error.message)
    }
  }

  private mutating func addResults(
    _ all: [Execution], _ history: HistoryDigest, _ pinned: Set<String>, _ isPassing: (Execution, String) -> Bool
  ) throws {
    let published = Set(try ledger.publishedEverywhere().map(\.record))
    let uses = try ledger.uses(since: .min)
    // Those too whose bytes are gone: they tell what others were made from.
    executions = all.sorted { $0.record < $1.record }
    var numbers: [Digest: Int] = [:]
    for (number, execution) in executions.enumerated() { numbers[execution.record] = number }
    var gatherings: [Digest: Int] = [:]
    for (members, records) in holdings.members {
      gatherings[members] = facts.gatherings.count
      facts.gatherings.append(records.compactMap { numbers[$0] })
    }
    for execution in executions {
      let record = execution.record
      var result = Retention.Result(
        record: record, roots: outputs(of: execution) { !isPassing(execution, $0) }, size: execution.size,
        duration: execution.duration,
        lastUsed: max(execution.ended, history.lastUsed[record] ?? .min, uses[record] ?? .min))
      result.passing = outputs(of: execution) { isPassing(execution, $0) }
      result.needs = execution.needs.compactMap { numbers[$0] }
      result.gathers = execution.gathers.compactMap { gatherings[$0] }
      result.isPinned = history.pinned.contains(record) || pinned.contains(execution.run)
      result.isPublished = published.contains(record)
      result.isCurrent = history.current.contains(record)
      facts.results.append(result)
    }
  }

  // Those that are in the store.
  private func outputs(of execution: Execution, where isIncluded: (String) -> Bool) -> [Int] {
    let digests = zip(execution.outputs, execution.outputNames).filter { isIncluded($1) }.map(\.0)
    return Set(digests.compactMap { places[$0] }).sorted()
  }

  private mutating func fix() throws {
    var fixed = holdings.objects.union(holdings.trees)
    fixed.formUnion(try ledger.publishedEverywhere().map(\.digest))
    fixed.formUnion(try ledger.displaced().map(\.digest))
    facts.fixed = fixed.compactMap { places[$0] }.sorted()
  }
}

extension Census.Execution {
  // A year, in nanoseconds.
  private static let longest: Int64 = 31_536_000_000_000_000

  fileprivate init(_ digest: Digest, _ record: Record) {
    var needs: Set<Digest> = []
    var gathers: Set<Digest> = []
    for input in record.inputs {
      switch input.source {
      case .project, .files: break
      case .step(_, _, let maker): needs.insert(maker)
      case .collection(let members, _): gathers.insert(members)
      }
    }
    // Sums of what a record of any writer may hold.
    let duration = min(max(0, record.duration), Self.longest)
    let (ended, isOverflow) = record.started.addingReportingOverflow(duration)
    self.init(
      record: digest, instance: record.instance, step: "\(record.pipeline)/\(record.step)", run: record.run,
      identity: .init(key: record.key, observed: [record.observed.project, record.observed.system]),
      outputs: record.outputs.map(\.digest), outputNames: record.outputs.map(\.name),
      trees: record.outputs.filter { $0.kind == ActionOutput.Kind.tree.name }.map(\.digest),
      size: record.outputs.reduce(0) { $0 &+ max(0, $1.size) }, duration: duration,
      ended: isOverflow ? .max : ended, succeeded: record.outcome == .succeeded, needs: needs.sorted(),
      gathers: gathers.sorted())
  }
}
