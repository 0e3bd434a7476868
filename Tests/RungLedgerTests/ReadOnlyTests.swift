import Glibc
import RungCore
import Testing

@testable import RungLedger

@Suite struct ReadOnlyTests {
  private let key = Digest(ofText: "key")
  private let record = Digest(ofText: "record")

  private var change: LedgerChanges {
    var changes = LedgerChanges()
    changes.actions = [.init(key: key, record: record, outputs: [])]
    return changes
  }

  // Makes a ledger with one action in the log, and closes it again.
  private func makeLedger(_ path: String) throws {
    try Ledger(path: path, durable: false).commit(change)
    #expect(size("\(path)-wal") > 0)
  }

  // In another process, and only while this one has the ledger closed.
  private func emptyTheLog(_ path: String) throws {
    let command = "sqlite3 -cmd '.filectrl persist_wal 1' '\(path)' 'PRAGMA wal_checkpoint(TRUNCATE)'"
    try #require(shell(command) != nil)
    #expect(size("\(path)-wal") == 0 && size("\(path)-shm") > 0)
  }

  private func expectReadable(_ path: String) throws {
    let ledger = try Ledger(path: path, durable: true)
    #expect(ledger.isReadOnly)
    #expect(try ledger.action(forKey: key)?.record == record)
    #expect(try ledger.statistics().actions == 1)
    #expect(try ledger.check().isEmpty)
    for failure in [error { try ledger.commit(change) }, error { try ledger.clear() }] {
      #expect(failure?.code == .readOnly)
      #expect(failure?.message.contains("the ledger \(path) is read-only") == true)
    }
    #expect(error { try ledger.commit(LedgerChanges()) } == nil)
  }

  /// What came along into the archive.
  enum Archive: CaseIterable {
    case everything, emptyLog, noLog, emptyLogAlone
  }

  @Test(.enabled(if: canMount, "needs the right to mount"), arguments: Archive.allCases, ["cache", "a %41?#é"])
  func aLedgerOnAReadOnlyFileSystemCanBeRead(archive: Archive, name: String) throws {
    try withFolder { folder in
      let path = "\(folder)/\(name).sqlite"
      try makeLedger(path)
      switch archive {
      case .everything: break
      case .emptyLog: try emptyTheLog(path)
      case .noLog, .emptyLogAlone:
        try emptyTheLog(path)
        unlink("\(path)-wal")
        unlink("\(path)-shm")
        if archive == .emptyLogAlone { try write([], to: "\(path)-wal") }
      }
      try whileReadOnly(folder) { try expectReadable(path) }
      // Once it can be written, it goes on.
      let ledger = try Ledger(path: path, durable: false)
      #expect(!ledger.isReadOnly)
      try ledger.commit(change)
      #expect(try ledger.action(forKey: key)?.record == record)
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func aLogThatCannotBeReadIsNotPassedOver() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try makeLedger(path)
      unlink("\(path)-shm")
      try whileReadOnly(folder) {
        let failure = error { try Ledger(path: path, durable: true) }
        #expect(failure?.code == .readOnly && failure?.message.contains("\(path)-wal") == true)
      }
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func whereThereIsNoLedgerNoneIsMadeUp() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      try whileReadOnly(folder) {
        #expect(error { try Ledger(path: path, durable: true) }?.message.contains("there is no ledger") == true)
      }
      try write(Array(repeating: 65, count: 5000), to: path)
      try whileReadOnly(folder) {
        #expect(error { try Ledger(path: path, durable: true) }?.code == .damaged)
        #expect(error { _ = try Ledger.setAside(path: path) }?.code == .readOnly)
      }
    }
  }
}
