import Glibc
import RungCore
import RungLedger
import RungStore
import Testing

@testable import RungTrace

@Suite struct DiffTests {
  private func finder(_ world: World, _ commits: [String: String] = [:]) -> ResultFinder {
    ResultFinder(store: world.store, ledger: world.ledger, project: ".", root: world.root) { commits[$0] }
  }

  private func compare(_ world: World, _ old: [Made], _ new: [Made]) -> Comparison {
    func set(_ made: [Made]) -> ResultSet {
      ResultSet(
        word: "x", kind: .record, name: "x", records: made.map(\.digest), run: nil, commit: nil, dirty: nil,
        started: nil)
    }
    return Comparison.of(set(old), set(new), store: world.store)
  }

  private func script(_ world: World, _ path: String, _ text: String) throws -> Record.Input {
    let stored = try world.store.put(Array(text.utf8))
    return Record.Input(name: "code", path: path, kind: "file", digest: stored.digest, source: .project(path: path))
  }

  private func text(_ comparison: Comparison, width: Int = 80) -> String {
    comparison.lines(width: width).map(\.text).joined(separator: "\n")
  }

  @Test func aChangedParameterAndScriptAreNamedWithWhatFollowed() throws {
    let world = try World()
    func figure(_ noise: String, _ code: String, _ peak: String) throws -> Made {
      let fit = try world.run(
        "p/fit[n=1]", [script(world, "fit.py", code)], makes: ["out": #"{"error": \#(peak), "n": 1}"#]
      ) { $0.parameters = [.init("noise", .number(noise))] }
      return try world.run("p/figure", [fit.input(), script(world, "figure.py", "same")], makes: ["out": "<svg/>"])
    }
    let old = try figure("0.3", "a\nb\n", "2.0")
    let new = try figure("0.5", "a\nc\n", "2.5")
    let comparison = compare(world, [old], [new])
    let parameter = try #require(comparison.settings.first)
    #expect(comparison.settings.count == 1)
    #expect(parameter.kind == .parameter && parameter.name == "noise" && parameter.steps == ["p/fit"])
    #expect(parameter.old == "0.3" && parameter.new == "0.5" && parameter.instances == 1)
    #expect(comparison.files.map(\.path) == ["fit.py"])
    #expect(comparison.files.first?.diff == ["@@ -1,2 +1,2 @@", " a", "-b", "+c"])
    let metric = try #require(comparison.metrics.first)
    #expect(comparison.metrics.map(\.path) == ["/error"])
    #expect(metric.changes.first?.absolute == 0.5 && metric.changes.first?.relative == 0.25)
    #expect(comparison.paired == 2 && comparison.identical == 1 && comparison.unexplained.isEmpty)
    #expect(text(comparison).contains("noise: 0.3 → 0.5  p/fit"))
    #expect(text(comparison).contains("+0.5 (+25 %)"))
  }

  @Test func nothingDiffersFromItself() throws {
    let world = try World()
    let one = try world.run("p/fit", [source("fit.py")], makes: ["out": "1"])
    let comparison = compare(world, [one], [one])
    #expect(comparison.isEmpty && comparison.identical == 1)
    #expect(text(comparison).contains("Nothing differs"))
  }

  @Test func aResultThatItsKeyDoesNotExplainIsCalledSo() throws {
    let world = try World()
    let a = try world.run("p/fit", [source("fit.py")], makes: ["out": "1"])
    let b = try world.run("p/fit", [source("fit.py")], makes: ["out": "2"])
    #expect(a.record.key == b.record.key)
    let comparison = compare(world, [a], [b])
    #expect(comparison.unexplained == ["p/fit"])
    #expect(text(comparison).contains("NOT REPRODUCIBLE: p/fit"))
  }

  @Test func aSweepIsFoldedAndItsLargestChangesComeFirst() throws {
    let world = try World()
    func sweep(_ scale: Double, _ count: Int) throws -> [Made] {
      try (1...count).map { n in
        try world.run(
          "p/fit[n=\(n)]", [source("fit.py", "\(scale)")],
          makes: ["out": "{\"e\": \(n == 7 ? Double(n) * scale * scale : Double(n) * scale)}"])
      }
    }
    let comparison = compare(world, try sweep(1, 40), try sweep(2, 41))
    #expect(comparison.metrics.count == 1)
    let metric = try #require(comparison.metrics.first)
    #expect(metric.instances == 40 && metric.changes.count == 40)
    #expect(metric.changes.first?.instance == "p/fit[n=7]")
    #expect(comparison.instances.map(\.instance) == ["p/fit[n=41]"])
    let lines = text(comparison).split(separator: "\n")
    #expect(lines.count < 25, "folded, not one line for each instance")
    #expect(lines.allSatisfy { $0.count <= 80 })
  }

  @Test func packagesOfALockFileAreComparedByName() throws {
    let world = try World()
    func fit(_ lock: String) throws -> Made {
      let stored = try world.store.put(Array(lock.utf8))
      return try world.run("p/fit", makes: ["out": lock]) {
        var environment = python
        environment.lock = stored.digest
        $0.environment = environment
      }
    }
    let old = try fit("numpy==1.26.4 \\\n  --hash=sha256:aa\nScipy==1.0 # why\n# torch==1\nzope.interface[x]==5\n")
    let new = try fit("numpy==2.1.0\nscipy==1.0\nzope-interface==5\npandas @ https://x/y.whl ; python_version > '3'\n")
    let packages = compare(world, [old], [new]).packages
    #expect(packages.map(\.name) == ["numpy", "pandas"])
    #expect(packages[0].old == "1.26.4" && packages[0].new == "2.1.0")
    #expect(packages[1].old == nil && packages[1].new == "@ https://x/y.whl")
  }

  @Test func surroundingsAndEndingsAreCompared() throws {
    let world = try World()
    let old = try world.run("p/fit", makes: ["out": "1"])
    let new = try world.run("p/fit", makes: [:]) {
      $0.outcome = .failed
      $0.host = "hera"
      $0.watch = "traced"
      $0.program = .init(name: "python", path: "/usr/bin/python3", digest: Digest(of: [1]))
      $0.fields = [.init(kind: "command", name: "", value: "python {code} --fast", digest: nil)]
      $0.variables = [.init("OMP", .string("1"))]
    }
    let comparison = compare(world, [old], [new])
    #expect(comparison.settings.map(\.kind) == [.command, .variable, .program, .watch, .host])
    #expect(comparison.instances == [.init(instance: "p/fit", old: "succeeded", new: "failed")])
    #expect(comparison.outputs.first?.new == nil)
  }

  @Test func aFolderThatChangedTellsWhichOfItsFilesDid() throws {
    let world = try World()
    func folder(_ files: [String: String]) throws -> Digest {
      let path = "\(world.folder)/tree-\(files.count)-\(files.values.sorted().joined())"
      mkdir(path, 0o755)
      for (name, text) in files {
        let file = try #require(fopen("\(path)/\(name)", "w"))
        fputs(text, file)
        fclose(file)
      }
      return try world.store.putTree(at: path).digest
    }
    let (a, b) = (try folder(["x": "1", "y": "1"]), try folder(["y": "2", "z": "1", "w": "1"]))
    let change = try #require(FolderChange(a, b, world.store))
    #expect(change.added == ["w", "z"] && change.removed == ["x"] && change.changed == ["y"])
    #expect(FolderChange(a, Digest(of: [9]), world.store) == nil)
  }

  @Test func wordsNameRunsRecordsFilesAndEarlierResults() throws {
    let world = try World()
    let commit = String(repeating: "a", count: 40)
    var made: [Made] = []
    for (index, run) in ["20260101-000000-aaaaaa", "20260102-000000-bbbbbb"].enumerated() {
      let one = try world.run("p/fit", [source("fit.py", "\(index)")], makes: ["out": "\(index)"]) {
        $0.run = run
        $0.commit = index == 0 ? commit : nil
      }
      made.append(one)
      var changes = LedgerChanges()
      changes.runs = [
        RunRow(id: run, project: ".", started: one.record.started, finished: one.record.started + 2_000_000_000)
      ]
      try world.ledger.commit(changes)
      world.clock += 10_000_000_000
    }
    let finder = finder(world, ["HEAD~1": commit, "other": String(repeating: "b", count: 40)])
    world.write("1", to: "copy.bin")
    for word in [
      "p/fit", "fit", "p/fit@0", "last", "20260102", made[1].digest.description, String(made[1].digest.hex.prefix(9)),
      made[1].content("out").description, "\(world.root)/copy.bin",
    ] {
      #expect(try finder.find(word).records == [made[1].digest], "\(word)")
    }
    for word in ["p/fit@1", "last~1", "20260101-000000-aaaaaa", "HEAD~1", "git:HEAD~1"] {
      #expect(try finder.find(word).records == [made[0].digest], "\(word)")
    }
    #expect(try finder.find("HEAD~1").commit == commit)
    for word in ["p/fit", "last", made[1].digest.description] {
      #expect(try finder.before(try finder.find(word)).records == [made[0].digest], "\(word)")
    }
    for word in ["p/fit@2", "last~2", "2026", "nothing", "git:nothing", "other", "", "@1", "last~99999999999999999"] {
      #expect(throws: TraceError.self, "\(word)") { _ = try finder.find(word) }
    }
    #expect(throws: TraceError.self) { _ = try finder.before(try finder.find("last~1")) }
    #expect(throws: TraceError.self) { _ = try finder.before(try finder.find("p/fit@1")) }
  }

  @Test func hostileNamesDoNotSteerTheTerminal() throws {
    let world = try World()
    let old = try world.run("p/fit", [source("a\u{1B}[31m.py", "1")], makes: ["out": "{\"\\u001b\": 1}"])
    let new = try world.run("p/fit", [source("a\u{1B}[31m.py", "2")], makes: ["out": "{\"\\u001b\": 1e400}"])
    let comparison = compare(world, [old], [new])
    #expect(!text(comparison).contains("\u{1B}"))
    // No JSON number holds it.
    #expect((try? JSON(parsing: comparison.json.pretty)) != nil)
  }

  @Test func numbersAreShortAndTrue() {
    #expect(NumberText.number(0.1 + 0.2) == "0.3")
    #expect(NumberText.number(1234567) == "1234567")
    #expect(NumberText.number(-0.000012345678) == "-1.23457e-05")
    #expect(NumberText.number(98765.4321) == "98765.4")
    #expect(NumberText.number(6.02e23) == "6.02e+23")
    #expect(NumberText.number(.nan) == "nan")
    #expect(NumberText.number(nil) == "(none)")
  }
}
