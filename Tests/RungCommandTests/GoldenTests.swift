import RungCore
import Testing

/// The words of the command, as people and programs see them.
@Suite struct GoldenTests {
  static let verbs = [
    "run", "plan", "status", "why", "show", "log", "trace", "diff", "history", "report", "verify", "accept",
    "export", "bundle", "unbundle", "key", "key new", "key list", "key show", "adopt", "cache", "cache stat",
    "cache check", "cache cat",
    "cache repair", "cache pin", "cache unpin", "cache rebuild-index", "gc", "init", "doctor", "completions",
  ]

  @Test(arguments: [""] + verbs)
  func help(verb: String) throws {
    let words = verb.split(separator: " ").map(String.init)
    let help = try Sandbox().start(words + ["--help"], with: ["COLUMNS": "100"]).wait()
    #expect(help.code == 0)
    #expect(help.errors.isEmpty)
    try Golden.expect(help.output, is: (["help"] + words).joined(separator: "-"))
  }

  /// Two dice, thrown three times each, and their sum.
  static let dice = [
    "pipelines/dice/pipeline.yaml": """
    pipeline: dice
    parameters: {sides: 6}
    axes: {seed: {replicates: 3}}
    steps:
      throw:
        kind: data
        over: [seed]
        run: sh {code} {sides} {seed} > {out.eyes}
        inputs: {code: throw.sh}
        outputs: {eyes: eyes.json}
      sum:
        kind: analysis
        run: cat {throw.eyes} > {out.table}
        outputs: {table: {path: table.csv, publish: table.csv}}
    """,
    "pipelines/dice/throw.sh": "echo \"{\\\"eyes\\\": $((($2 * 5 + 1) % $1 + 1))}\"\n",
  ]

  @Test func questionsOnTheWay() throws {
    let sandbox = try Sandbox(Self.dice)
    func say(_ name: String, _ arguments: String...) throws {
      let text = try sandbox.start(arguments).wait()
      #expect(text.code == 0 && text.errors.isEmpty, "\(text.testDescription)")
      try Golden.expect(text.output, is: name, in: sandbox)
    }
    try say("plan-new", "plan")
    try say("plan-new-verbose", "plan", "--verbose")
    try say("plan-new-json", "plan", "--json")
    try say("status-new", "status")
    try say("why-new", "why", "dice")

    let run = try sandbox.rung("run", "--jobs", "1")
    #expect(run.output.isEmpty)
    try Golden.expect(run.errors, is: "run")
    try Golden.expect(try sandbox.rung("run").errors, is: "run-nothing")
    try say("plan-done", "plan")
    try say("status-done", "status")
    try say("status-done-json", "status", "--json")
    try say("why-done", "why", "dice")
    try say("why-done-json", "why", "sum", "--json")

    try sandbox.edit("pipelines/dice/throw.sh", "* 5", "* 3")
    try say("plan-edited", "plan")
    try say("plan-edited-json", "plan", "--json")
    try say("status-edited", "status")
    try say("why-edited", "why", "dice")
    try say("why-edited-json", "why", "dice", "--json")
    #expect(try sandbox.run().counts == Counts(ran: 4))
    try say("why-ran", "why", "dice")
    try sandbox.remove("pipelines/dice/table.csv")
    try say("plan-removed", "plan")
    try say("status-removed", "status")
  }

  @Test func whatACollectionSays() throws {
    let sandbox = try Sandbox(Self.dice)
    try sandbox.run()
    try sandbox.edit("pipelines/dice/throw.sh", "* 5", "* 3")
    try sandbox.run()
    try sandbox.edit("pipelines/dice/throw.sh", "* 3", "* 2")
    try sandbox.run()
    // How much the store makes of a few bytes is not this test's matter.
    func say(_ name: String, _ arguments: String...) throws {
      let text = try sandbox.start(arguments).wait()
      #expect(text.code == 0 && text.errors.isEmpty, "\(text.testDescription)")
      let masked = text.output.replacing(/\b\d+(\.\d+)? k?B\b/, with: "<size>")
        .replacing(/"(\w+_bytes|rebuild_ns|last_used_ns)": \d+/) { "\"\($0.output.1)\": <number>" }
        .replacing(/(\S) {2,}/) { "\($0.output.1)  " }
      try Golden.expect(masked, is: name, in: sandbox)
    }
    try say("gc-nothing", "gc")
    try say("gc-json", "gc", "--older-than", "0", "--dry-run", "--json")
    try say("gc", "gc", "--older-than", "0")
    let pinned = try sandbox.rung("cache", "pin", "last", "--because", "the talk")
    #expect(pinned.output.wholeMatch(of: /pinned \d{8}-\d{6}-[0-9a-f]{6}\n/) != nil)
    try say("cache-pin", "cache", "pin")
    try say("cache-pin-json", "cache", "pin", "--json")
  }

  @Test func theEventsOfARun() throws {
    let sandbox = try Sandbox(Self.dice)
    try Golden.expect(try sandbox.run("--jobs", "1").finished.output, is: "run-json")
    try sandbox.remove("pipelines/dice/table.csv")
    try Golden.expect(try sandbox.run("--jobs", "1").finished.output, is: "run-restored-json")
  }

  @Test func aFailingStep() throws {
    let sandbox = try Sandbox(Self.dice)
    try sandbox.write("echo throwing\necho 'the die fell off the table' >&2\nexit 3\n", to: "pipelines/dice/throw.sh")
    let failed = try sandbox.rung("run", "--jobs", "1")
    #expect(failed.code == 1)
    try Golden.expect(failed.errors, is: "failure")
    try Golden.expect(try sandbox.run("--jobs", "1").finished.output, is: "failure-json")
    try Golden.expect(try sandbox.rung("log", "throw[seed=0]").output, is: "log")
    try Golden.expect(try sandbox.rung("log", "--json", "throw[seed=0]").output, is: "log-json")
    try Golden.expect(try sandbox.rung("why", "throw").output, is: "why-failed")
    try Golden.expect(try sandbox.rung("status").output, is: "status-failed")
  }
}
