import RungCore
import Testing

/// From a figure back to what made it, and what the cache holds.
@Suite struct TracingStories {
  static let figure = DoubleDescentStories.figure

  @Test func aFigureIsTracedToAllThatMadeItAndNothingElse() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.write(
      """
      pipeline: other
      steps:
        aside: {run: "cat {note} > {out.a}", inputs: {note: note.txt}, outputs: {a: a.txt}}
      """, to: "pipelines/other/pipeline.yaml")
    try sandbox.write("an aside\n", to: "pipelines/other/note.txt")
    #expect(try sandbox.run().counts == Counts(ran: 24))
    try #require(
      try Sandbox.program("/bin/cp", ["\(sandbox.project)/\(Self.figure)", "\(sandbox.folder)/renamed copy.txt"]).code
        == 0)

    for file in [Self.figure, "\(sandbox.folder)/renamed copy.txt", "double-descent/figure"] {
      let trace = try sandbox.json(["trace", file, "--json"])
      let steps = try #require(trace["steps"]?.array)
      #expect(steps.count == 23)
      let names = Set(steps.compactMap { $0["instance"]?.string })
      #expect(names.contains("double-descent/fit[width=30,seed=1]") && !names.contains("other/aside"))
      let sources = try #require(trace["sources"]?.array)
      let scripts = ["data", "figure", "fit", "measure", "theory"].map {
        "pipelines/double-descent/\($0).py"
      }
      let projectFiles = sources.compactMap { $0["path"]?.string }.filter { $0.hasPrefix("pipelines/") }
      #expect(projectFiles.sorted() == scripts)
      for source in sources where source["path"]?.string?.hasPrefix("pipelines/") == true {
        let path = try #require(source["path"]?.string)
        #expect(source["digest"]?.digest == Digest(of: Array(try #require(sandbox.read(path)).utf8)), "\(path)")
      }
      #expect(trace["watch"]?.string != nil)
    }
    let text = try sandbox.rung("trace", Self.figure)
    #expect(text.code == 0 && text.output.contains("figure.py") && text.output.contains("noise"))
    let graph = try sandbox.rung("trace", "--dot", Self.figure)
    #expect(graph.code == 0 && graph.output.hasPrefix("digraph"))
  }

  @Test func aTraceTellsTheFilesAsTheyWereThen() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let fit = "pipelines/double-descent/fit.py"
    let before = Digest(of: Array(try #require(sandbox.read(fit)).utf8))
    try sandbox.append("# later", to: fit)
    let trace = try sandbox.json(["trace", Self.figure, "--json"])
    #expect(trace["sources"]?.array?.first { $0["path"] == .string(fit) }?["digest"]?.digest == before)
  }

  @Test func aStrangersFileIsRefused() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run("theory")
    try sandbox.write("drawn by hand", to: "hand.svg")
    let refused = try sandbox.rung("trace", "hand.svg")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("hand.svg"))
    #expect(try sandbox.rung("trace", "nowhere.svg").code == 2)
    #expect(try sandbox.rung("trace", "figure").code == 2)
    #expect(try sandbox.rung("trace", "--json", "--dot", "theory").code == 2)
  }

  @Test func aRecordIsShown() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    #expect(try sandbox.rung("show", "theory").code == 2)
    try sandbox.run()
    let record = try sandbox.json(["show", "theory", "--json"])
    #expect(record["instance"] == "double-descent/theory")
    #expect(record["outcome"] == "succeeded")
    let all = try sandbox.json(["show", "data", "--json"])
    #expect(all.array?.count == 3)
    #expect(try sandbox.rung("show", "data").output.split(separator: "\n").count == 4)
    #expect(try sandbox.rung("show", Self.figure).output.contains("double-descent/figure"))
  }

  @Test func aDamagedObjectIsFoundSetAsideAndMadeAgain() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let sound = try sandbox.rung("cache", "check")
    #expect(sound.code == 0 && sound.output.contains("sound"), "\(sound.testDescription)")
    let record = try sandbox.json(["show", "theory", "--json"])
    let digest = try #require(record["outputs"]?.array?.first?["digest"]?.digest)
    try sandbox.damage(digest)
    let damaged = try sandbox.rung("cache", "check")
    #expect(damaged.code == 3)
    #expect(damaged.output.contains("damaged") && damaged.output.contains("not sound"))
    #expect(try sandbox.names("cache/quarantine").count == 1)
    #expect(try sandbox.rung("cache", "check").code == 0)
    // Nobody needs it as long as the figure is there.
    #expect(try sandbox.run().finished.code == 0)
    let forced = try sandbox.run("--force", "figure")
    #expect(forced.finished.code == 0)
    #expect(forced.steps == ["figure": 1, "theory": 1])
    #expect(try sandbox.json(["cache", "check", "--json"])["sound"]?.bool == true)
  }

  @Test func aResultWhoseObservedSetIsGoneIsTold() throws {
    guard try Sandbox.program("/bin/sh", ["-c", "command -v sqlite3"]).code == 0 else { return }
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run("theory")
    let before = try sandbox.json(["cache", "check", "--json"])
    #expect(before["gone"] == [])
    let lost = Digest(of: Array("a set that was lost".utf8))
    let changed = try Sandbox.program(
      "/usr/bin/env",
      ["sqlite3", "\(sandbox.project)/cache/index.sqlite", "UPDATE action SET system_set = x'\(lost.hex)'"])
    #expect(changed.code == 0)
    let check = try sandbox.json(["cache", "check", "--json"])
    let gone = try #require(check["gone"]?.array)
    #expect(gone.map { $0["missing"] } == [[.digest(lost)]])
    // A miss, no damage.
    #expect(check["sound"]?.bool == true)
  }

  @Test func theIndexCanBeMadeAnew() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let before = try sandbox.json(["trace", Self.figure, "--json"])
    for file in try sandbox.names("cache") where file.hasPrefix("index.sqlite") { try sandbox.remove("cache/\(file)") }
    let rebuilt = try sandbox.json(["cache", "rebuild-index", "--json"])
    #expect(rebuilt["records"]?.int == 23)
    #expect(try sandbox.run().counts == Counts(unchanged: 23))
    let after = try sandbox.json(["trace", Self.figure, "--json"])
    for part in ["steps", "sources", "watch"] { #expect(after[part] == before[part]) }
  }

  @Test func aDamagedIndexIsToldAndSetAside() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    for file in try sandbox.names("cache") where file.hasPrefix("index.sqlite") { try sandbox.remove("cache/\(file)") }
    try sandbox.write(String(repeating: "not a database ", count: 1000), to: "cache/index.sqlite")
    let failed = try sandbox.rung("run")
    #expect(failed.code == 3)
    #expect(failed.errors.contains("rebuild-index"), "\(failed.errors)")
    #expect(try sandbox.rung("cache", "rebuild-index").code == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 23))
  }

  @Test func theCacheTellsWhatItHolds() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let stat = try sandbox.json(["cache", "stat", "--json"])
    // The run has a record too.
    #expect(stat["records"]?.int == 24 && stat["actions"]?.int == 23 && stat["runs"]?.int == 1)
    #expect(stat["path"] == .string("\(sandbox.project)/cache"))
    #expect(try sandbox.rung("cache", "stat").code == 0)
    let script = "pipelines/double-descent/fit.py"
    let digest = Digest(of: Array(try #require(sandbox.read(script)).utf8))
    #expect(try sandbox.rung("cache", "cat", digest.description).output == sandbox.read(script))
    #expect(try sandbox.rung("cache", "cat", digest.short).output == sandbox.read(script))
    #expect(try sandbox.rung("cache", "cat", "ffffffffffff").code == 2)
  }
}
