import Glibc
import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct IndexRebuilderTests {
  @Test func theRebuiltIndexAnswersAsTheOldOne() throws {
    let world = try World()
    let data = try world.run("demo/data", [source("demo/data.py")])
    let fit = try world.run("demo/fit[width=20]", [data.input()], makes: ["a": "", "b": ""])
    try world.run("demo/fit[width=20]", [data.input()]) { $0.outcome = .failed }
    // The same key again, forced: the newest counts.
    let again = try world.run("demo/data", [source("demo/data.py")])
    try world.publish(fit, "a", at: "a.json")
    let made = [data, fit, again]
    let keys = made.map(\.record.key)
    let before = try keys.map { try world.ledger.action(forKey: $0) }
    #expect(before[0]?.record == again.digest)
    let latest = try world.ledger.latest(project: ".").mapValues { [$0.key, $0.record] }
    let statistics = try world.ledger.statistics()

    let report = try IndexRebuilder.rebuild(store: world.store, ledger: world.ledger, project: ".")
    #expect(report.records == 4)
    #expect(report.actions == 2)
    #expect(report.history == 0)
    #expect(report.damaged.isEmpty)
    #expect(try keys.map { try world.ledger.action(forKey: $0) } == before)
    #expect(try world.ledger.statistics() == statistics)
    #expect(try world.ledger.published(project: ".").count == 1)
    for one in made {
      #expect(try world.ledger.records(withOutput: one.record.outputs[0].digest).contains { $0.record == one.digest })
    }

    // And into a ledger that knows nothing.
    let empty = try Ledger(path: "\(world.folder)/new.sqlite", durable: false)
    let second = try IndexRebuilder.rebuild(store: world.store, ledger: empty, project: ".")
    #expect(second.history == 4)
    #expect(try keys.map { try empty.action(forKey: $0) } == before)
    #expect(try empty.latest(project: ".").mapValues { [$0.key, $0.record] } == latest)
    #expect(
      try empty.history(project: ".", instance: "demo/fit[width=20]").map(\.outcome)
        == world.ledger.history(project: ".", instance: "demo/fit[width=20]").map(\.outcome))
    #expect(try empty.durations(project: ".") == ["demo/data": 1_500_000_000, "demo/fit": 1_500_000_000])
  }

  @Test func everyObservationIsACandidateAgain() throws {
    let world = try World()
    let code = source("demo/fit.py")
    let sets = try (0..<3).map { try world.observe(.project, [seen("lib.py", "v\($0)")]) }
    let system = try world.observe(.system, [seen("/usr/bin/python3.11")])
    var made: [Made] = []
    for set in sets + [sets[0]] {
      made.append(
        try world.run("demo/fit", [code]) {
          $0.watch = "traced"
          $0.trace = "complete"
          $0.observed = Observed(project: set, system: system)
        })
    }
    let old = try world.run("demo/fit", [code])
    try world.run("demo/fit", [code]) {
      $0.outcome = .changed
      $0.observed = Observed(project: sets[1], system: system)
    }
    let key = old.record.key
    let before = try world.ledger.actions(forKey: key)
    #expect(before.map(\.record) == [old, made[3], made[2], made[1]].map(\.digest))
    #expect(before.map(\.made) == [old, made[3], made[2], made[1]].map(\.record.started))
    let report = try IndexRebuilder.rebuild(store: world.store, ledger: world.ledger, project: ".")
    #expect(report.records == 6 && report.actions == 4)
    #expect(try world.ledger.actions(forKey: key) == before)
    #expect(before.last?.observed == Observed(project: sets[1], system: system) && before.last?.watch == "traced")
  }

  @Test func damagedRecordsAreNamedAndLeftOut() throws {
    let world = try World()
    let good = try world.run("demo/good")
    let bad = try world.run("demo/bad")
    try world.damageRecord(bad.digest)
    let foreign = try world.store.putRecord(Array("{\"format\": \"rung/record/9\"}\n".utf8))
    try world.store.flush()
    let report = try IndexRebuilder.rebuild(store: world.store, ledger: world.ledger, project: ".")
    #expect(report.records == 1)
    #expect(report.damaged.count == 2)
    #expect(report.damaged.contains { $0.contains(bad.digest.hex) })
    #expect(report.damaged.contains { $0.contains(foreign.hex) })
    #expect(try world.ledger.action(forKey: good.record.key) != nil)
    #expect(try world.ledger.action(forKey: bad.record.key) == nil)
  }

  @Test func aRecordKeepsTheProjectThatTheLedgerKnows() throws {
    let world = try World()
    let mine = try world.run("demo/mine")
    let theirs = try world.run("demo/theirs")
    var changes = LedgerChanges()
    changes.records = [
      RecordRow(
        record: theirs.digest, project: "/home/them", instance: "demo/theirs", pipeline: "demo", step: "theirs",
        key: theirs.record.key, run: "r", outcome: "succeeded", started: 1, duration: 1)
    ]
    let ledger = try Ledger(path: "\(world.folder)/shared.sqlite", durable: false)
    try ledger.commit(changes)
    _ = try IndexRebuilder.rebuild(store: world.store, ledger: ledger, project: "/home/me")
    #expect(try ledger.row(ofRecord: theirs.digest)?.project == "/home/them")
    #expect(try ledger.row(ofRecord: mine.digest)?.project == "/home/me")
    #expect(try ledger.latest(project: "/home/them").keys.sorted() == ["demo/theirs"])
  }
}
