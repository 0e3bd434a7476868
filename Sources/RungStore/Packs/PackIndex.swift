import RungCore
import RungDatabase
import Synchronization

/// Where each packed object lies: a SQLite database beside the packs, only ever a copy of what the packs themselves say.
///
/// So nothing in it need be synchronised, and it may be thrown away: a pack that has more bytes than the index knows is
/// read again, and a digest is believed only when the bytes it leads to have it.
final class PackIndex: Sendable {
  private static let title = "the index of packs"
  private static let largestLog: Int64 = 16 << 20
  // Reading a log of so many bytes takes no time that a user could notice.
  private static let smallLog: Int64 = 256 << 10

  private let path: String
  // Connections that nobody uses at the moment.
  private let readers = Mutex<[Database]>([])
  // A connection in the middle of a transaction, so that many look-ups cost the locks of one.
  private let snapshot = Mutex<Database?>(nil)
  // Nil when the index can only be read.
  private let writer: Mutex<Writer?>
  // The file cannot be used: everything is in the memory of the writer's connection.
  private let isInMemory: Bool
  /// True when nothing can be written to the file.
  let isReadOnly: Bool

  private struct Writer {
    let database: Database
    let lock: WriteLock?
    var checkpointAt = PackIndex.largestLog
  }

  /// What a process did to the packs, for one commit.
  struct Changes {
    var added: [(name: ObjectStore.Name, place: PackPlace)] = []
    /// Up to which byte all of a pack is in the index, if up to `from` it is already. Where it is not (the index was made
    /// anew meanwhile) the length stays, and whoever opens the cache next reads the pack from there.
    var lengths: [Int64: (kind: ObjectStore.Kind, from: Int64, length: Int64)] = [:]
    /// Names to be forgotten if they still lie there.
    var removed: [(name: ObjectStore.Name, place: PackPlace)] = []
    /// Packs to be forgotten with all that lies in them.
    var gonePacks: [Int64] = []

    /// Packs to be forgotten in which nothing lies any more.
    var emptiedPacks: [Int64] = []
    /// Of raw files, the checksum of each piece.
    var sums: [Digest: [UInt32]] = [:]

    var isEmpty: Bool {
      sums.isEmpty && added.isEmpty && lengths.isEmpty && removed.isEmpty && gonePacks.isEmpty
        && emptiedPacks.isEmpty
    }
  }

  /// Opens the index of the cache, making it when it is missing. One that is damaged is put out of the way as
  /// `….damaged` and made anew, empty: the store fills it from the packs. In a cache that cannot be written the file is
  /// read; where even that fails, an index in memory takes its place.
  init(cache: String, durable: Bool, readOnly: Bool) throws(StoreError) {
    path = "\(cache)/objects.sqlite"
    if readOnly {
      isReadOnly = true
      if let database = Self.openForReading(path) {
        isInMemory = false
        writer = Mutex(nil)
        readers.withLock { $0.append(database) }
      } else {
        isInMemory = true
        let memory = try Self.translate { () throws(DatabaseError) in
          let memory = try Database(path: ":memory:", title: Self.title)
          try memory.execute(PackTables.create)
          return memory
        }
        writer = Mutex(Writer(database: memory, lock: nil))
      }
      return
    }
    isReadOnly = false
    isInMemory = false
    let path = path
    let opened = try Self.translate { () throws(DatabaseError) in
      let lock = try WriteLock(of: path, title: Self.title)
      do throws(DatabaseError) {
        return Writer(database: try Self.open(path, lock, durable), lock: lock)
      } catch {
        guard error.code == .damaged else { throw error }
        try lock.withLock { () throws(DatabaseError) in
          // Another process may have made it anew before this one had the lock.
          if (try? PackTables.state(of: Database(path: path, title: Self.title), Self.title)) != nil { return }
          try PackTables.setAside(path)
        }
        return Writer(database: try Self.open(path, lock, durable), lock: lock)
      }
    }
    writer = Mutex(opened)
  }

  private static func open(_ path: String, _ lock: WriteLock, _ durable: Bool) throws(DatabaseError) -> Database {
    let database = try Database(path: path, title: title)
    if database.isReadOnly { throw .readOnly(path, title, "the file cannot be opened for writing") }
    if try PackTables.state(of: database, title) != .ready {
      try lock.withLock { () throws(DatabaseError) in try PackTables.prepare(database, title) }
    }
    // NORMAL: a commit is not synchronised, but what is there after a power cut is whole.
    try database.execute("PRAGMA synchronous = \(durable ? "NORMAL" : "OFF")")
    try database.execute("PRAGMA cache_size = -8000")
    return database
  }

  private static func openForReading(_ path: String) -> Database? {
    for access in [Database.Access.read, .readAlone] {
      guard let database = try? Database(path: path, title: title, access),
        let state = try? PackTables.state(of: database, title), state != .empty
      else { continue }
      return database
    }
    return nil
  }

  /// Where the object lies, or nil when no pack has it.
  func find(_ name: ObjectStore.Name) throws(StoreError) -> PackPlace? {
    let known = try snapshot.withLock { database throws(StoreError) -> PackPlace? in
      guard let database else { return nil }
      return try Self.translate { () throws(DatabaseError) in try Self.find(name, in: database) }
    }
    // What is not in it may have been added since.
    if let known { return known }
    return try findNow(name)
  }

  /// Makes look-ups cheap until `endSnapshot`. What others add meanwhile is found all the same; what they take away may
  /// still be found, so nobody may be able to take anything away.
  func beginSnapshot() throws(StoreError) {
    if isInMemory { return }
    try snapshot.withLock { snapshot throws(StoreError) in
      guard snapshot == nil else { return }
      snapshot = try Self.translate { () throws(DatabaseError) -> Database in
        let database = try takeReader()
        try database.execute("BEGIN")
        return database
      }
    }
  }

  /// Ends what `beginSnapshot` began.
  func endSnapshot() {
    snapshot.withLock { snapshot in
      guard let database = snapshot else { return }
      snapshot = nil
      // A connection that cannot end its transaction is not used again.
      if (try? database.execute("COMMIT")) != nil { readers.withLock { $0.append(database) } }
    }
  }

  private static func find(
    _ name: ObjectStore.Name, in database: Database
  ) throws(DatabaseError) -> PackPlace? {
    try database.rows(PackTables.find(name.kind), [.digest(name.digest)]) { PackTables.place($0, from: 0) }.first
  }

  private func findNow(_ name: ObjectStore.Name) throws(StoreError) -> PackPlace? {
    try read { database throws(DatabaseError) in
      try Self.find(name, in: database)
    }
  }

  /// The packs that are known, with the length up to which all that lies in them is known.
  func packs() throws(StoreError) -> [Int64: Int64] {
    let rows = try read { database throws(DatabaseError) in
      try database.rows("SELECT id, length FROM pack") { ($0.int(0), $0.int(1)) }
    }
    return Dictionary(rows, uniquingKeysWith: { first, _ in first })
  }

  /// The packs that are known, with what lies in them.
  func packKinds() throws(StoreError) -> [(pack: Int64, kind: ObjectStore.Kind)] {
    try read { database throws(DatabaseError) in
      try database.rows("SELECT id, kind FROM pack WHERE length > 0") {
        ($0.int(0), ObjectStore.Kind(rawValue: $0.text(1)) ?? .object)
      }
    }
  }

  /// The packs of a kind that are known up to less than `limit` bytes.
  func lengths(_ kind: ObjectStore.Kind, below limit: Int64) throws(StoreError) -> [Int64] {
    try read { database throws(DatabaseError) in
      try database.rows(
        "SELECT id FROM pack WHERE kind = ? AND length < ? ORDER BY length LIMIT 16",
        [.text(kind.rawValue), .int(limit)]
      ) { $0.int(0) }
    }
  }

  /// Up to which byte all that lies in the pack is known; nil when the pack is not.
  func length(of pack: Int64) throws(StoreError) -> Int64? {
    try read { database throws(DatabaseError) in
      try database.rows("SELECT length FROM pack WHERE id = ?", [.int(pack)]) { $0.int(0) }.first
    }
  }

  /// Hands over all that is known of a kind, sorted by where it lies when `byPlace`, else by digest.
  func forEach(
    _ kind: ObjectStore.Kind, byPlace: Bool = false, _ body: (Digest, PackPlace) -> Void
  ) throws(StoreError) {
    let order = byPlace ? "pack, start" : "digest"
    try read { database throws(DatabaseError) in
      _ = try database.rows(
        "SELECT digest, \(PackTables.columns) FROM \(kind.rawValue) ORDER BY \(order)"
      ) { row throws(DatabaseError) in body(try row.digest(0), PackTables.place(row, from: 1)) }
    }
  }

  /// How many objects of a kind there are, their plain and their stored bytes.
  func totals(_ kind: ObjectStore.Kind) throws(StoreError) -> (count: Int, plain: Int64, stored: Int64) {
    try read { database throws(DatabaseError) in
      try database.rows(
        "SELECT count(*), ifnull(sum(plain), 0), ifnull(sum(stored + \(PackEntry.headerSize)), 0) FROM \(kind.rawValue)"
      ) { (Int($0.int(0)), $0.int(1), $0.int(2)) }.first ?? (0, 0, 0)
    }
  }

  /// The objects whose digests lie between two, both included, sorted.
  func objects(from low: Digest, through high: Digest) throws(StoreError) -> [Digest] {
    try read { database throws(DatabaseError) in
      try database.rows(
        "SELECT digest FROM objects WHERE digest BETWEEN ? AND ? ORDER BY digest", [.digest(low), .digest(high)]
      ) { row throws(DatabaseError) in try row.digest(0) }
    }
  }

  /// The checksums of the pieces of a raw file; nil when they are not known.
  func sums(_ digest: Digest) throws(StoreError) -> [UInt32]? {
    let bytes = try read { database throws(DatabaseError) in
      try database.rows("SELECT crc FROM sums WHERE digest = ?", [.digest(digest)]) { $0.blob(0) }.first
    }
    guard let bytes, bytes.count % 4 == 0 else { return nil }
    return stride(from: 0, to: bytes.count, by: 4).map { at in
      (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
    }
  }

  /// Writes all of these changes or none. Readers of all processes see them at once. Where only an index in memory can be
  /// written, `evenReadOnly` writes that; a file that cannot be written is left as it is.
  func commit(_ changes: Changes, evenReadOnly: Bool = false) throws(StoreError) {
    if changes.isEmpty || (evenReadOnly && isReadOnly && !isInMemory) { return }
    // What this process takes away itself, because it is damaged, it must not find again.
    if !changes.removed.isEmpty || !changes.gonePacks.isEmpty { endSnapshot() }
    try write { database throws(DatabaseError) in try Self.apply(changes, to: database) }
  }

  /// Forgets packs that `there` does not name; it is asked while no other process writes to the index.
  func forgetPacks(notIn there: () throws(StoreError) -> Set<Int64>) throws(StoreError) {
    var failure: StoreError?
    try write { database throws(DatabaseError) in
      let kept: Set<Int64>
      do throws(StoreError) {
        kept = try there()
      } catch {
        failure = error
        return
      }
      var changes = Changes()
      changes.gonePacks = try database.rows("SELECT id FROM pack") { $0.int(0) }.filter { !kept.contains($0) }
      try Self.apply(changes, to: database)
      // Rows of packs that nobody has told of lead nowhere; what is in such a pack is read again.
      for kind in [ObjectStore.Kind.object, .record] {
        try database.execute("DELETE FROM \(kind.rawValue) WHERE pack NOT IN (SELECT id FROM pack)")
      }
      try database.execute(PackTables.countRemoval)
    }
    if let failure { throw failure }
  }

  /// Moves what was committed from the log into the database, unless there is little of it or somebody is in the way: the
  /// next program that opens the index alone has to read the whole log. No error when it cannot.
  func settle() {
    guard !isInMemory, PackTables.size("\(path)-wal") > Self.smallLog else { return }
    try? writer.withLock { writer throws(DatabaseError) in
      guard let open = writer, let lock = open.lock else { return }
      _ = try lock.withLock { () throws(DatabaseError) in try open.database.checkpoint() }
    }
  }

  /// Another text whenever something was taken away since; nil where that is not counted.
  func removals() -> String? {
    (try? read { database throws(DatabaseError) in try database.rows(PackTables.removals) { $0.text(0) }.first }) ?? nil
  }

  /// The same for the index of a cache that need not be opened for more.
  static func removals(inCache path: String) -> String? {
    guard let database = try? Database(path: "\(path)/objects.sqlite", title: title, .read),
      (try? PackTables.state(of: database, title)) == .ready
    else { return nil }
    return (try? database.rows(PackTables.removals) { $0.text(0) }.first) ?? nil
  }

  private static func apply(_ changes: Changes, to database: Database) throws(DatabaseError) {
    if !changes.removed.isEmpty || !changes.gonePacks.isEmpty { try database.execute(PackTables.countRemoval) }
    for (name, place) in changes.removed {
      try database.run(
        "DELETE FROM \(name.kind.rawValue) WHERE digest = ? AND pack = ? AND start = ?",
        [.digest(name.digest), .int(place.pack), .int(place.offset)])
    }
    for pack in changes.emptiedPacks { try database.run("DELETE FROM pack WHERE id = ?", [.int(pack)]) }
    for pack in changes.gonePacks {
      for kind in [ObjectStore.Kind.object, .record] {
        try database.run("DELETE FROM \(kind.rawValue) WHERE pack = ?", [.int(pack)])
      }
      try database.run("DELETE FROM pack WHERE id = ?", [.int(pack)])
    }
    // Neighbours in the table one after the other: each of its pages is then touched once.
    for (name, place) in changes.added.sorted(by: { $0.name.digest < $1.name.digest }) {
      try database.run(
        PackTables.insert(name.kind),
        [
          .digest(name.digest), .int(place.pack), .int(place.offset), .int(Int64(place.stored)),
          .int(Int64(place.plain)), .int(Int64(place.planes.rawValue)),
        ])
    }
    for (digest, sums) in changes.sums {
      let bytes = sums.flatMap { sum in withUnsafeBytes(of: sum.littleEndian) { Array($0) } }
      try database.run("INSERT OR REPLACE INTO sums VALUES (?, ?)", [.digest(digest), .blob(bytes)])
    }
    for (pack, (kind, from, length)) in changes.lengths {
      if from == 0 {
        try database.run(
          "INSERT INTO pack VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET length = excluded.length WHERE length = 0",
          [.int(pack), .text(kind.rawValue), .int(length)])
      } else {
        try database.run(
          "UPDATE pack SET length = ? WHERE id = ? AND length = ?", [.int(length), .int(pack), .int(from)])
      }
    }
  }

  private func read<T>(_ body: (Database) throws(DatabaseError) -> T) throws(StoreError) -> T {
    if isInMemory {
      var result: T?
      try writer.withLock { writer throws(StoreError) in
        guard let writer else { return }
        result = try Self.translate { () throws(DatabaseError) in try body(writer.database) }
      }
      guard let result else { throw StoreError(.io, "\(path) is closed") }
      return result
    }
    return try Self.translate { () throws(DatabaseError) in
      let database = try takeReader()
      defer { readers.withLock { if $0.count < 16 { $0.append(database) } } }
      return try body(database)
    }
  }

  private func takeReader() throws(DatabaseError) -> Database {
    if let idle = readers.withLock({ $0.popLast() }) { return idle }
    let database = try Database(path: path, title: Self.title, isReadOnly ? .read : .write)
    try database.execute("PRAGMA query_only = ON")
    try database.execute("PRAGMA mmap_size = 268435456")
    return database
  }

  private func write(_ body: (Database) throws(DatabaseError) -> Void) throws(StoreError) {
    try writer.withLock { writer throws(StoreError) in
      guard let open = writer else { throw StoreError(.readOnly, "\(Self.title) \(path) is read-only") }
      let database = open.database
      func work() throws(DatabaseError) -> Int64 {
        try database.transaction { () throws(DatabaseError) in try body(database) }
        let size = isInMemory ? 0 : PackTables.size("\(path)-wal")
        guard size > open.checkpointAt else { return 0 }
        return try database.checkpoint() ? 0 : size
      }
      let log = try Self.translate { () throws(DatabaseError) -> Int64 in
        guard let lock = open.lock else { return try work() }
        return try lock.withLock { () throws(DatabaseError) in try work() }
      }
      if log > 0 { writer?.checkpointAt = log + Self.largestLog }
    }
  }

  private static func translate<T>(_ body: () throws(DatabaseError) -> T) throws(StoreError) -> T {
    do throws(DatabaseError) {
      return try body()
    } catch {
      let code: StoreError.Code =
        switch error.code {
        case .noSpace: .noSpace
        case .readOnly: .readOnly
        case .newerFormat: .newerFormat
        case .damaged, .io: .io
        }
      throw StoreError(code, error.message)
    }
  }
}
