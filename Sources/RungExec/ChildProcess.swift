internal import CRungLaunch
import Glibc
import RungCore

/// Starts one process and waits for its end. Everything about time, stopping and killing is here.
enum ChildProcess {
  /// Everything that the launcher needs.
  struct Launch {
    var program: String
    var arguments: [String]
    var environment: [String]
    var folder: String
    /// 3 or greater, opened with O_APPEND.
    var log: Int32
    /// More descriptors, which the process gets as 3, 4, …; at most four.
    var passed: [Int32] = []
  }

  /// Why no process runs.
  struct LaunchFailure: Error {
    var stage: Int32
    var code: Int32

    var isExec: Bool { stage == RUNG_STAGE_EXEC.rawValue }
    /// What was tried, for a message.
    var attempt: String {
      switch UInt32(stage) {
      case RUNG_STAGE_FORK.rawValue: "cannot make a process"
      case RUNG_STAGE_SESSION.rawValue: "cannot make a session for the process"
      case RUNG_STAGE_FOLDER.rawValue: "cannot enter the workspace"
      case RUNG_STAGE_STREAMS.rawValue: "cannot open the process's input and output"
      default: "cannot execute the program"
      }
    }
  }

  /// How it ended and what it used.
  struct Ending {
    var end: StepResult.End
    var startedAt: Int64
    var duration: TimeSpan
    var cpu: TimeSpan
    var peakMemory: ByteCount
    var leftProcesses: Bool
  }

  /// Blocks until the process, its group and its session are gone.
  static func run(
    _ launch: Launch, timeout: TimeSpan?, grace: TimeSpan, stop: StopSignal
  ) throws(LaunchFailure) -> Ending {
    let startedAt = Clock.now(CLOCK_REALTIME)
    let start = Clock.now(CLOCK_MONOTONIC)
    let leader = try spawn(launch)
    let ended = rung_pidfd(leader)
    defer { if ended >= 0 { close(ended) } }

    let killed = wait(for: leader, ended: ended, from: start, timeout: timeout, grace: grace, stop: stop)
    let duration = TimeSpan(nanoseconds: Clock.now(CLOCK_MONOTONIC) - start)
    var end = rung_end()
    var leftBehind: Int32 = 0
    let failed = rung_finish(leader, &end, &leftBehind)
    // The leader is our child and nobody else waits for it.
    precondition(failed == 0, "the end of process \(leader) is lost: \(ExecError.reason(failed))")

    let signal = end.status & 0x7f
    return Ending(
      end: killed ?? (signal == 0 ? .exited(end.status >> 8 & 0xff) : .signalled(signal)),
      startedAt: startedAt, duration: duration, cpu: TimeSpan(nanoseconds: end.cpu_nanoseconds),
      peakMemory: ByteCount(bytes: end.peak_bytes), leftProcesses: leftBehind != 0)
  }

  /// Variables as exec wants them. Of two of one name the last counts: the C library would take the first.
  static func environment(_ variables: [(name: String, value: String)]) throws(ExecError) -> [String] {
    var last: [String: Int] = [:]
    for (index, variable) in variables.enumerated() {
      if variable.name.isEmpty || variable.name.utf8.contains(0) || variable.name.contains("=") {
        throw ExecError("'\(variable.name)' cannot be the name of an environment variable")
      }
      if variable.value.utf8.contains(0) {
        throw ExecError("the value of the environment variable '\(variable.name)' has a NUL character in it")
      }
      last[variable.name] = index
    }
    return variables.enumerated().compactMap { index, variable in
      last[variable.name] == index ? "\(variable.name)=\(variable.value)" : nil
    }
  }

  private static func spawn(_ launch: Launch) throws(LaunchFailure) -> pid_t {
    var failure = rung_launch_failure()
    let leader = withCStrings(launch.arguments) { arguments in
      withCStrings(launch.environment) { environment in
        launch.program.withCString { program in
          launch.folder.withCString { folder in
            var request = rung_launch_request()
            request.program = program
            request.arguments = arguments
            request.environment = environment
            request.folder = folder
            request.log = launch.log
            for (index, file) in launch.passed.prefix(4).enumerated() {
              withUnsafeMutableBytes(of: &request.passed) {
                $0.storeBytes(of: file, toByteOffset: 4 * index, as: Int32.self)
              }
            }
            request.passed_count = Int32(min(4, launch.passed.count))
            return rung_launch(&request, &failure)
          }
        }
      }
    }
    if leader < 0 { throw LaunchFailure(stage: failure.stage, code: failure.code) }
    return leader
  }

  // What the process is waiting to be told next.
  private enum Phase {
    case running
    case asked(StepResult.End)
    case killed(StepResult.End)
  }

  // Waits until the leader has ended (without reaping it). Nil when it ended by itself; else why it was made to.
  private static func wait(
    for leader: pid_t, ended: Int32, from start: Int64, timeout: TimeSpan?, grace: TimeSpan, stop: StopSignal
  ) -> StepResult.End? {
    var phase = Phase.running
    var deadline: Int64? = timeout.map { start.addingReportingOverflow($0.nanoseconds) }.map {
      $0.overflow ? .max : $0.partialValue
    }
    // Without these descriptors (none left in the process) the states are looked at ten times a second.
    let blind = ended < 0 || stop.polite < 0 || stop.now < 0

    while true {
      // Which of the two events is of interest depends on what was done already: a reached level stays readable.
      let event: Int32
      switch phase {
      case .running: event = stop.polite
      case .asked: event = stop.now
      case .killed: event = -1
      }
      if poll(ended: ended, event: event, until: deadline, atMost: blind ? 100_000_000 : nil) || hasEnded(leader) {
        switch phase {
        case .running: return nil
        case .asked(let why), .killed(let why): return why
        }
      }

      let late = deadline.map { Clock.now(CLOCK_MONOTONIC) >= $0 } ?? false
      switch phase {
      case .running:
        if stop.level == .none && !late { continue }
        phase = .asked(stop.level > .none ? .stopped : .timedOut)
        kill(-leader, SIGTERM)
        deadline = Clock.now(CLOCK_MONOTONIC) + min(grace.nanoseconds, .max / 4)
      case .asked(let why):
        if stop.level < .now && !late { continue }
        phase = .killed(why)
        kill(-leader, SIGKILL)
        deadline = nil
      case .killed:
        continue
      }
    }
  }

  // Waits for the end of the process, the event, the deadline (monotonic) or the given time. True when the process
  // has ended.
  private static func poll(ended: Int32, event: Int32, until deadline: Int64?, atMost: Int64?) -> Bool {
    var left = atMost
    if let deadline { left = min(left ?? .max, max(0, deadline - Clock.now(CLOCK_MONOTONIC))) }
    return rung_wait(ended, event, left ?? -1) != 0
  }

  // Only asked when poll saw nothing; tells the truth also without a pidfd.
  private static func hasEnded(_ leader: pid_t) -> Bool {
    var info = siginfo_t()
    return waitid(P_PID, id_t(leader), &info, Int32(WEXITED) | Int32(WNOWAIT) | Int32(WNOHANG)) == 0
      && info.si_signo != 0
  }
}

/// The system's clocks.
enum Clock {
  /// In nanoseconds.
  static func now(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

// Lends an array of C strings, NULL at the end, as exec wants them: one block of memory for all of them.
private func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  let total = strings.reduce(0) { $0 + $1.utf8.count + 1 }
  return withUnsafeTemporaryAllocation(of: CChar.self, capacity: max(1, total)) { text in
    withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<CChar>?.self, capacity: strings.count + 1) { list in
      var at = 0
      for (index, string) in strings.enumerated() {
        list.initializeElement(at: index, to: text.baseAddress.map { $0 + at })
        for byte in string.utf8 {
          text.initializeElement(at: at, to: CChar(bitPattern: byte))
          at += 1
        }
        text.initializeElement(at: at, to: 0)
        at += 1
      }
      list.initializeElement(at: strings.count, to: nil)
      guard let base = list.baseAddress else { preconditionFailure("room for at least the NULL was asked for") }
      return body(UnsafePointer(base))
    }
  }
}
