import Glibc
import RungCore
import Synchronization

/// The index of a cache: which record an action key has, what was hashed and run before. A SQLite database; all that
/// promises need of it can be rebuilt from the records.
///
/// All methods may be called from several threads, and any number of processes may use one ledger. Readers are never
/// blocked by a writer: they see the last commit. Writers wait for each other.
///
/// The database's files must not be opened by other means in the same process: POSIX drops all of a process's locks on
/// a file when any of its descriptors is closed. Nor may a ledger be used on both sides of a fork.
public final class Ledger: Sendable {
  /// The database's file, as it was given.
  public let path: String

  private let reader: Mutex<Database>
  private let writer: Mutex<Writer>
  private let writeLock: WriteLock

  // The log is moved into the database when it is larger than this, in bytes; a commit of a small run adds some 20 kB.
  private static let largestLog: Int64 = 4 << 20

  private struct Writer {
    let database: Database
    // The size of the log at which the next checkpoint is tried; more than `largestLog` while a reader is in the way.
    var checkpointAt = Ledger.largestLog
  }

  /// Opens the ledger at `path`, making it when it is missing; its folder must exist.
  ///
  /// `durable`: a commit returns after it is on the disk. False is for tests and scratch: a power cut may then damage
  /// the file. Throws `damaged` when the file is something else or broken, `newerFormat` when a newer Rung made it;
  /// neither changes it.
  public init(path: String, durable: Bool) throws(LedgerError) {
    self.path = path
    writeLock = try WriteLock(path: "\(path).lock")
    let writing = try Database(path: path)
    if try !Self.isReady(writing) {
      try writeLock.withLock { () throws(LedgerError) in try Self.prepare(writing) }
    }
    try writing.execute("PRAGMA synchronous = \(durable ? "FULL" : "OFF")")
    let reading = try Database(path: path)
    try reading.execute("PRAGMA query_only = ON")
    reader = Mutex(reading)
    writer = Mutex(Writer(database: writing))
  }

  /// Writes all of `changes`, or on an error nothing. Durable on return when the ledger is.
  public func commit(_ changes: LedgerChanges) throws(LedgerError) {
    if changes.isEmpty { return }
    try write { database throws(LedgerError) in try database.apply(changes) }
  }

  /// Removes what can be rebuilt from the records or found out again: actions, records, outputs, the stat cache,
  /// durations, probes. Runs, history and published files stay.
  public func clear() throws(LedgerError) {
    try write { database throws(LedgerError) in
      for table in ["action", "record", "output", "stat", "duration", "probe"] {
        try database.execute("DELETE FROM \(table)")
      }
    }
  }

  /// Moves a damaged ledger out of the way, so that `init` makes a new one, and returns the new name of its file.
  /// Processes that have it open go on with the old one; what they write there is lost to the index, not to the cache.
  public static func setAside(path: String) throws(LedgerError) -> String {
    let lock = try WriteLock(path: "\(path).lock")
    return try lock.withLock { () throws(LedgerError) in
      let aside = "\(path).damaged"
      for suffix in ["-wal", "-shm", ""] {
        if rename(path + suffix, aside + suffix) != 0 && errno != ENOENT {
          throw LedgerError(.io, "cannot rename \(path + suffix): \(String(cString: strerror(errno)))")
        }
      }
      return aside
    }
  }

  /// Looks through the whole database. Returns what is wrong, one sentence each; empty when it is sound.
  public func check() throws(LedgerError) -> [String] {
    try read { database throws(LedgerError) in
      try database.rows("PRAGMA quick_check") { $0.text(0) }.filter { $0 != "ok" }
    }
  }

  func read<T>(_ body: (Database) throws(LedgerError) -> T) throws(LedgerError) -> T {
    // `body` returns values, never the database: it does not leave the lock.
    try reader.withLock { database throws(LedgerError) in try body(database) }
  }

  private func write(_ body: (Database) throws(LedgerError) -> Void) throws(LedgerError) {
    try writer.withLock { writer throws(LedgerError) in
      let database = writer.database
      let log = try writeLock.withLock { () throws(LedgerError) -> Int64 in
        try database.transaction { () throws(LedgerError) in try body(database) }
        let size = logSize()
        guard size > writer.checkpointAt else { return 0 }
        return try database.checkpoint() ? 0 : size
      }
      if log > 0 { writer.checkpointAt = log + Self.largestLog }
    }
  }

  private func logSize() -> Int64 {
    var status = stat()
    return stat("\(path)-wal", &status) == 0 ? Int64(status.st_size) : 0
  }

  // True when the database has the schema of this version; false when it is new.
  private static func isReady(_ database: Database) throws(LedgerError) -> Bool {
    var version: Int64 = 0
    var application: Int64 = 0
    var tables: Int64 = 0
    // In one transaction: another process may be making the tables at this moment.
    try database.transaction(writes: false) { () throws(LedgerError) in
      version = try database.rows("PRAGMA user_version") { $0.int(0) }.first ?? 0
      application = try database.rows("PRAGMA application_id") { $0.int(0) }.first ?? 0
      tables = try database.rows("SELECT count(*) FROM sqlite_schema") { $0.int(0) }.first ?? 0
    }
    if version == 0 && application == 0 && tables == 0 { return false }
    guard application == Schema.applicationID else {
      throw .damagedFile(database.path, "it is a database, but not one of Rung's")
    }
    guard version <= Schema.version else {
      throw LedgerError(
        .newerFormat,
        "the ledger \(database.path) has version \(version); this rung knows version \(Schema.version). Use the newer"
          + " rung that wrote it. Nothing was changed")
    }
    return true
  }

  private static func prepare(_ database: Database) throws(LedgerError) {
    _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
    // Another process may have had the lock before.
    if try isReady(database) { return }
    try database.transaction { () throws(LedgerError) in try database.execute(Schema.create) }
  }
}
