import RungCore
import Synchronization

/// Lists of source files whose bytes were found to be in the store, in this run: a thousand steps that read the same
/// thousand files look once.
final class KeptSources: Sendable {
  private let keys = Mutex<Set<Digest>>([])

  func contains(_ key: Digest) -> Bool { keys.withLock { $0.contains(key) } }

  /// True when it was not there before.
  func insert(_ key: Digest) -> Bool { keys.withLock { $0.insert(key).inserted } }

  func forget(_ key: Digest) { keys.withLock { _ = $0.remove(key) } }
}
