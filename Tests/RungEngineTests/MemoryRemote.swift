import RungCore
import RungRemote
import RungStore
import Synchronization

@testable import RungEngine

/// A remote in memory that can be everything which a remote may be. One seam: what it does wrong is `fault`.
final class MemoryRemote: RemoteStorage {
  enum Fault: Sendable {
    case none
    /// Every call fails.
    case gone
    /// Nobody may ask.
    case forbidden
    /// It takes no objects.
    case full
    /// It takes no results.
    case readOnly
    /// This object has other bytes.
    case damaged(Digest)
    /// This object is not there, although it is named.
    case lost(Digest)
    /// It says that all went well, and gave nothing.
    case lying
    /// It does not answer before it is told to.
    case silent
  }

  private struct State {
    var objects: [Digest: [UInt8]] = [:]
    var results: [Digest: [UInt8]] = [:]
    var fault = Fault.none
    var questions = 0
    var received: [Digest] = []
    var onQuestion: (@Sendable () -> Void)?
  }

  let name = "lab"
  private let state = Mutex(State())
  private let answers = Semaphore()

  var fault: Fault {
    get { state.withLock { $0.fault } }
    set { state.withLock { $0.fault = newValue } }
  }

  /// How often it was asked for anything.
  var questions: Int { state.withLock { $0.questions } }
  var objects: [Digest: [UInt8]] {
    get { state.withLock { $0.objects } }
    set { state.withLock { $0.objects = newValue } }
  }
  var results: [Digest: [UInt8]] {
    get { state.withLock { $0.results } }
    set { state.withLock { $0.results = newValue } }
  }
  /// The objects that were sent, in order, each as often as it was.
  var received: [Digest] { state.withLock { $0.received } }

  /// Called at each question.
  func onQuestion(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onQuestion = body } }

  /// Lets those go who wait for an answer.
  func release() { for _ in 0..<1000 { answers.post() } }

  private func begin() throws(RemoteError) -> Fault {
    let (fault, hook) = state.withLock { state in
      state.questions += 1
      return (state.fault, state.onQuestion)
    }
    hook?()
    switch fault {
    case .gone: throw RemoteError(.unreachable, "the remote lab cannot be reached")
    case .forbidden: throw RemoteError(.forbidden, "the remote lab wants other credentials")
    case .silent: _ = answers.wait(milliseconds: nil)
    default: break
    }
    return fault
  }

  func present(_ objects: [Digest]) throws(RemoteError) -> Set<Digest> {
    _ = try begin()
    return state.withLock { state in Set(objects.filter { state.objects[$0] != nil || $0 == .empty }) }
  }

  func push(
    _ objects: [Digest], from store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    if case .full = try begin() { throw RemoteError(.full, "the remote lab is full") }
    var outcome = TransferOutcome()
    for digest in objects {
      if state.withLock({ $0.objects[digest] != nil }) {
        outcome.skipped += 1
        continue
      }
      do {
        let bytes = try store.read(digest, limit: 1 << 30)
        state.withLock { state in
          state.objects[digest] = bytes
          state.received.append(digest)
        }
        outcome.moved += 1
        outcome.bytes += Int64(bytes.count)
      } catch {
        outcome.failed[digest] = RemoteError(.local, "\(error)")
      }
    }
    return outcome
  }

  func pull(
    _ objects: [Digest], into store: ObjectStore, progress: @Sendable (TransferProgress) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    let fault = try begin()
    var outcome = TransferOutcome()
    for digest in objects {
      if case .damaged(digest) = fault {
        outcome.failed[digest] = RemoteError(.damaged, "the remote lab has other bytes for \(digest.short)")
        continue
      }
      if case .lying = fault { continue }
      guard let bytes = state.withLock({ $0.objects[digest] }), !fault.hides(digest) else {
        outcome.failed[digest] = RemoteError(.missing, "the remote lab has no \(digest.short)")
        continue
      }
      do {
        try store.put(bytes)
        outcome.moved += 1
      } catch {
        outcome.failed[digest] = RemoteError(.local, "\(error)")
      }
    }
    return outcome
  }

  func result(_ key: Digest) throws(RemoteError) -> [UInt8]? {
    _ = try begin()
    return state.withLock { $0.results[key] }
  }

  func putResult(_ bytes: [UInt8], for key: Digest) throws(RemoteError) {
    if case .readOnly = try begin() { throw RemoteError(.full, "the remote lab is read-only") }
    state.withLock { $0.results[key] = bytes }
  }
}

extension MemoryRemote.Fault {
  func hides(_ digest: Digest) -> Bool {
    if case .lost(digest) = self { true } else { false }
  }
}
