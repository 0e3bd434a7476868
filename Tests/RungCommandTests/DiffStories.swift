import RungCore
import Testing

/// Two results beside each other, and what a source has touched.
@Suite struct DiffStories {
  static let fit = "pipelines/double-descent/fit.py"

  private func git(_ sandbox: Sandbox, _ words: String...) throws {
    let own = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    let finished = try Sandbox.program("/usr/bin/git", own + words, in: sandbox.project)
    try #require(finished.code == 0, "\(finished.testDescription)")
  }

  @Test func aChangedScriptIsToldWithTheNumbersAndFiguresThatFollowed() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    try sandbox.edit(Self.fit, "scale = 1.0", "scale = 2.0")
    try sandbox.run("--set", "noise=0.2")

    let diff = try sandbox.json(["diff", "last~1", "last", "--json"])
    #expect(diff["same"] == false && diff["complete"] == true)
    #expect(diff["files"]?.array?.map { $0["path"] } == [.string(Self.fit)])
    let lines = try #require(diff["files"]?.array?[0]["diff"]?.array).compactMap(\.string)
    #expect(lines.contains("-scale = 1.0") && lines.contains("+scale = 2.0"))
    let noise = try #require(diff["settings"]?.array?.first { $0["kind"] == "parameter" })
    #expect(noise["name"] == "noise" && noise["old"] == .number("0.1") && noise["new"] == .number("0.2"))
    #expect(noise["steps"] == ["double-descent/data", "double-descent/theory"])
    let metrics = try #require(diff["metrics"]?.array)
    let error = try #require(metrics.first { $0["path"] == "/test_error" })
    #expect(error["instances"]?.int == 9 && error["changed"]?.int == 9)
    let largest = try #require(error["changes"]?.array?.first?["relative"]?.double)
    #expect(
      try error["changes"]?.array?.allSatisfy { abs(try #require($0["relative"]?.double)) <= abs(largest) } == true)
    let outputs = try #require(diff["outputs"]?.array)
    #expect(outputs.contains { $0["output"] == "figure" && $0["figure"] == true })
    #expect(diff["paired"]?.int == 23 && diff["unexplained"] == [])

    let text = try sandbox.rung("diff", "figure")
    #expect(text.code == 0 && text.output.contains("noise: 0.1 → 0.2") && text.output.contains("+scale = 2.0"))
    #expect(!text.output.contains("\u{1B}"))
    #expect(try sandbox.rung("diff", "--exit-code", "last").code == 1)
    #expect(try sandbox.rung("diff", "--exit-code", "last", "last").code == 0)
    #expect(try sandbox.rung("diff", "figure@1", TracingStories.figure).output.contains("differs in 9 of 9"))
    for words in [["nothing"], ["figure@7"], ["last~9"], ["git:HEAD"], ["last~1"]] {
      let refused = try sandbox.start(["diff"] + words).wait()
      #expect(refused.code == 2 && refused.errors.hasPrefix("error: "), "\(words)")
    }
  }

  @Test func revisionsAreComparedByTheRunsThatWereMadeAtThem() throws {
    guard try Sandbox.program("/bin/sh", ["-c", "command -v git"]).code == 0 else { return }
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.write("cache\n", to: ".gitignore")
    try git(sandbox, "init", "-q", ".")
    try git(sandbox, "add", "-A")
    try git(sandbox, "commit", "-qm", "one")
    try sandbox.run()
    try sandbox.edit("pipelines/double-descent/theory.py", "import sys", "import sys  # why")
    try git(sandbox, "add", "-A")
    try git(sandbox, "commit", "-qm", "two")
    try sandbox.run()
    let diff = try sandbox.json(["diff", "HEAD~1", "git:HEAD", "--json"])
    #expect(diff["files"]?.array?.map { $0["path"] } == ["pipelines/double-descent/theory.py"])
    #expect(diff["old"]?["kind"] == "revision" && diff["old"]?["dirty"] == false)
    // It came out as before: nothing followed.
    #expect(diff["outputs"] == [] && diff["metrics"] == [] && diff["identical"]?.int == 23)
    #expect(try sandbox.rung("diff", "HEAD").output.contains("theory.py"))
    #expect(try sandbox.rung("diff", "HEAD~2").code == 2)
  }

  @Test func aSourceIsFollowedToTheFiguresThatItTouched() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let impact = try sandbox.json(["trace", "--source", Self.fit, "--json"])
    #expect(impact["path"] == .string(Self.fit))
    let figure = try #require(impact["published"]?.array?.first)
    #expect(figure["path"] == .string(TracingStories.figure))
    #expect(figure["through"] == ["double-descent/fit", "double-descent/measure", "double-descent/figure"])
    #expect(impact["instances"]?.array?.count == 19)
    // After an edit, what is there was made from the content that it had.
    let before = impact["digest"]
    try sandbox.append("# later", to: Self.fit)
    let later = try sandbox.json(["trace", "--source", Self.fit, "--json"])
    #expect(later["contents"]?.array?.map { $0["current"] } == [false])
    #expect(later["contents"]?.array?.first?["digest"] == before)
    #expect(try sandbox.rung("trace", "--source", Self.fit).output.contains("Published files: 1"))
    #expect(try sandbox.rung("trace", "--source", "nowhere.py").code == 2)
    #expect(try sandbox.rung("trace", "--source", "--dot", Self.fit).code == 2)
  }

  @Test func aTraceIsAPageOfItsOwn() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let page = try sandbox.rung("trace", "--html", TracingStories.figure)
    #expect(page.code == 0 && page.output.hasPrefix("<!DOCTYPE html>"))
    #expect(page.output.contains("data:image/svg+xml;base64,") && page.output.contains("fit × 9"))
    #expect(!page.output.contains("<script") && !page.output.contains("http://"))
    #expect(try sandbox.rung("trace", "--html", "--json", TracingStories.figure).code == 2)
  }
}
