import Glibc
import RungCore
import RungModel
import RungStore

/// Runs steps as processes of this machine, each in its workspace and its own session.
///
/// Steps are not yet confined: they can read whatever the user can.
public struct LocalExecutor: StepExecutor {
  private let store: ObjectStore
  // A text longer than this goes into a file: the system takes at most 128 KiB as one argument.
  private static let longestArgument = 100_000

  /// Takes inputs from a store and puts results into it.
  public init(store: ObjectStore) { self.store = store }

  /// See `StepExecutor`.
  public func execute(_ task: StepTask, stop: StopSignal) -> StepResult {
    if stop.isRequested { return StepResult(end: .stopped) }
    do {
      try Workspace.prepare(task, store: store)
    } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
    let log: Int32
    do { log = try openLog(Workspace.log(of: task.workspace)) } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
    defer { close(log) }
    if stop.isRequested { return StepResult(end: .stopped) }

    var result = run(task, log: log, stop: stop)
    if result.end == .exited(0) {
      switch OutputCollector(task: task, store: store).collect() {
      case .stored(let outputs): result.outputs = outputs
      case .wrong(let problems): result.problem = problems.joined(separator: "\n")
      case .fault(let sentence):
        result.problem = sentence
        result.isMachineFault = true
      }
    }
    takeLog(log, of: task, into: &result)
    return result
  }

  private func run(_ task: StepTask, log: Int32, stop: StopSignal) -> StepResult {
    let lookup = ProgramLookup(task)
    let launch: ChildProcess.Launch
    do {
      let (program, arguments) = try command(task, lookup)
      launch = ChildProcess.Launch(
        program: program, arguments: arguments, environment: try ChildProcess.environment(task.variables),
        folder: task.workspace, log: log)
    } catch {
      return StepResult(end: .notStarted("\(error)"))
    }
    do {
      let ending = try ChildProcess.run(launch, timeout: task.timeout, grace: task.grace, stop: stop)
      return StepResult(
        end: ending.end, startedAt: ending.startedAt, duration: ending.duration, cpu: ending.cpu,
        peakMemory: ending.peakMemory, leftProcesses: ending.leftProcesses)
    } catch {
      if error.isExec {
        let sentence = lookup.explain(
          error.code, program: launch.program, arguments: launch.arguments, environment: launch.environment)
        return StepResult(end: .notStarted(sentence))
      }
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
      try Workspace.write(Array(text.utf8), to: "\(task.workspace)/\(file)")
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
}
