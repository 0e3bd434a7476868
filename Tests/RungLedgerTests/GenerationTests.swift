import Glibc
import RungCore
import RungDatabase
import Testing

@testable import RungLedger

/// The count that tells whether anything can have changed.
@Suite struct GenerationTests {
  @Test func itGrowsWithWhatChangesAnAnswerAndWithNothingElse() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let ledger = try Ledger(path: path, durable: false)
      let first = try #require(try ledger.generation())
      let digest = Digest(ofText: "d")

      // What saves time, what is told of a run, what is kept for how long.
      var idle = LedgerChanges()
      idle.durations = [.init(project: "p", step: "d/s", nanoseconds: 3)]
      idle.probes = [.init(name: "n", text: "t")]
      idle.pins = [PinRow(run: "r", project: "p", at: 1)]
      idle.uses = [UseRow(record: digest, at: 1)]
      try ledger.commit(idle)
      #expect(try ledger.generation() == first)
      #expect(ledger.ownAdvances == 0)

      var changes: [LedgerChanges] = Array(repeating: LedgerChanges(), count: 4)
      changes[0].actions = [
        ActionRow(key: digest, observed: Observed(), watch: "traced", made: 1, record: digest, outputs: [])
      ]
      changes[1].history = [
        HistoryEntry(project: "p", instance: "d/s", run: "r", key: digest, record: digest, outcome: "ran", at: 3)
      ]
      changes[2].collected = [CollectedRow(record: digest, at: 1)]
      changes[3].published = [
        PublishedRow(
          project: "p", path: "f", digest: digest, instance: "d/s", output: "o", record: digest, copy: nil)
      ]
      for (index, change) in changes.enumerated() {
        try ledger.commit(change)
        #expect(try ledger.generation() == LedgerGeneration(id: first.id, count: first.count + Int64(index) + 1))
        #expect(ledger.ownAdvances == Int64(index) + 1)
      }
      try ledger.clear()
      let last = try #require(try ledger.generation())
      #expect(last.count == first.count + 5)

      // Seen without opening all of it, also by what another connection has committed and not yet moved.
      let glance = try #require(LedgerGlance(path: path))
      #expect(glance.generation == last)
      #expect(glance.probe("n") == nil)
      ledger.settle()
      #expect(LedgerGlance(path: path)?.generation == last)
    }
  }

  @Test func aLedgerMadeAnewIsAnotherOne() throws {
    try withFolder { folder in
      let ids = try ["a", "b"].map { name in
        try Ledger(path: "\(folder)/\(name).sqlite", durable: false).generation()?.id
      }
      #expect(ids[0] != nil && ids[0] != ids[1])
    }
  }

  @Test func thereIsNothingToGlanceAtInAnotherFile() throws {
    try withFolder { folder in
      #expect(LedgerGlance(path: "\(folder)/none.sqlite") == nil)
      let file = fopen("\(folder)/other.sqlite", "w")
      fputs("not a database, but long enough to have a header of one", file)
      fclose(file)
      #expect(LedgerGlance(path: "\(folder)/other.sqlite") == nil)
    }
  }
}
