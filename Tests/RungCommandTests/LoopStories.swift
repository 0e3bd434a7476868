import Glibc
import RungCore
import Testing

/// Steps that are repeated on their own output until they say that it is enough.
@Suite struct LoopStories {
  /// The square root of k by bisection of [0, k], until the interval is shorter than 1/steps of a thousandth.
  static let pipeline = """
    pipeline: root
    parameters: {rounds: 40}
    axes: {k: [2, 3]}
    steps:
      bisect:
        over: [k]
        run: ./{code} {k} {previous.state} > {out.state}
        inputs: {code: bisect.sh}
        outputs: {state: {path: state.json, publish: "state-{k}.json"}}
        repeat: {until: "{out.state}#/converged", at_most: 30}
      table:
        run: cp {bisect.state} {out.table}
        outputs: {table: {path: table.csv, publish: table.csv}}
    """

  static let script = """
    #!/bin/sh
    [ -s "$2" ] && state=$(sed 's/[^0-9. ]/ /g' "$2")
    echo "$1 $state" | awk -v width=0.1 '{
      k = $1; low = NF > 1 ? $2 : 0; high = NF > 1 ? $3 : k; middle = (low + high) / 2
      if (middle * middle < k) low = middle; else high = middle
      printf "{\\"low\\": %.9f, \\"high\\": %.9f, \\"converged\\": %s}\\n", low, high, high - low < width ? "true" : "false"
    }'

    """

  private func study() throws -> Sandbox {
    let sandbox = try Sandbox([
      "pipelines/root/pipeline.yaml": Self.pipeline, "pipelines/root/bisect.sh": Self.script,
    ])
    #expect(try Sandbox.program("/bin/chmod", ["+x", "\(sandbox.project)/pipelines/root/bisect.sh"]).code == 0)
    return sandbox
  }

  @Test func roundsRunUntilOneSaysThatItIsEnough() throws {
    let sandbox = try study()
    // 2/2^n < 0.1 after five rounds, 3/2^n after five.
    let run = try sandbox.run()
    #expect(run.steps == ["bisect": 10, "table": 1], "\(run.finished.testDescription)")
    #expect(try sandbox.run().counts == Counts(unchanged: 11))
    #expect(try sandbox.rung("run").errors.contains("nothing to do: 11 up to date"))
    #expect(sandbox.read("pipelines/root/state-2.json")?.contains("\"converged\": true") == true)
    #expect(sandbox.read("pipelines/root/table.csv")?.hasPrefix("k,low,high,converged\n2,1.375") == true)
    #expect(try sandbox.json(["status", "--json"])["current"] == true)
    #expect(try sandbox.json(["show", "bisect[k=2,round=3]", "--json"])["instance"] == "root/bisect[k=2,round=3]")

    // The lineage of the table goes through every round that was needed, and no other.
    let trace = try sandbox.json(["trace", "pipelines/root/table.csv", "--json"])
    let steps = trace["steps"]?.array ?? []
    #expect(steps.count { $0["instance"]?.string?.hasPrefix("root/bisect[") == true } == 10)
    #expect(try sandbox.rung("verify", "--rerun").code == 0)
  }

  @Test func onlyTheRoundsThatAreMissingRun() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    // More rounds than before: those that were made stand.
    try sandbox.edit("pipelines/root/pipeline.yaml", "at_most: 30", "at_most: 50")
    #expect(try sandbox.run().counts == Counts(unchanged: 11))
    // Another script: every round again, and now more of them.
    try sandbox.edit("pipelines/root/bisect.sh", "width=0.1", "width=0.01")
    #expect(try sandbox.why("bisect").contains("input code"))
    let plan = try sandbox.json(["plan", "--json"])
    #expect(plan["would_run"] == 2)
    #expect(try sandbox.run().steps == ["bisect": 17, "table": 1])
    #expect(try sandbox.run().counts == Counts(unchanged: 18))
    // And back: nothing is done.
    try sandbox.edit("pipelines/root/bisect.sh", "width=0.01", "width=0.1")
    #expect(try sandbox.run().counts.ran == 0)
    #expect(sandbox.read("pipelines/root/table.csv")?.contains("2,1.375") == true)
  }

  @Test func aLoopThatDoesNotEndFailsAndSaysSo() throws {
    let sandbox = try study()
    try sandbox.edit("pipelines/root/pipeline.yaml", "at_most: 30", "at_most: 4")
    let run = try sandbox.run("--keep-going")
    #expect(run.finished.code == 1)
    #expect(run.counts == Counts(ran: 6, failed: 2, skipped: 1))
    let problem = try #require(run.events("step-failed").first?["problem"]?.string)
    #expect(
      problem.hasPrefix("the loop did not end: {out.state}#/converged was false in each of its 4 rounds"), "\(problem)")
    // With more of them it goes on where it stood; the fourth failed, and runs again.
    try sandbox.edit("pipelines/root/pipeline.yaml", "at_most: 4", "at_most: 30")
    #expect(try sandbox.run().counts == Counts(ran: 5, unchanged: 6))
  }

  @Test func aRoundThatSaysNothingOfTheEndFails() throws {
    let sandbox = try study()
    try sandbox.edit("pipelines/root/pipeline.yaml", "#/converged", "#/convergd")
    var problem = try sandbox.run().events("step-failed").first?["problem"]?.string ?? ""
    #expect(
      problem.contains("there is nothing at {out.state}#/convergd; the members there are low, high, converged"),
      "\(problem)")
    try sandbox.edit("pipelines/root/pipeline.yaml", "#/convergd", "#/low")
    problem = try sandbox.run().events("step-failed").first?["problem"]?.string ?? ""
    #expect(problem.contains("{out.state}#/low is neither true nor false but"), "\(problem)")
  }

  /// Killed at any instant, a loop goes on with the round at which it was, and gives the same bytes.
  @Test func killedLoopsGoOnWhereTheyWere() throws {
    let sandbox = try study()
    var length = Instants.now()
    #expect(try sandbox.run().counts.ran == 11)
    length = Instants.now() - length
    let whole = sandbox.read("pipelines/root/table.csv")
    var instants = Instants(seed: 11)
    var killed = 0
    for round in 1...12 {
      // A comment makes all of it run again.
      try sandbox.append("# \(round)", to: "pipelines/root/bisect.sh")
      let run = try sandbox.start(["run", "--json"])
      instants.wait(within: length)
      run.signal(SIGKILL)
      let ended = try run.wait()
      if ended.code == 128 + SIGKILL { killed += 1 }
      let finished = ended.output.split(separator: "\n").count { $0.contains("\"step-finished\"") }
      let next = try sandbox.run()
      #expect(next.finished.code == 0)
      // No round is done twice, but for those few whose results were not yet durable when it was killed.
      #expect(next.counts.ran + next.counts.unchanged == 11)
      #expect(next.counts.unchanged + 6 >= finished)
      #expect(sandbox.read("pipelines/root/table.csv") == whole)
      #expect(try sandbox.run().counts == Counts(unchanged: 11))
    }
    #expect(killed >= 4)
  }
}
