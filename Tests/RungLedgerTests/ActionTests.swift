import RungCore
import Testing

@testable import RungLedger

@Suite struct ActionTests {
  private let key = Digest(ofText: "key")
  private let a = Digest(ofText: "a")
  private let b = Digest(ofText: "b")

  private func row(_ observed: Observed, made: Int64, _ record: String, watch: String = "traced") -> ActionRow {
    ActionRow(key: key, observed: observed, watch: watch, made: made, record: Digest(ofText: record), outputs: [])
  }

  @Test func theCandidatesOfAKeyComeNewestFirst() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.actions = [
        row(Observed(project: a, system: b), made: 20, "second"), row(Observed(), made: 0, "first"),
        row(Observed(project: b), made: 40, "fourth", watch: "strict"), row(Observed(system: b), made: 30, "third"),
        ActionRow(key: Digest(ofText: "another"), record: a, outputs: []),
      ]
      try ledger.commit(changes)
      let found = try ledger.actions(forKey: key)
      #expect(found.map(\.record) == ["fourth", "third", "second", "first"].map { Digest(ofText: $0) })
      #expect(Set(found) == Set(changes.actions.prefix(4)))
      #expect(try ledger.action(forKey: key) == found.first)
      #expect(try ledger.actions(forKey: a) == [])
      #expect(try ledger.statistics().actions == 5)
      var all: Set<ActionRow> = []
      try ledger.forEachAction { all.insert($0) }
      #expect(all == Set(changes.actions))
    }
  }

  @Test func theSameObservationReplacesItsCandidate() throws {
    try withLedger { ledger in
      let sets = [
        Observed(), Observed(project: a), Observed(system: a), Observed(project: a, system: a),
        Observed(project: a, system: b),
      ]
      var changes = LedgerChanges()
      changes.actions = sets.map { row($0, made: 1, "old") }
      try ledger.commit(changes)
      #expect(try ledger.actions(forKey: key).count == sets.count)
      // The last word counts, whenever it was made.
      let output = ActionOutput(name: "o", kind: .tree, digest: a, size: 1)
      var newer = row(sets[3], made: 0, "new", watch: "strict")
      newer.outputs = [output]
      changes.actions = [newer]
      try ledger.commit(changes)
      let found = try ledger.actions(forKey: key)
      #expect(found.count == sets.count)
      #expect(found.last == newer)
      #expect(found.dropLast().allSatisfy { $0.record == Digest(ofText: "old") })
      try ledger.clear()
      #expect(try ledger.actions(forKey: key).isEmpty)
    }
  }
}
