import RungCore
import RungDatabase

// What a person asks who looks back: at runs, at earlier results, at a beginning of a name.
extension Ledger {
  /// The runs of a project whose names begin so, newest first; at most `limit`.
  public func runs(project: String, prefix: String, limit: Int) throws(LedgerError) -> [RunRow] {
    try runs(
      "project = ? AND substr(id, 1, length(?)) = ?", [.text(project), .text(prefix), .text(prefix)], limit: limit)
  }

  /// A record of each run of a project that made any, by run.
  public func recordsByRun(project: String) throws(LedgerError) -> [String: Digest] {
    let rows = try read { database throws(LedgerError) in
      try database.rows("SELECT run, min(record) FROM record WHERE project = ? GROUP BY run", [.text(project)]) {
        row throws(LedgerError) in (row.text(0), try row.digest(1))
      }
    }
    return Dictionary(rows) { first, _ in first }
  }

  private func runs(
    _ condition: String, _ values: [Database.Value], limit: Int
  ) throws(LedgerError) -> [RunRow] {
    try read { database throws(LedgerError) in
      try database.rows(
        """
        SELECT id, project, started, finished, arguments, ran, unchanged, restored, failed, skipped, git_commit, dirty
        FROM run WHERE \(condition) ORDER BY started DESC, id DESC LIMIT ?
        """, values + [.int(Int64(max(0, limit)))]
      ) { row in
        RunRow(
          id: row.text(0), project: row.text(1), started: row.int(2), finished: row.optionalInt(3),
          arguments: row.text(4), ran: row.int(5), unchanged: row.int(6), restored: row.int(7), failed: row.int(8),
          skipped: row.int(9), commit: row.optionalText(10), dirty: row.optionalInt(11).map { $0 != 0 })
      }
    }
  }

  /// What a project had when a run ended: of each instance the newest entry of its history until then, sorted by
  /// instance. Of a run that was killed, until the last thing that it did.
  public func state(after run: RunRow) throws(LedgerError) -> [HistoryEntry] {
    try entries(
      """
      sequence IN (SELECT max(sequence) FROM history WHERE project = ?1 AND sequence <= (
        SELECT max(sequence) FROM history WHERE project = ?1 AND (run = ?2 OR at <= ?3)) GROUP BY instance)
      ORDER BY instance
      """, [.text(run.project), .text(run.id), .int(run.finished ?? run.started)])
  }

  /// What became of all instances of a step (`pipeline/step`), or of the one instance of that name, newest first; at
  /// most `limit` entries.
  public func history(project: String, named name: String, limit: Int) throws(LedgerError) -> [HistoryEntry] {
    // An instance is the step's name alone, or that and `[…]`; the byte after `[` is the backslash.
    try entries(
      """
      project = ? AND (instance = ? OR (instance >= ? AND instance < ?)) AND outcome <> 'restored'
      ORDER BY sequence DESC LIMIT ?
      """,
      [
        .text(project), .text(name), .text(name + "["), .text(name + "\\"), .int(Int64(max(0, limit))),
      ])
  }

  /// What became of the same instance before; nil for its first entry.
  public func entry(before entry: HistoryEntry) throws(LedgerError) -> HistoryEntry? {
    try entries(
      "project = ? AND instance = ? AND sequence < ? AND outcome <> 'restored' ORDER BY sequence DESC LIMIT 1",
      [.text(entry.project), .text(entry.instance), .int(entry.sequence)]
    ).first
  }

  /// The names of all instances to which anything ever happened, sorted.
  public func instances(project: String) throws(LedgerError) -> [String] {
    try read { database throws(LedgerError) in
      try database.rows("SELECT instance FROM latest WHERE project = ? ORDER BY instance", [.text(project)]) {
        $0.text(0)
      }
    }
  }

  private func entries(_ condition: String, _ values: [Database.Value]) throws(LedgerError) -> [HistoryEntry] {
    try read { database throws(LedgerError) in
      try database.rows(
        "SELECT sequence, project, instance, run, key, record, outcome, at FROM history WHERE \(condition)", values
      ) { row throws(LedgerError) in
        HistoryEntry(
          project: row.text(1), instance: row.text(2), sequence: row.int(0), run: row.text(3),
          key: try row.digest(4), record: try row.optionalDigest(5), outcome: row.text(6), at: row.int(7))
      }
    }
  }

  /// The records whose names lie between two, both included, sorted by name.
  public func records(from low: Digest, through high: Digest) throws(LedgerError) -> [Digest] {
    try digests("SELECT record FROM record WHERE record BETWEEN ? AND ? ORDER BY record", low, high)
  }

  /// The contents of outputs whose digests lie between two, both included, each once, sorted.
  public func outputs(from low: Digest, through high: Digest) throws(LedgerError) -> [Digest] {
    try digests("SELECT DISTINCT digest FROM output WHERE digest BETWEEN ? AND ? ORDER BY digest", low, high)
  }

  private func digests(_ sql: String, _ low: Digest, _ high: Digest) throws(LedgerError) -> [Digest] {
    try read { database throws(LedgerError) in
      try database.rows(sql, [.digest(low), .digest(high)]) { row throws(LedgerError) in try row.digest(0) }
    }
  }
}
