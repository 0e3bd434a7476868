import Glibc
import RungCore
import Testing

/// What a step reads without saying so: it runs again when that changes, and only then.
@Suite struct ObservedStories {
  /// A script that imports one module always and one of two, and reads a table.
  static let study = [
    "pipelines/study/pipeline.yaml": """
    # A study of one step.
    pipeline: study
    steps:
      fit:
        run: python3 -S {code} > {out.result}
        inputs: {code: fit.py}
        outputs: {result: {path: result.txt, publish: result.txt}}
    """,
    "pipelines/study/fit.py": """
    import json
    import helper
    if helper.fast:
        import quick as solver
    else:
        import slow as solver
    table = open("pipelines/study/table.csv").read()
    print(helper.name, solver.name, json.dumps(table))

    """,
    "pipelines/study/helper.py": "fast = True\nname = 'helper'\n",
    "pipelines/study/quick.py": "name = 'quick'\n",
    "pipelines/study/slow.py": "name = 'slow'\n",
    "pipelines/study/table.csv": "1,2\n",
    "pipelines/study/other.csv": "3,4\n",
    "notes/today.txt": "nothing\n",
  ]

  private func folder(_ name: String) -> String { "pipelines/study/\(name)" }
  private func result(_ sandbox: Sandbox) -> String? { sandbox.read("pipelines/study/result.txt") }

  // MARK: what counts

  @Test func aStepRunsAgainWhenWhatItReadChanges() throws {
    let sandbox = try Sandbox(Self.study)
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(result(sandbox) == "helper quick \"1,2\\n\"\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))

    for (file, old, new) in [
      ("helper.py", "'helper'", "'h'"), ("quick.py", "'quick'", "'q'"), ("table.csv", "1,2", "1,3"),
    ] {
      try sandbox.edit(folder(file), old, new)
      #expect(try sandbox.run().counts == Counts(ran: 1), "\(file)")
      #expect(try sandbox.run().counts == Counts(unchanged: 1), "\(file)")
    }
    #expect(result(sandbox) == "h q \"1,3\\n\"\n")

    // What it did not read.
    try sandbox.append("# more", to: folder("slow.py"))
    try sandbox.write("5\n", to: folder("other.csv"))
    try sandbox.write("new\n", to: folder("new.csv"))
    try sandbox.write("new\n", to: folder("README.md"))
    try sandbox.write("changed\n", to: "notes/today.txt")
    try sandbox.write("x = 1\n", to: "notes/helper.py")
    try sandbox.write("new\n", to: "README.md")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))

    // Another way through the script: what was not read before is now.
    try sandbox.edit(folder("helper.py"), "True", "False")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(result(sandbox) == "h slow \"1,3\\n\"\n")
    try sandbox.edit(folder("slow.py"), "'slow'", "'s'")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    try sandbox.append("# not read any more", to: folder("quick.py"))
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
  }

  @Test func aStepRunsAgainWhenAModuleWouldTakeThePlaceOfAnother() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.run()
    // A package comes before a module, and the script's folder before the library.
    try sandbox.write("fast = True\nname = 'package'\n", to: folder("helper/__init__.py"))
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(result(sandbox)?.hasPrefix("package quick") == true)
    try sandbox.write("def dumps(text): return 'shadow'\n", to: folder("json.py"))
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(result(sandbox) == "package quick shadow\n")
    try sandbox.remove(folder("json.py"))
    #expect(try sandbox.run().counts == Counts(unchanged: 1, restored: 1))
    #expect(result(sandbox) == "package quick \"1,2\\n\"\n")
  }

  @Test func whatRunsWriteNeverCausesARun() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.write(
      """
      pipeline: study
      axes: {n: [1, 2]}
      steps:
        fit:
          over: [n]
          run: python3 -S {code} {n} > {out.result}
          inputs: {code: fit.py}
          outputs: {result: {path: result.txt, publish: "{n}.py"}}
        list:
          run: ls pipelines/study > {out.names}; find {fit.result} -type f | xargs cat >> {out.names}
          outputs: {names: {path: names.txt, publish: names.txt}}
      """, to: folder("pipeline.yaml"))
    #expect(try sandbox.run().counts == Counts(ran: 3))
    #expect(try sandbox.run().counts == Counts(unchanged: 3))
    try sandbox.write("x", to: folder("__pycache__/helper.cpython-311.pyc"))
    #expect(try sandbox.run().counts == Counts(unchanged: 3))
    // Stale bytecode is not there for a step either.
    try sandbox.write("x", to: folder("__pycache__/quick.cpython-311.pyc"))
    #expect(try sandbox.run("--force", "study").counts.ran == 3)
    // The published copies that are gone come back.
    try sandbox.remove(folder("1.py"))
    #expect(try sandbox.run().counts == Counts(unchanged: 3, restored: 1))
  }

  @Test func aStepThatListsAFolderDependsOnItsNames() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        list: {run: "ls data > {out.names}", outputs: {names: {path: names.txt, publish: names.txt}}}
      """, "data/a.csv": "1\n", "data/b.csv": "2\n",
    ])
    #expect(try sandbox.run().counts == Counts(ran: 1))
    try sandbox.write("3\n", to: "data/a.csv")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
    try sandbox.write("3\n", to: "data/c.csv")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(sandbox.read("pipelines/x/names.txt") == "a.csv\nb.csv\nc.csv\n")
    try sandbox.remove("data/c.csv")
    #expect(try sandbox.run().counts == Counts(unchanged: 1, restored: 1))
    try sandbox.write("", to: "data/deeper/d.csv")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    try sandbox.write("", to: "data/deeper/e.csv")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
  }

  // MARK: strict, and declaring

  @Test func aStrictStepIsToldWhatToDeclare() throws {
    let sandbox = try Sandbox(Self.study)
    var rounds = 0
    // Python stops at the first thing that is missing: each round tells of some more.
    while case let failed = try sandbox.run("--watch", "strict"), failed.finished.code != 0, rounds < 4 {
      rounds += 1
      #expect(failed.counts == Counts(failed: 1))
      let problem = try #require(failed.events("step-failed").first?["problem"]?.string)
      let advice = try #require(problem.split(separator: "pipeline.yaml").last, "\(problem)")
      #expect(problem.contains("Add to the inputs of step 'fit' (pipelines/study/pipeline.yaml:"), "\(problem)")
      // As it is told: `name: path; name: path`, behind the place.
      let wanted = try #require(advice.split(separator: "): ").last)
      try sandbox.edit(
        folder("pipeline.yaml"), "code: fit.py", "code: fit.py, " + wanted.replacing("; ", with: ", ").trimmed)
    }
    #expect(rounds == 3)
    let text = try #require(sandbox.read(folder("pipeline.yaml")))
    #expect(text.contains("inputs: {code: fit.py, table: table.csv, quick: quick.py, helper: helper.py}"), "\(text)")
    #expect(result(sandbox) == "helper quick \"1,2\\n\"\n")
    let record = try sandbox.json(["show", "fit", "--json"])
    #expect(record["watch"] == "strict")
    #expect(record["trace"] == "complete")
  }

  @Test func adoptDeclaresWhatWasRead() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.run()
    let shown = try sandbox.rung("adopt", "fit", "--dry-run")
    #expect(shown.code == 0)
    for name in ["helper.py", "quick.py", "table.csv"] { #expect(shown.output.contains(name)) }
    for name in ["slow.py", "other.csv"] { #expect(!shown.output.contains(name)) }
    #expect(try sandbox.run().counts == Counts(unchanged: 1))

    let adopted = try sandbox.json(["adopt", "fit", "--json"])
    #expect(
      adopted["added"]?.array?.compactMap { $0["path"]?.string }.sorted()
        == ["helper.py", "quick.py", "table.csv"].map(folder))
    let text = try #require(sandbox.read(folder("pipeline.yaml")))
    #expect(text.hasPrefix("# A study of one step.\npipeline: study\nsteps:\n  fit:\n"))
    let run = try sandbox.run("--watch", "strict")
    #expect(run.counts == Counts(ran: 1), "\(run.finished.testDescription)")
    #expect(try sandbox.rung("adopt", "fit").output.hasPrefix("nothing to add"))
    #expect(try sandbox.run("--watch", "strict").counts == Counts(unchanged: 1))
    // A strict result is good for less.
    for level in ["traced", "declared"] { #expect(try sandbox.run("--watch", level).counts == Counts(unchanged: 1)) }
    // What is declared is in the key: it need not be observed.
    #expect(try sandbox.why("fit") != [])
    try sandbox.edit(folder("quick.py"), "'quick'", "'q'")
    #expect(try sandbox.why("fit") == ["input quick"])
    #expect(try sandbox.run("--watch", "strict").counts == Counts(ran: 1))
  }

  // MARK: why

  @Test func whyNamesTheFileAndShowsWhatChanged() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.run()
    try sandbox.edit(folder("quick.py"), "'quick'", "'q'")
    for moment in ["before the run", "after it"] {
      #expect(try sandbox.why("fit") == ["observed \(folder("quick.py"))"], "\(moment)")
      let text = try sandbox.rung("why", "fit").output
      #expect(text.contains(folder("quick.py")), "\(moment): \(text)")
      #expect(text.contains("-name = 'quick'") && text.contains("+name = 'q'"), "\(moment): \(text)")
      if moment == "before the run" { #expect(try sandbox.run().counts == Counts(ran: 1)) }
    }
    #expect(try sandbox.standing("fit") == "current")
    // A name in a folder where modules are looked for.
    try sandbox.write("", to: folder("json.py"))
    #expect(
      try sandbox.why("fit").contains("observed \(folder("json.py"))")
        || sandbox.why("fit").contains("observed pipelines/study"))
  }

  @Test func theOldContentTakesTheOldResult() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.run()
    let first = result(sandbox)
    try sandbox.edit(folder("table.csv"), "1,2", "7,8")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    let second = result(sandbox)
    #expect(first != second)
    // Both are alive, however often one goes there and back.
    for _ in 1...2 {
      try sandbox.edit(folder("table.csv"), "7,8", "1,2")
      #expect(try sandbox.run().counts == Counts(unchanged: 1, restored: 1))
      #expect(result(sandbox) == first)
      try sandbox.edit(folder("table.csv"), "1,2", "7,8")
      #expect(try sandbox.run().counts == Counts(unchanged: 1, restored: 1))
      #expect(result(sandbox) == second)
    }
    // The index made anew knows both.
    for file in try sandbox.names("cache") where file.hasPrefix("index.sqlite") { try sandbox.remove("cache/\(file)") }
    #expect(try sandbox.rung("cache", "rebuild-index").code == 0)
    #expect(try sandbox.run().counts.ran == 0)
    #expect(result(sandbox) == second)
    try sandbox.edit(folder("table.csv"), "7,8", "1,2")
    #expect(try sandbox.run().counts.ran == 0)
    #expect(result(sandbox) == first)
    #expect(try sandbox.rung("cache", "check").code == 0)
  }

  // MARK: sets

  @Test func aSweepKeepsOneSet() throws {
    let sandbox = try Sandbox([
      "pipelines/sweep/pipeline.yaml": """
      pipeline: sweep
      axes: {n: 1..30}
      steps:
        same: {over: [n], run: "python3 -S {code} {n} > {out.a}", inputs: {code: a.py}, outputs: {a: a.txt}}
        own: {over: [n], run: "cat pipelines/sweep/own/{n} > {out.a}", outputs: {a: a.txt}}
      """, "pipelines/sweep/a.py": "import sys, helper\nprint(sys.argv[1], helper.word)\n",
      "pipelines/sweep/helper.py": "word = 1\n",
    ])
    for n in 1...30 { try sandbox.write("\(n)\n", to: "pipelines/sweep/own/\(n)") }
    #expect(try sandbox.run("--jobs", "2").counts == Counts(ran: 60))
    func sets(_ step: String, _ scope: String) throws -> Set<String> {
      let records = try sandbox.json(["show", step, "--json"])
      return Set((records.array ?? []).compactMap { $0["observed"]?[scope]?.string })
    }
    #expect(try sets("same", "project").count == 1)
    #expect(try sets("same", "system").count == 1)
    #expect(try sets("own", "project").count == 30)
    #expect(try sets("own", "system").count == 1)

    try sandbox.write("100\n", to: "pipelines/sweep/own/7")
    let run = try sandbox.run()
    #expect(run.counts == Counts(ran: 1, unchanged: 59), "\(run.finished.testDescription)")
    #expect(run.steps == ["own": 1])
    try sandbox.edit("pipelines/sweep/helper.py", "1", "2")
    #expect(try sandbox.run().steps == ["same": 30])
  }

  // MARK: changes while it runs

  @Test func aFileThatChangesWhileTheStepReadsItCountsForNothing() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        read:
          run: |
            cat pipelines/x/data.txt > {out.a}
            echo here > pipelines/x/marks/out
            read answer < pipelines/x/marks/in
            cat pipelines/x/data.txt >> {out.a}
          outputs: {a: {path: a.txt, publish: a.txt}}
      """, "pipelines/x/data.txt": "one\n", "pipelines/x/marks/.keep": "",
    ])
    let out = try Mark("pipelines/x/marks/out", in: sandbox)
    let into = try Mark("pipelines/x/marks/in", in: sandbox)
    let run = try sandbox.start(["run", "--json"])
    #expect(try out.line() == "here")
    try sandbox.write("two\n", to: "pipelines/x/data.txt")
    into.say("go")
    let report = try RunReport(try run.wait())
    #expect(report.finished.code == 1)
    #expect(report.counts == Counts(failed: 1), "\(report.finished.testDescription)")
    let problem = try #require(report.events("step-failed").first?["problem"]?.string)
    #expect(problem.contains("pipelines/x/data.txt changed while it ran"), "\(problem)")
    #expect(!sandbox.exists("pipelines/x/a.txt"))
    let record = try sandbox.json(["show", "read", "--json"])
    #expect(record["outcome"] == "changed")
    #expect(record["problem"]?.string?.contains("pipelines/x/data.txt") == true)

    let next = try sandbox.start(["run", "--json"])
    #expect(try out.line() == "here")
    into.say("go")
    #expect(try RunReport(try next.wait()).counts == Counts(ran: 1))
    #expect(sandbox.read("pipelines/x/a.txt") == "two\ntwo\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
  }

  // MARK: levels

  @Test func aDeclaredResultIsNotEnoughForATracedRun() throws {
    let sandbox = try Sandbox(Self.study)
    #expect(try sandbox.run("--watch", "declared").counts == Counts(ran: 1))
    #expect(try sandbox.run("--watch", "declared").counts == Counts(unchanged: 1))
    #expect(try sandbox.json(["show", "fit", "--json"])["observed"] == ["project": nil, "system": nil])
    let reasons = try sandbox.why("fit")
    #expect(reasons.count == 1 && reasons.first?.hasPrefix("watch") == true, "\(reasons)")
    #expect(try sandbox.rung("why", "fit").output.contains("declared"))
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
    #expect(try sandbox.run("--watch", "declared").counts == Counts(unchanged: 1))

    // The other way round: traced serves all but strict.
    let other = try Sandbox(Self.study)
    #expect(try other.run().counts == Counts(ran: 1))
    #expect(try other.run("--watch", "declared").counts == Counts(unchanged: 1))
  }

  @Test func aProjectSetsAFloor() throws {
    let sandbox = try Sandbox(Self.study)
    try sandbox.write("watch_floor: traced\n", to: "rung.yaml")
    let refused = try sandbox.rung("run", "--watch", "declared")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("step 'study/fit' would be watched as 'declared' only"), "\(refused.errors)")
    #expect(refused.errors.contains("watch_floor in rung.yaml asks for 'traced' at least"))
    #expect(try sandbox.run().counts == Counts(ran: 1))
    try sandbox.write("watch_floor: strict\n", to: "rung.yaml")
    #expect(try sandbox.rung("run").code == 2)
    // A result from before the floor does not count.
    try sandbox.write("watch: declared\n", to: "rung.yaml")
    #expect(try sandbox.run("--force", "fit").counts == Counts(ran: 1))
  }

  @Test func aTraceTellsTheWeakestAndWhoIsToBlame() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        loose: {run: "cat notes.txt > {out.a}", watch: declared, outputs: {a: a.txt}}
        tight: {run: "cat more.txt {loose.a} > {out.a}", outputs: {a: {path: a.txt, publish: a.txt}}}
      """, "notes.txt": "notes\n", "more.txt": "more\n",
    ])
    #expect(try sandbox.run().counts == Counts(ran: 2))
    let trace = try sandbox.json(["trace", "pipelines/x/a.txt", "--json"])
    #expect(trace["watch"] == "declared")
    #expect(trace["weakest"] == ["x/loose"])
    #expect(trace["trace"] == "off")
    #expect(try sandbox.rung("trace", "pipelines/x/a.txt").output.contains("weakest: x/loose"))
    let sources = Set((trace["sources"]?.array ?? []).compactMap { $0["path"]?.string })
    #expect(sources.contains("more.txt") && !sources.contains("notes.txt"), "\(sources)")

    try sandbox.edit("pipelines/x/pipeline.yaml", "watch: declared, ", "")
    // The other's result is that of the earlier execution, until it runs again.
    #expect(try sandbox.run().counts == Counts(ran: 1, unchanged: 1))
    #expect(try sandbox.run("--force", "tight").steps["tight"] == 1)
    let better = try sandbox.json(["trace", "pipelines/x/a.txt", "--json"])
    #expect(better["watch"] == "traced")
    #expect(better["trace"] == "complete")
  }
}

extension StringProtocol {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\n" }.reversed())
  }
}
