import Glibc
import RungCore
import RungDatabase
import Synchronization
import Testing

@testable import RungLedger

@Suite struct SharingTests {
  @Test func manyWritersWithConnectionsOfTheirOwnLoseNothing() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let failures = Mutex<[String]>([])
      // They also race to make the file.
      onThreads(4) { thread in
        do {
          let ledger = try Ledger(path: path, durable: false)
          for number in 0..<50 {
            var changes = LedgerChanges()
            changes.actions = [
              .init(key: Digest(ofText: "\(thread)/\(number)"), record: Digest(ofText: "record \(number)"), outputs: [])
            ]
            changes.history = [
              HistoryEntry(
                project: "p", instance: "d/s[t=\(thread)]", run: "r", key: Digest.empty, record: nil, outcome: "ran",
                at: Int64(number))
            ]
            try ledger.commit(changes)
            // What is committed is seen at once, and nobody waits to see it.
            if try ledger.history(project: "p", instance: "d/s[t=\(thread)]").count != number + 1 {
              failures.withLock { $0.append("thread \(thread) missed its commit \(number)") }
            }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
      #expect(failures.withLock { $0 } == [])
      let ledger = try Ledger(path: path, durable: false)
      #expect(try ledger.statistics().actions == 200)
      let sequences = try ledger.history(project: "p", step: "d/s").map(\.sequence)
      #expect(sequences == (1...200).reversed().map { Int64($0) })
      #expect(try ledger.check() == [])
    }
  }

  @Test func manyOpenersMakeOneLedger() throws {
    for _ in 0..<20 {
      try withFolder { folder in
        let failures = Mutex<[String]>([])
        onThreads(6) { thread in
          do {
            var changes = LedgerChanges()
            changes.probes = [.init(name: "\(thread)", text: "here")]
            try Ledger(path: "\(folder)/index.sqlite", durable: false).commit(changes)
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
        #expect(failures.withLock { $0 } == [])
        let ledger = try Ledger(path: "\(folder)/index.sqlite", durable: false)
        for thread in 0..<6 { #expect(try ledger.probe("\(thread)") == "here") }
      }
    }
  }

  @Test func theLogIsEmptiedWhenItIsLarge() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let ledger = try Ledger(path: path, durable: false)
      var largest: Int64 = 0
      let text = String(repeating: "x", count: 100_000)
      for number in 0..<150 {
        var changes = LedgerChanges()
        changes.probes = [.init(name: "\(number)", text: text)]
        try ledger.commit(changes)
        largest = max(largest, size("\(path)-wal"))
      }
      #expect(largest < 5 << 20)
      #expect(size(path) > 10 << 20)
      #expect(try ledger.check() == [])
    }
  }

  @Test func aReaderInTheWayOfTheCheckpointBlocksNobody() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let ledger = try Ledger(path: path, durable: false)
      let reader = try Database(path: path, title: "the ledger")
      try reader.execute("BEGIN")
      #expect(try reader.rows("SELECT count(*) FROM probe") { $0.int(0) } == [0])
      let text = String(repeating: "x", count: 1_000_000)
      for number in 0..<20 {
        var changes = LedgerChanges()
        changes.probes = [.init(name: "\(number)", text: text)]
        try ledger.commit(changes)
      }
      // It still sees what it saw at first.
      #expect(try reader.rows("SELECT count(*) FROM probe") { $0.int(0) } == [0])
      try reader.execute("COMMIT")
      #expect(size("\(path)-wal") > 10 << 20)
      for number in 20..<30 {
        var changes = LedgerChanges()
        changes.probes = [.init(name: "\(number)", text: text)]
        try ledger.commit(changes)
      }
      #expect(size("\(path)-wal") < 10 << 20)
      #expect(try ledger.probe("0")?.utf8.count == 1_000_000)
    }
  }

  @Test func commitsSurviveAProcessThatNeverClosed() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let ledger = try Ledger(path: path, durable: true)
      var changes = LedgerChanges()
      changes.probes = [.init(name: "x", text: "1")]
      try ledger.commit(changes)
      // What a killed process leaves: the database and its log, copied as they are.
      for suffix in ["", "-wal"] { try copy(path + suffix, "\(folder)/copy.sqlite\(suffix)") }
      let copied = try Ledger(path: "\(folder)/copy.sqlite", durable: false)
      #expect(try copied.probe("x") == "1")
      // A log torn in the middle of a later commit is as if that had not been begun.
      let length = size("\(path)-wal")
      changes.probes = [.init(name: "y", text: String(repeating: "y", count: 20_000))]
      try ledger.commit(changes)
      for suffix in ["", "-wal"] { try copy(path + suffix, "\(folder)/torn.sqlite\(suffix)") }
      truncate("\(folder)/torn.sqlite-wal", Int(length) + 5000)
      let torn = try Ledger(path: "\(folder)/torn.sqlite", durable: false)
      #expect(try torn.probe("x") == "1")
      #expect(try torn.probe("y") == nil)
    }
  }

  @Test func aDamagedFileIsReportedAndCanBeReplaced() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try write(Array("this is no database, whatever its name says".utf8), to: path)
      let failure = error { try Ledger(path: path, durable: false) }
      #expect(failure?.code == .damaged)
      #expect(failure?.message.contains("rung cache rebuild-index") == true)
      #expect(failure?.message.contains(path) == true)
      #expect(size(path) == 43)
      #expect(try Ledger.setAside(path: path) == "\(path).damaged")
      #expect(try Ledger(path: path, durable: false).statistics().actions == 0)
      #expect(size("\(path).damaged") == 43)
    }
  }

  @Test func everyDamagedPageIsAnErrorOrHarmless() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      do {
        let ledger = try Ledger(path: path, durable: false)
        var changes = LedgerChanges()
        for number in 0..<200 {
          changes.actions.append(
            .init(key: Digest(ofText: "\(number)"), record: Digest(ofText: "r\(number)"), outputs: []))
        }
        try ledger.commit(changes)
        #expect(try Database(path: path, title: "the ledger").checkpoint())
      }
      let pages = Int(size(path)) / 4096
      var found = 0
      for page in 0..<pages {
        let copied = "\(folder)/copy\(page).sqlite"
        try copy(path, copied)
        let file = open(copied, O_WRONLY)
        let rubbish = [UInt8](repeating: 0xa5, count: 4096)
        _ = rubbish.withUnsafeBytes { pwrite(file, $0.baseAddress, 4096, page * 4096) }
        close(file)
        let failure = error {
          let ledger = try Ledger(path: copied, durable: false)
          for number in 0..<200 {
            let record = try ledger.action(forKey: Digest(ofText: "\(number)"))?.record
            #expect(record == nil || record == Digest(ofText: "r\(number)"))
          }
          if try !ledger.check().isEmpty { throw LedgerError(.damaged, "found by check") }
        }
        if let failure { #expect(failure.code == .damaged, "page \(page): \(failure)") }
        if failure != nil { found += 1 }
      }
      #expect(found == pages)
    }
  }

  @Test func anotherProgramsDatabaseAndANewerLedgerAreLeftAlone() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try Database(path: path, title: "the ledger").execute("CREATE TABLE theirs (x); PRAGMA user_version = 1")
      #expect(error { try Ledger(path: path, durable: false) }?.code == .damaged)
      unlink(path)
      _ = try Ledger(path: path, durable: false)
      try Database(path: path, title: "the ledger").execute("PRAGMA user_version = 6")
      let failure = error { try Ledger(path: path, durable: false) }
      #expect(failure?.code == .newerFormat)
      #expect(failure?.message.contains("version 6") == true)
    }
  }

  // The commands of docs/formats/store.md, as far as they are about the ledger.
  @Test func aStrangerReadsTheLedgerWithSqlite() throws {
    guard shell("command -v sqlite3 bash") != nil else { return }
    let page = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/formats/store.md"
    try withFolder { folder in
      let ledger = try Ledger(path: "\(folder)/index.sqlite", durable: false)
      let key = Digest(ofText: "key")
      let record = Digest(ofText: "record")
      let output = Digest(ofText: "output")
      var changes = LedgerChanges()
      changes.actions = [.init(key: key, record: record, outputs: [])]
      changes.records = [
        RecordRow(
          record: record, project: "p", instance: "d/s[a=1]", pipeline: "d", step: "s", key: key, run: "r",
          outcome: "ran", started: 1, duration: 2)
      ]
      changes.outputs = [.init(digest: output, record: record, name: "o")]
      try ledger.commit(changes)
      #expect(
        shell("sed -n '/^```bash/,/^```$/{/^```/!p}' '\(page)' > '\(folder)/commands.sh'") == "")
      #expect(
        shell("bash -c '. \(folder)/commands.sh; records_of \(folder) \(key.hex); made_by \(folder) \(output.hex)'")
          == "\(record.hex)\nd/s[a=1]\n")
      #expect(try ledger.action(forKey: key)?.record == record)
    }
  }
}
