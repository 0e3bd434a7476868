internal import CSQLite
import RungCore

/// One SQLite connection and its prepared statements.
///
/// Safe to send: its owner keeps each connection in a Mutex or lends it to one thread at a time, and so one thread uses
/// it at a time, which is what SQLite asks for a connection without a mutex of its own.
package final class Database: @unchecked Sendable {
  private let handle: OpaquePointer
  private var statements: [String: OpaquePointer] = [:]
  package let path: String
  /// What messages call the file, such as "the ledger".
  package let title: String

  package enum Value {
    case text(String)
    case int(Int64)
    case digest(Digest)
    case blob([UInt8])
    case null

    package static func optional(_ text: String?) -> Value { text.map { .text($0) } ?? .null }
    package static func optional(_ number: Int64?) -> Value { number.map { .int($0) } ?? .null }
    package static func optional(_ digest: Digest?) -> Value { digest.map { .digest($0) } ?? .null }
    // In a primary key, where nothing is an empty blob.
    package static func set(_ digest: Digest?) -> Value { digest.map { .digest($0) } ?? .blob([]) }
  }

  /// What a connection may do with the files.
  package enum Access {
    /// Read and write; a missing file is made.
    case write
    /// Read only; SQLite looks at the log, and may make the shared memory that this takes.
    case read
    /// Read only and without looking at anything but the database's own file, which nobody may be writing.
    case readAlone
  }

  /// Opens the file. `title` is what messages call it.
  package init(path: String, title: String, _ access: Access = .write) throws(DatabaseError) {
    self.path = path
    self.title = title
    var handle: OpaquePointer?
    // NOMUTEX: the connection is guarded by its owner.
    var flags = SQLITE_OPEN_NOMUTEX
    var name = path
    switch access {
    case .write: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    case .read: flags |= SQLITE_OPEN_READONLY
    case .readAlone:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      name = Self.immutableURI(path)
    }
    let code = sqlite3_open_v2(name, &handle, flags, nil)
    guard code == SQLITE_OK, let handle else {
      let error = Self.error(code, handle, path, title)
      sqlite3_close_v2(handle)
      throw error
    }
    self.handle = handle
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, 10_000)
    // Checkpoints are made by the owner alone, under its lock; docs/decisions/0006-sqlite.md says why.
    _ = rung_sqlite_no_checkpoint_on_close(handle)
    sqlite3_wal_autocheckpoint(handle, 0)
  }

  deinit {
    for statement in statements.values { sqlite3_finalize(statement) }
    sqlite3_close_v2(handle)
  }

  /// True when SQLite could open the file only for reading.
  package var isReadOnly: Bool { sqlite3_db_readonly(handle, "main") == 1 }

  // Bytes that mean something in a URI are escaped.
  private static func immutableURI(_ path: String) -> String {
    var uri = path.hasPrefix("/") ? "file://" : "file:"
    for scalar in path.unicodeScalars {
      switch scalar {
      case "%": uri += "%25"
      case "?": uri += "%3f"
      case "#": uri += "%23"
      default: uri.unicodeScalars.append(scalar)
      }
    }
    return uri + "?immutable=1"
  }

  /// Runs statements without values or results.
  package func execute(_ sql: String) throws(DatabaseError) {
    try check(sqlite3_exec(handle, sql, nil, nil, nil))
  }

  /// Runs one prepared statement without results.
  package func run(_ sql: String, _ values: [Value]) throws(DatabaseError) {
    _ = try rows(sql, values) { _ in () }
  }

  /// Runs one prepared statement and maps its rows.
  package func rows<T>(
    _ sql: String, _ values: [Value] = [], _ map: (Row) throws(DatabaseError) -> T
  ) throws(DatabaseError) -> [T] {
    let statement = try prepared(sql)
    defer {
      sqlite3_reset(statement)
      sqlite3_clear_bindings(statement)
    }
    for (index, value) in values.enumerated() { try bind(statement, Int32(index + 1), value) }
    var result: [T] = []
    while true {
      let code = sqlite3_step(statement)
      if code == SQLITE_DONE { return result }
      guard code == SQLITE_ROW else { throw Self.error(code, handle, path, title) }
      result.append(try map(Row(statement: statement, path: path, title: title)))
    }
  }

  /// All or nothing: commits when the body returns, takes everything back when it throws. All reads in it see one state.
  package func transaction(writes: Bool = true, _ body: () throws(DatabaseError) -> Void) throws(DatabaseError) {
    try execute(writes ? "BEGIN IMMEDIATE" : "BEGIN")
    do {
      try body()
      try execute("COMMIT")
    } catch {
      // Some errors (a full disk) have rolled back already; then this one fails, and that is well.
      sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  /// Moves the write-ahead log into the database and empties it. False when a reader is in the way: nothing is lost,
  /// it is tried again later.
  package func checkpoint() throws(DatabaseError) -> Bool {
    sqlite3_busy_timeout(handle, 0)
    defer { sqlite3_busy_timeout(handle, 10_000) }
    let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
    if code & 0xff == SQLITE_BUSY { return false }
    try check(code)
    return true
  }

  private func prepared(_ sql: String) throws(DatabaseError) -> OpaquePointer {
    if let statement = statements[sql] { return statement }
    var statement: OpaquePointer?
    try check(sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    guard let statement else { throw DatabaseError(.io, "\(path): SQLite prepared nothing for: \(sql)") }
    statements[sql] = statement
    return statement
  }

  private func bind(_ statement: OpaquePointer, _ index: Int32, _ value: Value) throws(DatabaseError) {
    let code: Int32
    switch value {
    case .int(let number): code = sqlite3_bind_int64(statement, index, number)
    case .null: code = sqlite3_bind_null(statement, index)
    case .text(let text): code = rung_sqlite_bind_text(statement, index, text, Int32(text.utf8.count))
    case .blob(let bytes):
      // An empty blob, not NULL: SQLite takes a null pointer for NULL.
      code = (bytes.isEmpty ? [0] : bytes).withUnsafeBytes {
        rung_sqlite_bind_blob(statement, index, $0.baseAddress, Int32(bytes.count))
      }
    case .digest(let digest):
      code = digest.bytes.withUnsafeBytes { rung_sqlite_bind_blob(statement, index, $0.baseAddress, Int32($0.count)) }
    }
    try check(code)
  }

  private func check(_ code: Int32) throws(DatabaseError) {
    if code != SQLITE_OK { throw Self.error(code, handle, path, title) }
  }

  private static func error(_ code: Int32, _ handle: OpaquePointer?, _ path: String, _ title: String) -> DatabaseError {
    let reason =
      handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? String(cString: sqlite3_errstr(code))
    switch code & 0xff {
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      return .damagedFile(path, title, reason)
    case SQLITE_FULL:
      return DatabaseError(.noSpace, "cannot write \(title) \(path): the disk is full (\(reason))")
    default:
      return DatabaseError(.io, "\(title) \(path) cannot be used: \(reason) (SQLite error \(code))")
    }
  }
}
