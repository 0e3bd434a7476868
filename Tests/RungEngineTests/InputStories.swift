import Glibc
import RungCore
import RungEngine
import RungModel
import Testing

/// Files of the project as inputs, and outputs that meet other steps.
@Suite struct InputStories {
  static func lab(_ input: String) -> Lab {
    let lab = Lab()
    lab.write("pipelines/x/a.py", "a\n")
    lab.write("pipelines/x/data/one.csv", "1\n")
    lab.write("pipelines/x/data/deep/two.csv", "2\n")
    lab.pipeline(
      """
      steps:
        a: {run: "sim a {code} {data} out {out.o}", inputs: {code: a.py, data: "\(input)"}, outputs: {o: o.txt}}
        b: {run: "sim b {code} {a.o} out {out.o}", inputs: {code: a.py}, outputs: {o: o.txt}}
      """)
    return lab
  }

  private static func expectAll(
    _ lab: Lab, _ change: (Lab) -> Void, _ members: [[String]],
    sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    change(lab)
    let plan = try lab.plan()
    #expect(plan["x/a"]?.reasons == ["input data"], sourceLocation: sourceLocation)
    #expect(plan["x/a"]?.why.reasons.first?.members.lists == members, sourceLocation: sourceLocation)
    #expect(try lab.run().executed.first == "x/a", sourceLocation: sourceLocation)
    let why = try lab.why("x/a")
    #expect(why.reasons == ["input data"], sourceLocation: sourceLocation)
    #expect(why.why.reasons.first?.members.lists == members, sourceLocation: sourceLocation)
    try EditStories.expectQuiet(lab, unchanged: 2, sourceLocation: sourceLocation)
  }

  private static func members(added: [String] = [], removed: [String] = [], changed: [String] = []) -> [[String]] {
    [added, removed, changed]
  }

  @Test(arguments: ["data", "data/**/*.csv"])
  func filesOfAFolderComeGoAndChange(input: String) throws {
    let lab = Self.lab(input)
    let prefix = input == "data" ? "" : "pipelines/x/data/"
    _ = try lab.run()
    try EditStories.expectQuiet(lab, unchanged: 2)
    try Self.expectAll(
      lab, { $0.write("pipelines/x/data/deep/three.csv", "3\n") }, Self.members(added: ["\(prefix)deep/three.csv"]))
    try Self.expectAll(
      lab, { $0.write("pipelines/x/data/one.csv", "uno\n") }, Self.members(changed: ["\(prefix)one.csv"]))
    try Self.expectAll(
      lab, { rename("\($0.root)/pipelines/x/data/one.csv", "\($0.root)/pipelines/x/data/eins.csv") },
      Self.members(added: ["\(prefix)eins.csv"], removed: ["\(prefix)one.csv"]))
    try Self.expectAll(
      lab, { $0.remove("pipelines/x/data/deep/two.csv") }, Self.members(removed: ["\(prefix)deep/two.csv"]))
  }

  @Test func whatAPatternDoesNotMatchIsNothingToIt() throws {
    let lab = Self.lab("data/*.csv")
    _ = try lab.run()
    lab.write("pipelines/x/data/notes.txt", "n\n")
    lab.write("pipelines/x/data/deep/two.csv", "changed\n")
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  @Test func theExecutableBitIsPartOfAFile() throws {
    let lab = Self.lab("data/one.csv")
    _ = try lab.run()
    chmod("\(lab.root)/pipelines/x/data/one.csv", 0o755)
    #expect(try lab.plan()["x/a"]?.reasons == ["input data"])
    #expect(try lab.run().executed == ["x/a", "x/b"])
    chmod("\(lab.root)/pipelines/x/data/one.csv", 0o600)
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  @Test func aLinkIsWhatItPointsTo() throws {
    let lab = Self.lab("data/link.csv")
    symlink("one.csv", "\(lab.root)/pipelines/x/data/link.csv")
    _ = try lab.run()
    lab.write("pipelines/x/data/one.csv", "other\n")
    #expect(try lab.plan()["x/a"]?.reasons == ["input data"])
    #expect(try lab.run().executed == ["x/a", "x/b"])
    lab.write("pipelines/x/data/same.csv", "other\n")
    lab.remove("pipelines/x/data/link.csv")
    symlink("same.csv", "\(lab.root)/pipelines/x/data/link.csv")
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  @Test func anEditThatHidesItsTimeIsNoticed() throws {
    let lab = Self.lab("data/one.csv")
    let path = "\(lab.root)/pipelines/x/data/one.csv"
    // Old enough that the stat cache vouches for it.
    var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
    utimensat(AT_FDCWD, path, &times, 0)
    _ = try lab.run()
    usleep(60_000)  // Longer than the clock's grain: now a look makes an entry that is trusted.
    _ = try lab.run()
    _ = try lab.plan()
    lab.write("pipelines/x/data/one.csv", "9\n")
    utimensat(AT_FDCWD, path, &times, 0)
    #expect(try lab.run().executed == ["x/a", "x/b"])
    // And at once after a look, when both could carry the same time.
    lab.write("pipelines/x/data/one.csv", "8\n")
    #expect(try lab.run().executed == ["x/a", "x/b"])
    lab.write("pipelines/x/data/one.csv", "7\n")
    #expect(try lab.run().executed == ["x/a", "x/b"])
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  @Test func aMissingInputIsToldBeforeAnythingRuns() throws {
    let lab = Self.lab("data/one.csv")
    lab.remove("pipelines/x/data/one.csv")
    #expect(throws: Diagnostics.self) { try lab.run() }
  }

  @Test func pipelinesReadEachOther() throws {
    let lab = Lab()
    for name in ["x", "y"] { lab.write("pipelines/\(name)/a.py", "a\n") }
    lab.pipeline("steps: {a: {run: \"sim a {code} {y/b.o} out {out.o}\", inputs: {code: a.py}, outputs: {o: o.txt}}}")
    lab.pipeline(
      "steps: {b: {run: \"sim b {code} out {out.o}\", inputs: {code: a.py}, outputs: {o: o.txt}}}", name: "y")
    #expect(try lab.run(["x"]).executed == ["x/a", "y/b"])
    lab.write("pipelines/y/a.py", "other\n")
    #expect(try lab.plan().mapValues(\.reasons) == ["y/b": ["input code"], "x/a": ["upstream y/b"]])
    #expect(try lab.run().executed == ["x/a", "y/b"])
    #expect(try lab.why("x/a").reasons == ["input y/b.o"])
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  @Test func realProcessesSeeTablesAndFiles() throws {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline(
      """
      axes: {w: [1, 2], s: {replicates: 2}}
      steps:
        fit:
          over: [w, s]
          run: "printf '{\\"loss\\": %s.5, \\"at\\": {\\"w\\": %s}}' {s} {w} > {out.m}; mkdir -p {out.d}; echo {w} > {out.d}/x"
          outputs: {m: fit.json, d: {path: d/}}
        table: {run: "cp {fit.m} {out.o}", outputs: {o: {path: t.csv, publish: t.csv}}}
        files: {run: "cat {fit.m:files}/index.csv {fit.m:files}/w=2,s=1/fit.json {fit.d}/w=1,s=0/d/x > {out.o}", outputs: {o: {path: f.txt, publish: f.txt}}}
        row: {over: [w], run: "cat {fit.m} > {out.o}", outputs: {o: {path: r.csv, publish: "r-{w}.csv"}}}
      """)
    let ran = try lab.run()
    #expect(ran.failures.map { "\($0.instance): \($0.problem) \($0.tail)" } == [])
    #expect(ran.counts == [8, 0, 0, 0, 0])
    #expect(lab.read("pipelines/x/t.csv") == "w,s,loss,at.w\n1,0,0.5,1\n1,1,1.5,1\n2,0,0.5,2\n2,1,1.5,2\n")
    #expect(
      lab.read("pipelines/x/f.txt")
        == "w,s,path\n1,0,\"w=1,s=0/fit.json\"\n1,1,\"w=1,s=1/fit.json\"\n2,0,\"w=2,s=0/fit.json\"\n2,1,\"w=2,s=1/fit.json\"\n{\"loss\": 1.5, \"at\": {\"w\": 2}}1\n"
    )
    #expect(lab.read("pipelines/x/r-2.csv") == "w,s,loss,at.w\n2,0,0.5,2\n2,1,1.5,2\n")
    try EditStories.expectQuiet(lab, unchanged: 8)
  }

  @Test func aRealFailureIsToldWithItsLastLines() throws {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline(
      "steps: {a: {run: \"echo hello; echo {n} >&2; exit 7\", outputs: {o: o.txt}}}\nparameters: {n: \"a b\"}")
    let ran = try lab.run()
    let failure = try #require(ran.failures.first)
    #expect(failure.exitCode == 7)
    #expect(failure.problem == "exit code 7")
    #expect(failure.tail == ["hello", "a b"])
    #expect(failure.command == "echo hello; echo 'a b' >&2; exit 7")
    #expect(ran.counts == [0, 0, 0, 1, 0])
  }

  @Test func aStepThatDoesNotMakeItsOutputFails() throws {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline("steps: {a: {run: \"true\", outputs: {o: o.txt}}}")
    let ran = try lab.run()
    #expect(ran.failures.first?.problem.contains("o.txt") == true)
    #expect(ran.counts == [0, 0, 0, 1, 0])
    #expect(try lab.why("x/a").reasons == ["failure x/a"])
  }

  @Test func anInputEditedWhileTheRunGoesOnTakesEffectInTheNext() throws {
    let lab = EditStories.lab()
    let session = try lab.session()
    let executor = SimulatedExecutor(
      store: session.store,
      gate: { task, _ in
        if task.instance == "x/data[seed=0]" { lab.write("pipelines/x/figure.py", "edited meanwhile\n") }
        return true
      })
    #expect(try lab.run(in: session, executor: executor).counts == [7, 0, 0, 0, 0])
    #expect(try lab.plan().mapValues(\.reasons) == ["x/figure": ["input code"]])
    #expect(try lab.run().executed == ["x/figure"])
    try EditStories.expectQuiet(lab)
  }
}

extension Why.Members {
  fileprivate var lists: [[String]] { [added, removed, changed] }
}
