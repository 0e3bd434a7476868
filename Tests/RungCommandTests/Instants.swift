import Glibc

/// Instants to do something at that are the same every time (SplitMix64).
struct Instants: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Waits for some part of a length in nanoseconds: for stories that are about what happens at any instant.
  mutating func wait(within length: Int64) { usleep(UInt32(Int64.random(in: 0...length, using: &self) / 1000)) }

  /// In nanoseconds, from some instant on.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
