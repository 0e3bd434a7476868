import RungCore
import RungRemote
import RungStore
import Synchronization

/// Gives results to a remote while a run goes on, behind its back: a queue of bounded length and two threads, for which
/// nobody waits but for a while at the end.
final class WriteBehind: Sendable {
  private struct Item: Sendable {
    let key: Digest
    let record: Digest
    let passing: Set<String>
  }

  private struct State {
    var left = 0
    var dropped = 0
    var warnings: [String] = []
  }

  let desk: RemoteDesk
  private let pusher: ResultPusher
  private let pool = WorkerPool(limit: 2)
  private let state = Mutex(State())
  // Each is some hundred bytes.
  private static let most = 20_000

  init(_ desk: RemoteDesk, store: ObjectStore, signer: Signer) {
    self.desk = desk
    pusher = ResultPusher(desk.cache.storage, store: store, signer: signer)
  }

  /// How many results are still to be given.
  var left: Int { state.withLock { $0.left } }

  /// How many were not given, since the remote failed or there was no room for more.
  var dropped: Int { state.withLock { $0.dropped } }

  /// What is to be said, once.
  func takeWarnings() -> [String] {
    state.withLock { state in
      defer { state.warnings = [] }
      return state.warnings
    }
  }

  /// Gives a result as soon as it can be. Never blocks.
  func add(_ key: Digest, _ record: Digest, passing: Set<String>) {
    guard desk.allows(.writing) else { return state.withLock { $0.dropped += 1 } }
    let isTaken = state.withLock { state in
      guard state.left < Self.most else {
        state.dropped += 1
        return false
      }
      state.left += 1
      return true
    }
    guard isTaken else { return }
    let item = Item(key: key, record: record, passing: passing)
    pool.submit { [self] in push(item) }
  }

  /// Nothing more is given; what goes on is left behind.
  func close() { pool.abandon() }

  private func push(_ item: Item) {
    var isDropped = true
    var warning: String?
    if desk.allows(.writing) {
      do {
        desk.sign()
        switch try pusher.push(item.key, item.record, passing: item.passing, progress: { [desk] _ in desk.sign() }) {
        case .pushed, .known: isDropped = false
        // Only what was just made is given: something has taken it away already.
        case .gone: break
        }
      } catch let error as RemoteError {
        warning = desk.note { $0.failed(error, .writing) }
      } catch {
        warning = desk.note { $0.failed(RemoteError(.local, "\(error)"), .writing) }
      }
      desk.sign()
    }
    state.withLock { state in
      state.left -= 1
      if isDropped { state.dropped += 1 }
      if let warning { state.warnings.append(warning) }
    }
  }
}
