import Glibc
import RungCore
import Testing

/// A run that is asked to stop.
@Suite struct SignalStories {
  // `first` and `second` are quick; `slow` tells through a named pipe that it runs, and then runs until it is stopped.
  static let pipeline = """
    pipeline: wait
    parameters: {mark: none, stubborn: "no"}
    steps:
      first:
        run: echo first > {out.text}
        outputs: {text: {path: a.txt, publish: first.txt}}
      slow:
        run: |
          if [ {mark} != none ]; then
            if [ {stubborn} = yes ]; then trap 'echo asked > {mark}' TERM; else trap 'echo asked > {mark}; exit 7' TERM; fi
            cat {first.text} > {out.text}
            echo running > {mark}
            while :; do sleep 0.02; done
          fi
          cat {first.text} > {out.text}
        outputs: {text: {path: a.txt, publish: slow.txt}}
      last:
        run: cat {slow.text} > {out.text}
        outputs: {text: {path: a.txt, publish: last.txt}}
    """

  let sandbox: Sandbox
  let mark: Mark

  init() throws {
    sandbox = try Sandbox(["pipelines/wait/pipeline.yaml": Self.pipeline])
    mark = try Mark("mark", in: sandbox)
  }

  /// Starts a run and waits until its slow step runs.
  private func start(stubborn: String = "no") throws -> Running {
    let run = try sandbox.start(["run", "--json", "--set", "mark=\(mark.path)", "--set", "stubborn=\(stubborn)"])
    #expect(try mark.line() == "running")
    #expect(!sandbox.stepProcesses().isEmpty)
    return run
  }

  private func expectStopped(_ report: RunReport) throws {
    #expect(report.finished.code == 130, "\(report.finished.testDescription)")
    #expect(report.counts == Counts(ran: 1, skipped: 2))
    #expect(report.events.last?["interrupted"]?.bool == true)
    #expect(report.finished.errors.isEmpty)
    #expect(sandbox.stepProcesses() == [], "processes of the step are still there")
    #expect(sandbox.read("pipelines/wait/first.txt") == "first\n")
    #expect(!sandbox.exists("pipelines/wait/slow.txt"))
    #expect(!sandbox.exists("pipelines/wait/last.txt"))
    #expect(try sandbox.names("cache/work") == [])
    #expect(try sandbox.names("cache/stage") == ["lock"])
    #expect(try sandbox.names("pipelines/wait") == ["first.txt", "first.txt.rung.json", "pipeline.yaml"])

    let next = try sandbox.run()
    #expect(next.finished.code == 0)
    #expect(next.counts == Counts(ran: 2, unchanged: 1))
    #expect(sandbox.read("pipelines/wait/last.txt") == "first\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 3))
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func onceStopsPolitely(number: Int32) throws {
    let run = try start()
    run.signal(number)
    #expect(try mark.line() == "asked")
    try expectStopped(try RunReport(try run.wait()))
  }

  @Test func twiceStopsAtOnce() throws {
    let run = try start(stubborn: "yes")
    run.signal(SIGINT)
    #expect(try mark.line() == "asked")
    var began = timespec()
    clock_gettime(CLOCK_MONOTONIC, &began)
    run.signal(SIGINT)
    let report = try RunReport(try run.wait())
    var ended = timespec()
    clock_gettime(CLOCK_MONOTONIC, &ended)
    // A polite stop would wait for the grace of five seconds.
    #expect(ended.tv_sec - began.tv_sec < 5)
    try expectStopped(report)
  }

  @Test func anInterruptedStepIsNoFailure() throws {
    let run = try start()
    run.signal(SIGINT)
    let ended = try run.wait()
    #expect(ended.code == 130)
    #expect(try sandbox.standing("slow", "--set", "mark=\(mark.path)") == "would-run")
    let why = try sandbox.rung("why", "slow", "--set", "mark=\(mark.path)")
    #expect(why.output.contains("its last attempt was interrupted"), "\(why.output)")
    let status = try sandbox.json(["status", "--json", "--set", "mark=\(mark.path)"])
    #expect(status["steps"]?.array?.map { $0["failed"]?.int } == [0, 0, 0])
  }

  @Test func peopleAreToldThatItWasInterrupted() throws {
    let run = try sandbox.start(["run", "--set", "mark=\(mark.path)"])
    _ = try mark.line()
    run.signal(SIGINT)
    let ended = try run.wait()
    #expect(ended.code == 130)
    #expect(ended.errors.contains("interrupted: 1 ran, 2 not tried"), "\(ended.testDescription)")
    #expect(ended.output.isEmpty)
  }

  @Test func aReaderThatGoesAwayStopsNothing() throws {
    // `rung --json | head -1`
    let piped = try Sandbox.program(
      "/bin/sh", ["-c", "'\(Sandbox.binary)' run -C '\(sandbox.project)' --json | head -n 1"])
    #expect(piped.output.contains("run-started"))
    #expect(try sandbox.run().counts == Counts(unchanged: 3))
  }
}
