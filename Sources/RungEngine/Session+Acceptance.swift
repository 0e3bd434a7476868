import Glibc
import RungCore
import RungLedger
import RungModel
import RungPlan

extension Session {
  /// What would have to be accepted for an instance's last result to stand, though it would run: a value that is not
  /// written anywhere yet.
  public struct Acceptable: Sendable {
    /// The instance.
    public let instance: BuildGraph.NodeID
    /// Its name.
    public let name: String
    /// The acceptance, without a reason, an author and a time.
    public let acceptance: Acceptance
  }

  /// Why a change cannot be accepted.
  public enum Refusal: Error, Hashable, Sendable {
    /// It is up to date.
    case upToDate
    /// It has no result that could stand.
    case neverRan
    /// Something before it would run; whether it has to run itself is not known.
    case undecided
    /// It declares other outputs than its result has.
    case otherOutputs
    /// Nothing has changed: its bytes are gone, or it failed.
    case unchanged
    /// The bytes of the result, or the sets of what it was observed to read, are gone.
    case gone
    /// The result was watched less closely than is asked for now.
    case watch
  }

  /// What has changed for a surveyed instance since its last success, to be accepted.
  public func acceptable(
    _ instance: BuildGraph.NodeID, _ survey: Survey
  ) throws -> Result<Acceptable, Refusal> {
    switch survey.standing[instance] {
    case .current, .unneeded: return .failure(.upToDate)
    case .undecided: return .failure(.undecided)
    case .wouldRun: break
    }
    let name = graph.name(of: instance)
    let key = try resolver.value.fullKey(of: instance)
    let successes = try ledger.history(project: projectName, instance: name).filter { !$0.isFailure }
    guard let digest = successes.compactMap(\.record).first, let base = record(digest), base.outcome == .succeeded
    else { return .failure(.neverRan) }
    let required = requiredLevel(ofStep: Int(graph.stepOfInstance[instance]))
    guard (WatchLevel(rawValue: base.watch) ?? .declared) >= required else { return .failure(.watch) }
    let differences = Reason.differences(from: fields(base), to: key.fields)
    let names = graph.step(of: instance).step.outputs.map(\.name)
    guard !differences.contains(where: { $0.field == KeyField.Kind.output.rawValue }),
      names == base.outputs.map(\.name)
    else { return .failure(.otherOutputs) }
    let held = base.outputs.allSatisfy { output in
      output.kind == ActionOutput.Kind.tree.name
        ? store.holdsTree(output.digest) : output.digest == .empty || store.contains(output.digest)
    }
    let sets = [base.observed.project, base.observed.system].compactMap { $0 }
    guard held, sets.allSatisfy({ checker.value.set($0) != nil }) else { return .failure(.gone) }
    var changes = differences.map { reason in
      Acceptance.Change(
        kind: reason.field, name: reason.name, old: reason.old, new: reason.new, oldDigest: reason.oldDigest,
        newDigest: reason.newDigest)
    }
    for (entry, now) in checker.value.changes(base.observed, &resolver.value.files) {
      changes.append(
        Acceptance.Change(
          kind: "observed", name: entry.path, old: entry.kind.rawValue, new: now.kind.rawValue,
          oldDigest: entry.digest, newDigest: now.digest, newKind: now.kind.rawValue))
    }
    guard !changes.isEmpty else { return .failure(.unchanged) }
    return .success(
      Acceptable(
        instance: instance, name: name,
        acceptance: Acceptance(
          instance: name, key: key.digest, record: digest, changes: changes, because: "", who: "", at: 0, support: [],
          version: "")))
  }

  /// Writes acceptances: from now on the results stand. Durable on return. The answer is as they were written, with the
  /// time.
  public func accept(_ acceptances: [Acceptance]) throws -> [Acceptance] {
    var changes = LedgerChanges()
    let now = Clock.now()
    let acceptances = acceptances.map { acceptance in
      var acceptance = acceptance
      acceptance.at = now
      return acceptance
    }
    for acceptance in acceptances {
      // So that it can be seen later what was accepted; what is an input was kept when it was read.
      for change in acceptance.changes where change.kind == "observed" && !change.name.hasPrefix("/") {
        guard change.newKind == "file" || change.newKind == "executable" else { continue }
        _ = try? store.put(fileAt: "\(project.root)/\(change.name)")
      }
      let digest = try store.putRecord(acceptance.bytes)
      changes.acceptances.append(
        AcceptanceRow(
          digest: digest, project: projectName, instance: acceptance.instance, key: acceptance.key,
          record: acceptance.record, at: acceptance.at))
    }
    try store.flush()
    try ledger.commit(changes)
    for row in changes.acceptances { self.acceptances[row.key, default: []].insert(row, at: 0) }
    return acceptances
  }

  /// Writes that acceptances do not hold any more. Their records stay. Durable on return.
  public func revoke(_ rows: [AcceptanceRow], who: String) throws {
    var changes = LedgerChanges()
    let now = Clock.now()
    for var row in rows {
      _ = try store.putRecord(Revocation(acceptance: row.digest, who: who, at: now).bytes)
      row.revoked = now
      changes.acceptances.append(row)
    }
    try store.flush()
    try ledger.commit(changes)
  }

  /// The record of the result that an instance has now, once it was surveyed; nil when there is none.
  public func resultRecord(of instance: BuildGraph.NodeID) -> Digest? { resolver.value.results[instance]?.record }

  /// The acceptance by which an instance's result stands; nil when it needs none.
  public func acceptance(of instance: BuildGraph.NodeID) -> (digest: Digest, acceptance: Acceptance)? {
    guard !acceptances.isEmpty, let result = resolver.value.results[instance],
      ((try? ledger.actions(forKey: result.key)) ?? []).contains(where: { $0.record == result.record }) == false
    else { return nil }
    for row in acceptances[result.key] ?? [] where row.record == result.record {
      if let acceptance = read(row) { return (row.digest, acceptance) }
    }
    return nil
  }

  // The result that was accepted for a key, if everything but what was accepted is as it was.
  func accepted(_ key: Digest, atLeast required: WatchLevel) -> KnownResult? {
    for row in acceptances[key] ?? [] {
      guard let acceptance = read(row), let base = record(row.record),
        (WatchLevel(rawValue: base.watch) ?? .declared) >= required
      else { continue }
      var changed: [ObservedChecker.Looked: (kind: ObservedSet.Kind, digest: Digest?)] = [:]
      for change in acceptance.changes where change.kind == "observed" {
        guard let old = change.old.flatMap(ObservedSet.Kind.init(rawValue:)),
          let kind = change.newKind.flatMap(ObservedSet.Kind.init(rawValue:))
        else { continue }
        changed[.init(path: change.name, kind: old)] = (kind, change.newDigest)
      }
      guard checker.value.isCurrent(base.observed, accepting: changed, &resolver.value.files) else { continue }
      let outputs = base.outputs.compactMap { output in
        ActionOutput.Kind(name: output.kind).map {
          ActionOutput(name: output.name, kind: $0, digest: output.digest, size: output.size)
        }
      }
      guard outputs.count == base.outputs.count else { continue }
      return KnownResult(key: key, record: row.record, outputs: outputs)
    }
    return nil
  }

  private func read(_ row: AcceptanceRow) -> Acceptance? {
    (try? store.readRecord(row.digest)).flatMap(Acceptance.init(bytes:))
  }
}
