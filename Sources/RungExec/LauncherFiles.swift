internal import CRungLaunch
import Glibc

/// The two files in memory by which a launcher is told what to do and tells what came of it.
final class LauncherFiles {
  let plan: Int32
  let report: Int32

  init(_ plan: StepPlan) throws(ExecError) {
    let first = rung_memory_file()
    if first < 0 { throw ExecError("cannot make a file in memory: \(ExecError.reason(errno))") }
    let second = rung_memory_file()
    if second < 0 {
      let reason = ExecError.reason(errno)
      close(first)
      throw ExecError("cannot make a file in memory: \(reason)")
    }
    self.plan = first
    report = second
    let bytes = plan.bytes
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { write(first, $0.baseAddress.map { $0 + done }, $0.count - done) }
      if count > 0 { done += count } else if errno != EINTR { throw ExecError("cannot write the plan of the step") }
    }
  }

  deinit {
    close(plan)
    close(report)
  }

  /// All that the launcher wrote; empty when it cannot be read.
  func readReport() -> [UInt8] {
    var status = stat()
    guard fstat(report, &status) == 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      count = 0
      while count < buffer.count {
        let part = pread(report, buffer.baseAddress.map { $0 + count }, buffer.count - count, off_t(count))
        if part > 0 { count += part } else if part == 0 || errno != EINTR { break }
      }
    }
  }
}

extension StepResult {
  /// Takes in what the launcher reported; `explain` says why the program could not be executed.
  mutating func take(_ report: StepReport, explain: (Int32) -> String) {
    observation = report.observation
    leftProcesses = leftProcesses || report.leftBehind
    let reason = ExecError.reason(report.code)
    switch report.stage {
    case .none:
      let signal = report.status & 0x7f
      end = signal == 0 ? .exited(report.status >> 8 & 0xff) : .signalled(signal)
      return
    case .execute:
      end = .notStarted(explain(report.code))
      return
    case .folder: end = .notStarted("cannot enter the workspace: \(reason)")
    case .view, .namespaces:
      end = .notStarted("cannot make its private view (\(report.detail): \(reason)); see `rung doctor`")
    case .limits, .recorder: end = .notStarted("cannot watch it (\(report.detail): \(reason)); see `rung doctor`")
    case .plan, .fork: end = .notStarted("rung-step cannot start it (\(report.detail): \(reason))")
    }
    isMachineFault = true
  }
}
