import Glibc
import RungCore
import Testing

/// Checkpoints: an attempt that ended too early hands what it kept to the next.
@Suite struct KeepStories {
  let sandbox: Sandbox
  let mark: Mark
  let go: Mark

  /// Counts to five, with a checkpoint after each number, and waits at three: by the shell's
  /// `wait`, which looks for a signal and sleeps in one act. A `read` from the pipe would sleep on
  /// when the signal comes just before it.
  init() throws {
    sandbox = try Sandbox()
    mark = try Mark("mark", in: sandbox)
    go = try Mark("go", in: sandbox)
    try sandbox.write(
      """
      pipeline: train
      steps:
        fit:
          run: |
            trap 'echo asked >> state/log; exit 9' TERM
            mkdir -p state
            n=$(cat count.ckpt 2> /dev/null || echo 0)
            while [ $n -lt 5 ]; do
              n=$((n + 1))
              echo $n > count.new
              mv count.new count.ckpt
              echo $n >> state/log
              echo "at $n" > \(mark.path)
              if [ $n = 3 ]; then
                head -n 1 \(go.path) > answer & wait $!
                if [ "$(cat answer)" = fail ]; then exit 4; fi
              fi
            done
            cat count.ckpt state/log | tr '\\n' ' ' > {out.model}
          outputs: {model: {path: model.txt, publish: model.txt}}
          keep: [count.ckpt, state]
          grace: 30 s

      """, to: "pipelines/train/pipeline.yaml")
  }

  private func lines(_ count: Int) throws -> [String] { try (0..<count).map { _ in try mark.line() } }

  private func expectResumed(from before: Int, attempts: Int, log: String) throws {
    let run = try sandbox.run()
    #expect(run.counts == Counts(ran: 1), "\(run.finished.testDescription)")
    #expect(run.events("step-resuming").map { $0["attempts"]?.int } == [attempts - 1])
    #expect(try lines(5 - before) == ((before + 1)...5).map { "at \($0)" })
    #expect(sandbox.read("pipelines/train/model.txt") == log)
    #expect(try sandbox.json(["show", "fit", "--json"])["attempts"]?.int == attempts)
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
    #expect(try sandbox.files("cache/keep") == [])
  }

  @Test func afterAKillOfEverything() throws {
    let run = try sandbox.start(["run", "--json"])
    #expect(try lines(3) == ["at 1", "at 2", "at 3"])
    run.signal(SIGKILL)
    #expect(try run.wait().code == 128 + SIGKILL)
    try expectResumed(from: 3, attempts: 2, log: "5 1 2 3 4 5 ")
  }

  /// Asked to stop, the step has time to write down where it is.
  @Test func afterBeingAskedToStop() throws {
    let run = try sandbox.start(["run", "--json"])
    #expect(try lines(3).last == "at 3")
    run.signal(SIGINT)
    #expect(try run.wait().code == 130)
    try expectResumed(from: 3, attempts: 2, log: "5 1 2 3 asked 4 5 ")
  }

  @Test func afterAFailure() throws {
    go.say("fail")
    #expect(try sandbox.run().counts == Counts(failed: 1))
    #expect(try lines(3).last == "at 3")
    try expectResumed(from: 3, attempts: 2, log: "5 1 2 3 4 5 ")
  }

  /// Another key has nothing to do with it, and neither has a run that is to begin anew.
  @Test func onlyUnderTheSameKey() throws {
    go.say("fail")
    #expect(try sandbox.run().counts == Counts(failed: 1))
    #expect(try lines(3).last == "at 3")
    try sandbox.edit("pipelines/train/pipeline.yaml", "mkdir -p state", "mkdir -p state # anew")
    go.say("fail")
    let run = try sandbox.run()
    #expect(run.counts == Counts(failed: 1) && run.events("step-resuming").isEmpty)
    #expect(try lines(3).first == "at 1")
    go.say("on")
    #expect(try sandbox.run("--force").counts == Counts(ran: 1))
    #expect(try lines(5).first == "at 1")
    #expect(sandbox.read("pipelines/train/model.txt") == "5 1 2 3 4 5 ")
  }
}
