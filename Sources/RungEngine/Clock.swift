import Glibc

/// The time now.
enum Clock {
  /// Nanoseconds since 1970, for records; may jump.
  static func now() -> Int64 { read(CLOCK_REALTIME) }

  /// Nanoseconds since some moment, for durations; never jumps.
  static func monotonic() -> Int64 { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
