internal import CRungLaunch
import Glibc
import RungCore

/// Runs a program for Rung itself, not for a step, and hands back what it printed.
enum BuildTool {
  /// How it ended and the last lines of what it said.
  struct Answer {
    var end: StepResult.End
    var lines: [String]
  }

  /// Runs to the end, both streams together.
  static func run(
    _ command: [String], in folder: String, variables: [(name: String, value: String)], timeout: TimeSpan? = nil
  ) throws(ExecError) -> Answer {
    guard let program = command.first else { throw ExecError("the command is empty") }
    let log = Descriptor.aboveStreams(rung_memory_file())
    if log < 0 { throw ExecError("cannot make a file in memory: \(ExecError.reason(errno))") }
    defer { close(log) }
    let launch = ChildProcess.Launch(
      program: program, arguments: command, environment: try ChildProcess.environment(variables), folder: folder,
      log: log)
    do {
      let ending = try ChildProcess.run(launch, timeout: timeout, grace: StepTask.standardGrace, stop: StopSignal())
      var status = stat()
      fstat(log, &status)
      return Answer(end: ending.end, lines: LogTail.read(log, size: Int64(status.st_size)))
    } catch {
      throw ExecError("\(error.attempt) '\(program)': \(ExecError.reason(error.code))")
    }
  }

  /// `exit status 1`, `signal 9`.
  static func words(for end: StepResult.End) -> String {
    switch end {
    case .exited(let status): "exit status \(status)"
    case .signalled(let number): "signal \(number)"
    case .timedOut: "it took too long"
    case .stopped: "it was stopped"
    case .notStarted(let why): why
    }
  }

}

/// Descriptors that can be given to the launcher.
enum Descriptor {
  /// The same open file under a number greater than 2: lower ones are free only when Rung itself was started without
  /// standard streams. -1 and errno stay what they are.
  static func aboveStreams(_ file: Int32) -> Int32 {
    if file > 2 || file < 0 { return file }
    let higher = fcntl(file, F_DUPFD_CLOEXEC, 3)
    let code = errno
    close(file)
    errno = code
    return higher
  }
}
