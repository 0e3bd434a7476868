import Glibc
import RungCore
import RungDatabase
import Synchronization
import Testing

@testable import RungLedger

@Suite struct LedgerTests {
  @Test func outputsOfAnActionComeBackAsTheyWere() throws {
    let outputs = [
      ActionOutput(name: "metrics", kind: .file, digest: Digest(ofText: "m"), size: 12),
      ActionOutput(name: "å tree", kind: .tree, digest: Digest(ofText: "t"), size: .max),
      ActionOutput(name: "", kind: .executable, digest: .empty, size: 0),
    ]
    let bytes = ActionRow.encode(outputs)
    #expect(ActionRow.decode(bytes) == outputs)
    #expect(ActionRow.decode([]) == [])
    // Cut anywhere inside an output, it is refused.
    let ends = [0, 43 + 7, 43 + 7 + 43 + "å tree".utf8.count, bytes.count]
    for length in 0..<bytes.count where !ends.contains(length) {
      #expect(ActionRow.decode(Array(bytes[..<length])) == nil)
    }
  }

  private let a = Digest(ofText: "a")
  private let b = Digest(ofText: "b")
  private let c = Digest(ofText: "c")

  @Test func whatIsCommittedIsReadBackByEveryone() throws {
    try withFolder { folder in
      let ledger = try Ledger(path: "\(folder)/index.sqlite", durable: true)
      let other = try Ledger(path: "\(folder)/index.sqlite", durable: false)
      let stat = StatEntry(
        path: "data/ü \n.csv", device: .max, inode: .max - 1, size: 1 << 40, modified: -1, changed: .max,
        mode: 0o100644,
        digest: a, hashedAt: 7)
      let row = RecordRow(
        record: a, project: "p", instance: "demo/fit[width=20]", pipeline: "demo", step: "fit", key: b, run: "r1",
        outcome: "ran", started: 10, duration: 20)
      let entry = HistoryEntry(
        project: "p", instance: row.instance, run: "r1", key: b, record: a, outcome: "ran", at: 30)
      let run = RunRow(id: "r1", project: "p", started: 10, arguments: "run --jobs 2", ran: 1, dirty: true)
      let published = PublishedRow(
        project: "p", path: "figures/f.svg", digest: c, instance: row.instance, output: "figure", record: a)
      var changes = LedgerChanges()
      #expect(changes.isEmpty)
      changes.actions = [.init(key: b, record: a, outputs: [])]
      changes.records = [row]
      changes.outputs = [.init(digest: c, record: a, name: "figure"), .init(digest: c, record: a, name: "copy")]
      changes.history = [entry]
      changes.stats = [.init(project: "p", entry: stat)]
      changes.durations = [.init(project: "p", step: "demo/fit", nanoseconds: 1000)]
      changes.runs = [run]
      changes.published = [published]
      changes.probes = [.init(name: "python", text: "3.11")]
      try ledger.commit(changes)
      try ledger.commit(LedgerChanges())

      for reader in [ledger, other, try Ledger(path: "\(folder)/index.sqlite", durable: false)] {
        #expect(try reader.action(forKey: b)?.record == a)
        #expect(try reader.action(forKey: a) == nil)
        #expect(try reader.statCache(project: "p") == [stat])
        #expect(try reader.statCache(project: "q") == [])
        #expect(try reader.durations(project: "p") == ["demo/fit": 1000])
        var numbered = entry
        numbered.sequence = 1
        #expect(try reader.latest(project: "p") == [row.instance: numbered])
        #expect(try reader.history(project: "p", instance: row.instance) == [numbered])
        #expect(try reader.records(withOutput: c) == [row])
        #expect(try reader.outputs(withDigest: c).map(\.name) == ["copy", "figure"])
        #expect(try reader.row(ofRecord: a) == row)
        #expect(try reader.row(ofRecord: b) == nil)
        #expect(try reader.runs(project: "p", limit: 5) == [run])
        #expect(try reader.published(project: "p") == [published])
        #expect(try reader.probe("python") == "3.11")
        #expect(try reader.probe("ruby") == nil)
        #expect(
          try reader.statistics()
            == LedgerStatistics(actions: 1, records: 1, historyEntries: 1, runs: 1, statEntries: 1))
        #expect(try reader.check() == [])
      }
    }
  }

  @Test func allActionsAreHandedOver() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.actions = (0..<300).map { number in
        let output = ActionOutput(name: "n\(number)", kind: .tree, digest: Digest(ofText: "o\(number)"), size: 1)
        return ActionRow(key: Digest(ofText: "k\(number)"), record: a, outputs: [output])
      }
      try ledger.commit(changes)
      var seen: [ActionRow] = []
      try ledger.forEachAction { seen.append($0) }
      #expect(seen == changes.actions.sorted { $0.key < $1.key })
    }
  }

  @Test func laterRowsReplaceEarlierOnes() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.actions = [.init(key: a, record: a, outputs: []), .init(key: a, record: b, outputs: [])]
      changes.probes = [.init(name: "x", text: "1"), .init(name: "x", text: "2")]
      changes.runs = [RunRow(id: "r", project: "p", started: 1)]
      try ledger.commit(changes)
      changes = LedgerChanges()
      changes.actions = [.init(key: a, record: c, outputs: [])]
      changes.runs = [RunRow(id: "r", project: "p", started: 1, finished: 2, ran: 3, commit: "abc", dirty: false)]
      try ledger.commit(changes)
      #expect(try ledger.action(forKey: a)?.record == c)
      #expect(try ledger.probe("x") == "2")
      #expect(try ledger.runs(project: "p", limit: 9) == changes.runs)

      var entry = StatEntry(
        path: "f", device: 1, inode: 2, size: 3, modified: 4, changed: 5, mode: 6, digest: a, hashedAt: 7)
      changes = LedgerChanges()
      changes.stats = [.init(project: "p", entry: entry)]
      try ledger.commit(changes)
      entry.digest = b
      changes.stats = [.init(project: "p", entry: entry)]
      changes.statRemovals = [.init(project: "p", path: "f"), .init(project: "p", path: "never there")]
      try ledger.commit(changes)
      #expect(try ledger.statCache(project: "p") == [entry])
      changes.stats = []
      try ledger.commit(changes)
      #expect(try ledger.statCache(project: "p") == [])
    }
  }

  @Test func historyIsNewestFirstAndKnowsAStepsInstances() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      for (number, instance) in ["d/fit[a=1]", "d/fit[a=2]", "d/fit", "d/fitter", "d/fitter[a=1]", "d/fit[a=1]"]
        .enumerated()
      {
        changes.history.append(
          HistoryEntry(
            project: "p", instance: instance, sequence: 99, run: "r\(number)", key: a, record: number == 0 ? nil : b,
            outcome: "ran", at: 0))
      }
      try ledger.commit(changes)
      changes.history = [changes.history[1]]
      try ledger.commit(changes)
      #expect(try ledger.history(project: "p", instance: "d/fit[a=1]").map(\.run) == ["r5", "r0"])
      #expect(try ledger.history(project: "p", instance: "d/fit[a=1]").map(\.record) == [b, nil])
      #expect(try ledger.history(project: "p", step: "d/fit").map(\.sequence) == [7, 6, 3, 2, 1])
      #expect(
        try ledger.latest(project: "p").mapValues(\.sequence) == [
          "d/fit[a=1]": 6, "d/fit[a=2]": 7, "d/fit": 3, "d/fitter": 4, "d/fitter[a=1]": 5,
        ])
      #expect(try ledger.latest(project: "other").isEmpty)
    }
  }

  @Test func textThatLooksLikeANumberStaysText() throws {
    try withLedger { ledger in
      let odd = ["007", "1e3", " 1", "1.0", "", "NULL", "0x10", "a\u{0}b", "é", "e\u{301}", "'; DROP TABLE run; --"]
      var changes = LedgerChanges()
      for text in odd {
        changes.probes.append(.init(name: text, text: text))
        changes.runs.append(RunRow(id: text, project: text, started: 1, arguments: text, commit: text))
        changes.durations.append(.init(project: "p", step: text, nanoseconds: 1))
        changes.history.append(
          HistoryEntry(project: "p", instance: text, run: text, key: a, record: nil, outcome: text, at: 0))
      }
      try ledger.commit(changes)
      for text in odd {
        #expect(try ledger.probe(text) == text)
        #expect(try ledger.runs(project: text, limit: 9).map { Array($0.id.utf8) } == [Array(text.utf8)])
      }
      // By bytes: to Swift the two forms of é are one key, to the ledger they are two.
      #expect(try ledger.statistics().historyEntries == odd.count)
      #expect(try ledger.statistics().runs == odd.count)
    }
  }

  @Test func aMeanDurationFollowsTheLastSamples() throws {
    try withLedger { ledger in
      func add(_ samples: [Int64]) throws -> Int64? {
        var changes = LedgerChanges()
        changes.durations = samples.map { .init(project: "p", step: "d/s", nanoseconds: $0) }
        try ledger.commit(changes)
        return try ledger.durations(project: "p")["d/s"]
      }
      #expect(try add([100]) == 100)
      #expect(try add([200]) == 150)
      #expect(try add([300, 400]) == 250)
      let slower = try #require(try add([Int64](repeating: 10_000, count: 30)))
      #expect(slower > 9_500 && slower <= 10_000)
    }
  }

  @Test func clearKeepsWhatCannotBeRebuilt() throws {
    try withLedger { ledger in
      var changes = LedgerChanges()
      changes.actions = [.init(key: a, record: a, outputs: [])]
      changes.outputs = [.init(digest: a, record: a, name: "o")]
      changes.probes = [.init(name: "x", text: "1")]
      changes.history = [HistoryEntry(project: "p", instance: "i", run: "r", key: a, record: a, outcome: "ran", at: 1)]
      changes.runs = [RunRow(id: "r", project: "p", started: 1)]
      changes.published = [PublishedRow(project: "p", path: "f", digest: a, instance: "i", output: "o", record: a)]
      try ledger.commit(changes)
      try ledger.clear()
      #expect(try ledger.action(forKey: a) == nil)
      #expect(try ledger.outputs(withDigest: a).isEmpty)
      #expect(try ledger.probe("x") == nil)
      #expect(try ledger.history(project: "p", instance: "i").count == 1)
      #expect(try ledger.latest(project: "p").count == 1)
      #expect(try ledger.runs(project: "p", limit: 1).count == 1)
      #expect(try ledger.published(project: "p").count == 1)
    }
  }

  @Test func aFailedCommitLeavesNothing() throws {
    try withFolder { folder in
      let path = "\(folder)/index.sqlite"
      let ledger = try Ledger(path: path, durable: false)
      // A trigger of another program's making refuses the last of three writes.
      let database = try Database(path: path, title: "the ledger")
      try database.execute("CREATE TRIGGER no BEFORE INSERT ON probe BEGIN SELECT RAISE(ABORT, 'not today'); END")
      var changes = LedgerChanges()
      changes.actions = [.init(key: a, record: a, outputs: [])]
      changes.probes = [.init(name: "x", text: "1")]
      #expect(error { try ledger.commit(changes) }?.message.contains("not today") == true)
      #expect(try ledger.action(forKey: a) == nil)
      try database.execute("DROP TRIGGER no")
      try ledger.commit(changes)
      #expect(try ledger.action(forKey: a)?.record == a)
    }
  }
}
