import Glibc
import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct LineageTests {
  @Test func aChainLeadsToItsFirstSource() throws {
    let world = try World()
    let data = try world.run("demo/data", [source("demo/data.py")])
    let fit = try world.run("demo/fit", [source("demo/fit.py"), data.input()])
    let figure = try world.run("demo/figure", [source("demo/figure.py"), fit.input()])
    try world.run("demo/other", [source("demo/other.py"), data.input()])

    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(lineage.executions.map(\.digest) == [data.digest, fit.digest, figure.digest])
    #expect(lineage.sources.map(\.path) == ["demo/data.py", "demo/figure.py", "demo/fit.py"])
    #expect(lineage.isComplete)
    #expect(lineage.execution(fit.digest)?.record.instance == "demo/fit")
    #expect(lineage.execution(fit.digest)?.declaredCommand == "python {code} --out {out.out}")
  }

  @Test func aDiamondIsWalkedOnceAndSharedSourcesAreListedOnce() throws {
    let world = try World()
    let shared = source("demo/common.py", name: "lib")
    let data = try world.run("demo/data", [shared])
    let left = try world.run("demo/left", [shared, data.input()])
    let right = try world.run("demo/right", [shared, data.input()])
    let top = try world.run("demo/top", [shared, left.input("l"), right.input("r")])
    let lineage = Lineage.of(records: [top.digest, top.digest], store: world.store)
    #expect(lineage.executions.count == 4)
    #expect(lineage.sources.count == 1)
    #expect(lineage.sources.first?.usedBy == ["demo/data", "demo/left", "demo/right", "demo/top"])
  }

  @Test func aCollectionExpandsToItsMembers() throws {
    let world = try World()
    let fits = try [20, 50, 100].map { try world.run("demo/fit[width=\($0)]", [source("data/\($0).csv")]) }
    let figure = try world.run("demo/figure", [try world.collect("fit.out", fits)])
    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(lineage.executions.map(\.digest) == fits.map(\.digest) + [figure.digest])
    #expect(lineage.sources.map(\.path) == ["data/100.csv", "data/20.csv", "data/50.csv"])
    #expect(lineage.collections.count == 1)
    #expect(lineage.isComplete)
  }

  @Test func whatWasMadeBeforeAnIdenticalRerunNamesTheOldSource() throws {
    // Early cut-off: data.py got a comment, data ran again with the same bytes, fit did not run again.
    let world = try World()
    let old = try world.run("demo/data", [source("demo/data.py", "v1")], makes: ["out": "same"])
    let fit = try world.run("demo/fit[width=20]", [old.input()])
    let new = try world.run("demo/data", [source("demo/data.py", "v2")], makes: ["out": "same"])
    let wide = try world.run("demo/fit[width=50]", [new.input()])

    #expect(
      Lineage.of(records: [fit.digest], store: world.store).sources.map(\.digest) == [Digest(of: Array("v1".utf8))])
    let figure = try world.run("demo/figure", [try world.collect("fit.out", [fit, wide])])
    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(Set(lineage.sources.map(\.digest)) == [Digest(of: Array("v1".utf8)), Digest(of: Array("v2".utf8))])
    let groups = StepGroup.groups(of: lineage)
    #expect(groups.first?.executions == 2)
    #expect(groups.first?.instances == ["demo/data"])
  }

  @Test func lockFilesInterpretersAndProgramsAreOnThePath() throws {
    let world = try World()
    let tool = Record.Program(name: "awk", path: "/usr/bin/mawk", digest: Digest(of: Array("awk".utf8)))
    let data = try world.run("demo/data", [source("demo/requirements.lock", "lock")]) { $0.environment = python }
    let fit = try world.run("demo/fit", [data.input()]) {
      $0.environment = python
      $0.program = tool
    }
    let lineage = Lineage.of(records: [fit.digest], store: world.store)
    #expect(lineage.sources.map(\.path) == ["demo/requirements.lock"])
    #expect(lineage.sources.first?.kind == .lock)
    #expect(lineage.sources.first?.usedBy == ["demo/data", "demo/fit"])
    #expect(lineage.environments.map(\.environment) == [python])
    #expect(lineage.programs.map(\.program) == [tool])
    #expect(lineage.programs.first?.usedBy == ["demo/fit"])
  }

  @Test func theWeakestWatchIsNamed() throws {
    let world = try World()
    let data = try world.run("demo/data") { $0.watch = "strict" }
    let fit = try world.run("demo/fit", [data.input()]) { $0.watch = "traced" }
    let figure = try world.run("demo/figure", [fit.input()]) { $0.watch = "strict" }
    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(lineage.watch?.level == .traced)
    #expect(lineage.watch?.steps == ["demo/fit"])
    let odd = try world.run("demo/odd", [figure.input()]) { $0.watch = "clairvoyant" }
    #expect(Lineage.of(records: [odd.digest], store: world.store).watch?.level == .declared)
  }

  @Test func aMissingRecordIsSaidAndTheRestIsThere() throws {
    let world = try World()
    let data = try world.run("demo/data", [source("demo/data.py")])
    let more = try world.run("demo/more", [source("demo/more.py")])
    let fit = try world.run("demo/fit", [data.input(), more.input("more")])
    try world.lose(data.digest, isRecord: true)
    let lineage = Lineage.of(records: [fit.digest], store: world.store)
    #expect(lineage.executions.map(\.digest) == [more.digest, fit.digest])
    #expect(lineage.incomplete.map(\.digest) == [data.digest])
    #expect(lineage.incomplete.first?.neededBy == "demo/fit")
    #expect(lineage.incomplete.first?.message.contains("is not in the cache") == true)
  }

  @Test func damagedRecordsAndForeignFormatsAreSaid() throws {
    let world = try World()
    let data = try world.run("demo/data")
    try world.damageRecord(data.digest)
    let foreign = try world.store.putRecord(Array("{\"format\": \"rung/record/9\"}\n".utf8))
    try world.store.flush()
    let lineage = Lineage.of(records: [data.digest, foreign, .empty], store: world.store)
    #expect(lineage.executions.isEmpty)
    #expect(lineage.watch == nil)
    let messages = lineage.incomplete.map(\.message)
    #expect(messages.count == 3)
    #expect(messages[0].contains("is damaged"))
    #expect(messages[1].contains("has a format that this version does not know"))
    #expect(messages[2].contains("was not known"))
  }

  @Test func aMissingCollectionIsSaid() throws {
    let world = try World()
    let input = Record.Input(
      name: "fit.out", path: "inputs/fit.csv", kind: "table", digest: Digest(of: [1]),
      source: .collection(members: Digest(of: [2]), form: "table"))
    let figure = try world.run("demo/figure", [input])
    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(lineage.incomplete.map(\.digest) == [Digest(of: [2])])
    let trace = try trace(of: figure, lineage)
    #expect(trace.text().contains("INCOMPLETE: 1 thing"))
    #expect(trace.json["complete"] == false)
  }

  @Test func aReaderThatContradictsTheMakerIsSaid() throws {
    let world = try World()
    let data = try world.run("demo/data")
    var wrong = data.input()
    wrong.digest = Digest(of: [7])
    let fit = try world.run("demo/fit", [wrong])
    var table = try world.collect("fit.out", [fit])
    table.digest = Digest(of: [8])
    let figure = try world.run("demo/figure", [table])
    let lineage = Lineage.of(records: [figure.digest], store: world.store)
    #expect(lineage.incomplete.count == 2)
    #expect(lineage.incomplete.map(\.neededBy) == ["demo/fit", "demo/figure"])
  }

  @Test func aThousandReadersOfOneCollectionAreWalkedInProportion() throws {
    let world = try World()
    let members = try (0..<300).map { try world.run("demo/fit[seed=\($0)]", [source("demo/fit.py")]) }
    let table = try world.collect("fit.out", members)
    let readers = try (0..<300).map { try world.run("demo/check[seed=\($0)]", [table]) }
    let last = try world.run("demo/figure", [try world.collect("check.out", readers)])
    let lineage = Lineage.of(records: [last.digest], store: world.store)
    #expect(lineage.executions.count == 601)
    #expect(lineage.collections.count == 2)
    let text = try trace(of: last, lineage).text()
    #expect(text.contains("demo/fit × 300  [seed=0…299 (300)]"))
    #expect(text.split(separator: "\n").count < 40)
  }

  @Test func aLongChainNeedsNoDeepStack() throws {
    let world = try World()
    var last = try world.run("demo/step[round=0]", [source("demo/step.py")])
    for round in 1..<1500 { last = try world.run("demo/step[round=\(round)]", [last.input()]) }
    let lineage = Lineage.of(records: [last.digest], store: world.store)
    #expect(lineage.executions.count == 1500)
    #expect(lineage.sources.count == 1)
  }

  private func trace(of made: Made, _ lineage: Lineage) throws -> Trace {
    Trace(
      subject: .init(
        file: "figure.svg", digest: made.content("out"), instance: made.record.instance, output: "out",
        record: made.digest, publishedAt: nil, alsoMadeBy: []), lineage: lineage)
  }
}
