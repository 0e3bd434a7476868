import Glibc
import RungCore
import Testing

/// What can go wrong, and what is said then.
@Suite struct FailureStories {
  static let pipeline = """
    pipeline: x
    steps:
      bad:
        run: |
          echo one
          printf '\\033[31mred\\033[0m two\\rthree\\n' >&2
          exit 3
        outputs: {a: a.txt}
      after:
        run: cat {bad.a} > {out.b}
        outputs: {b: b.txt}
      other:
        run: echo hi > {out.b}
        outputs: {b: b.txt}
      killed:
        run: kill -SEGV $$
        outputs: {b: b.txt}
      slow:
        run: sleep 600
        timeout: 0.2 s
        outputs: {b: b.txt}
      missing:
        run: echo hi > c.tex
        outputs: {b: b.txt, c: c.txt}
      typo:
        run: pyhton3 x {out.b}
        outputs: {b: b.txt}
    """

  private func sandbox() throws -> Sandbox { try Sandbox(["pipelines/x/pipeline.yaml": Self.pipeline]) }

  // Expects that a step fails and that people and programs are told this.
  private func expect(_ step: String, says texts: [String], _ members: [String: JSON]) throws {
    let sandbox = try sandbox()
    let failed = try sandbox.rung("run", step)
    #expect(failed.code == 1)
    #expect(failed.output.isEmpty)
    for text in texts + ["failed: x/\(step): "] {
      #expect(failed.errors.contains(text), "no '\(text)' in: \(failed.errors)")
    }
    let report = try sandbox.run(step)
    #expect(report.finished.code == 1)
    #expect(report.counts == Counts(failed: 1))
    let event = try #require(report.events("step-failed").first)
    #expect(event["instance"] == .string("x/\(step)"))
    for (name, value) in members { #expect(event[name] == value, "\(name)") }
    #expect(try sandbox.standing(step) == "would-run")
    #expect(try sandbox.why(step) == ["failure x/\(step)"])
  }

  @Test func anExitCodeIsToldWithTheCommandAndTheLastLines() throws {
    try expect(
      "bad",
      says: ["exit code 3", "  command: echo one", "    one\n", "    three\n", "rung log 'x/bad'"],
      ["exit": 3, "signal": .null, "problem": "exit code 3", "tail": ["one", "three"]])
  }

  @Test func aSignalIsTold() throws {
    try expect(
      "killed", says: ["signal 11 (Segmentation fault)", "kill -SEGV"], ["exit": .null, "signal": 11, "tail": []])
  }

  @Test func aTimeoutIsTold() throws {
    try expect("slow", says: ["timeout of 200 ms"], ["exit": .null])
  }

  @Test func missingOutputsAreToldWithWhatIsThereInstead() throws {
    try expect("missing", says: ["did not write its output 'b' (b.txt)", "c.tex"], ["exit": 0])
  }

  @Test func aMissingProgramIsToldWithTheNearestName() throws {
    try expect("typo", says: ["no program 'pyhton3'", "did you mean 'python3'?"], ["exit": .null])
  }

  @Test func linesThatBelongToAProblemAreIndented() throws {
    let sandbox = try sandbox()
    let lines = try sandbox.rung("run", "missing").errors.split(separator: "\n")
    #expect(lines.dropFirst().dropLast().allSatisfy { $0.hasPrefix("  ") }, "\(lines)")
  }

  @Test func theLogShowsWhatAFailedStepPrinted() throws {
    let sandbox = try sandbox()
    #expect(try sandbox.rung("log", "bad").code == 2)
    #expect(try sandbox.rung("run", "bad").code == 1)
    let log = try sandbox.rung("log", "bad")
    #expect(log.code == 0)
    #expect(log.output == "one\n\u{1B}[31mred\u{1B}[0m two\rthree\n")
    let answer = try sandbox.json(["log", "bad", "--json"]).array?.first
    #expect(answer?["outcome"] == "failed")
    #expect(answer?["log"]?.string == log.output)
  }

  @Test func afterAFailureWhatDependsOnItIsNotTried() throws {
    let sandbox = try sandbox()
    let report = try sandbox.run("after")
    #expect(report.counts == Counts(failed: 1, skipped: 1))
    #expect(report.events("steps-skipped").first?["instances"] == ["x/after"])
    #expect(try sandbox.why("after") == ["upstream x/bad < failure x/bad"])
  }

  @Test func keepGoingRunsTheRest() throws {
    let sandbox = try sandbox()
    let report = try sandbox.run("--keep-going")
    #expect(report.finished.code == 1)
    #expect(report.counts == Counts(ran: 1, failed: 5, skipped: 1))
    #expect(report.steps == ["other": 1])
    // Failures are never taken from the cache.
    #expect(try sandbox.run("--keep-going").counts == Counts(unchanged: 1, failed: 5, skipped: 1))
  }

  @Test func withoutItNothingNewStartsAfterAFailure() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {n: [1, 2, 3, 4, 5, 6]}
      steps:
        bad: {over: [n], run: "test {n} -gt 9 > {out.a}", outputs: {a: a.txt}}
      """
    ])
    let report = try sandbox.run("--jobs", "1")
    #expect(report.counts == Counts(failed: 1, skipped: 5))
  }

  @Test func retriesTryAgainAndCountTheAttempts() throws {
    // It fails until it is told to come in. Nothing of an attempt is left for the next, so the test tells it.
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {door: none}
      steps:
        knock:
          retries: 3
          run: |
            [ ! -e trace ] || exit 9
            : > trace
            read -r answer < {door}
            [ "$answer" = "come in" ] || exit 5
            echo "$answer" > {out.a}
          outputs: {a: a.txt}
        never: {retries: 1, run: "false {out.a}", outputs: {a: a.txt}}
      """
    ])
    let door = try Mark("door", in: sandbox)
    for answer in ["who is there?", "not now", "come in"] { door.say(answer) }
    let report = try sandbox.run("knock", "--set", "door=\(door.path)")
    #expect(report.counts == Counts(ran: 1))
    #expect(report.events("step-started").map { $0["attempt"]?.int } == [1, 2, 3])
    #expect(report.events("step-retrying").map { $0["problem"]?.string } == ["exit code 5", "exit code 5"])
    #expect(report.events("step-waiting").isEmpty)
    #expect(try sandbox.run("knock", "--set", "door=\(door.path)").counts == Counts(unchanged: 1))

    let never = try sandbox.run("never")
    #expect(never.counts == Counts(failed: 1))
    #expect(never.events("step-started").count == 2)
    let failed = try sandbox.rung("run", "never")
    #expect(failed.errors.contains("retrying x/never: exit code 1 (attempt 2 of 2)"))
  }

  // MARK: requests that are wrong

  private func expectRefused(_ arguments: String..., says texts: String..., in place: String = ".") throws {
    let sandbox = try sandbox()
    let refused = try sandbox.start(arguments, in: place).wait()
    #expect(refused.code == 2, "\(arguments): \(refused.testDescription)")
    #expect(refused.output.isEmpty)
    for text in texts { #expect(refused.errors.contains(text), "no '\(text)' in: \(refused.errors)") }
  }

  @Test func aRequestThatIsWrongIsRefusedWithAHint() throws {
    try expectRefused("run", "x/oter", says: "'x/oter'", "did you mean 'x/other'?")
    try expectRefused("why", "afer", says: "'afer'", "did you mean 'after'?")
    try expectRefused("why", says: "<step>")
    try expectRefused("run", "--bogus", says: "--bogus")
    try expectRefused("stats", says: "rung has no verb 'stats'", "did you mean 'status'?")
    try expectRefused("cache", "chek", says: "rung cache has no verb 'chek'", "did you mean 'check'?")
    try expectRefused("dance", says: "rung has no verb 'dance'", "rung --help")
    for sample in ["7", "0", "101%", "0%", "much", "-1%"] {
      try expectRefused("cache", "check", "--sample=\(sample)", says: "--sample wants a share, a size or a time")
    }
    try expectRefused("cache", "check", "--sample", "10m", says: "minutes or megabytes", "write 10min or 10MB")
    try expectRefused("cache", "cat", "12", says: "no object is called '12'", "six digits")
    try expectRefused("run", "--jobs", "0", says: "at least 1")
    try expectRefused("run", "--jobs", "many", says: "--jobs")
    try expectRefused("run", "--set", "speed", says: "--set wants name=value, not 'speed'")
    try expectRefused("run", "--set", "speed=1", says: "there is no parameter 'speed'")
    try expectRefused("run", "--over", "width=1", says: "there is no axis 'width'")
    try expectRefused("run", "--profile", "smoke", says: "profile")
    try expectRefused("run", "-C", "nowhere", says: "there is no folder 'nowhere'")
    try expectRefused("completions", "tcsh", says: "tcsh")
    try expectRefused("log", "other", says: "'other' has not run yet", "rung run other")
    for verb in ["run", "plan", "status", "why"] {
      let words = verb == "why" ? [verb, "x"] : [verb]
      let outside = try sandbox().start(words, in: "/").wait()
      #expect(outside.code == 2)
      #expect(outside.errors.contains("not in a Rung project") && outside.errors.contains("rung init"))
    }
  }

  @Test func aProjectWithoutPipelinesIsTold() throws {
    let sandbox = try Sandbox(["rung.yaml": "jobs: 1\n"])
    for verb in [["run"], ["plan"], ["status"]] {
      let refused = try sandbox.start(verb).wait()
      #expect(refused.code == 2)
      #expect(refused.errors.contains("no pipeline") && refused.errors.contains("rung init"), "\(refused.errors)")
    }
  }

  @Test func allMistakesOfAPipelineFileAreTold() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        a:
          run: cat {nothing} > {out.a}
          outputs: {a: a.txt}
          timout: 3 s
        b:
          run: cat {a.b} > {out.b}
          inputs: {file: missing.txt}
          outputs: {b: ../b.txt}
      """
    ])
    let refused = try sandbox.rung("run")
    #expect(refused.code == 2)
    for text in ["pipelines/x/pipeline.yaml:4:", "nothing", "timout", "timeout", "missing.txt", "../b.txt", "errors"] {
      #expect(refused.errors.contains(text), "no '\(text)' in: \(refused.errors)")
    }
    #expect(!sandbox.exists("cache"))
    for verb in [["plan"], ["status"], ["why", "a"], ["log", "a"]] {
      #expect(try sandbox.start(verb).wait().code == 2)
    }
  }

  @Test func anInputThatIsGoneIsToldBeforeAnythingRuns() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.remove("pipelines/double-descent/figure.py")
    let refused = try sandbox.rung("run")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("figure.py"))
    #expect(!refused.errors.contains("ran"))
  }

  // MARK: machines that fail

  @Test func aCacheThatIsAFileIsTheMachinesFault() throws {
    let sandbox = try sandbox()
    try sandbox.write("not a folder", to: "cache")
    let failed = try sandbox.rung("run", "other")
    #expect(failed.code == 3)
    #expect(failed.errors.contains("error: ") && failed.errors.contains("\(sandbox.project)/cache"))
    #expect(sandbox.read("cache") == "not a folder")
  }

  @Test func aCacheThatCannotBeWrittenIsTheMachinesFault() throws {
    let sandbox = try sandbox()
    let nowhere = try sandbox.rung("run", "other", with: ["RUNG_CACHE": "/proc/rung"])
    #expect(nowhere.code == 3)
    #expect(nowhere.errors.contains("/proc/rung"))
    // Root may write everywhere.
    guard geteuid() != 0 else { return }
    #expect(try sandbox.run("other").counts == Counts(ran: 1))
    try #require(try Sandbox.program("/bin/chmod", ["-R", "a-w", "\(sandbox.project)/cache"]).code == 0)
    let locked = try sandbox.rung("run", "bad")
    #expect(locked.code == 3)
    #expect(locked.errors.contains("\(sandbox.project)/cache"))
  }

  @Test func aCacheOfALaterVersionIsLeftAlone() throws {
    let sandbox = try sandbox()
    #expect(try sandbox.run("other").counts == Counts(ran: 1))
    let later = "{\"format\": 99, \"hash\": \"sha256\", \"needs\": []}\n"
    try sandbox.write(later, to: "cache/format.json")
    let failed = try sandbox.rung("run", "other")
    #expect(failed.code == 3)
    #expect(failed.errors.contains("99"))
    #expect(sandbox.read("cache/format.json") == later)
  }

  @Test func aResultThatIsGoneIsMadeAgain() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    try #require(
      try Sandbox.program("/bin/sh", ["-c", "rm -r cache/objects cache/packs/*.objects"], in: sandbox.project).code == 0
    )
    let again = try sandbox.run()
    #expect(again.finished.code == 0, "\(again.finished.testDescription)")
    #expect(again.counts.failed == 0)
    #expect(again.counts.ran + again.counts.unchanged == 23, "\(again.finished.output)")
    // A line for all that are looked at in one go.
    let said = again.events("warning").compactMap { $0["message"]?.string }
    #expect(said.contains { $0.contains("and others") }, "\(said)")
    #expect(try sandbox.run().counts == Counts(unchanged: 23))
  }

  /// Instances with one key run once; when that one fails, the others are not tried, or fail too.
  @Test func instancesWithOneKeyFailTogether() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {width: [1, 2, 3]}
      steps:
        same: {over: [width], run: "exit 3; echo > {out.m}", outputs: {m: m.txt}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(failed: 1, skipped: 2))
    #expect(try sandbox.run("--keep-going").counts == Counts(failed: 3))
  }
}
