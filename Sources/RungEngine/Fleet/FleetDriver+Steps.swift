import Glibc
import RungCore
import RungExec
import RungPlan
import RungStore

// Steps go to workers as files, and their results come back as files.
extension FleetDriver {
  func accept(_ request: FleetExecutor.Request) {
    if let result = orphans.removeValue(forKey: request.name), isWhole(result) { return request.finish(result) }
    if let id = ids[request.name] {
      // A worker executes it already, for a run that is gone.
      requests[id] = request
      return
    }
    lastID += 1
    let id = lastID
    names[id] = request.name
    ids[request.name] = id
    requests[id] = request
    wantedAt = wantedAt ?? Clock.monotonic()
    handle(.wanted(id, Self.need(of: request.task)))
  }

  static func need(of task: StepTask) -> Fleet.Need {
    Fleet.Need(
      size: Fleet.Size(
        cpus: task.resources.cpus, memory: task.resources.memory?.bytes ?? 0, gpus: task.resources.gpus),
      time: task.timeout?.nanoseconds, resumes: !task.kept.isEmpty)
  }

  func assign(_ id: Fleet.TaskID, _ job: Fleet.JobID, _ gpus: [String]) {
    guard let request = requests[id] else { return }
    do throws(ExecError) {
      for layer in request.layers where written.insert(FleetExecutor.name(of: layer)).inserted {
        try FleetFolder.write(layer.json, to: folder.layer(FleetExecutor.name(of: layer)))
      }
      if let digest = request.json["names"]?.digest, written.insert(digest.hex).inserted {
        try FleetFolder.write(request.json["names_list"] ?? .null, to: folder.names(digest))
      }
      let need = Self.need(of: request.task)
      try FleetFolder.write(
        [
          "task": request.json["task"] ?? .null, "names": request.json["names"] ?? .null,
          "gpus": .array(gpus.map { .string($0) }), "size": need.size.json,
          "time": need.time.map { .int($0) } ?? .null, "resumes": .bool(need.resumes),
        ], to: folder.worker(job).task(request.name))
    } catch {
      // The worker's folder is gone: so is the worker, and the step will be given to another.
      if access(folder.worker(job).inbox, F_OK) != 0 { return }
      handle(.ended(id))
      finish(id, StepResult(end: .notStarted("\(error)"), isMachineFault: true))
    }
  }

  func passOnStops() {
    for (id, request) in requests where request.stop.isRequested {
      let now = request.stop.isRequestedNow
      if let before = stopping[id], before || !now { continue }
      let isFirst = stopping[id] == nil
      stopping[id] = now
      if isFirst {
        handle(.unwanted(id))
        if fleet.job(of: id) == nil { finish(id, StepResult(end: .stopped)) }
      } else if let job = fleet.job(of: id) {
        perform([.revoke(id, job)])
      }
    }
  }

  func takeResults() {
    for file in FleetFolder.list(folder.done) {
      guard let at = file.firstIndex(of: "@"), let dot = file.lastIndex(of: ".") else { continue }
      let path = "\(folder.done)/\(file)"
      let name = String(file[..<at])
      let job = String(file[file.index(after: at)..<dot])
      let json = FleetFolder.read(path)
      unlink(path)
      guard let json else { continue }
      let id = ids[name]
      if file.hasSuffix(".started") {
        if let id, fleet.job(of: id) == job { requests[id]?.started(json["workspace"]?.string) }
        continue
      }
      guard let result = StepResult(json: json) else { continue }
      guard let id, fleet.job(of: id) == job else {
        // Of a worker that is thought to be lost nothing counts any more; of an earlier run it does.
        if id == nil, claim.isTakenOver { orphans[name] = result }
        continue
      }
      if result.isMachineFault, case .notStarted(let reason) = result.end, requests[id]?.stop.isRequested != true {
        handle(.spoiled(id, reason))
        continue
      }
      handle(.ended(id))
      if requests[id] == nil, result.succeeded { orphans[name] = result }
      finish(id, result)
    }
  }

  // What an earlier run was promised may have been collected since.
  private func isWhole(_ result: StepResult) -> Bool {
    guard result.succeeded else { return false }
    // Through an exchange, they are taken over when the result is.
    if claim.exchange != nil { return true }
    return result.outputs.allSatisfy { $0.isDirectory ? store.holdsTree($0.digest) : store.contains($0.digest) }
  }
}
