import RungCore
import RungLedger
import RungStore

/// Makes the index of a cache anew from its record objects.
public enum IndexRebuilder {
  /// What a rebuild did.
  public struct Report: Sendable {
    /// Records that are in the index now.
    public var records = 0
    /// Results of action keys; a key has one for each set of files that its executions were observed to read.
    public var actions = 0
    /// Entries that were added to the history.
    public var history = 0
    /// Records that are damaged (set aside by the store), cannot be read, or have a format that this version does not
    /// know: a sentence each. They are not in the index.
    public var damaged: [String] = []

    /// A report of nothing.
    public init() {}
  }

  /// Replaces the index by what the records say, so that a following run finds every result there is.
  ///
  /// For each key and each observation the newest success counts; no other outcome is a result. Records do not say of which project they are: one that the ledger still
  /// knows keeps its project, others get `project`. Runs and published files, which no record knows, stay as they are;
  /// history that is there stays too, and what is newer than it is added. The stat cache starts empty, so the next run
  /// reads every source once.
  ///
  /// A crash meanwhile, or a run that commits meanwhile, costs the index entries, never results: rebuild again. Memory
  /// is in proportion to the number of records. Throws when the store cannot be listed or the ledger not be written.
  public static func rebuild(
    store: ObjectStore, ledger: Ledger, project: String
  ) throws(TraceError) -> Report {
    do {
      var rebuild = Rebuild(project: project) { (try? ledger.row(ofRecord: $0))?.project }
      let errors = try store.forEachRecord { digest, bytes in
        // Asked before the index is cleared.
        let known = (try? ledger.row(ofRecord: digest))?.project
        rebuild.add(digest, bytes, knownProject: known)
      }
      rebuild.report.damaged = (errors.map(\.message) + rebuild.report.damaged).sorted()
      let changes = try rebuild.changes { try ledger.latest(project: $0) }
      try ledger.clear()
      try ledger.commit(changes)
      return rebuild.report
    } catch {
      throw TraceError(
        .cache, "the index cannot be rebuilt: \(error)", notes: ["the records are untouched; try again"])
    }
  }

  private struct Rebuild {
    struct Entry {
      let row: RecordRow
      let action: ActionRow
    }

    // What the action cache has once.
    struct Name: Hashable {
      let key: Digest
      let observed: Observed
    }

    let project: String
    var entries: [Entry] = []
    var verifications: [VerificationRow] = []
    var acceptances: [AcceptanceRow] = []
    // When they were revoked, by acceptance.
    var revocations: [Digest: Int64] = [:]
    var report = Report()

    // The project of the record that an acceptance lets stand, as far as the ledger knows it.
    let acceptanceProject: (Digest) -> String?

    init(project: String, acceptanceProject: @escaping (Digest) -> String?) {
      self.project = project
      self.acceptanceProject = acceptanceProject
    }

    mutating func add(_ digest: Digest, _ bytes: [UInt8], knownProject: String?) {
      guard let any = AnyRecord(bytes: bytes) else { return unknown(digest) }
      switch any {
      case .execution(let record): add(digest, record, knownProject)
      case .run: break
      case .verification(let verification): verifications.append(VerificationRow(digest, verification))
      case .acceptance(let acceptance):
        acceptances.append(
          AcceptanceRow(
            digest: digest, project: acceptanceProject(acceptance.record) ?? project, instance: acceptance.instance,
            key: acceptance.key,
            record: acceptance.record, at: acceptance.at))
      case .revocation(let revocation): revocations[revocation.acceptance] = revocation.at
      }
    }

    private mutating func unknown(_ digest: Digest) {
      report.damaged.append("record \(digest.hex) has a format that this version does not know")
    }

    private mutating func add(_ digest: Digest, _ record: Record, _ knownProject: String?) {
      guard let outputs = Self.outputs(of: record) else { return unknown(digest) }
      let row = RecordRow(
        record: digest, project: knownProject ?? project, instance: record.instance, pipeline: record.pipeline,
        step: record.step, key: record.key, run: record.run, outcome: record.outcome.rawValue,
        started: record.started, duration: record.duration)
      let action = ActionRow(
        key: record.key, observed: record.observed, watch: record.watch, made: record.started, record: digest,
        outputs: outputs)
      entries.append(Entry(row: row, action: action))
    }

    // Nil when an output is of a kind that this version does not know.
    private static func outputs(of record: Record) -> [ActionOutput]? {
      var outputs: [ActionOutput] = []
      for output in record.outputs {
        guard let kind = ActionOutput.Kind(name: output.kind) else { return nil }
        outputs.append(ActionOutput(name: output.name, kind: kind, digest: output.digest, size: output.size))
      }
      return outputs
    }

    // `latest` gives the newest entry of each instance of a project that the ledger has.
    mutating func changes(latest: (String) throws -> [String: HistoryEntry]) throws -> LedgerChanges {
      entries.sort { ($0.row.started, $0.row.record) < ($1.row.started, $1.row.record) }
      var changes = LedgerChanges()
      var actions: [Name: ActionRow] = [:]
      var histories: [String: [String: HistoryEntry]] = [:]
      let succeeded = Record.Outcome.succeeded.rawValue
      for entry in entries {
        let row = entry.row
        changes.records.append(row)
        if row.outcome == succeeded {
          // In order of start, so that the newest stays.
          actions[Name(key: row.key, observed: entry.action.observed)] = entry.action
          changes.outputs += entry.action.outputs.map {
            OutputRow(digest: $0.digest, record: row.record, name: $0.name)
          }
          changes.durations.append(
            .init(project: row.project, step: "\(row.pipeline)/\(row.step)", nanoseconds: row.duration))
        }
        if histories[row.project] == nil { histories[row.project] = try latest(row.project) }
        if let last = histories[row.project]?[row.instance], row.started <= last.at { continue }
        changes.history.append(
          HistoryEntry(
            project: row.project, instance: row.instance, run: row.run, key: row.key, record: row.record,
            outcome: row.outcome == succeeded ? "ran" : "failed", at: row.started + row.duration))
      }
      changes.verifications = verifications
      changes.acceptances = acceptances.map { row in
        var row = row
        row.revoked = revocations[row.digest]
        return row
      }
      changes.actions = actions.values.sorted { ($0.key, $0.made) < ($1.key, $1.made) }
      report.records = changes.records.count
      report.actions = changes.actions.count
      report.history = changes.history.count
      return changes
    }
  }
}
