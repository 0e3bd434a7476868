internal import CRungLaunch
import Glibc
import RungCore

/// Runs a program of the machine, for Rung itself, and takes all that it prints.
public struct ProgramOutput: Sendable {
  /// How it ended.
  public let end: StepResult.End
  /// Both streams, at most `limit` bytes.
  public let text: String

  /// Runs to the end. `variables` are all that the program gets; it is looked for on their PATH. Throws when it cannot be
  /// started.
  public static func of(
    _ command: [String], variables: [(name: String, value: String)], timeout: TimeSpan, limit: Int = 64 << 20
  ) throws(ExecError) -> ProgramOutput {
    guard let name = command.first else { throw ExecError("the command is empty") }
    guard let program = find(name, path: variables.last { $0.name == "PATH" }?.value ?? "/usr/bin:/bin") else {
      throw ExecError("there is no program '\(name)' on PATH")
    }
    let log = Descriptor.aboveStreams(rung_memory_file())
    if log < 0 { throw ExecError("cannot make a file in memory: \(ExecError.reason(errno))") }
    defer { close(log) }
    let launch = ChildProcess.Launch(
      program: program, arguments: command, environment: try ChildProcess.environment(variables), folder: "/", log: log)
    do {
      let ending = try ChildProcess.run(launch, timeout: timeout, grace: StepTask.standardGrace, stop: StopSignal())
      var status = stat()
      fstat(log, &status)
      let bytes = [UInt8](unsafeUninitializedCapacity: min(Int(status.st_size), limit)) { buffer, count in
        count = max(0, pread(log, buffer.baseAddress, buffer.count, 0))
      }
      return ProgramOutput(end: ending.end, text: String(decoding: bytes, as: UTF8.self))
    } catch {
      throw ExecError("\(error.attempt) '\(program)': \(ExecError.reason(error.code))")
    }
  }

  /// Where a program lies; nil when it is on none of the folders of `path`.
  public static func find(_ name: String, path: String) -> String? {
    if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }
}
