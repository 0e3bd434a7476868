import RungCore
import RungDatabase

extension Ledger {
  /// The entries of the action cache for a key, the newest first: those `made` last.
  public func actions(forKey key: Digest) throws(LedgerError) -> [ActionRow] {
    try rows(
      "SELECT \(Self.actionColumns) FROM action WHERE key = ? ORDER BY made DESC, project_set, system_set",
      .digest(key), map: Self.action)
  }

  /// The newest entry of the action cache for a key, or nil. It is only a candidate: see `actions(forKey:)`.
  public func action(forKey key: Digest) throws(LedgerError) -> ActionRow? { try actions(forKey: key).first }

  /// Hands over every entry of the action cache, by key and observation, as they are at one moment. The body must not use
  /// this ledger.
  public func forEachAction(_ body: (ActionRow) -> Void) throws(LedgerError) {
    _ = try rows("SELECT \(Self.actionColumns) FROM action ORDER BY key, project_set, system_set") {
      row throws(LedgerError) in body(try Self.action(row))
    }
  }

  private static let actionColumns = "key, project_set, system_set, watch, made, record, outputs"

  private static func action(_ row: Row) throws(LedgerError) -> ActionRow {
    guard let outputs = ActionRow.decode(row.blob(6)) else {
      throw .damagedFile(row.path, row.title, "an action's outputs")
    }
    return ActionRow(
      key: try row.digest(0), observed: Observed(project: try row.set(1), system: try row.set(2)), watch: row.text(3),
      made: row.int(4), record: try row.digest(5), outputs: outputs)
  }

  /// The whole stat cache of a project, sorted by path.
  public func statCache(project: String) throws(LedgerError) -> [StatEntry] {
    try rows(
      """
      SELECT path, device, inode, size, modified, changed, mode, digest, hashed_at FROM stat
      WHERE project = ? ORDER BY path
      """, .text(project)
    ) { row throws(LedgerError) in
      StatEntry(
        path: row.text(0), device: UInt64(bitPattern: row.int(1)), inode: UInt64(bitPattern: row.int(2)),
        size: row.int(3), modified: row.int(4), changed: row.int(5), mode: UInt32(truncatingIfNeeded: row.int(6)),
        digest: try row.digest(7), hashedAt: row.int(8))
    }
  }

  /// The mean duration of each step, in nanoseconds, by `pipeline/step`; the last few samples count most.
  public func durations(project: String) throws(LedgerError) -> [String: Int64] {
    let pairs = try rows("SELECT step, nanoseconds FROM duration WHERE project = ?", .text(project)) {
      ($0.text(0), $0.int(1))
    }
    return Dictionary(pairs) { first, _ in first }
  }

  /// The newest history entry of each instance of a project, by instance.
  public func latest(project: String) throws(LedgerError) -> [String: HistoryEntry] {
    let entries = try history("JOIN latest USING (sequence) WHERE latest.project = ?", .text(project))
    return Dictionary(entries.map { ($0.instance, $0) }) { first, _ in first }
  }

  /// What became of an instance, newest first.
  public func history(project: String, instance: String) throws(LedgerError) -> [HistoryEntry] {
    try history(
      "WHERE history.project = ? AND history.instance = ? ORDER BY sequence DESC", .text(project), .text(instance))
  }

  /// Whether anything became of instances with axes of the step `pipeline/step`.
  public func hasInstances(ofStep step: String, project: String) throws(LedgerError) -> Bool {
    // The byte after `[` is the backslash.
    try read { database throws(LedgerError) in
      try !database.rows(
        "SELECT 1 FROM latest WHERE project = ? AND instance >= ? AND instance < ? LIMIT 1",
        [.text(project), .text(step + "["), .text(step + "\\")]
      ) { $0.int(0) }.isEmpty
    }
  }

  /// What became of all instances of a step, newest first; `step` is `pipeline/step`.
  public func history(project: String, step: String) throws(LedgerError) -> [HistoryEntry] {
    // An instance is the step's name alone, or that and `[…]`; the byte after `[` is the backslash.
    try history(
      """
      WHERE history.project = ?
      AND (history.instance = ? OR (history.instance >= ? AND history.instance < ?)) ORDER BY sequence DESC
      """, .text(project), .text(step), .text(step + "["), .text(step + "\\"))
  }

  /// The records that name an output with this digest, newest first.
  public func records(withOutput digest: Digest) throws(LedgerError) -> [RecordRow] {
    try records(
      "WHERE record IN (SELECT record FROM output WHERE digest = ?) ORDER BY started DESC, record", .digest(digest))
  }

  /// The outputs with this digest: their names and the records that name them.
  public func outputs(withDigest digest: Digest) throws(LedgerError) -> [OutputRow] {
    try rows("SELECT record, name FROM output WHERE digest = ? ORDER BY record, name", .digest(digest)) {
      row throws(LedgerError) in
      OutputRow(digest: digest, record: try row.digest(0), name: row.text(1))
    }
  }

  /// The index entry of a record, or nil.
  public func row(ofRecord record: Digest) throws(LedgerError) -> RecordRow? {
    try records("WHERE record = ?", .digest(record)).first
  }

  /// The newest runs of a project, newest first.
  public func runs(project: String, limit: Int) throws(LedgerError) -> [RunRow] {
    try rows(
      """
      SELECT id, project, started, finished, arguments, ran, unchanged, restored, failed, skipped, git_commit, dirty,
        record
      FROM run WHERE project = ? ORDER BY started DESC, id DESC LIMIT ?
      """, .text(project), .int(Int64(max(0, limit)))
    ) { row throws(LedgerError) in
      RunRow(
        id: row.text(0), project: row.text(1), started: row.int(2), finished: row.optionalInt(3),
        arguments: row.text(4), ran: row.int(5), unchanged: row.int(6), restored: row.int(7), failed: row.int(8),
        skipped: row.int(9), commit: row.optionalText(10), dirty: row.optionalInt(11).map { $0 != 0 },
        record: try row.optionalDigest(12))
    }
  }

  /// The files that runs wrote into a project, sorted by path.
  public func published(project: String) throws(LedgerError) -> [PublishedRow] {
    try rows(
      "SELECT path, digest, instance, output, record, copy FROM published WHERE project = ? ORDER BY path",
      .text(project)
    ) { row throws(LedgerError) in
      PublishedRow(
        project: project, path: row.text(0), digest: try row.digest(1), instance: row.text(2), output: row.text(3),
        record: try row.digest(4), copy: try row.optionalDigest(5))
    }
  }

  /// A remembered fact, or nil.
  public func probe(_ name: String) throws(LedgerError) -> String? {
    try rows("SELECT text FROM probe WHERE name = ?", .text(name)) { $0.text(0) }.first
  }

  /// How many rows of each kind there are.
  public func statistics() throws(LedgerError) -> LedgerStatistics {
    let counts =
      try rows(
        """
        SELECT (SELECT count(*) FROM action), (SELECT count(*) FROM record), (SELECT count(*) FROM history),
          (SELECT count(*) FROM run), (SELECT count(*) FROM stat)
        """
      ) { [Int($0.int(0)), Int($0.int(1)), Int($0.int(2)), Int($0.int(3)), Int($0.int(4))] }.first ?? [0, 0, 0, 0, 0]
    return LedgerStatistics(
      actions: counts[0], records: counts[1], historyEntries: counts[2], runs: counts[3], statEntries: counts[4])
  }

  private func history(_ condition: String, _ values: Database.Value...) throws(LedgerError) -> [HistoryEntry] {
    try read { database throws(LedgerError) in
      try database.rows(
        """
        SELECT sequence, history.project, history.instance, run, key, record, outcome, at FROM history \(condition)
        """, values
      ) { row throws(LedgerError) in
        HistoryEntry(
          project: row.text(1), instance: row.text(2), sequence: row.int(0), run: row.text(3), key: try row.digest(4),
          record: try row.optionalDigest(5), outcome: row.text(6), at: row.int(7))
      }
    }
  }

  func records(_ condition: String, _ values: Database.Value...) throws(LedgerError) -> [RecordRow] {
    try read { database throws(LedgerError) in
      try database.rows(
        """
        SELECT record, project, instance, pipeline, step, key, run, outcome, started, duration FROM record \(condition)
        """, values
      ) { row throws(LedgerError) in
        RecordRow(
          record: try row.digest(0), project: row.text(1), instance: row.text(2), pipeline: row.text(3),
          step: row.text(4), key: try row.digest(5), run: row.text(6), outcome: row.text(7), started: row.int(8),
          duration: row.int(9))
      }
    }
  }

  func rows<T>(
    _ sql: String, _ values: Database.Value..., map: (Row) throws(LedgerError) -> T
  ) throws(LedgerError) -> [T] {
    try read { database throws(LedgerError) in try database.rows(sql, values, map) }
  }
}

/// How much a ledger holds, in rows.
public struct LedgerStatistics: Hashable, Sendable {
  /// Results that the action cache knows; a key may have several.
  public let actions: Int
  /// Records.
  public let records: Int
  /// Entries of all instances' histories.
  public let historyEntries: Int
  /// Runs.
  public let runs: Int
  /// Files in the stat cache, of all projects.
  public let statEntries: Int
}
