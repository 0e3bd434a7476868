import RungCore
import RungLedger
import RungStore

/// What was found out about executions after they were made: whether they came out the same when they were done again,
/// whether others under the same key made something else, and which changes they were said to outlive.
public struct Audit: Sendable {
  /// How often an execution was done again, and what came of it.
  public struct Confirmation: Hashable, Sendable {
    /// How often every byte was the same.
    public var identical = 0
    /// How often all numbers lay within the declared tolerance.
    public var within = 0
    /// How often something else was made.
    public var different = 0
    /// How often it could not be done again.
    public var failed = 0
    /// The hosts on which it was done again, sorted.
    public var hosts: Set<String> = []
    /// The newest time, in nanoseconds since 1970.
    public var last: Int64 = 0

    /// Whether it came out the same at least once, and never otherwise.
    public var isConfirmed: Bool { identical + within > 0 && different == 0 }
  }

  /// An acceptance that lets a result stand.
  public struct Accepted: Hashable, Sendable {
    /// Its record.
    public let digest: Digest
    /// What it says.
    public let acceptance: Acceptance
    /// When it was taken back, in nanoseconds since 1970; nil while it holds.
    public let revoked: Int64?
  }

  /// By record: how often it was confirmed. Nothing for one that was never done again.
  public private(set) var confirmations: [Digest: Confirmation] = [:]
  /// By record: other executions under the same key, with the same observed files, that made other bytes; newest first.
  public private(set) var conflicts: [Digest: [RecordRow]] = [:]
  /// By record: the acceptances that name it, newest first, those too that were taken back.
  public private(set) var acceptances: [Digest: [Accepted]] = [:]

  private static let few = 64

  /// Nothing was found out.
  public init() {}

  /// What the ledger knows of these executions. Verifications that a ledger does not know, since it was damaged, come
  /// back with `rung cache rebuild-index`. What cannot be read is left out.
  public static func of(
    _ executions: [(digest: Digest, record: Record)], ledger: Ledger, store: ObjectStore
  ) -> Audit {
    var audit = Audit()
    let wanted = Set(executions.map(\.digest))
    let keys = Dictionary(executions.map { ($0.digest, $0.record.key) }, uniquingKeysWith: { first, _ in first })
    let rows: [VerificationRow]
    if executions.count <= few {
      rows = executions.flatMap { (try? ledger.verifications(of: $0.digest)) ?? [] }
    } else {
      rows = ((try? ledger.verifications()) ?? []).filter { wanted.contains($0.record) }
    }
    // Under another key it was a changed step that ran, to support an acceptance.
    for row in rows where row.key == keys[row.record] { audit.add(row) }
    for row in (try? ledger.acceptances()) ?? [] where wanted.contains(row.record) {
      guard let acceptance = (try? store.readRecord(row.digest)).flatMap(Acceptance.init(bytes:)) else { continue }
      audit.acceptances[row.record, default: []].append(
        Accepted(digest: row.digest, acceptance: acceptance, revoked: row.revoked))
    }
    // For a few, asked one by one: a look over all keys grows with the ledger.
    let repeated = executions.count > few ? (try? ledger.keysMadeMoreThanOnce()) ?? [] : nil
    for (digest, record) in executions where repeated?.contains(record.key) != false {
      audit.findConflicts(digest, record, ledger, store)
    }
    return audit
  }

  private mutating func add(_ row: VerificationRow) {
    var confirmation = confirmations[row.record] ?? Confirmation()
    switch Verification.Verdict(rawValue: row.verdict) {
    case .identical: confirmation.identical += 1
    case .within: confirmation.within += 1
    case .different: confirmation.different += 1
    case .failed: confirmation.failed += 1
    case nil: return
    }
    confirmation.hosts.insert(row.host)
    confirmation.last = max(confirmation.last, row.at)
    confirmations[row.record] = confirmation
  }

  private mutating func findConflicts(_ digest: Digest, _ record: Record, _ ledger: Ledger, _ store: ObjectStore) {
    func made(_ record: Record) -> [String] { record.outputs.map { "\($0.name) \($0.kind) \($0.digest.hex)" } }
    for row in (try? ledger.records(withKey: record.key)) ?? []
    where row.record != digest && row.outcome == Record.Outcome.succeeded.rawValue {
      guard let other = (try? store.readRecord(row.record)).flatMap(Record.init(bytes:)),
        other.observed == record.observed, made(other) != made(record)
      else { continue }
      conflicts[digest, default: []].append(row)
    }
  }

  /// One record's confirmation as a line for people; nil when it was never done again.
  func line(ofConfirmation record: Digest) -> String? {
    guard let found = confirmations[record] else { return nil }
    let parts = [
      (found.identical, "identical"), (found.within, "within the tolerance"), (found.different, "different"),
      (found.failed, "failed"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let total = found.identical + found.within + found.different + found.failed
    return "executed again \(total == 1 ? "once" : "\(total) times") on \(listed(found.hosts.sorted(), limit: 3)): "
      + "\(parts.joined(separator: ", ")), last \(UTCTime(nanoseconds: found.last).text)"
  }

  /// One record's conflicts as a line for people; nil when there are none.
  func line(ofConflicts record: Digest) -> String? {
    guard let others = conflicts[record], let newest = others.first else { return nil }
    return
      "the same key gave other bytes \(others.count == 1 ? "once" : "\(others.count) times"): record "
      + "\(newest.record.short), \(UTCTime(nanoseconds: newest.started).text)"
  }

  /// The acceptances that hold for a record, a line each.
  func lines(ofAcceptances record: Digest) -> [String] {
    (acceptances[record] ?? []).filter { $0.revoked == nil }.map { accepted in
      let changes = accepted.acceptance.changes.map { "\($0.kind) \($0.name)".trimmed }
      return "\(listed(changes, limit: 3)) of \(accepted.acceptance.instance) changed since, accepted by "
        + "\(accepted.acceptance.who) \(UTCTime(nanoseconds: accepted.acceptance.at).text): "
        + accepted.acceptance.because
    }
  }

  /// What is known of one record, for programs.
  func json(_ record: Digest) -> JSON {
    let found = confirmations[record]
    let confirmed: JSON =
      found.map { found in
        [
          "identical": .int(found.identical), "within": .int(found.within), "different": .int(found.different),
          "failed": .int(found.failed), "hosts": .strings(found.hosts.sorted()), "last_ns": .int(found.last),
        ]
      } ?? .null
    let conflicts = (conflicts[record] ?? []).map { row -> JSON in
      ["record": .digest(row.record), "run": .string(row.run), "started_ns": .int(row.started)]
    }
    let accepted = (acceptances[record] ?? []).map { accepted -> JSON in
      JSON.object([
        JSON.Member("acceptance", .digest(accepted.digest)),
        JSON.Member("revoked_ns", accepted.revoked.map { .int($0) } ?? .null),
      ]).appending(accepted.acceptance.json)
    }
    return ["confirmed": confirmed, "conflicts": .array(conflicts), "accepted": .array(accepted)]
  }
}

extension String {
  fileprivate var trimmed: String { hasSuffix(" ") ? String(dropLast()) : self }
}

extension Audit {
  /// What is to be said of all executions of one step, a labelled line each.
  public func lines(ofStep records: [Digest]) -> [(label: String, text: String)] {
    var lines: [(label: String, text: String)] = []
    let tried = records.compactMap { confirmations[$0] }
    if records.count == 1, let line = line(ofConfirmation: records[0]) {
      lines.append(("confirmed", line))
    } else if !tried.isEmpty {
      let confirmed = tried.count { $0.isConfirmed }
      let different = tried.count { $0.different > 0 }
      let hosts = Set(tried.flatMap(\.hosts)).sorted()
      lines.append(
        (
          "confirmed",
          "\(confirmed) of \(records.count), executed again on \(listed(hosts, limit: 3))"
            + (different > 0 ? "; \(different) came out otherwise" : "")
        ))
    }
    let conflicting = records.filter { conflicts[$0] != nil }
    if records.count == 1, let line = line(ofConflicts: records[0]) {
      lines.append(("conflict", line))
    } else if !conflicting.isEmpty {
      lines.append(("conflict", "\(conflicting.count) gave other bytes under the same key"))
    }
    let accepted = records.flatMap(lines(ofAcceptances:))
    for line in accepted.prefix(2) { lines.append(("accepted", line)) }
    if accepted.count > 2 { lines.append(("", "and \(accepted.count - 2) more")) }
    return lines
  }
}
