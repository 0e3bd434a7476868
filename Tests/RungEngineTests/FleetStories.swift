import Glibc
import RungCore
import RungExec
import RungPlan
import RungStore
import Synchronization
import Testing

@testable import RungEngine

/// Runs with workers elsewhere: whole projects, on a cluster whose jobs are threads.
@Suite(.serialized) struct FleetStories {
  private static let second: Int64 = 1_000_000_000

  private static func lab() -> Lab {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline(
      """
      axes:
        i: {range: 1..6}
      steps:
        make:
          over: [i]
          run: echo {i} > {out.o}
          outputs: {o: o.txt}
        sum:
          run: cat {make.o:files}/*/* > {out.s}
          outputs: {s: {path: s.txt, publish: figures/s.txt}}
      """)
    return lab
  }

  private static func fleet(
    _ session: Session, _ cluster: ThreadCluster, workers: Int = 2, heard: EventTexts = EventTexts()
  ) throws -> FleetExecutor {
    try FleetExecutor(
      FleetExecutor.Options(
        project: session.project.root, cache: session.cache, version: "test",
        limits: Fleet.Limits(worker: Fleet.Size(cpus: 2), time: 600 * second, workers: workers, idle: second)),
      cluster: cluster, store: session.store
    ) { heard.add($0) }
  }

  // A fleet whose run is gone: its lock is free, its settings are there.
  private static func abandoned(_ session: Session) throws -> FleetFolder {
    let folder = FleetFolder(path: "\(session.cache)/fleet/left")
    mkdir("\(session.cache)/fleet", 0o700)
    try folder.make()
    let settings = FleetSettings(
      version: "test", project: session.project.root, cache: session.cache, staging: nil, patience: 60 * second,
      exchange: nil)
    try FleetFolder.write(settings.json, to: folder.settings)
    return folder
  }

  // What a fleet said.
  final class EventTexts: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [String] { texts.withLock { $0 } }
  }

  @Test func aRunElsewhereGivesWhatARunHereGivesAndThenNothingRuns() throws {
    let here = Self.lab()
    let there = Self.lab()
    #expect(try here.run().counts == [7, 0, 0, 0, 0])
    let cluster = ThreadCluster()
    defer { cluster.join() }
    let session = try there.session()
    session.executor = .slurm
    let fleet = try Self.fleet(session, cluster)
    let ran = try there.run(in: session, fleet: fleet)
    fleet.close()
    #expect(ran.counts == [7, 0, 0, 0, 0], "\(ran.warnings) \(ran.failures)")
    #expect(cluster.live == [])
    #expect(there.read("figures/s.txt") == here.read("figures/s.txt"))
    #expect(there.names("cache/fleet") == [])
    // The same keys: here nobody executes anything again.
    #expect(try there.run().counts == [0, 7, 0, 0, 0])
  }

  @Test func aStepThatFailsElsewhereFailsAsItDoesHere() throws {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline(
      """
      steps:
        bad:
          run: echo said; exit 9
          outputs: {o: o.txt}
      """)
    let cluster = ThreadCluster()
    defer { cluster.join() }
    let session = try lab.session()
    session.executor = .slurm
    let fleet = try Self.fleet(session, cluster)
    let ran = try lab.run(in: session, fleet: fleet)
    fleet.close()
    #expect(ran.counts == [0, 0, 0, 1, 0])
    #expect(ran.failures.first?.exitCode == 9 && ran.failures.first?.tail == ["said"])
    #expect(cluster.submissions == [1])
  }

  @Test func aRefusalIsToldInTheClustersWords() throws {
    let lab = Self.lab()
    let cluster = ThreadCluster()
    cluster.refuse(ClusterError(isTransient: false, "invalid partition specified: nowhere"))
    let session = try lab.session()
    session.executor = .slurm
    let fleet = try Self.fleet(session, cluster)
    let ran = try lab.run(in: session, fleet: fleet)
    fleet.close()
    #expect(ran.summary.failed > 0)
    #expect(ran.failures.first?.problem.contains("invalid partition specified: nowhere") == true)
    #expect(ran.failures.first?.isMachineFault == true)
  }

  @Test func aJobThatIsTakenAwayCostsAnAttemptAndNotTheRun() throws {
    let lab = Lab()
    lab.simulated = false
    let pipe = "\(lab.root)/pipe"
    mkfifo(pipe, 0o644)
    // The first attempt says that its checkpoint is there and waits; the second finds it.
    lab.pipeline(
      """
      steps:
        slow:
          run: |
            if [ -e here ]; then mv here {out.o}; exit 0; fi
            echo kept > here
            trap 'exit 1' TERM
            echo x > \(pipe)
            while :; do sleep 0.05; done
          keep: [here]
          outputs: {o: o.txt}
      """)
    let cluster = ThreadCluster()
    defer { cluster.join() }
    let session = try lab.session()
    session.executor = .slurm
    let heard = EventTexts()
    let fleet = try Self.fleet(session, cluster, heard: heard)
    // Once the checkpoint is there, the machine is wanted by others.
    let watcher = WorkerPool.start {
      let file = open(pipe, O_RDONLY)
      var byte: UInt8 = 0
      read(file, &byte, 1)
      close(file)
      for job in cluster.live { cluster.end(job, "others come first") }
    }
    let ran = try lab.run(in: session, fleet: fleet)
    pthread_join(watcher, nil)
    fleet.close()
    #expect(ran.counts == [1, 0, 0, 0, 0], "\(ran.failures)")
    #expect(heard.all.contains { $0.contains("is lost (others come first)") }, "\(heard.all)")
    #expect(cluster.live == [])
  }

  @Test func whatARunThatIsGoneHasBegunIsTakenOver() throws {
    let lab = Self.lab()
    let cluster = ThreadCluster()
    defer { cluster.join() }
    let session = try lab.session()
    let folder = try Self.abandoned(session)
    _ = try cluster.submit(
      Fleet.Allocation(size: Fleet.Size(cpus: 2), time: 600 * Self.second), count: 1, fleet: folder.path,
      note: JobNote(fleet: "left", size: Fleet.Size(cpus: 2), time: 600 * Self.second, task: nil).text)
    session.executor = .slurm
    let fleet = try Self.fleet(session, cluster, workers: 1)
    let ran = try lab.run(in: session, fleet: fleet)
    fleet.close()
    #expect(ran.counts == [7, 0, 0, 0, 0])
    // The worker that was there was enough.
    #expect(cluster.submissions == [1])
    #expect(cluster.live == [])
  }

  @Test(arguments: [true, false]) func aClusterThatDoesNotTellItsJobsStopsNobody(_ isTransient: Bool) throws {
    let lab = Self.lab()
    let cluster = ThreadCluster()
    defer { cluster.join() }
    cluster.hide(ClusterError(isTransient: isTransient, "squeue: no answer"))
    let session = try lab.session()
    // After an earlier run, which may have left jobs.
    _ = try Self.abandoned(session)
    session.executor = .slurm
    let heard = EventTexts()
    let fleet = try Self.fleet(session, cluster, workers: 1, heard: heard)
    let ran = try lab.run(in: session, fleet: fleet)
    fleet.close()
    #expect(ran.counts == [7, 0, 0, 0, 0])
    #expect(heard.all == ["squeue: no answer; trying again"])
  }

  @Test func whatAWorkerStillExecutesIsLeftAlone() throws {
    let lab = Lab()
    lab.simulated = false
    lab.pipeline("steps:\n  a:\n    run: \"true > {out.o}\"\n    outputs: {o: o.txt}")
    let session = try lab.session()
    let key = try session.resolver.value.fullKey(of: 0).digest
    let stranger = try ActionLocks(path: session.cache, name: ActionLocks.elsewhere)
    #expect(try stranger.tryLock(key))
    // It ends while the run waits for it.
    let observe: @Sendable (RunEvent) -> Void = { event in
      if case .waiting = event { stranger.unlock(key) }
    }
    let ran = try lab.run(in: session, observe: observe)
    #expect(ran.counts == [1, 0, 0, 0, 0])
    var waited = false
    for case .waiting in ran.events { waited = true }
    #expect(waited)
  }

  @Test func linesOfSqueueAreUnderstood() {
    func state(_ line: String) -> ClusterJob.State? { SlurmCluster.job(line: line[...])?.state }
    #expect(state("12_3|PENDING|Resources|rung f 1 0 0 60 -") == .pending("Resources"))
    #expect(state("12|RUNNING|None|rung f 1 0 0 60 -") == .running)
    #expect(state("12|TIMEOUT|TimeLimit|x") == .over(.time, "timeout, TimeLimit"))
    #expect(state("12|OUT_OF_MEMORY|OutOfMemory|x") == .over(.memory, "out of memory, OutOfMemory"))
    #expect(state("12|NODE_FAIL|None|x") == .over(.machine, "node fail"))
    #expect(state("12|PENDING|launch failed requeued held|x") == .stuck("pending, launch failed requeued held"))
    #expect(state("slurm_load_jobs error") == nil)
    #expect(SlurmCluster.job(line: "1|RUNNING|None|a|b")?.note == "a|b")
    let note = JobNote(fleet: "f", size: Fleet.Size(cpus: 2, memory: 3, gpus: 1), time: 60 * Self.second, task: "t")
    #expect(JobNote(note.text) == note)
    #expect(JobNote("rung f 1 0 0 x -") == nil)
  }
}
