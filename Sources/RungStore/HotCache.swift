import RungCore
import Synchronization

/// Small objects that were read and verified lately: manifests, tables, parameters that many steps share.
///
/// Two generations: when the young one has half the budget, the old one is dropped and the young one becomes old.
/// That keeps what is in use at the price of one dictionary look-up, with no list to maintain.
final class HotCache: Sendable {
  static let largest = 256 << 10
  private static let half = 8 << 20

  private struct Generations {
    var young: [Digest: [UInt8]] = [:]
    var old: [Digest: [UInt8]] = [:]
    var youngBytes = 0
  }
  private let state = Mutex(Generations())

  func bytes(_ digest: Digest) -> [UInt8]? {
    state.withLock { state in
      if let bytes = state.young[digest] { return bytes }
      guard let bytes = state.old[digest] else { return nil }
      Self.insert(digest, bytes, &state)
      return bytes
    }
  }

  /// Forgets an object that was taken away.
  func drop(_ digest: Digest) {
    state.withLock { state in
      state.young[digest] = nil
      state.old[digest] = nil
    }
  }

  func insert(_ digest: Digest, _ bytes: [UInt8]) {
    guard bytes.count <= Self.largest else { return }
    state.withLock { Self.insert(digest, bytes, &$0) }
  }

  private static func insert(_ digest: Digest, _ bytes: [UInt8], _ state: inout Generations) {
    guard state.young.updateValue(bytes, forKey: digest) == nil else { return }
    state.youngBytes += bytes.count + 128  // what an entry costs besides its bytes, about
    if state.youngBytes > half {
      state.old = state.young
      state.young = [:]
      state.youngBytes = 0
    }
  }
}
