import RungCore
import RungLedger
import RungRemote
import RungStore
import Synchronization

/// One remote in one run: threads that ask it and take from it, so that nobody else waits for it. Nothing here is ever
/// waited for: a thread that hangs in a call is left behind.
final class RemoteDesk: Sendable {
  /// What came of a job.
  enum Reply: Sendable {
    /// What is known under the key.
    case answer(ResultPuller.Answer)
    /// A result is in the store.
    case taken(FetchedResult)
    /// The bytes that were asked for are in the store.
    case restored
    /// It does not count.
    case refused(ResultPuller.Refusal)
    /// The remote failed.
    case failed(RemoteError)
    /// This machine failed.
    case fault(String)
  }

  let cache: RemoteCache
  private let puller: ResultPuller
  private let pool = WorkerPool(limit: 8)
  private let post: @Sendable (_ ticket: Int, Reply) -> Void
  private let health = Mutex(RemoteHealth())
  private let life = Atomic<Int64>(0)
  // By ticket when its job began.
  private let begun = Mutex<[Int: Int64]>([:])

  init(
    _ cache: RemoteCache, store: ObjectStore, trust: Trust,
    post: @escaping @Sendable (_ ticket: Int, Reply) -> Void
  ) {
    self.cache = cache
    self.post = post
    puller = ResultPuller(cache.storage, store: store, trust: trust)
  }

  /// Whether it is used in this way.
  func allows(_ use: RemoteHealth.Use) -> Bool { health.withLock { $0.allows(use) } }

  /// Changes what is known of its health; the answer is what is to be said.
  func note(_ change: (inout RemoteHealth) -> String?) -> String? { health.withLock { change(&$0) } }

  /// When it showed a sign of life last, on the monotonic clock.
  var lastSign: Int64 { life.load(ordering: .relaxed) }

  /// When a job began; nil while it waits for a thread.
  func began(_ ticket: Int) -> Int64? { begun.withLock { $0[ticket] } }

  /// That somebody begins to wait.
  func sign() { life.store(Clock.monotonic(), ordering: .relaxed) }

  /// Asks what is known under a key.
  func ask(_ key: Digest, ticket: Int) {
    submit(ticket) { [puller] _ in .answer(try puller.ask(key)) }
  }

  /// Takes a result.
  func take(_ offer: ResultPuller.Offer, passing: Set<String>, ticket: Int) {
    submit(ticket) { [puller] progress in
      let (taken, refusal) = try puller.take(offer, passing: passing, progress: progress)
      if let taken { return .taken(taken) }
      return .refused(refusal ?? .other)
    }
  }

  /// Takes bytes whose digests are known.
  func restore(_ outputs: [ActionOutput], ticket: Int) {
    submit(ticket) { [puller] progress in
      try puller.pullOutputs(outputs, progress).map { .refused($0) } ?? .restored
    }
  }

  /// Nothing more is asked; what goes on is left behind.
  func close() { pool.abandon() }

  private func submit(
    _ ticket: Int, _ body: @escaping @Sendable (@escaping @Sendable (TransferProgress) -> Void) throws -> Reply
  ) {
    pool.submit { [self] in
      begun.withLock { $0[ticket] = Clock.monotonic() }
      defer { begun.withLock { $0[ticket] = nil } }
      guard allows(.reading) else { return post(ticket, .answer(ResultPuller.Answer())) }
      let reply: Reply
      do {
        reply = try body { [self] _ in sign() }
      } catch let error as RemoteError {
        reply = .failed(error)
      } catch {
        reply = .fault("\(error)")
      }
      sign()
      post(ticket, reply)
    }
  }
}
