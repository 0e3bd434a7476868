import RungCore
import Testing

/// docs/formats/json.md against what the command prints.
@Suite struct DocumentTests {
  /// Every member that a verb prints is a word of the documents.
  @Test func everyMemberIsDocumented() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let folder = Sandbox.sources.replacing("/Tests/RungCommandTests", with: "/docs/formats")
    var words: Set<Substring> = []
    for name in ["json", "record"] {
      let text = try #require(sandbox.read("\(folder)/\(name).md"))
      for match in text.matches(of: /[a-z_]+/) { words.insert(match.output) }
    }

    var seen: Set<String> = []
    // Members whose names are the user's: parameters, axes and variables by their names, numbers by their pointers.
    func walk(_ json: JSON) {
      for item in json.array ?? [] { walk(item) }
      for member in json.members ?? [] {
        seen.insert(member.name)
        if !["parameters", "variables", "numbers"].contains(member.name), member.name != "axes" { walk(member.value) }
      }
    }
    for event in try sandbox.run("--over", "seed=0,1").events { walk(event) }
    try sandbox.edit("pipelines/double-descent/fit.py", "scale = 1.0", "scale = width")
    try sandbox.remove(DoubleDescentStories.figure)
    for verb in [["plan"], ["status"], ["why", "figure"], ["why", "fit"]] { walk(try sandbox.json(verb + ["--json"])) }
    let broken = try sandbox.run("--set", "noise=nothing", "--keep-going")
    for event in broken.events { walk(event) }
    for event in try sandbox.run().events { walk(event) }
    for verb in [
      ["show", "theory"], ["show", "fit"], ["log", "data"], ["trace", DoubleDescentStories.figure], ["why", "figure"],
      ["adopt", "fit"], ["cache", "stat"], ["cache", "check"], ["cache", "pin", "last"], ["gc", "--older-than", "0"],
      ["trace", DoubleDescentStories.figure], ["diff", "last~2", "last"], ["history", "figure"],
      ["trace", "--source", "pipelines/double-descent/fit.py"], ["cache", "rebuild-index"],
    ] {
      walk(try sandbox.json(verb + ["--json"]))
    }
    #expect(seen.isSuperset(of: ["tail", "diff", "because", "members", "collections", "strangers"]))
    let missing = seen.filter { !words.contains($0[...]) }
    #expect(missing.isEmpty)
  }
}
