import Glibc
import RungCore
import RungExec
import RungModel
import RungPlan
import RungStore
import Synchronization
import Testing

@testable import RungEngine

/// What every executor promises, whoever executes: processes of this machine, or the workers of a fleet.
@Suite(.serialized) struct ExecutorConformanceTests {
  enum Kind: CaseIterable { case local, fleet, exchange }

  /// An executor with a store of its own.
  final class Ground {
    let folder: String
    let store: ObjectStore
    let cluster = ThreadCluster()
    private let local: LocalExecutor
    private let fleet: FleetExecutor?
    private var count = 0

    init(_ kind: Kind) throws {
      folder = "/tmp/rung-conformance-\(getpid())-\(UInt64.random(in: .min ... .max))"
      mkdir(folder, 0o755)
      let cache = "\(folder)/cache"
      store = try ObjectStore(path: cache, durability: .none)
      local = LocalExecutor(store: store)
      let second: Int64 = 1_000_000_000
      var options = FleetExecutor.Options(
        project: folder, cache: cache, version: "test",
        limits: Fleet.Limits(worker: Fleet.Size(cpus: 2, gpus: 1), time: 600 * second, workers: 2, idle: second))
      if kind == .exchange { options.exchange = .own }
      fleet = kind == .local ? nil : try FleetExecutor(options, cluster: cluster, store: store) { _ in }
    }

    deinit {
      fleet?.close()
      cluster.join()
      try? removeTree(folder)
    }

    func task(
      _ text: String, outputs: [String] = [], files: [StagedFile] = [], timeout: String? = nil, grace: String = "5 s"
    ) -> StepTask {
      count += 1
      var task = StepTask(
        instance: "test/step", workspace: "\(folder)/w\(count)", program: .shell(text: text, .sh),
        variables: [("PATH", "/usr/bin:/bin")], files: files,
        outputs: outputs.compactMap { name in RelativePath(name).map { ExpectedOutput(name: name, path: $0) } },
        timeout: timeout.flatMap { TimeSpan($0) }, grace: TimeSpan(grace) ?? StepTask.standardGrace)
      task.key = Digest(ofText: "key \(count)")
      return task
    }

    func run(
      _ task: StepTask, stop: StopSignal = StopSignal(), started: @escaping @Sendable (String?) -> Void = { _ in }
    ) -> StepResult {
      if let fleet { return fleet.execute(task, stop: stop, started: started) }
      started(task.workspace)
      return local.execute(task, stop: stop)
    }

    func text(_ digest: Digest?) throws -> String {
      String(decoding: try store.read(try #require(digest), limit: 1 << 20), as: UTF8.self)
    }
  }

  @Test(arguments: Kind.allCases) func givesWhatTheProgramMadeAndPrinted(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let input = try ground.store.put(Array("in".utf8)).digest
    let path = try #require(RelativePath("data/in.txt"))
    let result = ground.run(
      ground.task(
        "echo said; cat data/in.txt > out.txt; test -x tool; printf more >> out.txt", outputs: ["out.txt"],
        files: [
          StagedFile(path: path, content: .object(input, executable: false)),
          StagedFile(path: try #require(RelativePath("tool")), content: .object(input, executable: true)),
        ]))
    #expect(result.succeeded, "\(result.end) \(result.problem ?? "")")
    #expect(try ground.text(result.outputs.first?.digest) == "inmore")
    #expect(result.outputs.first?.size == 6)
    #expect(try ground.text(result.log) == "said\n")
    #expect(result.logTail == ["said"])
    #expect(result.duration.nanoseconds > 0 && result.startedAt > 0)
  }

  @Test(arguments: Kind.allCases) func bytesThatAreNoObjectYetArrive(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let path = try #require(RelativePath("table.csv"))
    let result = ground.run(
      ground.task(
        "cat table.csv > out", outputs: ["out"], files: [StagedFile(path: path, content: .bytes(Array("a,b\n".utf8)))]))
    #expect(try ground.text(result.outputs.first?.digest) == "a,b\n")
  }

  @Test(arguments: Kind.allCases) func anExitCodeIsTheStepsOwn(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let result = ground.run(ground.task("echo why; exit 3", outputs: ["out"]))
    #expect(result.end == .exited(3))
    #expect(!result.isMachineFault && !result.succeeded && result.outputs.isEmpty)
    #expect(result.logTail == ["why"])
    if kind != .local { #expect(ground.cluster.submissions == [1]) }
  }

  @Test(arguments: Kind.allCases) func aSignalIsTold(_ kind: Kind) throws {
    let ground = try Ground(kind)
    #expect(ground.run(ground.task("kill -SEGV $$")).end == .signalled(SIGSEGV))
  }

  @Test(arguments: Kind.allCases) func aMissingOutputIsTheStepsProblem(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let result = ground.run(ground.task("true", outputs: ["never.txt"]))
    #expect(result.end == .exited(0) && !result.succeeded)
    #expect(result.problem?.contains("never.txt") == true)
    #expect(!result.isMachineFault)
  }

  @Test(arguments: Kind.allCases) func aProgramThatIsNotThereIsTold(_ kind: Kind) throws {
    let ground = try Ground(kind)
    var task = ground.task("")
    task.program = .arguments(["no-such-program-anywhere"])
    guard case .notStarted(let reason) = ground.run(task).end else {
      Issue.record("it was started")
      return
    }
    #expect(reason.contains("no-such-program-anywhere"))
  }

  @Test(arguments: Kind.allCases) func aTimeoutEndsIt(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let result = ground.run(ground.task("exec sleep 600", timeout: "100 ms", grace: "100 ms"))
    #expect(result.end == .timedOut)
  }

  @Test(arguments: Kind.allCases) func aStopEndsItPolitely(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let pipe = "\(ground.folder)/pipe"
    mkfifo(pipe, 0o644)
    let stop = StopSignal()
    let watcher = WorkerPool.start {
      // Opened for reading once the step has opened it for writing: then its trap is set.
      let file = open(pipe, O_RDONLY)
      var byte: UInt8 = 0
      read(file, &byte, 1)
      stop.request()
      close(file)
    }
    let result = ground.run(
      ground.task("trap 'echo polite; exit 7' TERM; echo x > \(pipe); while :; do sleep 0.05; done"), stop: stop)
    pthread_join(watcher, nil)
    #expect(result.end == .stopped)
    #expect(result.logTail.last == "polite")
  }

  @Test(arguments: Kind.allCases) func whatWasStoppedBeforeIsNotStarted(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let stop = StopSignal()
    stop.request()
    #expect(ground.run(ground.task("true"), stop: stop).end == .stopped)
    #expect(ground.cluster.submissions.isEmpty)
  }

  @Test(arguments: Kind.allCases) func startedSaysWhereTheLogGrows(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let seen = Mutex<[String?]>([])
    let result = ground.run(ground.task("echo hello")) { workspace in seen.withLock { $0.append(workspace) } }
    #expect(result.succeeded)
    #expect(seen.withLock { $0.count } == 1)
    #expect(seen.withLock { $0.first ?? nil } != nil)
  }

  @Test(arguments: Kind.allCases) func manyAtOnceDoNotMix(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let results = Mutex<[Int: StepResult]>([:])
    let pool = WorkerPool(limit: 12)
    for number in 0..<40 {
      let task = ground.task("echo \(number) > out", outputs: ["out"])
      let run = UncheckedRun(ground)
      pool.submit {
        let result = run.ground.run(task)
        results.withLock { $0[number] = result }
      }
    }
    pool.close()
    for number in 0..<40 {
      let result = results.withLock { $0[number] }
      #expect(try ground.text(result?.outputs.first?.digest) == "\(number)\n")
    }
  }

  @Test(arguments: Kind.allCases) func foldersGoBothWays(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let source = "\(ground.folder)/source"
    for folder in [source, "\(source)/deep", "\(source)/deep/er"] { mkdir(folder, 0o755) }
    let file = open("\(source)/deep/er/x", O_WRONLY | O_CREAT, 0o644)
    write(file, "x", 1)
    close(file)
    let tree = try ground.store.putTree(at: source).digest
    var task = ground.task(
      "cp -r in out; echo y > out/deep/y",
      files: [StagedFile(path: try #require(RelativePath("in")), content: .tree(tree))])
    task.outputs = [ExpectedOutput(name: "out", path: try #require(RelativePath("out")), isDirectory: true)]
    let result = ground.run(task)
    #expect(result.succeeded, "\(result.end) \(result.problem ?? "")")
    let made = try #require(result.outputs.first)
    try ground.store.restoreTree(made.digest, to: "\(ground.folder)/back")
    #expect(access("\(ground.folder)/back/deep/er/x", R_OK) == 0 && access("\(ground.folder)/back/deep/y", R_OK) == 0)
  }

  @Test(arguments: Kind.allCases) func whatIsKeptIsThereAtTheNextAttempt(_ kind: Kind) throws {
    // Of processes of this machine the caller keeps it.
    if kind == .local { return }
    let ground = try Ground(kind)
    var task = ground.task("test -e half && mv half out; echo done > half; test -e out", outputs: ["out"])
    task.kept = [try #require(RelativePath("half"))]
    let first = ground.run(task)
    #expect(first.end == .exited(1) && first.attemptsBefore == 0)
    let second = ground.run(task)
    #expect(second.succeeded && second.attemptsBefore == 1)
    #expect(try ground.text(second.outputs.first?.digest) == "done\n")
  }

  @Test(arguments: Kind.allCases) func tasksAreThereAfterTheyWereWritten(_ kind: Kind) throws {
    let ground = try Ground(kind)
    let task = ground.task("true", outputs: ["a"], timeout: "1 min")
    let json = task.json { ["layer": .string($0.folder)] }
    let read = try #require(StepTask(json: json, workspace: "/w", layers: "/l") { _ in nil })
    #expect(read.json { ["layer": .string($0.folder)] } == json)
    #expect(read.key == task.key && read.timeout == task.timeout && read.outputs == task.outputs)
  }
}

// Sendable by the rule that only `run` of it is called on other threads, which is safe there.
private struct UncheckedRun: @unchecked Sendable {
  let ground: ExecutorConformanceTests.Ground
  init(_ ground: ExecutorConformanceTests.Ground) { self.ground = ground }
}
