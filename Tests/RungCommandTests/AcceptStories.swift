import RungCore
import Testing

/// `rung accept`: a change does not matter, so the old result stands.
@Suite struct AcceptStories {
  static let files = [
    "pipelines/x/pipeline.yaml": """
    pipeline: x
    axes: {seed: [1, 2, 3]}
    steps:
      data:
        over: [seed]
        run: sh {code} {seed} > {out.set}
        inputs: {code: data.sh}
        outputs: {set: set.txt}
      figure:
        run: sh pipelines/x/draw.sh {data.set:files} > {out.figure}
        outputs: {figure: {path: figure.txt, publish: figure.txt}}
    """,
    "pipelines/x/data.sh": "echo some data of seed $1\n",
    "pipelines/x/draw.sh": "cat $1/*/*\n",
  ]

  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox(Self.files)
    #expect(try sandbox.run().counts == Counts(ran: 4))
  }

  @Test func aCommentIsAcceptedAndNothingRuns() throws {
    try sandbox.edit("pipelines/x/data.sh", "echo", "# a comment\necho")
    #expect(try sandbox.rung("status", "--json").output.contains(#""would_run": 3"#))
    let accepted = try sandbox.rung("accept", "x/data", "--because", "a comment")
    #expect(accepted.code == 0 && accepted.output.contains("accepted: input code (pipelines/x/data.sh) changed"))
    #expect(accepted.output.contains("3 results stand"))
    #expect(try sandbox.run().counts == Counts(unchanged: 4))
    // It is seen wherever somebody asks.
    #expect(try sandbox.rung("why", "x/data[seed=1]").output.contains("but it stands: accepted by"))
    #expect(try sandbox.rung("status").output.contains("accepted: 3 of x/data"))
    let why = try sandbox.json(["why", "x/data[seed=1]", "--json"])
    #expect(why["instances"]?.array?.first?["accepted"]?["because"]?.string == "a comment")
    #expect(try sandbox.rung("trace", "pipelines/x/figure.txt").output.contains("a comment"))
    let trace = try sandbox.json(["trace", "pipelines/x/figure.txt", "--json"])
    let steps = try #require(trace["steps"]?.array)
    #expect(steps.count { $0["accepted"]?.array?.isEmpty == false } == 3)
    // The index can be lost.
    #expect(try sandbox.rung("cache", "rebuild-index").code == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 4))

    // Only this change: the next one counts.
    try sandbox.edit("pipelines/x/data.sh", "some", "more")
    #expect(try sandbox.run().counts == Counts(ran: 4))
  }

  @Test func itCanBeTakenBack() throws {
    try sandbox.edit("pipelines/x/data.sh", "echo", "# a comment\necho")
    #expect(try sandbox.rung("accept", "x/data[seed=2]", "--because", "a comment").code == 0)
    #expect(try sandbox.rung("accept", "x/data", "--because", "a comment").output.contains("2 results stand"))
    #expect(try sandbox.run().counts == Counts(unchanged: 4))
    #expect(try sandbox.rung("accept", "x/data", "--revoke").output.contains("3 acceptances are taken back"))
    for _ in 1...2 {
      #expect(try sandbox.rung("plan", "--json").output.contains("x/data"))
      #expect(try sandbox.rung("status", "--json").output.contains(#""would_run": 3"#))
      #expect(try sandbox.rung("cache", "rebuild-index").code == 0)
    }
    #expect(try sandbox.rung("accept", "x/data", "--revoke").code == 2)
    #expect(try sandbox.run().counts == Counts(ran: 3, unchanged: 1))
  }

  @Test func aFileThatWasOnlySeenIsAcceptedToo() throws {
    let isTraced = try sandbox.json(["show", "x/figure", "--json"])["watch"]?.string != "declared"
    guard isTraced else { return }
    try sandbox.edit("pipelines/x/draw.sh", "cat", "# a comment\ncat")
    #expect(try sandbox.rung("status", "--json").output.contains(#""would_run": 1"#))
    let accepted = try sandbox.rung("accept", "x/figure", "--because", "a comment")
    #expect(accepted.output.contains("pipelines/x/draw.sh changed"), "\(accepted.output)\(accepted.errors)")
    #expect(try sandbox.run().counts == Counts(unchanged: 4))
    // It is just this content that was accepted.
    try sandbox.edit("pipelines/x/draw.sh", "a comment", "another comment")
    #expect(try sandbox.run().counts == Counts(ran: 1, unchanged: 3))
  }

  @Test func withACheckSomeAreMadeAgainFirst() throws {
    try sandbox.edit("pipelines/x/data.sh", "echo", "# a comment\necho")
    let accepted = try sandbox.rung("accept", "x/data", "--because", "a comment", "--check", "2", "--json")
    #expect(accepted.code == 0, "\(accepted.errors)")
    let first = try #require(try JSON(parsing: accepted.output)["accepted"]?.array?.first)
    #expect(first["support"]?.array?.count == 2)
    #expect(try sandbox.run().counts == Counts(unchanged: 4))

    try sandbox.edit("pipelines/x/data.sh", "some", "more")
    let refused = try sandbox.rung("accept", "x/data", "--because", "it looks harmless", "--check", "1")
    #expect(refused.code == 1 && refused.errors.contains("the change matters"), "\(refused.errors)")
    #expect(try sandbox.run().counts == Counts(ran: 4))
  }

  @Test func whatCannotStandIsRefused() throws {
    let current = try sandbox.rung("accept", "x/data", "--because", "no reason")
    #expect(current.code == 2 && current.errors.contains("there is no change to accept"))
    #expect(try sandbox.rung("accept", "x/data").code == 2)
    #expect(try sandbox.rung("accept", "x/data", "--because", "  ").code == 2)
    try sandbox.edit("pipelines/x/data.sh", "some", "more")
    let waiting = try sandbox.rung("accept", "x/figure", "--because", "no reason")
    #expect(waiting.code == 2 && waiting.errors.contains("waits for a step before it"), "\(waiting.errors)")
    try sandbox.edit("pipelines/x/pipeline.yaml", "outputs: {set: set.txt}", "outputs: {set: sets.txt}")
    let outputs = try sandbox.rung("accept", "x/data", "--because", "no reason")
    #expect(outputs.code == 2 && outputs.errors.contains("declares other outputs"), "\(outputs.errors)")
    try sandbox.edit(
      "pipelines/x/pipeline.yaml", "steps:", "steps:\n  fresh: {run: \"echo a > {out.a}\", outputs: {a: a}}")
    let fresh = try sandbox.rung("accept", "x/fresh", "--because", "no reason")
    #expect(fresh.code == 2 && fresh.errors.contains("has no result yet"), "\(fresh.errors)")
  }
}
