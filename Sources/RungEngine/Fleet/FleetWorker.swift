import Glibc
import RungCore
import RungExec
import RungLedger
import RungPlan
import RungStore
import Synchronization

/// What `rung worker` does: executes steps that a run puts into its folder, with the launcher and the watching that a step
/// on the run's own machine gets, until its time is up, there is nothing to do, or it is told to end.
///
/// The main loop belongs to the one thread that calls `run`; steps are executed on threads of their own.
public final class FleetWorker: Sendable {
  /// What a worker is started with.
  public struct Options: Sendable {
    /// The folder of the fleet.
    public var folder: String
    /// Where it is; `job` names its folder.
    public var place: StepPlace
    /// What it may use.
    public var cpus: Int
    /// Bytes of main memory; 0 where nobody counts it.
    public var memory: Int64
    /// The GPUs that it was given.
    public var gpus: [String]
    /// How long it lives, in nanoseconds.
    public var time: Int64
    /// The version of this program.
    public var version: String
    /// What starts steps.
    public var launcher: StepLauncher?
    /// The environment of this process.
    public var variables: [String: String] = [:]

    /// Options.
    public init(
      folder: String, place: StepPlace, cpus: Int, memory: Int64, gpus: [String], time: Int64, version: String,
      launcher: StepLauncher?
    ) {
      self.folder = folder
      self.place = place
      self.cpus = cpus
      self.memory = memory
      self.gpus = gpus
      self.time = time
      self.version = version
      self.launcher = launcher
    }
  }

  /// Why it cannot begin: a sentence for people.
  public struct Refusal: Error, CustomStringConvertible {
    /// The sentence.
    public let description: String
  }

  let options: Options
  let fleet: FleetFolder
  let folder: WorkerFolder
  let settings: FleetSettings
  let store: ObjectStore
  let executor: LocalExecutor
  let exchange: FleetExchange?
  // On the node's own disk, where there is an exchange.
  private let node: NodeFolder?
  // Workspaces that are lost with the machine, and those that are not: for steps that keep files between attempts.
  let workspaces: WorkspaceFolder
  let shared: WorkspaceFolder
  let kept: KeptFiles
  let running: ActionLocks
  let abilities: HostAbilities
  let started: Int64
  private let alive: FleetLock
  // Why everything has to end, once it has.
  private let leaving = Mutex<(loss: Fleet.Loss, reason: String)?>(nil)
  let steps = Mutex<[String: StopSignal]>([:])
  let keepers = Mutex<[Digest: ObservationKeeper]>([:])
  let layers = Mutex<[String: StagedLayer]>([:])

  /// A worker of a fleet; from now on the run may see it. Throws a `Refusal` when it cannot work here.
  public init(_ options: Options) throws {
    started = Clock.now()
    self.options = options
    fleet = FleetFolder(path: options.folder)
    guard let settings = FleetFolder.read(fleet.settings).flatMap(FleetSettings.init(json:)) else {
      throw Refusal(description: "'\(options.folder)' is no folder of a run: it is started by `rung run`, not by hand")
    }
    guard settings.version == options.version else {
      throw Refusal(
        description:
          "the run is of Rung \(settings.version) and this worker of \(options.version): install the same on all nodes")
    }
    self.settings = settings
    folder = fleet.worker(options.place.job)
    for path in [folder.path, folder.inbox, folder.running] where mkdir(path, 0o700) != 0 && errno != EEXIST {
      throw ExecError("cannot make the folder '\(path)': \(String(cString: strerror(errno)))")
    }
    guard let alive = FleetLock(path: folder.alive) else {
      throw Refusal(description: "there is a worker of job \(options.place.job) already")
    }
    self.alive = alive
    if let address = settings.exchange {
      exchange = try FleetExchange(
        address: address, fleet: fleet, project: settings.project, variables: options.variables)
      node = try NodeFolder(options.place.job)
      store = try ObjectStore(path: node?.cache ?? "", durability: .none)
    } else {
      exchange = nil
      node = nil
      // The run makes durable what its workers put, for all of them at once.
      store = try ObjectStore(path: settings.cache, durability: .deferred)
    }
    shared = try WorkspaceFolder(under: "\(settings.cache)/work")
    workspaces = try node.map { node throws(ExecError) in try WorkspaceFolder(under: "\(node.path)/work") } ?? shared
    kept = KeptFiles(folder: "\(settings.cache)/keep")
    running = try ActionLocks(path: settings.cache, name: ActionLocks.elsewhere)
    executor = LocalExecutor(store: store, launcher: options.launcher, staging: settings.staging)
    abilities =
      options.launcher?.probe(folder: "\(workspaces.path)/probe")
      ?? HostAbilities(problem: "there is no rung-step beside rung")
    try FleetFolder.write(
      [
        "host": .string(options.place.host), "pid": .int(getpid()), "job": .string(options.place.job),
        "node": .string(options.place.node),
        "size": Fleet.Size(
          cpus: options.cpus, memory: options.memory, gpus: options.gpus.count
        ).json, "gpus": .array(options.gpus.map { .string($0) }), "until_ns": .int(until),
      ], to: folder.state)
  }

  // Some time before the cluster ends everything: steps are asked to end, and have their grace.
  private var until: Int64 {
    let margin = min(max(5_000_000_000, options.time / 10), 30_000_000_000)
    return started + options.time - min(margin, options.time / 2)
  }

  /// Ends all steps and the worker: the cluster wants the machine back. From any thread.
  public func leave(_ reason: String) { leave(.preempted, reason) }

  private func leave(_ loss: Fleet.Loss, _ reason: String) {
    leaving.withLock { $0 = $0 ?? (loss, reason) }
  }

  /// Executes steps until there is nothing more to do.
  public func run() {
    let pool = WorkerPool(limit: max(1, options.cpus) * 2)
    var pace = Pace()
    var ends = false
    var ownerless: Int64?
    var looked: Int64 = 0
    while true {
      let now = Clock.monotonic()
      for name in FleetFolder.list(folder.inbox) {
        if name == "end" {
          ends = true
          continue
        }
        pace.note(now)
        if name.hasSuffix(".task") { begin(String(name.dropLast(5)), on: pool) } else { stop(name) }
      }
      let busy = steps.withLock { !$0.isEmpty }
      if busy { pace.note(now) }
      if Clock.now() > until { leave(.time, "the \(TimeSpan(nanoseconds: options.time)) of its allocation are over") }
      if now - looked > 1_000_000_000 {
        looked = now
        ownerless = FleetLock.isHeld(fleet.owner) ? nil : ownerless ?? now
        if access(fleet.settings, F_OK) != 0 { leave(.left, "its folder was removed") }
      }
      if let since = ownerless, !busy, now - since > settings.patience { ends = true }
      if let leaving = leaving.withLock({ $0 }) {
        end(leaving.loss, leaving.reason)
        break
      }
      if ends, !busy { break }
      usleep(pace.pause(now))
    }
    pool.close()
    withExtendedLifetime(alive) {
      let (loss, reason) = leaving.withLock { $0 } ?? (.left, "it had nothing to do")
      try? FleetFolder.write(["loss": .string(loss.word), "reason": .string(reason)], to: folder.farewell)
    }
  }

  private func stop(_ file: String) {
    unlink("\(folder.inbox)/\(file)")
    guard let signal = steps.withLock({ $0[String(file.dropLast(5))] }) else { return }
    if file.hasSuffix(".kill") { signal.requestNow() } else { signal.request() }
  }

  // Steps are asked to end, so that what they keep is handed on; their results count for nothing.
  private func end(_ loss: Fleet.Loss, _ reason: String) {
    for signal in steps.withLock({ Array($0.values) }) { signal.request() }
  }

  /// Whether what a step that was stopped says is of interest: not when everything had to end.
  var isLeaving: Bool { leaving.withLock { $0 != nil } }

  // How long to sleep: a moment while there is something to do, longer the longer there was nothing.
  private struct Pace {
    private var last = Clock.monotonic()

    mutating func note(_ now: Int64) { last = now }

    func pause(_ now: Int64) -> UInt32 {
      switch now - last {
      case ..<1_000_000_000: 2_000
      case ..<10_000_000_000: 20_000
      default: 100_000
      }
    }
  }
}
