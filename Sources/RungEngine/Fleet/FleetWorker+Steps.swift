import Glibc
import RungCore
import RungExec
import RungLedger
import RungPlan
import RungRemote
import RungStore

// One step, from the file in the inbox to the file that says what came of it.
extension FleetWorker {
  func begin(_ name: String, on pool: WorkerPool) {
    let inbox = folder.task(name)
    let json = FleetFolder.read(inbox)
    // Written down as running before it stops to wait: whoever looks finds it in one of the two places.
    guard rename(inbox, "\(folder.running)/\(name)") == 0, let json else { return }
    let stop = StopSignal()
    steps.withLock { $0[name] = stop }
    pool.submit { [self] in
      let result = perform(name, json, stop)
      // What did not come to its end because the worker has to go is executed elsewhere.
      if result.succeeded || !isLeaving(after: result) { say(result, of: name) }
      unlink("\(folder.running)/\(name)")
      steps.withLock { $0[name] = nil }
    }
  }

  // A cluster that takes a machine back tells all processes of the job at once: a step may have ended by that signal, or
  // because of it, before this process has noticed its own.
  private func isLeaving(after result: StepResult) -> Bool {
    var patience = 0
    switch result.end {
    case .signalled(SIGTERM), .signalled(SIGKILL), .signalled(SIGINT), .signalled(SIGHUP): patience = 2000
    case .signalled, .exited: patience = 300
    case .timedOut, .stopped, .notStarted: break
    }
    while !isLeaving, patience > 0 {
      usleep(10_000)
      patience -= 10
    }
    return isLeaving
  }

  private func say(_ result: StepResult, of name: String) {
    do {
      try FleetFolder.write(result.json, to: fleet.says("result", of: name, by: options.place.job))
    } catch {
      leave("cannot say what came of a step: \(error)")
    }
  }

  private func perform(_ name: String, _ json: JSON, _ stop: StopSignal) -> StepResult {
    // Checkpoints survive the machine; all else is quicker on its own disk.
    let workspaces = json["resumes"]?.bool == true ? shared : workspaces
    let workspace = workspaces.take()
    guard
      var task = StepTask(
        json: json["task"] ?? .null, workspace: workspace, layers: "\(workspaces.path)/layers", layer: layer),
      let key = task.key
    else { return fault("the task \(name) is not understood") }
    task.gpus = json["gpus"]?.array?.compactMap(\.string) ?? []
    let visible = ("CUDA_VISIBLE_DEVICES", task.gpus.joined(separator: ","))
    // In its place, so that what the pipeline declares still comes after it.
    if let place = task.variables.firstIndex(where: { $0.name == visible.0 }) { task.variables[place] = visible }
    let missing = task.confinement.missing(on: abilities)
    if !missing.isEmpty {
      return fault(
        "\(options.place.host) lacks what the machine of the run has: \(missing.joined(separator: ", ")); see `rung doctor` there, or run with a weaker --watch"
      )
    }
    // A worker that was thought to be lost may be at it still.
    do throws(StoreError) {
      while try !running.tryLock(key) {
        if stop.isRequested { return StepResult(end: .stopped) }
        usleep(100_000)
      }
    } catch {
      return fault(error.message)
    }
    defer { running.unlock(key) }
    var before = 0
    if !task.kept.isEmpty {
      if task.startsAnew { kept.drop(key) }
      do { before = try kept.hand(key, task.kept, to: workspace) } catch { return fault("\(error)") }
    }
    do throws(RemoteError) {
      try exchange?.take(task.objects.files, trees: task.objects.trees, into: store)
    } catch {
      return fault("cannot get the inputs: \(error.message)")
    }
    try? FleetFolder.write(
      ["workspace": .string(workspace)], to: fleet.says("started", of: name, by: options.place.job))
    var result = executor.execute(task, stop: stop)
    if !task.kept.isEmpty {
      if result.succeeded { kept.release(workspace) } else { kept.take(from: workspace) }
    }
    if result.leftProcesses, !task.confinement.processes {
      try? discardWorkspace(workspace)
    } else {
      workspaces.giveBack(workspace, keeping: result.mountPoints)
    }
    result.attemptsBefore = before
    result.place = options.place
    do throws(StoreError) {
      let kept = try keeper(json["names"]?.digest).keep(
        result.observation, outputs: Set(task.outputs.map(\.path.text)))
      result.observed = KeptObservation(
        project: kept.observed.project, system: kept.observed.system, problems: kept.problems, changed: kept.changed)
      try store.flush()
    } catch {
      return fault(error.message)
    }
    do throws(RemoteError) {
      // The files of the project that it was seen to read, too.
      let seen = result.observed?.project.flatMap { try? store.read($0, limit: 64 << 20) }.flatMap(
        ObservedSet.init(bytes:))
      let read = (seen?.entries ?? []).compactMap { $0.kind == .file || $0.kind == .executable ? $0.digest : nil }
      try exchange?.give(result.objects.files + read, trees: result.objects.trees, from: store)
    } catch {
      return fault("cannot hand over what \(task.instance) made: \(error.message)")
    }
    return result
  }

  private func fault(_ sentence: String) -> StepResult {
    var result = StepResult(end: .notStarted(sentence), isMachineFault: true, startedAt: Clock.now())
    result.place = options.place
    return result
  }

  // Read once: many tasks have it.
  private func layer(_ json: JSON) -> StagedLayer? {
    guard let name = json["layer"]?.string, !name.contains("/") else { return nil }
    if let known = layers.withLock({ $0[name] }) { return known }
    guard let read = FleetFolder.read(fleet.layer(name)),
      let layer = StagedLayer(json: read, folder: "\(workspaces.path)/layers/\(name)", isOwn: false)
    else { return nil }
    layers.withLock { $0[name] = layer }
    return layer
  }

  private func keeper(_ names: Digest?) -> ObservationKeeper {
    keepers.withLock { keepers in
      let name = names ?? .empty
      if let known = keepers[name] { return known }
      var published: [String: Set<String>] = [:]
      for member in names.flatMap({ FleetFolder.read(fleet.names($0)) })?.members ?? [] {
        published[member.name] = Set(member.value.array?.compactMap(\.string) ?? [])
      }
      let made = ObservationKeeper(
        root: settings.project, store: store, observing: Observing(publishedNames: published), cached: [:])
      keepers[name] = made
      return made
    }
  }
}
