import Glibc
import RungCore
import RungDatabase
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
  // Nil when the ledger is read-only.
  private let writer: Mutex<Writer?>
  private let refusal: LedgerError?
  // How often this object has advanced the generation.
  private let advances = Mutex<Int64>(0)

  // What messages call it.
  static let title = "the ledger"

  // The log is moved into the database when it is larger than this, in bytes; a commit of a small run adds some 20 kB.
  private static let largestLog: Int64 = 4 << 20
  // Reading a log of so many bytes takes no time that a user could notice.
  private static let smallLog: Int64 = 256 << 10

  private struct Writer {
    let database: Database
    let lock: WriteLock
    // The size of the log at which the next checkpoint is tried; more than `largestLog` while a reader is in the way.
    var checkpointAt = Ledger.largestLog
  }

  /// Opens the ledger at `path`, making it when it is missing; its folder must exist. One of an earlier version is
  /// brought to this one, whole or not at all. One that is there but lies on a read-only file system, or where this
  /// process may not write, is opened all the same, `isReadOnly`, and can be read in its earlier version too.
  ///
  /// `durable`: a commit returns after it is on the disk. False is for tests and scratch: a power cut may then damage
  /// the file. Throws `damaged` when the file is something else or broken, `newerFormat` when a newer Rung made it;
  /// neither changes it. Throws
  /// `readOnly` when it cannot be written and cannot be read without that either.
  public init(path: String, durable: Bool) throws(LedgerError) {
    self.path = path
    let reading: Database
    var writing: Writer?
    var refusal: LedgerError?
    do throws(LedgerError) {
      writing = try Self.openForWriting(path, durable: durable)
      reading = try Database(path: path, title: Self.title)
    } catch {
      guard error.code == .readOnly else { throw error }
      refusal = error
      reading = try Self.openForReading(path)
    }
    try reading.execute("PRAGMA query_only = ON")
    reader = Mutex(reading)
    writer = Mutex(writing)
    self.refusal = refusal
  }

  /// True when the ledger could not be opened for writing: everything can be read, and every write throws `readOnly`.
  public var isReadOnly: Bool { refusal != nil }

  private static func openForWriting(_ path: String, durable: Bool) throws(LedgerError) -> Writer {
    let lock = try WriteLock(of: path, title: Self.title)
    let database = try Database(path: path, title: Self.title)
    if database.isReadOnly { throw .readOnly(path, Self.title, "the file cannot be opened for writing") }
    if try state(database) != .ready {
      try lock.withLock { () throws(LedgerError) in try prepare(database) }
    }
    try database.execute("PRAGMA synchronous = \(durable ? "FULL" : "OFF")")
    return Writer(database: database, lock: lock)
  }

  // A reader of a database with a log wants its shared memory: the file `-shm`, or the right to make one. Where there
  // is neither, the database's file alone is all there is to read, provided that the log is empty.
  private static func openForReading(_ path: String) throws(LedgerError) -> Database {
    guard size(path) > 0 else {
      throw LedgerError(
        .readOnly,
        "there is no ledger \(path), and none can be made, because the cache is read-only. `rung cache rebuild-index`"
          + " makes one in a copy of it that can be written")
    }
    do throws(LedgerError) {
      let database = try Database(path: path, title: Self.title, .read)
      try prepareForReading(database)
      return database
    } catch {
      guard error.code == .io else { throw error }
      guard size("\(path)-wal") <= 0 else {
        throw LedgerError(
          .readOnly,
          "the ledger \(path) has changes in \(path)-wal that can be read only where the cache can be written; copy the"
            + " cache there and name the copy by RUNG_CACHE (\(error.message))")
      }
    }
    let database = try Database(path: path, title: Self.title, .readAlone)
    try prepareForReading(database)
    return database
  }

  private static func prepareForReading(_ database: Database) throws(LedgerError) {
    switch try state(database) {
    case .new: throw .damagedFile(database.path, Self.title, "it is empty")
    case .version1: try database.execute(Schema.readVersion1)
    case .version2: try database.execute(Schema.readVersion2)
    case .version3: try database.execute(Schema.readVersion3)
    case .version4, .ready: break
    }
  }

  /// Writes all of `changes`, or on an error nothing. Durable on return when the ledger is.
  public func commit(_ changes: LedgerChanges) throws(LedgerError) {
    if changes.isEmpty { return }
    try write { database throws(LedgerError) in
      try database.apply(changes)
      if changes.advance { try database.execute(Schema.advance) }
    }
    if changes.advance { advances.withLock { $0 += 1 } }
  }

  /// Removes what can be rebuilt from the records or found out again: actions, records, outputs, the stat cache,
  /// durations, probes and verifications. Acceptances (they know their project, and another
  /// process may be revoking one), runs, history, published files and what decides how long results are kept stay.
  public func clear() throws(LedgerError) {
    try write { database throws(LedgerError) in
      for table in ["action", "record", "output", "stat", "duration", "probe", "verification"] {
        try database.execute("DELETE FROM \(table)")
      }
      try database.execute(Schema.advance)
    }
  }

  /// Moves a damaged ledger out of the way, so that `init` makes a new one, and returns the new name of its file.
  /// Processes that have it open go on with the old one; what they write there is lost to the index, not to the cache.
  public static func setAside(path: String) throws(LedgerError) -> String {
    let lock = try WriteLock(of: path, title: Self.title)
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

  /// Runs `body` with all reads of this ledger, by any thread, seeing one state; many reads then cost the locks of one.
  /// What is committed meanwhile, by this process too, is not seen. Not to be nested.
  public func readingOneState<T>(_ body: () throws -> T) throws -> T {
    try read { database throws(LedgerError) in try database.execute("BEGIN") }
    defer { try? read { database throws(LedgerError) in try database.execute("COMMIT") } }
    return try body()
  }

  /// Moves what was committed from the log into the database, unless there is little of it or somebody is in the way: the
  /// next program that opens the ledger alone has to read the whole log. No error when it cannot.
  public func settle() {
    guard Self.size("\(path)-wal") > Self.smallLog else { return }
    try? writer.withLock { writer throws(LedgerError) in
      guard let open = writer else { return }
      _ = try open.lock.withLock { () throws(LedgerError) in try open.database.checkpoint() }
    }
  }

  /// How often this ledger has advanced the generation by its own commits.
  public var ownAdvances: Int64 { advances.withLock { $0 } }

  func read<T>(_ body: (Database) throws(LedgerError) -> T) throws(LedgerError) -> T {
    // `body` returns values, never the database: it does not leave the lock.
    try reader.withLock { database throws(LedgerError) in try body(database) }
  }

  private func write(_ body: (Database) throws(LedgerError) -> Void) throws(LedgerError) {
    if let refusal { throw refusal }
    try writer.withLock { writer throws(LedgerError) in
      guard let open = writer else { return }
      let database = open.database
      let log = try open.lock.withLock { () throws(LedgerError) -> Int64 in
        try database.transaction { () throws(LedgerError) in try body(database) }
        let size = Self.size("\(path)-wal")
        guard size > open.checkpointAt else { return 0 }
        return try database.checkpoint() ? 0 : size
      }
      if log > 0 { writer?.checkpointAt = log + Self.largestLog }
    }
  }

  // In bytes; 0 when there is no such file.
  private static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }

  // What a database holds.
  private enum State {
    // Nothing yet.
    case new
    // The tables of version 1.
    case version1
    // The tables of version 2.
    case version2
    // The tables of version 3.
    case version3
    // The tables of version 4.
    case version4
    // The tables of this version.
    case ready
  }

  private static func state(_ database: Database) throws(LedgerError) -> State {
    var version: Int64 = 0
    var application: Int64 = 0
    var tables: Int64 = 0
    // In one transaction: another process may be making the tables at this moment.
    try database.transaction(writes: false) { () throws(LedgerError) in
      version = try database.rows("PRAGMA user_version") { $0.int(0) }.first ?? 0
      application = try database.rows("PRAGMA application_id") { $0.int(0) }.first ?? 0
      tables = try database.rows("SELECT count(*) FROM sqlite_schema") { $0.int(0) }.first ?? 0
    }
    if version == 0 && application == 0 && tables == 0 { return .new }
    guard application == Schema.applicationID else {
      throw .damagedFile(database.path, Self.title, "it is a database, but not one of Rung's")
    }
    guard version <= Schema.version else {
      throw LedgerError(
        .newerFormat,
        "the ledger \(database.path) has version \(version); this rung knows version \(Schema.version). Use the newer"
          + " rung that wrote it. Nothing was changed")
    }
    guard version >= 1 else { throw .damagedFile(database.path, Self.title, "it has version \(version)") }
    switch version {
    case 1: return .version1
    case 2: return .version2
    case 3: return .version3
    case 4: return .version4
    default: return .ready
    }
  }

  private static func prepare(_ database: Database) throws(LedgerError) {
    _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
    // Another process may have had the lock before.
    switch try state(database) {
    case .new: try database.transaction { () throws(LedgerError) in try database.execute(Schema.create) }
    case .version1: try database.transaction { () throws(LedgerError) in try database.execute(Schema.migrateFrom1) }
    case .version2: try database.transaction { () throws(LedgerError) in try database.execute(Schema.migrateFrom2) }
    case .version3: try database.transaction { () throws(LedgerError) in try database.execute(Schema.migrateFrom3) }
    case .version4: try database.transaction { () throws(LedgerError) in try database.execute(Schema.migrateFrom4) }
    case .ready: break
    }
  }
}
