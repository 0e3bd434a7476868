import RungCore
import RungStore
import Synchronization

/// The locks of the actions that one run is working on, counted.
///
/// A run can want a lock again before the committer has let go of it: a step is retried, or runs again because its bytes
/// were lost. `ActionLocks` never excludes itself, so without counting, the first release would end the second hold.
final class HeldLocks: Sendable {
  private let locks: ActionLocks
  private let counts = Mutex<[Digest: Int]>([:])

  init(_ locks: ActionLocks) { self.locks = locks }

  /// Takes the lock of a key, or returns false at once because another run holds it. Each success wants one `unlock`.
  func tryLock(_ key: Digest) throws(StoreError) -> Bool {
    try counts.withLock { counts throws(StoreError) in
      if counts[key] == nil, try !locks.tryLock(key) { return false }
      counts[key, default: 0] += 1
      return true
    }
  }

  /// Undoes one `tryLock`. One that is not held is not an error.
  func unlock(_ key: Digest) {
    counts.withLock { counts in
      guard let count = counts[key] else { return }
      counts[key] = count > 1 ? count - 1 : nil
      if count == 1 { locks.unlock(key) }
    }
  }
}
