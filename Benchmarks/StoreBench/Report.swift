import Glibc
import RungStore

/// What one call measured, printed as one line of JSON.
struct Report {
  private var fields: [(name: String, value: String)] = []

  mutating func add(_ name: String, _ value: Double) { fields.append((name, "\(value)")) }
  mutating func add(_ name: String, _ value: Int64) { fields.append((name, "\(value)")) }
  /// `value` holds nothing that JSON would have to escape.
  mutating func add(_ name: String, plain value: String) { fields.append((name, "\"\(value)\"")) }

  var line: String { "{" + fields.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ") + "}" }
}

/// Wall and processor time from its making on.
struct Stopwatch {
  private let wall = Stopwatch.now(CLOCK_MONOTONIC)
  private let processor = Stopwatch.now(CLOCK_PROCESS_CPUTIME_ID)

  /// Seconds so far.
  var seconds: Double { Self.now(CLOCK_MONOTONIC) - wall }

  /// A report of the time so far, and of how much memory the process ever had at once.
  func report() -> Report {
    var report = Report()
    report.add("seconds", seconds)
    report.add("processor", Self.now(CLOCK_PROCESS_CPUTIME_ID) - processor)
    report.add("peak", Self.peak())
    return report
  }

  private static func now(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  // Bytes. Not ru_maxrss, which starts from what the process had that started this one.
  private static func peak() -> Int64 {
    guard let file = fopen("/proc/self/status", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("VmHWM:") {
        return (text.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int64($0) } ?? 0)
          << 10
      }
    }
    return 0
  }
}

/// The error of the system call that failed last.
func systemError(_ verb: String, _ path: String) -> StoreError {
  let code = errno
  return StoreError(.io, "cannot \(verb) \(path): \(String(cString: strerror(code)))", errno: code)
}
