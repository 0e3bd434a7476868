import Glibc
import RungCore
import Testing

/// Edits during a run, and runs that meet.
@Suite struct MeetingStories {
  // `gate` says that it is there and waits to be let through; `after` has a script.
  static let pipeline = """
    pipeline: meet
    parameters: {mark: none, door: none, word: one}
    steps:
      gate:
        run: |
          if [ {mark} != none ]; then echo here > {mark}; read -r answer < {door}; [ "$answer" = go ]; fi
          echo gate {word} > {out.text}
        outputs: {text: text.txt}
      after:
        run: sh {code} {gate.text} > {out.text}
        inputs: {code: after.sh}
        outputs: {text: {path: text.txt, publish: after.txt}}
    """

  let sandbox: Sandbox
  let mark: Mark
  let door: Mark

  init() throws {
    sandbox = try Sandbox([
      "pipelines/meet/pipeline.yaml": Self.pipeline, "pipelines/meet/after.sh": "echo before; cat \"$1\"\n",
    ])
    mark = try Mark("mark", in: sandbox)
    door = try Mark("door", in: sandbox)
  }

  // A run that stands in its first step.
  private func start(_ more: String...) throws -> Running {
    let run = try sandbox.start(
      ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"] + more)
    #expect(try mark.line() == "here")
    return run
  }

  private func again(_ more: String...) throws -> RunReport {
    let words = ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"] + more
    return try RunReport(try sandbox.start(words).wait())
  }

  @Test func anEditDuringARunBelongsToTheNext() throws {
    let run = try start()
    try sandbox.write("echo later; cat \"$1\"\n", to: "pipelines/meet/after.sh")
    try sandbox.edit("pipelines/meet/pipeline.yaml", "echo gate", "echo port")
    door.say("go")
    let report = try RunReport(try run.wait())
    #expect(report.counts == Counts(ran: 2), "\(report.finished.testDescription)")
    #expect(sandbox.read("pipelines/meet/after.txt") == "before\ngate one\n")

    try sandbox.edit("pipelines/meet/pipeline.yaml", "echo port", "echo gate")
    #expect(try again().counts == Counts(ran: 1, unchanged: 1))
    #expect(sandbox.read("pipelines/meet/after.txt") == "later\ngate one\n")
    #expect(try again().counts == Counts(unchanged: 2))
  }

  @Test func aLargeInputThatChangesBeforeItsStepIsNotTakenForTheOldOne() throws {
    // Too large to be kept before the step needs it.
    let large = String(repeating: "# a comment of some length, many times over\n", count: 100_000)
    try sandbox.write("echo before; cat \"$1\"\n" + large, to: "pipelines/meet/after.sh")
    let run = try start()
    try sandbox.write("echo later!; cat \"$1\"\n" + large, to: "pipelines/meet/after.sh")
    door.say("go")
    let report = try RunReport(try run.wait())
    if report.finished.code == 0 {
      #expect(sandbox.read("pipelines/meet/after.txt") == "before\ngate one\n")
    } else {
      #expect(report.counts == Counts(ran: 1, failed: 1))
      #expect(report.events("step-failed").first?["problem"]?.string?.contains("run again") == true)
      #expect(!sandbox.exists("pipelines/meet/after.txt"))
    }
    let next = try again()
    #expect(next.finished.code == 0)
    #expect(sandbox.read("pipelines/meet/after.txt") == "later!\ngate one\n")
    #expect(try sandbox.rung("cache", "check").code == 0)
  }

  @Test func aRunThatWaitsForAnotherTakesItsResult() throws {
    let first = try start()
    let second = try sandbox.start(
      ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"])
    try second.wait(untilPrinted: "step-waiting")
    door.say("go")
    let reports = try [RunReport(try first.wait()), RunReport(try second.wait())]
    #expect(reports.map(\.finished.code) == [0, 0])
    #expect(reports.map(\.counts.ran).reduce(0, +) == 2)
    #expect(reports[0].steps["gate"] == 1 && reports[1].steps["gate"] == nil)
  }

  @Test func aRunThatWaitsForOneThatIsKilledDoesTheWorkItself() throws {
    let first = try start()
    let second = try sandbox.start(
      ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"])
    try second.wait(untilPrinted: "step-waiting")
    first.signal(SIGKILL)
    #expect(try first.wait().code == 128 + SIGKILL)
    #expect(try mark.line() == "here")
    door.say("go")
    let report = try RunReport(try second.wait())
    #expect(report.finished.code == 0)
    #expect(report.counts == Counts(ran: 2), "\(report.finished.testDescription)")
    // What the killed one left goes when the cache is next opened.
    #expect(try again().counts == Counts(unchanged: 2))
    #expect(try sandbox.names("cache/stage") == ["lock"])
    #expect(try sandbox.names("cache/work") == [])
  }

  @Test func aRunThatWaitsForOneThatFailsTriesItself() throws {
    let first = try start()
    let second = try sandbox.start(
      ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"])
    try second.wait(untilPrinted: "step-waiting")
    door.say("fall")
    #expect(try RunReport(try first.wait()).counts == Counts(failed: 1, skipped: 1))
    #expect(try mark.line() == "here")
    door.say("go")
    #expect(try RunReport(try second.wait()).counts == Counts(ran: 2))
  }

  @Test func aRunThatWaitsCanBeInterrupted() throws {
    let first = try start()
    let second = try sandbox.start(
      ["run", "--json", "--set", "mark=\(mark.path)", "--set", "door=\(door.path)"])
    try second.wait(untilPrinted: "step-waiting")
    second.signal(SIGINT)
    let interrupted = try RunReport(try second.wait())
    #expect(interrupted.finished.code == 130)
    #expect(interrupted.counts == Counts(skipped: 2))
    door.say("go")
    #expect(try RunReport(try first.wait()).counts == Counts(ran: 2))
  }

  @Test func runsWithOtherParametersDoNotWaitForEachOther() throws {
    let first = try start()
    // Another word is another key; the file that both publish is that of the run that came last.
    let second = try sandbox.run("--set", "word=two")
    #expect(second.counts == Counts(ran: 2))
    #expect(sandbox.read("pipelines/meet/after.txt") == "before\ngate two\n")
    door.say("go")
    #expect(try RunReport(try first.wait()).counts == Counts(ran: 2))
    #expect(sandbox.read("pipelines/meet/after.txt") == "before\ngate one\n")
  }

  @Test func questionsAreAnsweredDuringARun() throws {
    let run = try start()
    let own = ["--set", "mark=\(mark.path)", "--set", "door=\(door.path)"]
    for words in [["plan"], ["status"], ["why", "after"]] {
      #expect(try sandbox.start(words + own).wait().code == 0, "\(words)")
    }
    #expect(try sandbox.rung("cache", "check").code == 0)
    #expect(try sandbox.rung("cache", "stat").code == 0)
    door.say("go")
    #expect(try RunReport(try run.wait()).counts == Counts(ran: 2))
  }

  @Test func aProjectThroughASymbolicLinkIsTheSameProject() throws {
    try sandbox.run()
    let link = "\(sandbox.folder)/link"
    try #require(symlink(sandbox.project, link) == 0)
    #expect(try RunReport(try sandbox.start(["run", "--json"], in: link).wait()).counts == Counts(unchanged: 2))
    #expect(
      try RunReport(try sandbox.start(["run", "--json", "-C", link], in: "/").wait()).counts == Counts(unchanged: 2))
  }
}
