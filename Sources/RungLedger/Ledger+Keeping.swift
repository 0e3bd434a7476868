import RungCore
import RungDatabase

// What decides how long results are kept.
extension Ledger {
  /// The pinned runs of all projects, the newest pin first.
  public func pins() throws(LedgerError) -> [PinRow] {
    try read { database throws(LedgerError) in
      try database.rows("SELECT run, project, at, because FROM pin ORDER BY at DESC, run") { row in
        PinRow(run: row.text(0), project: row.text(1), at: row.int(2), because: row.optionalText(3))
      }
    }
  }

  /// The uses that were noted at this time or later, by record: when. Uses before it are not there.
  public func uses(since: Int64) throws(LedgerError) -> [Digest: Int64] {
    let rows = try read { database throws(LedgerError) in
      try database.rows("SELECT record, at FROM used WHERE at >= ?", [.int(since)]) { row throws(LedgerError) in
        (try row.digest(0), row.int(1))
      }
    }
    return Dictionary(rows) { first, _ in first }
  }

  /// Everything of users' that published copies took the place of, in all projects.
  public func displaced() throws(LedgerError) -> [DisplacedRow] {
    try read { database throws(LedgerError) in
      try database.rows("SELECT digest, tree, project, path, at FROM displaced ORDER BY at, path") {
        row throws(LedgerError) in
        DisplacedRow(
          digest: try row.digest(0), isTree: row.int(1) != 0, project: row.text(2), path: row.text(3), at: row.int(4))
      }
    }
  }

  /// The records of results whose bytes were freed by a collection; some may have been made again since, by executions
  /// that have records of their own.
  public func collected() throws(LedgerError) -> Set<Digest> {
    Set(
      try read { database throws(LedgerError) in
        try database.rows("SELECT record FROM collected") { row throws(LedgerError) in try row.digest(0) }
      })
  }

  /// The files that runs wrote into projects, of all projects.
  public func publishedEverywhere() throws(LedgerError) -> [PublishedRow] {
    try read { database throws(LedgerError) in
      try database.rows(
        "SELECT project, path, digest, instance, output, record, copy FROM published ORDER BY project, path"
      ) { row throws(LedgerError) in
        PublishedRow(
          project: row.text(0), path: row.text(1), digest: try row.digest(2), instance: row.text(3),
          output: row.text(4), record: try row.digest(5), copy: try row.optionalDigest(6))
      }
    }
  }

  /// Hands over the whole history of all projects as it is at one moment: by project and instance, of each instance the
  /// oldest entry first. The body must not use this ledger.
  public func forEachHistoryEntry(_ body: (HistoryEntry) -> Void) throws(LedgerError) {
    _ = try read { database throws(LedgerError) in
      try database.rows(
        """
        SELECT sequence, project, instance, run, key, record, outcome, at FROM history
        ORDER BY project, instance, sequence
        """
      ) { row throws(LedgerError) in
        body(
          HistoryEntry(
            project: row.text(1), instance: row.text(2), sequence: row.int(0), run: row.text(3),
            key: try row.digest(4), record: try row.optionalDigest(5), outcome: row.text(6), at: row.int(7)))
      }
    }
  }

  /// The names of all records that the index has.
  public func recordNames() throws(LedgerError) -> Set<Digest> {
    Set(
      try read { database throws(LedgerError) in
        try database.rows("SELECT record FROM record") { row throws(LedgerError) in try row.digest(0) }
      })
  }

  /// The runs whose name begins so and that left something, in the history or as records, with their projects; sorted by
  /// name. A run that was killed is among them.
  public func runs(withPrefix prefix: String) throws(LedgerError) -> [(run: String, project: String)] {
    try read { database throws(LedgerError) in
      try database.rows(
        """
        SELECT run, project FROM history WHERE substr(run, 1, length(?1)) = ?1
        UNION SELECT run, project FROM record WHERE substr(run, 1, length(?1)) = ?1 ORDER BY run, project
        """, [.text(prefix)]
      ) { ($0.text(0), $0.text(1)) }
    }
  }
}
