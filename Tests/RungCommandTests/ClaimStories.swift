import RungCore
import Testing

/// Theory and experiment side by side: `rung claims` says how they compare, and why a verdict changed.
@Suite struct ClaimStories {
  /// A fall measured with a spread of a tenth, and a theory of it.
  static let pipeline = """
    pipeline: fall
    parameters: {gravity: 10}
    axes: {height: [5, 20], seed: {replicates: 4}}
    steps:
      split:
        run: |
          echo 1 > {out.training}
          echo 2 > {out.holdout}
        outputs: {training: training.txt, holdout: holdout.txt}
      drop:
        over: [height, seed]
        run: ./{code} {height} {seed} {split.training} > {out.time}
        inputs: {code: drop.sh}
        outputs: {time: time.json}
      theory:
        over: [height]
        run: |
          awk 'BEGIN { printf "{\\"time\\": %.6f}", sqrt(2 * '{height}' / '{gravity}') }' > {out.time}
        outputs: {time: time.json}
      report:
        run: cp {claims.verdicts} {out.copy}
        outputs: {copy: {path: copy.json, publish: verdicts.json}}
    claims:
      law:
        says: The time of a fall is the square root of twice the height over g.
        measured: drop.time#/time
        predicted: theory.time#/time
        over: [height]
        within: {relative: 0.1}
      power:
        says: It grows with the square root of the height.
        measured: {exponent: drop.time#/time, along: height}
        predicted: 0.5
        within: {absolute: 0.1}
      linear:
        says: It is not proportional to the height.
        measured: {exponent: drop.time#/time, along: height}
        predicted: 1
        within: {absolute: 0.3}
        expect: breaks
      fair:
        says: No measurement has seen what was held out.
        independent: {result: drop.time, of: split.holdout}
    """

  // The square root by Heron, and a spread by the seed.
  static let script = """
    #!/bin/sh
    cat "$3" > /dev/null
    awk -v h="$1" -v s="$2" 'BEGIN { printf "{\\"time\\": %.6f}", sqrt(2 * h / 10) * (1 + (s - 1.5) / 100) }'

    """

  private func study() throws -> Sandbox {
    let sandbox = try Sandbox(["pipelines/fall/pipeline.yaml": Self.pipeline, "pipelines/fall/drop.sh": Self.script])
    #expect(try Sandbox.program("/bin/chmod", ["+x", "\(sandbox.project)/pipelines/fall/drop.sh"]).code == 0)
    return sandbox
  }

  /// For each claim its verdict, `!` behind one that is not as expected, and whether the command was content.
  private func verdicts(_ sandbox: Sandbox) throws -> [String] {
    let ended = try sandbox.rung("claims", "--json")
    let claims = try #require(try JSON(parsing: Array(ended.output.utf8))["claims"]?.array)
    let isGood = claims.allSatisfy { $0["as_expected"] == true && $0["current"] == true }
    #expect(ended.code == (isGood ? 0 : 1), "\(ended.testDescription)")
    return claims.map {
      "\($0["name"]?.string ?? "?") \($0["verdict"]?.string ?? "none")\($0["as_expected"] == true ? "" : "!")"
    }
  }

  @Test func claimsAreJudgedWithTheRunAndAgainOnlyWhenSomethingChanged() throws {
    let sandbox = try study()
    #expect(try verdicts(sandbox) == ["law none!", "power none!", "linear none!", "fair none!"])
    #expect(try sandbox.run().counts == Counts(ran: 13))
    let all = ["law holds", "power holds", "linear breaks", "fair holds"]
    #expect(try verdicts(sandbox) == all)
    #expect(try sandbox.run().counts == Counts(unchanged: 13))

    // The table says what was measured, and how surely.
    let table = try sandbox.rung("claims", "fall/law", "--cells")
    #expect(table.code == 0)
    #expect(table.output.contains("1 ± 0.0205 (n=4)"), "\(table.output)")
    #expect(table.output.contains("1 claim, all as expected"))

    // Other steps use verdicts like any output.
    let copy = try JSON(parsing: Array(try #require(sandbox.read("pipelines/fall/verdicts.json")).utf8))
    #expect(copy.array?.map { $0["verdict"]?.string } == ["holds", "holds", "breaks", "holds"])

    // Words that change no verdict are judged again, and nothing else runs.
    try sandbox.edit("pipelines/fall/pipeline.yaml", "says: It grows", "says: The time grows")
    #expect(try sandbox.why("claims") == ["claim power"])
    #expect(try sandbox.run().steps == ["claims": 1, "report": 1])
    #expect(try verdicts(sandbox) == all)
  }

  @Test func aVerdictThatChangesSaysWhy() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    try sandbox.edit("pipelines/fall/pipeline.yaml", "gravity: 10", "gravity: 4")
    // Until it is run the old verdicts are shown, and not believed.
    #expect(try sandbox.rung("claims").code == 1)
    #expect(try sandbox.rung("claims").output.contains("were judged before the latest changes"))
    #expect(try sandbox.why("claims") == ["upstream fall/theory < parameter gravity"])
    let run = try sandbox.run()
    #expect(run.steps == ["theory": 2, "claims": 1, "report": 1])
    #expect(run.counts.failed == 0 && run.finished.code == 0)
    let told = try #require(run.events("claim").first)
    #expect(told["name"] == "law" && told["verdict"] == "breaks" && told["as_expected"] == false)
    #expect(try verdicts(sandbox) == ["law breaks!", "power holds", "linear breaks", "fair holds"])
    #expect(try sandbox.rung("claims").output.contains("1 of 4 claims not as expected"))
    let history = try sandbox.json(["history", "claims", "--json"])
    #expect(history["entries"]?.array?.count == 2)
  }

  /// A measurement that looks at what was held out, by a way that no declaration shows, cannot hide it.
  @Test func whatWasSeenOnTheSlyIsFound() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    // The same bytes as a file of the project, which the script reads without saying so.
    try sandbox.write("2\n", to: "pipelines/fall/notes.txt")
    try sandbox.edit("pipelines/fall/drop.sh", "cat \"$3\"", "cat \"$3\" pipelines/fall/notes.txt")
    #expect(try sandbox.run().counts.ran == 10)
    #expect(try verdicts(sandbox).last == "fair breaks!")
    let text = try sandbox.rung("claims", "fall/fair").output
    #expect(text.contains("was seen to read pipelines/fall/notes.txt"), "\(text)")

    // Through the output that it is, too.
    try sandbox.edit("pipelines/fall/drop.sh", " pipelines/fall/notes.txt", "")
    try sandbox.edit("pipelines/fall/pipeline.yaml", "{split.training} >", "{split.holdout} >")
    _ = try sandbox.run()
    #expect(try sandbox.rung("claims", "fall/fair").output.contains("reads 'holdout' of fall/split"))
  }

  @Test func whatCannotBeJudgedLosesNothing() throws {
    let sandbox = try study()
    try sandbox.edit("pipelines/fall/pipeline.yaml", "measured: drop.time#/time", "measured: drop.time#/tme")
    let run = try sandbox.run()
    #expect(run.finished.code == 0)
    #expect(try verdicts(sandbox) == ["law error!", "power holds", "linear breaks", "fair holds"])
    let text = try sandbox.rung("claims").output
    #expect(text.contains("there is nothing at drop.time[height=5,seed=0]#/tme; is 'time' meant?"), "\(text)")
    try sandbox.edit("pipelines/fall/pipeline.yaml", "drop.time#/tme", "drop.time#/time")
    #expect(try sandbox.run().steps == ["claims": 1, "report": 1])

    // A diverged measurement is a result.
    try sandbox.edit("pipelines/fall/drop.sh", "%.6f", "NaN%.0s")
    #expect(try sandbox.run().finished.code == 0)
    #expect(try sandbox.rung("claims").output.contains("drop.time[height=5,seed=0]#/time is nan"))

    let wrong = try sandbox.rung("claims", "fall/lwa")
    #expect(wrong.code == 2 && wrong.errors.contains("did you mean 'law'?"), "\(wrong.testDescription)")
  }

  /// Another replicate touches none of those that are there.
  @Test func oneMoreReplicateRunsAlone() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    try sandbox.edit("pipelines/fall/pipeline.yaml", "replicates: 4", "replicates: 5")
    #expect(try sandbox.run().steps == ["drop": 2, "claims": 1, "report": 1])
    #expect(try verdicts(sandbox).first == "law holds")
  }

  /// The judgement is a step like any other: traced, verified, compared.
  @Test func aJudgementIsAuditedLikeAnyResult() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    let trace = try sandbox.json(["trace", "pipelines/fall/verdicts.json", "--json"])
    #expect(trace["steps"]?.array?.contains { $0["instance"] == "fall/claims" } == true)
    #expect(try sandbox.rung("verify", "claims", "--rerun").code == 0)
    #expect(try sandbox.rung("show", "claims").code == 0)
    #expect(try sandbox.rung("cache", "check").code == 0)
  }
}
