import Glibc
import RungCore
import RungExec
import RungPlan
import RungStore

/// Drives a fleet: tells it what happens in its folder and at the cluster, and performs what it answers. All of it belongs to
/// the one thread that calls `run`.
final class FleetDriver {
  let options: FleetExecutor.Options
  let claim: FleetClaim
  let folder: FleetFolder
  let store: ObjectStore
  let mailbox: Mailbox<FleetExecutor.Message>
  let desk: ClusterDesk
  let clusterName: String
  let warn: @Sendable (String) -> Void
  let kept: KeptFiles

  var fleet: Fleet
  var lastID: Fleet.TaskID = 0
  var names: [Fleet.TaskID: String] = [:]
  var ids: [String: Fleet.TaskID] = [:]
  var requests: [Fleet.TaskID: FleetExecutor.Request] = [:]
  // Asked to end, and how urgently.
  var stopping: [Fleet.TaskID: Bool] = [:]
  // Results of steps that an earlier run wanted.
  var orphans: [String: StepResult] = [:]
  // Workers that were seen alive.
  var workers: Set<Fleet.JobID> = []
  // Those whose lock is free and of which nobody has said why, since when.
  var dying: [Fleet.JobID: Int64] = [:]
  var states: [Fleet.JobID: ClusterJob.State] = [:]
  var missed: [Fleet.JobID: Int] = [:]
  var written: Set<String> = []
  var isLooking = false
  // Whether the cluster has said which jobs there are, after an earlier run.
  var knowsJobs: Bool
  // How often in a row the cluster has not answered.
  var silences = 0
  var isClosing = false
  var toldOfWaiting: Set<String> = []
  var waitingSince: Int64?

  // When a step came that the fleet has not been asked to grow for.
  var wantedAt: Int64?

  private var hasCancelled = false
  private var looked: Int64 = 0
  private var counted: Int64 = 0
  private var ticked: Int64 = 0
  private static let second: Int64 = 1_000_000_000

  init(
    _ options: FleetExecutor.Options, _ claim: FleetClaim, cluster: any Cluster, store: ObjectStore,
    mailbox: Mailbox<FleetExecutor.Message>, warn: @escaping @Sendable (String) -> Void
  ) {
    self.options = options
    self.claim = claim
    folder = claim.folder
    self.store = store
    self.mailbox = mailbox
    self.warn = warn
    clusterName = cluster.name
    desk = ClusterDesk(cluster, fleet: claim.folder.path) { mailbox.post(.desk($0)) }
    kept = KeptFiles(folder: "\(options.cache)/keep")
    fleet = Fleet(limits: options.limits)
    knowsJobs = !claim.isTakenOver
  }

  /// Until the fleet is closed and none of its jobs is left.
  func run() {
    if claim.isTakenOver || !claim.abandoned.isEmpty { look() }
    // What waits for the cluster to say which jobs are there already.
    var early: [FleetExecutor.Request] = []
    var closedAt: Int64?
    while true {
      for message in mailbox.take(milliseconds: pause) {
        switch message {
        case .execute(let request):
          if knowsJobs { accept(request) } else { early.append(request) }
        case .desk(let answer): hear(answer)
        case .close: isClosing = true
        }
      }
      let now = Clock.monotonic()
      if knowsJobs, !early.isEmpty {
        for request in early { accept(request) }
        early = []
      }
      early.removeAll { request in
        guard request.stop.isRequested else { return false }
        request.finish(StepResult(end: .stopped))
        return true
      }
      passOnStops()
      // Whether workers live before what they have said: a dead one says nothing more.
      if now - counted > Self.second / 4 {
        counted = now
        findWorkers(now)
        let dead = workers.filter { !FleetLock.isHeld(folder.worker($0).alive) }
        takeResults()
        for job in dead.sorted() { bury(job, now) }
      } else {
        takeResults()
      }
      // Steps that become ready in one moment are counted together before anything is asked for.
      if now - ticked > Self.second / 4 || wantedAt.map({ now - $0 > Self.second / 50 }) ?? false {
        wantedAt = nil
        ticked = now
        perform(fleet.handle(.tick, now: now))
        tellOfWaiting(now)
      }
      if now - looked > 2 * Self.second || !dying.isEmpty && now - looked > Self.second / 2 { look() }
      if isClosing {
        let since = closedAt ?? now
        closedAt = since
        if since == now { letGo() }
        let isOver = fleet.liveJobs.isEmpty && !fleet.isSubmitting
        // What does not end when it is told to is ended.
        if now - since > 10 * Self.second, !hasCancelled {
          hasCancelled = true
          desk.order(.cancel(fleet.liveJobs))
        }
        if isOver || now - since > 30 * Self.second { break }
      }
    }
    desk.close()
    claim.remove()
  }

  // Nobody waits long for a short step; a fleet with nothing to do costs nothing.
  private var pause: Int { requests.isEmpty && !isClosing ? 100 : 2 + workers.count / 50 }

  func look() {
    looked = Clock.monotonic()
    guard !isLooking, !fleet.liveJobs.isEmpty || fleet.isSubmitting || !knowsJobs || isClosing else { return }
    isLooking = true
    desk.order(.look)
  }

  // All workers may go, and nobody waits for more.
  private func letGo() {
    for job in workers { try? FleetFolder.write(.null, to: folder.worker(job).end) }
    // What an earlier run wanted and this one did not.
    for (id, name) in names where requests[id] == nil {
      guard let job = fleet.job(of: id) else { continue }
      try? FleetFolder.write(.null, to: folder.worker(job).stop(name, now: false))
    }
    let idle = fleet.liveJobs.filter { !workers.contains($0) }
    if !idle.isEmpty { desk.order(.cancel(idle)) }
    look()
  }

  func handle(_ event: Fleet.Event) { perform(fleet.handle(event, now: Clock.monotonic())) }

  func perform(_ commands: [Fleet.Command]) {
    for command in commands {
      switch command {
      case .submit(let ticket, let allocation, let count):
        let note = JobNote(
          fleet: folder.name, size: allocation.size, time: allocation.time,
          task: allocation.task.flatMap { names[$0] })
        desk.order(.submit(ticket: ticket, allocation, count: count, note: note.text))
      case .assign(let id, let job, let gpus): assign(id, job, gpus)
      case .revoke(let id, let job):
        guard let name = names[id] else { continue }
        try? FleetFolder.write(.null, to: folder.worker(job).stop(name, now: stopping[id] ?? false))
      case .retire(let job): try? FleetFolder.write(.null, to: folder.worker(job).end)
      case .cancel(let jobs): desk.order(.cancel(jobs))
      case .fail(let id, let reason):
        let isStopped = requests[id]?.stop.isRequested ?? false
        finish(id, StepResult(end: isStopped ? .stopped : .notStarted(reason), isMachineFault: !isStopped))
      }
    }
  }

  func finish(_ id: Fleet.TaskID, _ result: StepResult) {
    if let name = names.removeValue(forKey: id) { ids[name] = nil }
    stopping[id] = nil
    requests.removeValue(forKey: id)?.finish(result)
  }
}
