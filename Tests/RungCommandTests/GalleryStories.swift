import Glibc
import RungCore
import Testing

/// Three of the experiments that come with Rung, their smoke profiles: an edit reruns what it must, and `why` says so. Needs
/// the network once, for the packages: only with `RUNG_TEST_ENVIRONMENT=1`.
@Suite(.enabled(if: getenv("RUNG_TEST_ENVIRONMENT").map { String(cString: $0) } == "1"))
struct GalleryStories {
  static let pipelines = ["double-descent", "edge-of-stability", "ntk"]

  /// The steps that would run, each once, and the reasons that they have, as `field name`.
  private func plan(_ sandbox: Sandbox, _ words: String...) throws -> (steps: Set<String>, reasons: Set<String>) {
    let plan = try sandbox.json(["plan", "--json", "--profile", "smoke"] + words)
    var steps: Set<String> = []
    var reasons: Set<String> = []
    for step in plan["steps"]?.array ?? [] where step["standing"] == "would-run" {
      steps.insert(String(try #require(step["instance"]?.string).prefix { $0 != "[" }))
      for reason in step["reasons"]?.array ?? [] {
        reasons.insert("\(reason["field"]?.string ?? "?") \(reason["name"]?.string ?? "?")")
      }
    }
    return (steps, reasons)
  }

  @Test func anEditRerunsWhatItMust() throws {
    let sandbox = try Sandbox()
    let root = Sandbox.sources.replacing("/Tests/RungCommandTests", with: "")
    #expect(try Sandbox.program("/bin/mkdir", ["\(sandbox.project)/pipelines"]).code == 0)
    for name in Self.pipelines + ["library", "requirements.lock"] {
      let copied = try Sandbox.program("/bin/cp", ["-R", "\(root)/pipelines/\(name)", "\(sandbox.project)/pipelines/"])
      #expect(copied.code == 0)
    }
    let first = try sandbox.run("--profile", "smoke", with: ExperimentStories.network)
    #expect(first.finished.code == 0, "\(first.finished.testDescription)")
    #expect(try plan(sandbox).steps == [])

    // The library: what imports it runs, because it was seen to read it, and nothing after it does.
    try sandbox.append("# a comment", to: "pipelines/library/experiment.py")
    let library = try plan(sandbox)
    #expect(library.steps.isSuperset(of: ["double-descent/data", "ntk/data", "edge-of-stability/data"]))
    #expect(library.steps.isDisjoint(with: ["double-descent/measure", "double-descent/theory"]))
    #expect(library.reasons == ["observed pipelines/library/experiment.py"])
    let again = try sandbox.run("--profile", "smoke", with: ExperimentStories.network)
    let names = again.events("step-finished").compactMap { $0["instance"]?.string?.prefix { $0 != "[" } }
    let counted = Set(names.map(String.init))
    // All that import it, and nothing that only reads what they made: the numbers are the same.
    let own = ["data", "fit", "flat_data", "flat_fit", "figure"].map { "double-descent/\($0)" }
    #expect(counted.filter { $0.hasPrefix("double-descent/") } == Set(own))
    #expect(counted.isSuperset(of: library.steps))
    #expect(counted.isDisjoint(with: ["edge-of-stability/digits", "ntk/claims", "edge-of-stability/claims"]))

    // A theory's script.
    try sandbox.append("# a comment", to: "pipelines/double-descent/theory.py")
    let theory = try plan(sandbox)
    #expect(theory.steps == ["double-descent/theory", "double-descent/flat_theory"])
    #expect(theory.reasons == ["input code"])
    try sandbox.append("# a comment", to: "pipelines/edge-of-stability/theory.py")
    let edge = try plan(sandbox, "edge-of-stability").steps
    #expect(edge.isSuperset(of: ["edge-of-stability/plain-theory", "edge-of-stability/momentum-theory"]))
    #expect(edge.isDisjoint(with: ["data", "plain", "momentum", "plain-sharpness"].map { "edge-of-stability/\($0)" }))

    // A parameter: the steps whose command names it.
    let rate = try plan(sandbox, "ntk", "--set", "ntk/rate=0.4")
    #expect(rate.steps == ["ntk/train", "ntk/theory"])
    #expect(rate.reasons == ["parameter rate"])
  }
}
