import RungCore
import Testing

/// Every value that an output had.
@Suite struct HistoryStories {
  @Test func aFigureHasAHistoryWithItsReasons() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    try sandbox.edit("pipelines/double-descent/figure.py", "values) / len", "values)  / len")
    try sandbox.run()
    try sandbox.edit("pipelines/double-descent/figure.py", "import json", "import json, nothing")
    try sandbox.run()
    for target in ["figure", TracingStories.figure, "double-descent/figure"] {
      let history = try sandbox.json(["history", target, "--json"])
      let entries = try #require(history["entries"]?.array)
      #expect(entries.map { $0["outcome"] } == ["failed", "ran", "ran"])
      #expect(entries[0]["problem"]?.string?.isEmpty == false && entries[0]["outputs"] == [])
      #expect(entries[1]["changes"]?.array?.map { $0["name"] } == ["code"])
      #expect(entries[2]["changes"]?.array?.map { $0["field"] } == ["record"])
      let outputs = try #require(entries[1]["outputs"]?.array)
      #expect(outputs.map { $0["name"] } == ["figure", "summary"])
      #expect(outputs.map { $0["unchanged"] } == [true, true] && outputs.map { $0["gone"] } == [false, false])
    }
    let text = try sandbox.rung("history", "figure", "-n", "2")
    #expect(text.code == 0 && text.output.contains("input code changed") && text.output.contains("older ones"))
  }

  @Test func oneNumberIsFollowedOverTime() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let instance = "double-descent/measure[width=30,seed=1]"
    try sandbox.run(instance)
    try sandbox.run(instance, "--set", "noise=0.4")
    let words = ["history", instance, "--output", "metrics", "--metric", "/test_error"]
    let text = try sandbox.start(words).wait()
    let lines = text.output.split(separator: "\n")
    #expect(text.code == 0 && lines.count == 3 && lines[0] == instance[...], "\(text.testDescription)")
    let values = lines.dropFirst().map { $0.split(separator: " ")[3] }
    #expect(Set(values).count == 2 && values.allSatisfy { Double($0) != nil })
    #expect(try sandbox.rung("history", instance, "--output", "nothing").code == 2)
    #expect(try sandbox.rung("history", instance, "--metric", "test_error").code == 2)
    #expect(try sandbox.rung("history", instance, "-n", "0").code == 2)
    #expect(try sandbox.rung("history", "nowhere").code == 2)
    // All instances of a step, one that never ran among them.
    #expect(try sandbox.json(["history", "measure", "--json"])["entries"]?.array?.count == 2)
  }
}
