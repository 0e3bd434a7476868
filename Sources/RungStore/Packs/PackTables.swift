import Glibc
import RungCore
import RungDatabase

/// The tables of `objects.sqlite`, version 2; docs/formats/store.md explains them to people.
enum PackTables {
  private static let version: Int64 = 2
  // "runp" in ASCII.
  private static let applicationID: Int64 = 0x7275_6e70

  static let create = """
    CREATE TABLE pack (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, length INTEGER NOT NULL) STRICT;
    CREATE TABLE objects (\(definitions)) STRICT, WITHOUT ROWID;
    CREATE TABLE records (\(definitions)) STRICT, WITHOUT ROWID;
    CREATE TABLE sums (digest BLOB PRIMARY KEY CHECK (length(digest) = 32), crc BLOB NOT NULL) STRICT, WITHOUT ROWID;
    \(addedIn2)
    PRAGMA application_id = \(applicationID);
    PRAGMA user_version = \(version);
    """
  // How often something was taken away: whoever has noted the count need not look again whether an object is there while it
  // stays. The name tells an index that was made anew from the one before.
  private static let addedIn2 = """
    CREATE TABLE removals (id TEXT NOT NULL, count INTEGER NOT NULL) STRICT;
    INSERT INTO removals VALUES (lower(hex(randomblob(16))), 0);
    """
  static let countRemoval = "UPDATE removals SET count = count + 1"
  static let removals = "SELECT id || ' ' || count FROM removals"

  /// Makes this version of version 1, in one transaction.
  static let migrateFrom1 = """
    \(addedIn2)
    PRAGMA user_version = \(version);
    """
  private static let definitions = """
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32), pack INTEGER NOT NULL, start INTEGER NOT NULL,
      stored INTEGER NOT NULL, plain INTEGER NOT NULL, planes INTEGER NOT NULL
    """
  static let columns = "pack, start, stored, plain, planes"

  private static let findObject = "SELECT \(columns) FROM objects WHERE digest = ?"
  private static let findRecord = "SELECT \(columns) FROM records WHERE digest = ?"
  static func find(_ kind: ObjectStore.Kind) -> String { kind == .object ? findObject : findRecord }

  private static let insertObject = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
  private static let insertRecord = "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?)"
  static func insert(_ kind: ObjectStore.Kind) -> String { kind == .object ? insertObject : insertRecord }

  /// The place in a row, whose columns begin at `first`. Of a damaged row it is a place where nothing is.
  static func place(_ row: Row, from first: Int32) -> PackPlace {
    let most = Int64(2 * Frames.mostPlain)
    return PackPlace(
      pack: row.int(first), offset: min(max(0, row.int(first + 1)), 1 << 60),
      stored: Int(min(max(0, row.int(first + 2)), most)), plain: Int(min(max(0, row.int(first + 3)), most)),
      planes: BytePlanes(rawValue: Int(row.int(first + 4))) ?? .off)
  }

  /// What a database holds.
  enum State {
    case empty
    // Version 1 lacks the table of removals.
    case version1
    case ready
  }

  /// What is there. Throws `damaged` for anything but an index of a version that this one knows.
  static func state(of database: Database, _ title: String) throws(DatabaseError) -> State {
    let found = try database.rows("PRAGMA user_version") { $0.int(0) }.first ?? 0
    let application = try database.rows("PRAGMA application_id") { $0.int(0) }.first ?? 0
    if found == 0 && application == 0 {
      guard try database.rows("SELECT count(*) FROM sqlite_schema", [], { $0.int(0) }).first == 0 else {
        throw .damagedFile(database.path, title, "it is a database, but not one of Rung's")
      }
      return .empty
    }
    // One of a newer version is no loss: the packs have all that is in it.
    guard application == applicationID, found == version || found == 1 else {
      throw .damagedFile(database.path, title, "it has version \(found), which this rung does not know")
    }
    // Read something of each table, so that a damaged one is noticed here.
    for table in ["pack", "objects", "records"] {
      _ = try database.rows("SELECT 1 FROM \(table) LIMIT 1") { $0.int(0) }
    }
    return found == 1 ? .version1 : .ready
  }

  /// Makes the tables, or brings those of an earlier version to this one. Under the lock of writers.
  static func prepare(_ database: Database, _ title: String) throws(DatabaseError) {
    _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
    // Another process may have had the lock before.
    switch try state(of: database, title) {
    case .empty: try database.transaction { () throws(DatabaseError) in try database.execute(create) }
    case .version1: try database.transaction { () throws(DatabaseError) in try database.execute(migrateFrom1) }
    case .ready: break
    }
  }

  /// Renames the files of a damaged index to `….damaged`. Under the lock of writers.
  static func setAside(_ path: String) throws(DatabaseError) {
    for suffix in ["-wal", "-shm", ""] {
      if rename(path + suffix, "\(path).damaged" + suffix) != 0 && errno != ENOENT {
        throw DatabaseError(.io, "cannot rename \(path + suffix): \(String(cString: strerror(errno)))")
      }
    }
  }

  /// In bytes; 0 when there is no such file.
  static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }
}
