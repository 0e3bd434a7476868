import Glibc

/// Names of runs.
enum RunID {
  /// A new name. It sorts by time; the random part keeps two runs of the same second apart.
  static func new() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    let date = "\(parts.tm_year + 1900)\(two(parts.tm_mon + 1))\(two(parts.tm_mday))"
    let clock = "\(two(parts.tm_hour))\(two(parts.tm_min))\(two(parts.tm_sec))"
    let random = String(UInt32.random(in: 0..<(1 << 24)) | 1 << 24, radix: 16).dropFirst()
    return "\(date)-\(clock)-\(random)"
  }
}
