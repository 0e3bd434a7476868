import Glibc
import RungCore
import RungDatabase
import Synchronization
import Testing

@testable import RungLedger

/// Ledgers of earlier versions, made by the text of their schemas as they were.
@Suite struct MigrationTests {
  private static let action1 = """
    CREATE TABLE action (
      key BLOB PRIMARY KEY CHECK (length(key) = 32), record BLOB NOT NULL CHECK (length(record) = 32),
      outputs BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    """
  private static let action2 = """
    CREATE TABLE action (key BLOB NOT NULL CHECK (length(key) = 32),
      project_set BLOB NOT NULL CHECK (length(project_set) IN (0, 32)),
      system_set BLOB NOT NULL CHECK (length(system_set) IN (0, 32)),
      watch TEXT NOT NULL, made INTEGER NOT NULL, record BLOB NOT NULL CHECK (length(record) = 32),
      outputs BLOB NOT NULL, PRIMARY KEY (key, project_set, system_set)) STRICT, WITHOUT ROWID;
    """
  // The same in all versions.
  private static let others = """
    CREATE TABLE record (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), project TEXT NOT NULL, instance TEXT NOT NULL,
      pipeline TEXT NOT NULL, step TEXT NOT NULL, key BLOB NOT NULL, run TEXT NOT NULL, outcome TEXT NOT NULL,
      started INTEGER NOT NULL, duration INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE output (
      digest BLOB NOT NULL CHECK (length(digest) = 32), record BLOB NOT NULL, name TEXT NOT NULL,
      PRIMARY KEY (digest, record, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE history (
      sequence INTEGER PRIMARY KEY, project TEXT NOT NULL, instance TEXT NOT NULL, run TEXT NOT NULL,
      key BLOB NOT NULL, record BLOB, outcome TEXT NOT NULL, at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX history_by_instance ON history (project, instance, sequence);
    CREATE TABLE latest (
      project TEXT NOT NULL, instance TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (project, instance)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE stat (
      project TEXT NOT NULL, path TEXT NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL,
      size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL, mode INTEGER NOT NULL,
      digest BLOB NOT NULL, hashed_at INTEGER NOT NULL, PRIMARY KEY (project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE duration (
      project TEXT NOT NULL, step TEXT NOT NULL, nanoseconds INTEGER NOT NULL, samples INTEGER NOT NULL,
      PRIMARY KEY (project, step)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE run (
      id TEXT PRIMARY KEY, project TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER,
      arguments TEXT NOT NULL, ran INTEGER NOT NULL, unchanged INTEGER NOT NULL, restored INTEGER NOT NULL,
      failed INTEGER NOT NULL, skipped INTEGER NOT NULL, git_commit TEXT, dirty INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX run_by_start ON run (project, started);
    CREATE TABLE published (
      project TEXT NOT NULL, path TEXT NOT NULL, digest BLOB NOT NULL, instance TEXT NOT NULL,
      output TEXT NOT NULL, record BLOB NOT NULL, PRIMARY KEY (project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (name TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA application_id = \(0x7275_6e67);
    """

  private static let added3 = """
    CREATE TABLE pin (
      run TEXT PRIMARY KEY, project TEXT NOT NULL, at INTEGER NOT NULL, because TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE used (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE displaced (
      digest BLOB NOT NULL CHECK (length(digest) = 32), project TEXT NOT NULL, path TEXT NOT NULL,
      tree INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (digest, project, path)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE collected (
      record BLOB PRIMARY KEY CHECK (length(record) = 32), at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

  private static let count = 3000

  private static let actions: [ActionRow] = (0..<count).map { number in
    let output = ActionOutput(name: "o", kind: .file, digest: Digest(ofText: "o\(number)"), size: Int64(number))
    return ActionRow(
      key: Digest(ofText: "k\(number)"), record: Digest(ofText: "r\(number)"), outputs: number == 0 ? [] : [output])
  }.sorted { $0.key < $1.key }

  private static let added4 = """
    ALTER TABLE published ADD COLUMN copy BLOB;
    ALTER TABLE run ADD COLUMN record BLOB;
    CREATE INDEX record_by_instance ON record (project, instance, started);
    CREATE INDEX record_by_key ON record (key);
    CREATE TABLE verification (
      digest BLOB PRIMARY KEY CHECK (length(digest) = 32), record BLOB NOT NULL, instance TEXT NOT NULL,
      key BLOB NOT NULL, host TEXT NOT NULL, at INTEGER NOT NULL, verdict TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX verification_by_record ON verification (record);
    CREATE TABLE acceptance (
      digest BLOB PRIMARY KEY CHECK (length(digest) = 32), project TEXT NOT NULL, instance TEXT NOT NULL,
      key BLOB NOT NULL, record BLOB NOT NULL, at INTEGER NOT NULL, revoked INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX acceptance_by_key ON acceptance (key);
    """

  // A row in every other table too.
  private func make(version: Int, _ path: String) throws {
    let database = try Database(path: path, title: "the ledger")
    _ = try database.rows("PRAGMA journal_mode = WAL") { $0.text(0) }
    try database.transaction { () throws(LedgerError) in
      try database.execute(
        "\(version == 1 ? Self.action1 : Self.action2)\n\(Self.others)\n\(version < 3 ? "" : Self.added3)\n"
          + "\(version < 4 ? "" : Self.added4)\nPRAGMA user_version = \(version)")
    }
    try database.transaction { () throws(LedgerError) in
      for action in Self.actions {
        let outputs = Database.Value.blob(ActionRow.encode(action.outputs))
        if version == 1 {
          try database.run(
            "INSERT INTO action VALUES (?, ?, ?)", [.digest(action.key), .digest(action.record), outputs])
        } else {
          try database.run(
            "INSERT INTO action VALUES (?, x'', x'', 'declared', 0, ?, ?)",
            [.digest(action.key), .digest(action.record), outputs])
        }
      }
      var changes = LedgerChanges()
      let digest = Digest(ofText: "r0")
      changes.records = [
        RecordRow(
          record: digest, project: "p", instance: "d/s", pipeline: "d", step: "s", key: digest, run: "r",
          outcome: "succeeded", started: 1, duration: 2)
      ]
      changes.outputs = [.init(digest: digest, record: digest, name: "o")]
      changes.history = [
        HistoryEntry(project: "p", instance: "d/s", run: "r", key: digest, record: digest, outcome: "ran", at: 3)
      ]
      changes.stats = [
        .init(
          project: "p",
          entry: StatEntry(
            path: "f", device: 1, inode: 2, size: 3, modified: 4, changed: 5, mode: 6, digest: digest, hashedAt: 7))
      ]
      changes.durations = [.init(project: "p", step: "d/s", nanoseconds: 9)]
      let last = version < 4 ? "" : ", NULL"
      try database.run("INSERT INTO run VALUES ('r', 'p', 1, NULL, '', 0, 0, 0, 0, 0, NULL, NULL\(last))", [])
      try database.run(
        "INSERT INTO published VALUES ('p', 'f.svg', ?, 'd/s', 'o', ?\(last))", [.digest(digest), .digest(digest)])
      changes.probes = [.init(name: "python", text: "3.11")]
      try database.apply(changes)
    }
  }

  private func expectEverything(_ ledger: Ledger) throws {
    var all: [ActionRow] = []
    try ledger.forEachAction { all.append($0) }
    #expect(all == Self.actions)
    #expect(try ledger.actions(forKey: Self.actions[5].key) == [Self.actions[5]])
    #expect(
      try ledger.statistics()
        == LedgerStatistics(actions: Self.count, records: 1, historyEntries: 1, runs: 1, statEntries: 1))
    let digest = Digest(ofText: "r0")
    #expect(try ledger.records(withOutput: digest).map(\.record) == [digest])
    #expect(try ledger.latest(project: "p")["d/s"]?.record == digest)
    #expect(try ledger.history(project: "p", step: "d/s").count == 1)
    #expect(try ledger.statCache(project: "p").map(\.path) == ["f"])
    #expect(try ledger.durations(project: "p") == ["d/s": 9])
    #expect(try ledger.runs(project: "p", limit: 1).map(\.id) == ["r"])
    #expect(try ledger.published(project: "p").map(\.path) == ["f.svg"])
    #expect(try ledger.probe("python") == "3.11")
    #expect(try ledger.pins() == [] && ledger.uses(since: .min) == [:] && ledger.displaced() == [])
    #expect(try ledger.collected() == [])
    #expect(try ledger.published(project: "p").map(\.copy) == [nil] && ledger.verifications() == [])
    #expect(try ledger.acceptances() == [])
    #expect(try ledger.check() == [])
  }

  private func version(_ path: String) throws -> Int64? {
    try Database(path: path, title: "the ledger", .read).rows("PRAGMA user_version") { $0.int(0) }.first
  }

  @Test(arguments: [1, 2, 3, 4]) func anEarlierLedgerIsBroughtToThisVersionWithEveryRow(earlier: Int) throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: earlier, path)
      #expect(try version(path) == Int64(earlier))
      try expectEverything(Ledger(path: path, durable: true))
      #expect(try version(path) == Schema.version)
      // Its tables are those that a new ledger has, but for the quotes that renaming puts.
      let fresh = "\(folder)/new.sqlite"
      _ = try Ledger(path: fresh, durable: false)
      let schemas = try [path, fresh].map { path in
        try Database(path: path, title: "the ledger", .read)
          .rows("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name") { row in
            "\(row.text(0)) \(row.text(1)) \(row.text(2)) \(row.text(3).replacing("\"", with: ""))"
          }
      }
      #expect(schemas[0] == schemas[1])

      let ledger = try Ledger(path: path, durable: false)
      var changes = LedgerChanges()
      let old = Self.actions[7]
      changes.actions = [
        ActionRow(
          key: old.key, observed: Observed(project: .empty), watch: "traced", made: 5, record: .empty, outputs: [])
      ]
      changes.pins = [PinRow(run: "r", project: "p", at: 8)]
      try ledger.commit(changes)
      #expect(try ledger.actions(forKey: old.key) == changes.actions + [old])
      #expect(try ledger.pins() == changes.pins)
    }
  }

  @Test func aKilledMigrationLeavesVersion1() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: 1, path)
      do {
        let database = try Database(path: path, title: "the ledger")
        // So small a memory that pages go into the log before the end.
        try database.execute("PRAGMA cache_size = 5")
        let log = size("\(path)-wal")
        try database.execute("BEGIN IMMEDIATE")
        try database.execute(Schema.migrateFrom1)
        #expect(size("\(path)-wal") > log)
        // What a process leaves that is killed here.
        for suffix in ["", "-wal"] { try copy(path + suffix, "\(folder)/killed.sqlite\(suffix)") }
        try database.execute("ROLLBACK")
      }
      for name in ["killed", "index"] {
        let left = "\(folder)/\(name).sqlite"
        #expect(try version(left) == 1)
        try expectEverything(Ledger(path: left, durable: false))
        #expect(try version(left) == Schema.version)
      }
    }
  }

  @Test func aMigrationThatFailsChangesNothing() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: 1, path)
      // Something of another program's making is in the way.
      try Database(path: path, title: "the ledger").execute(
        "CREATE VIEW theirs AS SELECT record FROM action; CREATE TABLE action_2 (x);")
      #expect(error { try Ledger(path: path, durable: false) }?.code == .io)
      #expect(try version(path) == 1)
      try Database(path: path, title: "the ledger").execute("DROP VIEW theirs; DROP TABLE action_2")
      try expectEverything(Ledger(path: path, durable: false))
    }
  }

  @Test func aMigrationOfVersion2ThatFailsChangesNothing() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: 2, path)
      try Database(path: path, title: "the ledger").execute("CREATE TABLE used (x)")
      #expect(error { try Ledger(path: path, durable: false) }?.code == .io)
      #expect(try version(path) == 2)
      try Database(path: path, title: "the ledger").execute("DROP TABLE used")
      try expectEverything(Ledger(path: path, durable: false))
    }
  }

  @Test(arguments: [1, 2, 3]) func manyOpenersMigrateOnce(earlier: Int) throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: earlier, path)
      let failures = Mutex<[String]>([])
      onThreads(6) { thread in
        do {
          var changes = LedgerChanges()
          changes.probes = [.init(name: "\(thread)", text: "here")]
          try Ledger(path: path, durable: false).commit(changes)
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
      #expect(failures.withLock { $0 } == [])
      let ledger = try Ledger(path: path, durable: false)
      try expectEverything(ledger)
      for thread in 0..<6 { #expect(try ledger.probe("\(thread)") == "here") }
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"), arguments: [1, 2, 3])
  func anEarlierLedgerThatCannotBeWrittenCanBeRead(earlier: Int) throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: earlier, path)
      try whileReadOnly(folder) {
        let ledger = try Ledger(path: path, durable: true)
        #expect(ledger.isReadOnly)
        try expectEverything(ledger)
        var changes = LedgerChanges()
        changes.actions = Self.actions
        #expect(error { try ledger.commit(changes) }?.code == .readOnly)
      }
      #expect(try version(path) == Int64(earlier))
      try expectEverything(Ledger(path: path, durable: false))
    }
  }

  @Test func aReaderOfVersion1SeesNoActionsAfterTheMigration() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try make(version: 1, path)
      let reader = try Database(path: path, title: "the ledger", .read)
      try reader.execute(Schema.readVersion1)
      func count() throws -> Int64? { try reader.rows("SELECT count(*) FROM action") { $0.int(0) }.first }
      #expect(try count() == Int64(Self.count))
      try expectEverything(Ledger(path: path, durable: false))
      #expect(try count() == 0)
    }
  }
}
