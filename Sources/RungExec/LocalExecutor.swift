import Glibc
import RungCore
import RungModel
import RungStore

/// Runs steps as processes of this machine, each in its workspace and its own session, shut in and watched as the task
/// says.
public struct LocalExecutor: StepExecutor {
  private let store: ObjectStore
  private let launcher: StepLauncher?
  private let layers: StagedLayers
  private let networks = HeldNetworks()
  // A text longer than this goes into a file: the system takes at most 128 KiB as one argument.
  private static let longestArgument = 100_000

  /// Takes inputs from a store and puts results into it. Without a launcher, tasks can have no confinement but `.none`.
  /// `staging`: how much of the disk the layers of tasks may take while no task uses them, in bytes; nil for a tenth of
  /// what is free, at least 1 GiB.
  public init(store: ObjectStore, launcher: StepLauncher? = nil, staging: Int64? = nil) {
    self.store = store
    self.launcher = launcher
    layers = StagedLayers(budget: staging)
  }

  /// See `StepExecutor`.
  public func execute(_ task: StepTask, stop: StopSignal) -> StepResult {
    if stop.isRequested { return StepResult(end: .stopped) }
    let shown = task.confinement.layout == .mounts ? task.layers.filter { !$0.files.isEmpty } : []
    let common = shown.filter { !$0.isOwn }
    do { try layers.take(common, store: store) } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
    defer { layers.giveBack(common) }
    let layers = shown.map(\.folder)
    var view: WorkspaceView?
    do {
      for layer in shown where layer.isOwn { try Workspace.prepare(layer, store: store) }
      if task.confinement.layout == .mounts { view = WorkspaceView(task, layers: layers) }
      try Workspace.prepare(task, store: store, withShared: layers.isEmpty, mountPoints: view?.parts ?? [])
      if let variation = task.variation, task.confinement.mounts {
        try VariedFiles.prepare(variation, in: Workspace.Place(folder: task.workspace))
      }
      if task.confinement.layout == .links {
        try ProjectLinks.make(task, in: Workspace.Place(folder: task.workspace).root)
      }
    } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
    let log: Int32
    do { log = try openLog(Workspace.log(of: task.workspace)) } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
    defer { close(log) }
    if stop.isRequested { return StepResult(end: .stopped) }

    var result = run(task, layers: layers, view: view, log: log, stop: stop)
    if result.end == .exited(0) {
      switch OutputCollector(task: task, store: store, mountPoints: Set(view?.mountPoints ?? [])).collect() {
      case .stored(let outputs): result.outputs = outputs
      case .wrong(let problems): result.problem = problems.joined(separator: "\n")
      case .fault(let sentence):
        result.problem = sentence
        result.isMachineFault = true
      }
    }
    takeLog(log, of: task, into: &result)
    takeEvents(of: task, into: &result)
    result.mountPoints = view?.mountPoints ?? []
    return result
  }

  private func run(
    _ task: StepTask, layers: [String], view: WorkspaceView?, log: Int32, stop: StopSignal
  ) -> StepResult {
    let lookup = ProgramLookup(task, layers: layers)
    let place = Workspace.Place(folder: task.workspace)
    let program: String
    let arguments: [String]
    let environment: [String]
    do {
      (program, arguments) = try command(task, lookup)
      let isPrivate = task.confinement.mounts
      let plain = try ChildProcess.environment(
        [
          ("HOME", isPrivate ? StepPlan.home(of: task) : place.home),
          ("TMPDIR", isPrivate ? StepPlan.temporary : place.temporary),
          (StepEvents.variable, "\(isPrivate ? StepPlan.temporary : place.temporary)/\(Workspace.eventsFile)"),
        ] + task.variables)
      environment = task.variation?.arranged(plain) ?? plain
    } catch {
      return StepResult(end: .notStarted(error.description))
    }
    guard task.confinement.launcher else {
      let launch = ChildProcess.Launch(
        program: program, arguments: arguments, environment: environment, folder: place.root, log: log)
      var result = run(launch, task, stop) { code in
        lookup.explain(code, program: program, arguments: arguments, environment: environment)
      }
      result.varied = task.variation?.inForce(task.confinement, report: []) ?? []
      return result
    }
    guard let launcher else {
      return StepResult(end: .notStarted("there is no rung-step to start it with"), isMachineFault: true)
    }
    let confinement = task.confinement
    let network = confinement.ownNetwork ? networks.take(launcher, users: confinement.users) : nil
    // Without a process namespace something of the step may still be alive in it.
    defer { if let network, confinement.processes { networks.giveBack(network) } }
    let plan = StepPlan(
      task, place: place, network: network, layers: layers, view: view, program: program, arguments: arguments,
      environment: environment)
    do {
      let files = try LauncherFiles(plan)
      let launch = ChildProcess.Launch(
        program: launcher.path, arguments: ["rung-step"], environment: [], folder: "/", log: log,
        passed: [files.plan, files.report] + (network.map { [$0.network] + ($0.users >= 0 ? [$0.users] : []) } ?? []))
      var result = run(launch, task, stop) { "cannot run '\(launcher.path)': \(ExecError.reason($0))" }
      guard case .exited(let status) = result.end else { return result }
      guard let report = StepReport(files.readReport(), recorder: task.confinement.recorder != nil) else {
        // It was killed, with the step, or could not write.
        result.end = .notStarted("rung-step ended without a report (exit status \(status))")
        result.isMachineFault = true
        return result
      }
      if let variation = task.variation { result.varied = variation.inForce(confinement, report: report.varied) }
      result.take(report) { code in
        lookup.explain(code, program: program, arguments: arguments, environment: environment)
      }
      return result
    } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
  }

  private func run(
    _ launch: ChildProcess.Launch, _ task: StepTask, _ stop: StopSignal, explain: (Int32) -> String
  ) -> StepResult {
    do {
      let ending = try ChildProcess.run(launch, timeout: task.timeout, grace: task.grace, stop: stop)
      return StepResult(
        end: ending.end, startedAt: ending.startedAt, duration: ending.duration, cpu: ending.cpu,
        peakMemory: ending.peakMemory, leftProcesses: ending.leftProcesses)
    } catch {
      if error.isExec { return StepResult(end: .notStarted(explain(error.code))) }
      return StepResult(
        end: .notStarted("\(error.attempt): \(ExecError.reason(error.code))"), isMachineFault: true)
    }
  }

  private func command(_ task: StepTask, _ lookup: ProgramLookup) throws(ExecError) -> (String, [String]) {
    switch task.program {
    case .arguments(let arguments):
      guard let name = arguments.first else { throw ExecError("the command is empty") }
      if arguments.contains(where: { $0.utf8.contains(0) }) {
        throw ExecError("an argument of the command has a NUL character in it")
      }
      return (try lookup.find(name), arguments)
    case .shell(let text, let shell):
      if text.utf8.contains(0) { throw ExecError("the command has a NUL character in it") }
      let program = shell == .sh ? "/bin/sh" : try lookup.find(shell.rawValue)
      if text.utf8.count <= Self.longestArgument { return (program, [shell.rawValue, "-eu", "-c", text]) }
      let file = "\(Workspace.reserved)/command"
      let root = Workspace.Place(folder: task.workspace).root
      if mkdir("\(root)/\(Workspace.reserved)", 0o755) != 0 && errno != EEXIST {
        throw .system("make the folder", root)
      }
      try Workspace.write(Array(text.utf8), to: "\(root)/\(file)")
      return (program, [shell.rawValue, "-eu", file])
    }
  }

  // One file for both streams, in the order written: a regular file needs nobody to drain it, and a process that keeps
  // it open holds nobody up.
  private func openLog(_ path: String) throws(ExecError) -> Int32 {
    let file = Descriptor.aboveStreams(
      open(path, O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o644))
    if file < 0 { throw .system("make the log", path) }
    return file
  }

  private func takeLog(_ log: Int32, of task: StepTask, into result: inout StepResult) {
    var status = stat()
    guard fstat(log, &status) == 0, status.st_size > 0 else { return }
    result.logTail = LogTail.read(log, size: Int64(status.st_size))
    do {
      result.log = try store.put(fileAt: Workspace.log(of: task.workspace)).digest
    } catch {
      // The result without its log would be a record with a hole: say so where the step's own troubles are told.
      result.problem = [result.problem, "cannot store the log: \(error)"].compactMap(\.self).joined(separator: "\n")
      result.isMachineFault = true
    }
  }

  // What lies there is the step's own: it may be anything, and of any size.
  private func takeEvents(of task: StepTask, into result: inout StepResult) {
    let path = Workspace.events(of: task.workspace)
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
    var events = StepEvents(keeping: true)
    var left = Int64(4 * StepEvents.largest)
    while left > 0 {
      let bytes = [UInt8](unsafeUninitializedCapacity: 1 << 20) { buffer, count in
        count = max(0, read(file, buffer.baseAddress, buffer.count))
      }
      if bytes.isEmpty { break }
      events.take(bytes)
      left -= Int64(bytes.count)
    }
    events.finish()
    result.eventsLeftOut = events.leftOut
    if events.kept.isEmpty { return }
    do { result.events = try store.put(events.kept).digest } catch {
      result.problem = [result.problem, "cannot store what the step said of itself: \(error)"].compactMap(\.self)
        .joined(separator: "\n")
      result.isMachineFault = true
    }
  }
}
