import Glibc

/// Points in time, as UTC: the same on every machine.
enum WhenWords {
  /// `2026-11-23 22:19` for people.
  static func minute(_ nanoseconds: Int64) -> String {
    let parts = parts(nanoseconds)
    return "\(parts.date) \(parts.clock.prefix(5))"
  }

  /// `2026-11-23T22:19:03Z` for programs.
  static func exact(_ nanoseconds: Int64) -> String {
    let parts = parts(nanoseconds)
    return "\(parts.date)T\(parts.clock)Z"
  }

  private static func parts(_ nanoseconds: Int64) -> (date: String, clock: String) {
    var time = time_t(nanoseconds / 1_000_000_000 - (nanoseconds % 1_000_000_000 < 0 ? 1 : 0))
    var fields = tm()
    gmtime_r(&time, &fields)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return (
      "\(Int(fields.tm_year) + 1900)-\(two(fields.tm_mon + 1))-\(two(fields.tm_mday))",
      "\(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec))"
    )
  }
}
