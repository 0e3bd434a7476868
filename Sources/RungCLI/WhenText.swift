import Glibc
import RungCore

/// Points in time for people.
enum WhenText {
  /// `2026-11-23 22:51:07` in local time, from nanoseconds since 1970.
  static func text(_ nanoseconds: Int64) -> String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return format("%Y-%m-%d %H:%M:%S", parts)
  }

  private static func format(_ pattern: String, _ parts: tm) -> String {
    var parts = parts
    var buffer = [CChar](repeating: 0, count: 64)
    let count = strftime(&buffer, buffer.count, pattern, &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
