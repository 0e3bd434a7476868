import RungCore
import Testing

@testable import RungLedger

/// What decides how long results are kept.
@Suite struct KeepingTests {
  @Test func aRunIsPinnedOnceAndUnpinned() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.pins = [
        PinRow(run: "a", project: ".", at: 1), PinRow(run: "b", project: "/p", at: 2, because: "the paper"),
      ]
      try ledger.commit(changes)
      #expect(try ledger.pins() == changes.pins.reversed())
      changes.pins = [PinRow(run: "a", project: ".", at: 3, because: "again")]
      try ledger.commit(changes)
      #expect(try ledger.pins().map(\.because) == ["again", "the paper"])
      changes.pins = []
      changes.unpins = ["a", "never"]
      try ledger.commit(changes)
      #expect(try ledger.pins().map(\.run) == ["b"])
    }
  }

  @Test func onlyTheNewestUseCounts() throws {
    try withLedger { ledger in
      let (a, b) = (Digest(ofText: "a"), Digest(ofText: "b"))
      for uses in [[UseRow(record: a, at: 5), UseRow(record: b, at: 1)], [UseRow(record: a, at: 3)]] {
        var changes = LedgerChanges()
        changes.uses = uses
        try ledger.commit(changes)
      }
      #expect(try ledger.uses(since: .min) == [a: 5, b: 1])
      #expect(try ledger.uses(since: 5) == [a: 5])
    }
  }

  @Test func whatCannotBeFoundAgainOutlivesARebuiltIndex() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      let digest = Digest(ofText: "mine")
      changes.pins = [PinRow(run: "a", project: ".", at: 1)]
      changes.uses = [UseRow(record: digest, at: 2)]
      changes.displaced = [DisplacedRow(digest: digest, isTree: true, project: ".", path: "figures", at: 3)]
      changes.collected = [CollectedRow(record: digest, at: 4)]
      try ledger.commit(changes)
      try ledger.clear()
      #expect(try ledger.collected() == [digest])
      #expect(try ledger.pins() == changes.pins)
      #expect(try ledger.uses(since: .min) == [digest: 2])
      #expect(try ledger.displaced() == changes.displaced)
    }
  }

  @Test func runsAreFoundByTheBeginningsOfTheirNames() throws {
    try withLedger { ledger in
      let digest = Digest(ofText: "x")
      var changes = LedgerChanges()
      changes.history = ["20-a", "20-b", "2_-c"].map {
        HistoryEntry(project: "p", instance: "d/s", run: $0, key: digest, record: nil, outcome: "failed", at: 1)
      }
      changes.records = [
        RecordRow(
          record: digest, project: "q", instance: "d/s", pipeline: "d", step: "s", key: digest, run: "20-killed",
          outcome: "succeeded", started: 1, duration: 2)
      ]
      try ledger.commit(changes)
      #expect(try ledger.runs(withPrefix: "20").map(\.run) == ["20-a", "20-b", "20-killed"])
      #expect(try ledger.runs(withPrefix: "20-k").map(\.project) == ["q"])
      #expect(try ledger.runs(withPrefix: "2_").map(\.run) == ["2_-c"])
      #expect(try ledger.runs(withPrefix: "%").isEmpty)
      #expect(try ledger.recordNames() == [digest])
    }
  }

  @Test func theHistoryComesByInstance() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.history = [("b", 1), ("a", 2), ("b", 3)].map { name, at in
        HistoryEntry(
          project: "p", instance: name, run: "r", key: .empty, record: nil, outcome: "ran", at: Int64(at))
      }
      try ledger.commit(changes)
      var seen: [Int64] = []
      try ledger.forEachHistoryEntry { seen.append($0.at) }
      #expect(seen == [2, 1, 3])
    }
  }
}
