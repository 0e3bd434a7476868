import Glibc
import Testing

/// `rung run` as a person types it: an answer from the state that an earlier run has left is the answer of the long way.
@Suite struct QuietRunStories {
  /// Runs as a person would, and gives the last line without its time.
  private func run(_ sandbox: Sandbox, _ words: [String] = [], with own: [String: String] = [:]) throws -> String {
    let ended = try sandbox.start(["run"] + words, with: own).wait()
    #expect(ended.code == 0, "\(ended.testDescription)")
    let last = ended.errors.split(separator: "\n").last.map(String.init) ?? ""
    return last.split(separator: "(").first.map { String($0.dropLast()) } ?? last
  }

  private func expectQuiet(_ sandbox: Sandbox, _ what: String) throws {
    // The first may have to read what was written a moment ago; both must say so.
    for _ in 0..<2 { #expect(try run(sandbox) == "nothing to do: 1 up to date", "\(what)") }
  }

  @Test func whatAStepWasSeenToUseIsNoticedAndNothingElse() throws {
    let sandbox = try Sandbox(ObservedStories.study)
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "at first")
    #expect(try sandbox.names("cache/quiet").count == 1)

    try sandbox.edit("pipelines/study/table.csv", "1,2", "1,3")
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "after an edit of a table that it read")

    // A module that would be found before the one that it used: something is where nothing was.
    try sandbox.write("fast = False\nname = 'package'\n", to: "pipelines/study/helper/__init__.py")
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "after a module came")

    try sandbox.write("5\n", to: "pipelines/study/other.csv")
    try sandbox.touchEverything()
    try expectQuiet(sandbox, "after what it did not read, and new times everywhere")

    try sandbox.remove("pipelines/study/result.txt")
    #expect(try run(sandbox) == "done: 1 up to date, 1 restored")
    #expect(sandbox.exists("pipelines/study/result.txt"))
    try expectQuiet(sandbox, "after its copy was put back")
  }

  /// Sets of many files lie in a file of their own in the cache: without it nobody can tell whether they are as they were.
  @Test func aLargeObservedSetThatIsLostIsNoticed() throws {
    var files = [
      "pipelines/many/pipeline.yaml": """
      pipeline: many
      steps:
        a: {run: "cat pipelines/many/d/* > {out.o}", outputs: {o: o.txt}}
      """
    ]
    for number in 0..<1_500 { files["pipelines/many/d/a-rather-long-name-of-a-file-\(number).txt"] = "\(number)\n" }
    let sandbox = try Sandbox(files)
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "at first")
    let large = try sandbox.files("cache/objects")
    try #require(!large.isEmpty)
    for file in large { try sandbox.remove(file) }
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "after it was made again")
  }

  @Test func whatARequestSaysIsPartOfIt() throws {
    let sandbox = try Sandbox(ObservedStories.study)
    #expect(try run(sandbox) == "done: 1 ran")
    try expectQuiet(sandbox, "at first")
    // A weaker level takes the same result; another PATH may mean other programs, and is looked at.
    #expect(try run(sandbox, ["--watch", "declared"]) == "nothing to do: 1 up to date")
    #expect(try run(sandbox, ["study/fit"]) == "nothing to do: 1 up to date")
    #expect(try run(sandbox, ["--force"]) == "done: 1 ran")
    try expectQuiet(sandbox, "after it was run again")
    let unknown = try sandbox.rung("run", "study/none")
    #expect(unknown.code == 2)
    try sandbox.append("nonsense: [", to: "pipelines/study/pipeline.yaml")
    #expect(try sandbox.rung("run").code == 2)
  }
}
