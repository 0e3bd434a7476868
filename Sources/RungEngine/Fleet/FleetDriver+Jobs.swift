import Glibc
import RungCore
import RungExec
import RungPlan
import RungStore

// What becomes of jobs: workers appear in the folder and die there; the cluster says why.
extension FleetDriver {
  // Workers that have made their folders, with what those of an earlier run are doing.
  func findWorkers(_ now: Int64) {
    for job in FleetFolder.list(folder.workers) where !workers.contains(job) {
      let worker = folder.worker(job)
      guard let json = FleetFolder.read(worker.state), let state = Self.state(json, now) else { continue }
      guard FleetLock.isHeld(worker.alive) else {
        // It has ended before anybody saw it, or long ago.
        if fleet.liveJobs.contains(job) {
          workers.insert(job)
          handle(.appeared(job, state))
        } else {
          clear(job)
        }
        continue
      }
      workers.insert(job)
      handle(.appeared(job, state))
      for name in FleetFolder.list(worker.inbox).filter({ $0.hasSuffix(".task") }).map({ String($0.dropLast(5)) })
        + FleetFolder.list(worker.running)
      where ids[name] == nil {
        let json = FleetFolder.read("\(worker.running)/\(name)") ?? FleetFolder.read(worker.task(name))
        guard let json, let size = json["size"].flatMap(Fleet.Size.init(json:)) else { continue }
        lastID += 1
        names[lastID] = name
        ids[name] = lastID
        handle(
          .found(
            lastID,
            Fleet.Need(size: size, time: json["time"]?.int.map(Int64.init), resumes: json["resumes"]?.bool ?? false),
            job, gpus: json["gpus"]?.array?.compactMap(\.string) ?? []))
      }
      if isClosing { try? FleetFolder.write(.null, to: worker.end) }
    }
  }

  private static func state(_ json: JSON, _ now: Int64) -> Fleet.WorkerState? {
    guard let size = json["size"].flatMap(Fleet.Size.init(json:)), let until = json["until_ns"]?.int else { return nil }
    return Fleet.WorkerState(
      size: size, gpus: json["gpus"]?.array?.compactMap(\.string) ?? [], until: now + Int64(until) - Clock.now())
  }

  // A worker is dead, for its lock is free. If it could not say why, the cluster may know a moment later.
  func bury(_ job: Fleet.JobID, _ now: Int64) {
    if let json = FleetFolder.read(folder.worker(job).farewell), let word = json["loss"]?.string,
      let loss = Fleet.Loss(word: word)
    {
      return forget(job, loss, json["reason"]?.string ?? "it left")
    }
    if case .over(let loss, let reason)? = states[job] {
      if let said = saidOfMemory(job) { return forget(job, .memory, said) }
      return forget(job, loss == .left ? .machine : loss, reason)
    }
    let since = dying[job] ?? now
    dying[job] = since
    if now - since > 5_000_000_000 { forget(job, .machine, "the worker on \(host(of: job)) was killed") }
  }

  // A cluster that watches memory itself kills the job, says so in what the job prints, and calls it failed (Slurm's
  // OverMemoryKill; with cgroups it says OUT_OF_MEMORY).
  private func saidOfMemory(_ job: Fleet.JobID) -> String? {
    guard let bytes = readFile("\(folder.logs)/\(job).log") else { return nil }
    let lines = String(decoding: bytes.suffix(64 << 10), as: UTF8.self).split(separator: "\n")
    return lines.last { $0.contains("exceeded memory limit") || $0.contains("oom-kill") || $0.contains("oom_kill") }
      .map { String($0.prefix(300)) }
  }

  private func host(of job: Fleet.JobID) -> String {
    FleetFolder.read(folder.worker(job).state)?["node"]?.string ?? "its node"
  }

  private func forget(_ job: Fleet.JobID, _ loss: Fleet.Loss, _ reason: String) {
    // What it kept of its steps lies in its workspaces.
    sweepWorkspaces(under: "\(options.cache)/work", keeping: kept)
    dying[job] = nil
    workers.remove(job)
    let executed = requests.keys.filter { fleet.job(of: $0) == job }
    if loss != .left, !isClosing, !executed.isEmpty {
      warn(
        "\(clusterName) job \(job) is lost (\(reason)); \(executed.count) \(executed.count == 1 ? "step that it executed is" : "steps that it executed are") executed by another worker"
      )
    }
    handle(.gone(job, loss, reason))
    for id in names.keys where requests[id] == nil && fleet.job(of: id) == nil {
      // Executed for an earlier run, and nobody asked again.
      handle(.unwanted(id))
      finish(id, StepResult(end: .stopped))
    }
    clear(job)
  }

  private func clear(_ job: Fleet.JobID) { try? removeTree(folder.worker(job).path) }

  func hear(_ answer: ClusterDesk.Answer) {
    switch answer {
    case .submitted(let ticket, let jobs):
      handle(.submitted(ticket, jobs: jobs))
      if isClosing { desk.order(.cancel(jobs)) }
    case .refused(let ticket, let reason): handle(.refused(ticket, "\(clusterName) refuses the allocation: \(reason)"))
    case .silent(let reason):
      isLooking = false
      silences += 1
      if silences == 1 { warn("\(reason); trying again") }
      // What an earlier run has submitted is found in the folder when it begins.
      if silences > 3 { knowsJobs = true }
    case .speaks:
      isLooking = false
      silences = 0
    case .jobs(let jobs): compare(jobs)
    }
  }

  // What the cluster says against what is known.
  private func compare(_ jobs: [ClusterJob]) {
    var seen: Set<Fleet.JobID> = []
    for job in jobs {
      guard let note = JobNote(job.note) else { continue }
      if claim.abandoned.contains(note.fleet) {
        if case .over = job.state { continue }
        desk.order(.cancel([job.id]))
        continue
      }
      guard note.fleet == folder.name else { continue }
      seen.insert(job.id)
      if case .over = job.state {
      } else if !fleet.liveJobs.contains(job.id) {
        // Submitted by a run that is gone, or by this one, which was not told.
        handle(
          .discovered(
            job.id, Fleet.Allocation(size: note.size, time: note.time, task: note.task.map { ids[$0] ?? -1 })))
        if isClosing { desk.order(.cancel([job.id])) }
      }
      states[job.id] = job.state
      guard fleet.liveJobs.contains(job.id), !workers.contains(job.id) else { continue }
      switch job.state {
      case .over(let loss, let reason):
        // A worker that has ended just now is found in the folder first.
        if FleetFolder.read(folder.worker(job.id).state) == nil { handle(.gone(job.id, loss, reason)) }
      case .stuck(let reason):
        desk.order(.cancel([job.id]))
        handle(.gone(job.id, .machine, reason))
      case .pending, .running: break
      }
    }
    knowsJobs = true
    // Forgotten by the cluster; looked for twice, since one that was submitted just now may not be in the list.
    for job in fleet.liveJobs where !workers.contains(job) {
      missed[job] = seen.contains(job) ? nil : missed[job, default: 0] + 1
      if missed[job, default: 0] > 2 {
        missed[job] = nil
        handle(.gone(job, isClosing ? .left : .machine, "\(clusterName) does not know the job any more"))
      }
    }
  }

  // People wonder why nothing happens.
  func tellOfWaiting(_ now: Int64) {
    let pending = fleet.liveJobs.filter { !workers.contains($0) }
    guard workers.isEmpty, !requests.isEmpty, !pending.isEmpty, !isClosing else {
      waitingSince = nil
      return
    }
    let since = waitingSince ?? now
    waitingSince = since
    guard now - since > 10_000_000_000 else { return }
    for job in pending {
      guard case .pending(let reason)? = states[job], toldOfWaiting.insert(reason).inserted else { continue }
      warn("\(clusterName) has not begun job \(job) yet (\(reason))")
    }
  }
}
