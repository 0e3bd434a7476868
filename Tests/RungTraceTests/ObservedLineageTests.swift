import Glibc
import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct ObservedLineageTests {
  private let system = [
    seen("/usr/bin/python3.11", "", .executable), seen("/usr/lib/python3.11/os.py"),
    seen("/usr/lib/python3.11/json/__init__.py"), seen("/etc/ld.so.cache"),
    ObservedSet.Entry(path: "/etc/ld.so.preload", kind: .absent, digest: nil),
    ObservedSet.Entry(path: "/usr/lib", kind: .folder, digest: nil),
  ]

  // data, watched wholly, reads a module that fit declares and one that nobody does; fit is watched less.
  private func world() throws -> (World, Made) {
    let world = try World()
    let machine = try world.observe(.system, system)
    let data = try world.run("demo/data", [source("demo/data.py")]) {
      $0.watch = "strict"
      $0.view = "private"
      $0.trace = "complete"
      $0.network = false
      $0.observed = Observed(
        project: try? world.observe(
          .project,
          [
            seen("demo/data.py"), seen("demo/lib.py"), seen("demo/hidden.py"), seen("tool.sh", "", .executable),
            seen("demo", "", .listing), seen("demo", "", .modules), seen("link", "", .link),
            ObservedSet.Entry(path: "demo/absent.py", kind: .absent, digest: nil),
          ]), system: machine)
    }
    let fit = try world.run(
      "demo/fit", [source("demo/fit.py"), source("demo/lib.py", name: "lib"), data.input()]
    ) {
      $0.watch = "traced"
      $0.trace = "incomplete"
      $0.traceProblems = ["a process changed its user", "the recorder was full"]
      $0.observed = Observed(
        project: try? world.observe(.project, [seen("demo/hidden.py"), seen("demo/fit.py", "another content")]),
        system: machine)
    }
    return (world, fit)
  }

  private func trace(_ world: World, _ made: Made) -> Trace {
    Trace(
      subject: .init(
        file: "fit.json", digest: made.content("out"), instance: made.record.instance, output: "out",
        record: made.digest, publishedAt: nil, alsoMadeBy: []),
      lineage: Lineage.of(records: [made.digest], store: world.store))
  }

  @Test func whatWasReadWithoutBeingDeclaredIsAnObservedSource() throws {
    let (world, fit) = try world()
    let lineage = Lineage.of(records: [fit.digest], store: world.store)
    #expect(lineage.isComplete)
    #expect(lineage.sources.count == 6)
    let observed = lineage.sources.filter(\.observed)
    #expect(observed.map(\.path) == ["demo/fit.py", "demo/hidden.py", "tool.sh"])
    #expect(observed.map(\.kind) == [.file, .file, .executable])
    #expect(observed[0].digest == Digest(of: Array("another content".utf8)))
    #expect(observed[1].usedBy == ["demo/data", "demo/fit"])
    // Declared by one, observed by another.
    let shared = lineage.sources.first { $0.path == "demo/lib.py" }
    #expect(shared?.observed == false && shared?.usedBy == ["demo/data", "demo/fit"])
    #expect(lineage.systemFiles == 4)
    #expect(lineage.observed.systemFolders.map(\.folder) == ["/usr/lib/python3.11", "/etc", "/usr/bin"])
    #expect(lineage.observed.systemFolders.map(\.count) == [2, 1, 1])
  }

  @Test func filesOfADeclaredFolderAreTheFolder() throws {
    let world = try World()
    let set = try world.observe(.project, [seen("src/a.py"), seen("src/deep/b.py"), seen("src2/c.py")])
    let one = try world.run("demo/one", [source("src", kind: "tree")]) { $0.observed.project = set }
    let lineage = Lineage.of(records: [one.digest], store: world.store)
    #expect(lineage.sources.map(\.path) == ["src", "src2/c.py"])
    // To a step that does not declare the folder they are files.
    let two = try world.run("demo/two", [one.input()]) { $0.observed.project = set }
    let both = Lineage.of(records: [two.digest], store: world.store)
    #expect(both.sources.map(\.path) == ["src", "src/a.py", "src/deep/b.py", "src2/c.py"])
    #expect(both.sources.map(\.usedBy.count) == [1, 1, 1, 2])
  }

  @Test func aSetThatCannotBeReadIsOneGap() throws {
    let world = try World()
    let lost = try world.observe(.project, [seen("lost.py")])
    let wrong = try world.observe(.system, [seen("/etc/passwd")])
    let strange = try world.store.put(Array("no set".utf8)).digest
    try world.store.flush()
    try world.lose(lost)
    let many = try (0..<20).map { number in
      try world.run("demo/fit[seed=\(number)]") { $0.observed = Observed(project: lost, system: strange) }
    }
    let last = try world.run("demo/figure", [try world.collect("fit.out", many)]) { $0.observed.project = wrong }
    let lineage = Lineage.of(records: [last.digest], store: world.store)
    #expect(lineage.executions.count == 21)
    #expect(Set(lineage.incomplete.map(\.digest)) == [lost, wrong, strange])
    #expect(lineage.incomplete.count == 3)
    #expect(lineage.incomplete.first { $0.digest == lost }?.neededBy?.hasPrefix("demo/fit[seed=") == true)
    #expect(lineage.incomplete.first { $0.digest == wrong }?.message.contains("is not a set of files") == true)
    #expect(lineage.sources.isEmpty && lineage.systemFiles == 0)
  }

  @Test func theWeakestRecordingAndTheNetworkHaveTheirStepsToBlame() throws {
    let (world, fit) = try world()
    let watch = try #require(Lineage.of(records: [fit.digest], store: world.store).watch)
    #expect(watch.level == .traced && watch.steps == ["demo/fit"])
    #expect(watch.trace == .incomplete && watch.traceSteps == ["demo/fit"])
    #expect(watch.traceProblems == ["a process changed its user", "the recorder was full"])
    #expect(watch.network && watch.networkSteps == ["demo/fit"])

    let figure = try world.run("demo/figure", [fit.input()]) {
      $0.trace = "telepathic"
      $0.network = false
    }
    let weaker = try #require(Lineage.of(records: [figure.digest], store: world.store).watch)
    #expect(weaker.trace == .off && weaker.traceSteps == ["demo/figure", "demo/fit"])
    let data = try #require(Lineage.of(records: [data(of: fit)], store: world.store).watch)
    #expect(data.trace == .complete && data.traceSteps == [] && data.traceProblems == [])
    #expect(!data.network && data.networkSteps == [])
  }

  private func data(of fit: Made) -> Digest {
    for input in fit.record.inputs { if case .step(_, _, let record) = input.source { return record } }
    return .empty
  }

  @Test func theTextMarksWhatWasObserved() throws {
    let (world, fit) = try world()
    let text = trace(world, fit).text(width: 80)
    #expect(text == Golden.observed)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let whole = Lineage.of(records: [data(of: fit)], store: world.store)
    let lines = Trace(subject: trace(world, fit).subject, lineage: whole).watchLines
    #expect(lines == ["strict: the steps could read only what they declare", "trace complete"])
  }

  @Test func manyObservedFilesAreFolded() throws {
    let world = try World()
    let set = try world.observe(.project, (0..<40).map { seen("lib/m\($0).py") })
    let declared = (0..<20).map { source("lib/d\($0).py", name: "i\($0)") }
    let made = try (0..<2000).map { number in
      try world.run("demo/fit[seed=\(number)]", number == 0 ? declared : []) { $0.observed.project = set }
    }
    let last = try world.run("demo/figure", [try world.collect("fit.out", made)])
    let trace = trace(world, last)
    #expect(trace.lineage.sources.count == 60)
    let text = trace.text()
    #expect(text.contains("  ············  lib/*.py  (20 files; --json lists them)\n"))
    #expect(text.contains("  ············  lib/*.py  (40 files, observed; --json lists them)\n"))
    #expect(text.contains("lib/m11.py and 36 more"))
    #expect(trace.dot.split(separator: "\n").count < 20)
  }

  @Test func programsAreToldOfObservations() throws {
    let (world, fit) = try world()
    let trace = trace(world, fit)
    let json = trace.json
    #expect(json["watch"] == "traced" && json["weakest"] == ["demo/fit"])
    #expect(json["trace"] == "incomplete" && json["trace_steps"] == ["demo/fit"])
    #expect(json["trace_problems"] == ["a process changed its user", "the recorder was full"])
    #expect(json["network"] == true && json["network_steps"] == ["demo/fit"])
    #expect(json["system_files"] == 4)
    let sources = json["sources"]?.array ?? []
    #expect(sources.filter { $0["observed"] == true }.count == 3)
    #expect(sources.filter { $0["observed"] == nil }.count == 3)
    let step = json["steps"]?.array?.first
    #expect(step?["trace"] == "complete" && step?["view"] == "private" && step?["trace_problems"] == [])
    #expect(step?["observed"]?["system"]?.digest == fit.record.observed.system)

    let dot = trace.dot
    #expect(dot.contains("[shape=note, label=\"demo/lib.py\\n"))
    #expect(dot.contains("[shape=note, style=dashed, label=\"demo/hidden.py\\n"))
    #expect(dot.contains("f2 -> s0 [style=dashed];") || dot.contains("f3 -> s0 [style=dashed];"))
  }

  @Test func aRecordTellsWhatItsSetsHold() throws {
    let (world, fit) = try world()
    let files = (10..<35).map { seen("lib/m\($0).py") }
    let set = try world.observe(
      .project, files + [seen("run.sh", "", .executable), seen("lib", "", .listing), seen("lib", "", .modules)])
    let lost = Digest(of: Array("lost".utf8))
    let view = RecordView(
      digest: fit.digest, record: Self.edited(fit.record, Observed(project: set, system: lost)), store: world.store)
    let text = view.text(width: 200)
    #expect(text.contains("  trace       incomplete\n              a process changed its user\n"))
    #expect(
      text.contains(
        "Observed in the project\n  \(set)\n  25 files, 1 executable, 1 folder listed, 1 folder searched for modules\n")
    )
    #expect(text.contains("  \(files[19].digest?.short ?? "")  lib/m29.py\n  and 6 more files\n"))
    #expect(text.contains("Observed in the system\n  \(lost)\n"))
    #expect(text.contains("is not in the cache"))
    // Without the store there is only the record.
    #expect(!RecordView(digest: fit.digest, record: fit.record).text().contains("Observed"))
    let whole = RecordView(digest: fit.digest, record: fit.record, store: world.store).text()
    #expect(whole.contains("  3 files, 1 executable, 1 folder, 1 name not there\n"))
  }

  private static func edited(_ record: Record, _ observed: Observed) -> Record {
    var record = record
    record.observed = observed
    return record
  }
}
