import RungCore
import RungDatabase

// What was verified, accepted, and executed under one key.
extension Ledger {
  /// The verifications of an execution, newest first.
  public func verifications(of record: Digest) throws(LedgerError) -> [VerificationRow] {
    try verifications("WHERE record = ? ORDER BY at DESC, digest", [.digest(record)])
  }

  /// All verifications, newest first.
  public func verifications() throws(LedgerError) -> [VerificationRow] {
    try verifications("ORDER BY at DESC, digest", [])
  }

  /// The acceptances for an action key, newest first, revoked ones too.
  public func acceptances(forKey key: Digest) throws(LedgerError) -> [AcceptanceRow] {
    try acceptances("WHERE key = ? ORDER BY at DESC, digest", [.digest(key)])
  }

  /// All acceptances, newest first, revoked ones too.
  public func acceptances() throws(LedgerError) -> [AcceptanceRow] { try acceptances("ORDER BY at DESC, digest", []) }

  /// The executions under an action key, newest first.
  public func records(withKey key: Digest) throws(LedgerError) -> [RecordRow] {
    try records("WHERE key = ? ORDER BY started DESC, record", .digest(key))
  }

  /// The executions of an instance, newest first.
  public func records(ofInstance instance: String, project: String) throws(LedgerError) -> [RecordRow] {
    try records(
      "WHERE project = ? AND instance = ? ORDER BY started DESC, record", .text(project), .text(instance))
  }

  /// The executions of some runs, in the order in which they started. One look at all records, however many runs.
  public func records(ofRuns runs: [String], project: String) throws(LedgerError) -> [RecordRow] {
    // As JSON: a statement may have fewer places than there are runs.
    let list = JSON.array(runs.map { .string($0) }).compact
    return try records(
      "WHERE project = ? AND run IN (SELECT value FROM json_each(?)) ORDER BY started, record", .text(project),
      .text(list))
  }

  /// The action keys under which more than one execution succeeded.
  public func keysMadeMoreThanOnce() throws(LedgerError) -> Set<Digest> {
    Set(
      try rows("SELECT key FROM record WHERE outcome = 'succeeded' GROUP BY key HAVING count(*) > 1") {
        row throws(LedgerError) in try row.digest(0)
      })
  }

  private func verifications(
    _ condition: String, _ values: [Database.Value]
  ) throws(LedgerError) -> [VerificationRow] {
    try read { database throws(LedgerError) in
      try database.rows(
        "SELECT digest, record, instance, key, host, at, verdict FROM verification \(condition)", values
      ) { row throws(LedgerError) in
        VerificationRow(
          digest: try row.digest(0), record: try row.digest(1), instance: row.text(2), key: try row.digest(3),
          host: row.text(4), at: row.int(5), verdict: row.text(6))
      }
    }
  }

  private func acceptances(_ condition: String, _ values: [Database.Value]) throws(LedgerError) -> [AcceptanceRow] {
    try read { database throws(LedgerError) in
      try database.rows(
        "SELECT digest, project, instance, key, record, at, revoked FROM acceptance \(condition)", values
      ) { row throws(LedgerError) in
        AcceptanceRow(
          digest: try row.digest(0), project: row.text(1), instance: row.text(2), key: try row.digest(3),
          record: try row.digest(4), at: row.int(5), revoked: row.optionalInt(6))
      }
    }
  }
}
