import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore
import Synchronization

/// Brings step instances up to date: one thread that owns the scheduler as a value and performs what it decides.
///
/// Steps run on worker threads, results become durable on the committer's; both only post messages here.
///
/// This file says what a run consists of; beside it: what happens next (`+Loop`), whether an instance is up to date
/// (`+Checking`), and what becomes of one that has to run (`+Running`). All of it belongs to the one thread that calls
/// `run`.
public final class RunEngine {
  enum Message: Sendable {
    case ended(BuildGraph.NodeID, StepWork.Ending)
    case fault(String)
    case remote(RemoteExchange.Reply)
    case interrupt
  }

  // What became of an instance; the last word counts, for one that was up to date may have to run again.
  enum Fate {
    case ran, unchanged, restored, failed, skipped
  }

  let session: Session
  let options: RunOptions
  let observe: @Sendable (RunEvent) -> Void
  let mailbox = Mailbox<Message>()
  let stop = StopSignal()
  let locks: HeldLocks
  let runID: String
  let needed: [Bool]
  let forced: Set<BuildGraph.NodeID>
  var scheduler: Scheduler
  var summary: RunSummary
  let worker: StepWorker
  let keeper: ObservationKeeper
  let note: RunNote
  let varied = VariedNotes()
  let pool: WorkerPool
  // Who executes what for a run that may be gone.
  let strangers: ActionLocks
  let workspaces: WorkspaceFolder
  // What others may have made; nil without remotes.
  let exchange: RemoteExchange?

  let fleet: FleetExecutor?
  // Processors' worth of steps at a time.
  let jobs: Int
  var keys: [BuildGraph.NodeID: ActionKey] = [:]
  var attempts: [BuildGraph.NodeID: Int] = [:]
  // Who makes which key now, and who waits for it.
  var inFlight: [Digest: BuildGraph.NodeID] = [:]
  var claims: [BuildGraph.NodeID: Digest] = [:]
  var sameKey: [Digest: [BuildGraph.NodeID]] = [:]
  // Keys that another process is making, with the instances that wait for them.
  var foreign: [BuildGraph.NodeID: Digest] = [:]
  // What was made in this run; the ledger may not have it yet.
  var made: [Digest: KnownResult] = [:]
  // Keys whose results are known but whose bytes are gone or damaged: they are made again.
  var lost: Set<Digest> = []
  // Those of them of which the user has not been told.
  var newlyLost: [BuildGraph.NodeID] = []
  var fates: [BuildGraph.NodeID: Fate] = [:]
  // Records whose use the ledger knows of.
  var usedToday: Set<Digest>
  var checksPublished: [BuildGraph.NodeID: [(output: String, path: RelativePath)]] = [:]
  var changes = LedgerChanges()
  var finished = false
  var hasAskedGit = false

  /// Stops this run from another thread.
  public var interrupter: Interrupter {
    let stop = stop
    let mailbox = mailbox
    return Interrupter {
      // First the word, then the deed: a run whose last step is stopped by it must know why.
      mailbox.post(.interrupt)
      if stop.isRequested { stop.requestNow() } else { stop.request() }
    }
  }

  /// Prepares a run. Throws `Diagnostics` when the plan cannot be carried out: an input is missing, a step wants more
  /// than the machine has.
  ///
  /// - Parameters:
  ///   - executor: what runs steps; nil for processes on this machine.
  ///   - fleet: executes the steps that are not for this machine; nil when all are.
  ///   - observe: told what happens, from any thread, one call at a time for each thread.
  public init(
    session: Session, options: RunOptions, executor: (any StepExecutor)? = nil, fleet: FleetExecutor? = nil,
    version: String,
    observe: @escaping @Sendable (RunEvent) -> Void
  ) throws {
    self.session = session
    self.options = options
    self.observe = observe
    let graph = session.graph
    needed = session.targets.closure(of: options.targets)
    forced = options.force ? Set(options.targets) : []
    self.fleet = fleet
    let capacity = Self.capacity(session, options, fleet, needed)
    jobs = capacity.slots
    fleet?.see(session.observing)
    var problems: [Diagnostic] = []
    do throws(Diagnostics) { try session.freeze(needed) } catch { problems += error.items }
    var demands: [Scheduler.Demand] = []
    do throws(Diagnostics) { demands = try Scheduler.Demand.of(graph, needed: needed, capacity: capacity) } catch {
      problems += error.items
    }
    if fleet != nil { problems += Self.localGPUs(session, needed) }
    do throws(Diagnostics) { try session.enforceFloor(needed) } catch { problems += error.items }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    if fleet != nil { Self.bindToHere(&demands, session, options) }
    let durations = session.expectedDurations()
    scheduler = Scheduler(
      graph: graph, needed: needed, demands: demands, priorities: graph.remainingPaths(durations: durations),
      capacity: capacity, keepGoing: options.keepGoing)
    usedToday = Set(try session.ledger.uses(since: Clock.now() - Self.day).keys)
    runID = RunID.new()
    summary = RunSummary(run: runID)
    exchange = options.remotes.map { [mailbox] remotes in
      RemoteExchange(remotes, store: session.store) { mailbox.post(.remote($0)) }
    }
    locks = HeldLocks(try ActionLocks(path: session.cache))
    strangers = try ActionLocks(path: session.cache, name: ActionLocks.elsewhere)
    let workRoot = "\(session.cache)/work"
    let kept = KeptFiles(folder: "\(session.cache)/keep")
    sweepWorkspaces(under: workRoot, keeping: kept)
    // A month, for steps that nobody has tried again.
    kept.sweep(olderThan: 30 * 86_400, before: Clock.now() / 1_000_000_000)
    workspaces = try WorkspaceFolder(under: workRoot)
    // Threads that wait for workers elsewhere cost little, but not nothing.
    pool = WorkerPool(limit: min(capacity.slots, 4096))
    let root = session.project.root
    let git = GitState.Once(root: root)
    let began = Clock.now()
    note = RunNote(store: session.store, project: session.project) {
      [runID, options, host = session.host.name, overrides = session.project.overrides] declarations in
      let state = git.state
      return RunRecord(
        id: runID, arguments: options.arguments, overrides: .init(overrides), declarations: declarations,
        started: began, host: host, commit: state?.commit, dirty: state?.dirty, version: version)
    }
    keeper = ObservationKeeper(
      root: root, store: session.store, observing: session.observing, cached: session.resolver.value.files.cached)
    worker = StepWorker(
      root: root, store: session.store,
      executor: executor
        ?? LocalExecutor(
          store: session.store, launcher: session.launcher, staging: session.project.settings.staging?.bytes),
      elsewhere: fleet, environments: session.environments.environments, workspaces: workspaces, kept: kept,
      publisher: Publisher(root: root, store: session.store, workspaces: workspaces), keeper: keeper,
      earlier: EarlierVersions(ledger: session.ledger, store: session.store, project: session.projectName),
      project: session.projectName,
      run: runID,
      host: session.host.name, version: version, git: { git.state }, note: note, publishes: options.publishes,
      stamps: session.project.settings.stamps, variation: options.variation, varied: varied, notify: observe)
    for (path, place) in session.published where options.publishes && needed[place.instance] {
      let name = graph.step(of: place.instance).step.outputs[place.output].name
      if let path = RelativePath(path) { checksPublished[place.instance, default: []].append((name, path)) }
    }
  }
}
