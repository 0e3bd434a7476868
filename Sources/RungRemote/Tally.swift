import Glibc
import RungCore
import RungStore
import Synchronization

/// What has come of a transfer so far, told by the threads that carry it out.
final class Tally: Sendable {
  private struct State {
    var outcome = TransferOutcome()
    var progress: TransferProgress
    var stop: RemoteError?
    // Of a pull, since the last flush.
    var newObjects = 0
    var newBytes: Int64 = 0
  }
  private let state: Mutex<State>
  private let tell: @Sendable (TransferProgress) -> Void

  /// So much put and not flushed would be lost by a kill.
  private static let mostObjects = 2000
  private static let mostBytes: Int64 = 256 << 20

  private init(_ count: Int, _ tell: @escaping @Sendable (TransferProgress) -> Void) {
    state = Mutex(State(progress: TransferProgress(objects: 0, ofObjects: count, bytes: 0)))
    self.tell = tell
  }

  /// Runs a transfer of these objects, each named once and the empty one not at all, and gives what came of it, or
  /// throws what stopped it.
  static func run(
    _ objects: [Digest], _ progress: @Sendable (TransferProgress) -> Void, _ body: ([Digest], Tally) -> Void
  ) throws(RemoteError) -> TransferOutcome {
    var seen: Set<Digest> = [.empty]
    let wanted = objects.filter { seen.insert($0).inserted }
    let result = withoutActuallyEscaping(progress) { tell -> Result<TransferOutcome, RemoteError> in
      let tally = Tally(objects.count, tell)
      for _ in 0..<(objects.count - wanted.count) { tally.skipped() }
      body(wanted, tally)
      return tally.state.withLock { state in state.stop.map { .failure($0) } ?? .success(state.outcome) }
    }
    return try result.get()
  }

  /// True when the whole transfer is over because of an error.
  var isStopped: Bool { state.withLock { $0.stop != nil } }

  /// Ends the whole transfer; the first error counts.
  func stop(_ error: RemoteError) { state.withLock { if $0.stop == nil { $0.stop = error } } }

  /// So many bytes more went over the wire.
  func went(_ bytes: Int) {
    state.withLock { state in
      state.progress.bytes += Int64(bytes)
      tell(state.progress)
    }
  }

  /// An object is at its place.
  func moved(_ bytes: Int64) {
    state.withLock { state in
      state.outcome.moved += 1
      state.outcome.bytes += bytes
      state.progress.objects += 1
      tell(state.progress)
    }
  }

  /// An object was there already.
  func skipped() {
    state.withLock { state in
      state.outcome.skipped += 1
      state.progress.objects += 1
      tell(state.progress)
    }
  }

  /// An object cannot be transferred.
  func failed(_ digest: Digest, _ error: RemoteError) {
    state.withLock { state in
      state.outcome.failed[digest] = error
      state.progress.objects += 1
      tell(state.progress)
    }
  }

  /// The same, judged by what kind of trouble it is: what would befall every object ends the transfer.
  func failed(_ digest: Digest, store error: StoreError) {
    switch error.code {
    case .missing, .damaged, .tooLarge: failed(digest, RemoteError(.local, error.message))
    default: stop(RemoteError(.local, error.message))
    }
  }

  /// An object was put into the store: now and then everything is flushed, so that a kill loses little.
  func put(_ bytes: Int64, into store: ObjectStore) {
    let isTime = state.withLock { state in
      state.newObjects += 1
      state.newBytes += bytes
      guard state.newObjects >= Self.mostObjects || state.newBytes >= Self.mostBytes else { return false }
      (state.newObjects, state.newBytes) = (0, 0)
      return true
    }
    moved(bytes)
    guard isTime else { return }
    do throws(StoreError) {
      try store.flush()
    } catch {
      stop(RemoteError(.local, error.message))
    }
  }
}
