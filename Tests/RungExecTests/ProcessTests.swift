import CRungLaunch
import Glibc
import RungCore
import RungExec
import RungModel
import Synchronization
import Testing

/// How processes start, run and end.
@Suite struct ProcessTests {
  let bench: Bench
  init() throws { bench = try Bench() }

  @Test func anExitStatusIsAResult() {
    #expect(bench.sh("exit 0").end == .exited(0))
    let failed = bench.sh("exit 3")
    #expect(failed.end == .exited(3))
    #expect(!failed.succeeded && failed.problem == nil)
    #expect(bench.sh("kill -SEGV $$").end == .signalled(SIGSEGV))
    #expect(bench.sh("kill -TERM $$").end == .signalled(SIGTERM))
  }

  @Test func theShellStopsAtTheFirstFailureAndAtAnUnsetVariable() {
    let failed = bench.sh("false\necho not reached")
    #expect(failed.end == .exited(1))
    #expect(failed.log == nil && failed.logTail.isEmpty)
    #expect(bench.sh("echo $NOTHING").end == .exited(2))
    #expect(bench.run(bench.task(.shell(text: "[[ a == a ]] && exit 4", .bash))).end == .exited(4))
  }

  @Test func timeAndMemoryAreMeasured() {
    let result = bench.sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
    #expect(result.succeeded)
    #expect(result.cpu.nanoseconds > 0)
    #expect(result.duration >= TimeSpan(nanoseconds: result.cpu.nanoseconds / 4))
    #expect(result.peakMemory.bytes > 100_000)
    #expect(result.startedAt > 1_700_000_000_000_000_000)
  }

  @Test func aProcessSeesExactlyTheVariablesGiven() throws {
    setenv("RUNG_TEST_LEAK", "1", 1)
    let task = bench.task(
      .arguments(["env"]), variables: [("A", "1"), ("PATH", Bench.path), ("B", "x = y\nz"), ("A", "2")])
    let temporary = "\(task.workspace)/tmp"
    let own = "HOME=\(temporary)/home\nTMPDIR=\(temporary)\nRUNG_EVENTS=\(temporary)/rung-events.jsonl\n"
    #expect(try bench.text(bench.run(task).log) == own + "PATH=\(Bench.path)\nB=x = y\nz\nA=2\n")
    #expect(
      bench.run(bench.task(.arguments(["/usr/bin/true"]), variables: [("A=B", "1")])).end
        == .notStarted("'A=B' cannot be the name of an environment variable"))
  }

  @Test func aProcessInheritsNothing() throws {
    // A descriptor without close-on-exec, an ignored signal, a blocked one: as a careless library leaves them.
    let stray = open("/dev/null", O_RDONLY)
    defer { close(stray) }
    signal(SIGUSR2, SIG_IGN)
    defer { signal(SIGUSR2, SIG_DFL) }
    var blocked = sigset_t()
    sigemptyset(&blocked)
    sigaddset(&blocked, SIGUSR1)
    var before = sigset_t()
    pthread_sigmask(SIG_BLOCK, &blocked, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }

    let descriptors = bench.run(bench.task(.arguments(["ls", "/proc/self/fd"])))
    #expect(descriptors.logTail == ["0", "1", "2", "3"])  // 3 is the folder that ls lists
    let input = bench.sh("readlink /proc/self/fd/0; wc -c")
    #expect(input.logTail == ["/dev/null", "0"])
    let signals = bench.run(bench.task(.arguments(["sed", "-n", "/^Sig[BIC]/s/\t/ /p", "/proc/self/status"])))
    #expect(signals.logTail == ["SigBlk: ", "SigIgn: ", "SigCgt: "].map { $0 + "0000000000000000" })
    #expect(bench.sh("umask; ulimit -c").logTail == ["0022", "0"])
  }

  @Test func aProcessLeadsItsOwnSessionInItsWorkspace() {
    let task = bench.task(.shell(text: "pwd; set -- $(cat /proc/self/stat); echo $(($$ - $5)) $(($$ - $6)) $7", .sh))
    #expect(bench.run(task).logTail == [Workspace.root(of: task.workspace), "0 0 0"])
  }

  @Test func aMissingProgramIsNamed() {
    #expect(
      bench.run(bench.task(.arguments(["gerp", "x"]))).end
        == .notStarted("no program 'gerp' on the step's PATH (/usr/bin:/bin); did you mean 'grep'?"))
    #expect(
      bench.run(bench.task(.arguments(["./fit"]))).end
        == .notStarted(
          "there is no program './fit' in the workspace; a script of the project has to be an input of the step"))
    #expect(
      bench.run(bench.task(.arguments(["true"]), variables: [])).end
        == .notStarted("cannot look for the program 'true': the step's PATH is empty"))
    #expect(bench.run(bench.task(.arguments([]))).end == .notStarted("the command is empty"))
    #expect(bench.sh("no-such-program-at-all").end == .exited(127))
  }

  @Test func aProgramThatCannotRunSaysWhy() {
    func end(_ content: String, executable: Bool = true) -> StepResult.End {
      guard let stored = try? bench.store.put(Array(content.utf8)) else { return .stopped }
      let file = StagedFile(path: path("fit"), content: .object(stored.digest, executable: executable))
      return bench.run(bench.task(.arguments(["./fit"]), files: [file])).end
    }
    #expect(end("#!/bin/sh\nexit 5\n") == .exited(5))
    #expect(
      end("#!/bin/sh\n", executable: false)
        == .notStarted("'./fit' is not executable; make it so with: chmod +x ./fit"))
    guard case .notStarted(let missing) = end("#!/no/such/python3 -u\n") else {
      Issue.record("a script without its interpreter started")
      return
    }
    #expect(missing.hasSuffix("its interpreter '/no/such/python3' (first line) does not exist"))
    guard case .notStarted(let format) = end("just text\n") else {
      Issue.record("a text started")
      return
    }
    #expect(format.hasSuffix("neither a program for this machine nor a script with a '#!' first line"))
  }

  @Test func aLongTextAndTooLongArguments() {
    let text = "echo \(String(repeating: "x", count: 200_000)) | wc -c"
    #expect(bench.sh(text).logTail == ["200001"])
    let end = bench.run(bench.task(.arguments(["echo", String(repeating: "x", count: 200_000)]))).end
    guard case .notStarted(let why) = end else {
      Issue.record("\(end)")
      return
    }
    #expect(why.contains("too long for the system"))
  }

  @Test func aTimeoutEndsPolitelyAndThenSurely() {
    #expect(bench.sh("exec sleep 1000", timeout: "30 ms").end == .timedOut)
    #expect(bench.sh("trap '' TERM; sleep 1000; sleep 1000", timeout: "30 ms", grace: "30 ms").end == .timedOut)
    // Even one that then ends with 0: it did not do what it should have done.
    let polite = bench.sh("trap 'echo bye; exit 0' TERM; sleep 1000 & wait", timeout: "100 ms")
    #expect(polite.end == .timedOut && !polite.succeeded)
    #expect(bench.sh("true", timeout: "1 h").end == .exited(0))
  }

  @Test func stopAsksAndThenKills() {
    let stop = StopSignal()
    let ready = bench.pipe("ready")
    let ends = Mutex<[StepResult.End]>([])
    onThreads([
      {
        let end = bench.sh("trap 'exit 0' TERM; sleep 1000 & echo > '\(ready)'; wait", stop: stop).end
        ends.withLock { $0.append(end) }
      },
      {
        #expect(read(ready) == "\n")  // it runs, and has set its trap
        stop.request()
      },
    ])
    #expect(ends.withLock(\.self) == [.stopped])
    // Whatever comes later does not start at all.
    let task = bench.task(.arguments(["true"]))
    #expect(bench.run(task, stop: stop).end == .stopped)
    #expect(!exists(task.workspace))
  }

  @Test func stopNowDoesNotWaitForGrace() {
    let stop = StopSignal()
    let ready = bench.pipe("ready")
    let asked = bench.pipe("asked")
    onThreads([
      {
        // Tells that it got the SIGTERM, and goes on regardless.
        let script = "trap 'echo > \(asked)' TERM; echo > \(ready); while :; do sleep 1000 & wait; done"
        #expect(bench.sh(script, grace: "1 h", stop: stop).end == .stopped)
      },
      {
        #expect(read(ready) == "\n")
        stop.request()
        #expect(read(asked) == "\n")
        stop.requestNow()
      },
    ])
  }

  @Test func oneStopSignalServesManySteps() {
    let stop = StopSignal()
    let ready = (0..<8).map { bench.pipe("ready\($0)") }
    let steps = ready.map { pipe -> @Sendable () -> Void in
      { #expect(bench.sh("echo > \(pipe); exec sleep 1000", stop: stop).end == .stopped) }
    }
    onThreads(
      steps + [
        {
          for pipe in ready { #expect(read(pipe) == "\n") }
          stop.request()
        }
      ])
  }

  @Test func nothingOfAStepSurvivesIt() throws {
    // One in the step's group, one that made a group of its own (as timeout does), one whose parent is gone.
    let result = bench.sh(
      """
      sleep 1000 & echo $! >> pids
      timeout 1000 sleep 1000 & echo $! >> pids
      (sleep 1000 & echo $! >> pids)
      while [ $(wc -l < pids) -lt 3 ]; do sleep 0.01; done
      """, outputs: [output("pids", "pids")])
    #expect(result.succeeded && result.leftProcesses)
    let pids = try #require(try bench.text(result.outputs.first?.digest)).split(separator: "\n").compactMap {
      pid_t($0)
    }
    #expect(pids.count == 3)
    for pid in pids { #expect(kill(pid, 0) == -1 && errno == ESRCH) }
    #expect(!bench.sh("sleep 0.01 & wait").leftProcesses)
  }

  @Test func aChildOfAThreadThatEndsIsKilled() {
    // What happens to every step when Rung itself is killed: all its threads end.
    let log = open(bench.place("log"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(log) }
    let child = Atomic<pid_t>(0)
    let folder = bench.folder
    onThreads([
      {
        var failure = rung_launch_failure()
        let arguments = [strdup("sleep"), strdup("1000"), nil]
        defer { arguments.forEach { free($0) } }
        let none: [UnsafeMutablePointer<CChar>?] = [nil]
        let pid = "/usr/bin/sleep".withCString { program in
          folder.withCString { folder in
            arguments.withUnsafeBufferPointer { arguments in
              none.withUnsafeBufferPointer { none in
                var request = rung_launch_request()
                request.program = program
                request.arguments = arguments.baseAddress
                request.environment = none.baseAddress
                request.folder = folder
                request.log = log
                return rung_launch(&request, &failure)
              }
            }
          }
        }
        child.store(pid, ordering: .releasing)
      }
    ])
    let pid = child.load(ordering: .acquiring)
    #expect(pid > 0)
    var status: Int32 = 0
    #expect(waitpid(pid, &status, 0) == pid)
    #expect(status & 0x7f == SIGKILL)
  }

  @Test func manyThreadsRunProgramsThatTheyHaveJustWritten() throws {
    // Each writes a program and starts it at once, while others fork: without the launcher's care, "text file busy".
    var status = stat()
    stat("/usr/bin/true", &status)
    let program = try bench.store.put(fileAt: "/usr/bin/true", followLinks: true).digest
    let failures = Mutex<[StepResult.End]>([])
    let worker: @Sendable () -> Void = {
      for _ in 0..<25 {
        let task = bench.task(
          .arguments(["./own"]), files: [StagedFile(path: path("own"), content: .object(program, executable: true))])
        let end = bench.run(task).end
        if end != .exited(0) { failures.withLock { $0.append(end) } }
      }
    }
    onThreads(Array(repeating: worker, count: 4))
    #expect(failures.withLock(\.self) == [])
  }
}
