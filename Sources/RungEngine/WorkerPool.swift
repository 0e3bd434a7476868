import Glibc
import Synchronization

/// Plain threads that do blocking work: waiting for children, hashing, SQLite. Threads are started when there is work
/// for them and end with `close`.
///
/// They are threads rather than tasks because a blocked task would stop a thread of Swift's cooperative pool, of which a
/// two-core machine has two.
final class WorkerPool: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var idle = 0
    var threads: [pthread_t] = []
    var closed = false
  }

  private let limit: Int
  private let state = Mutex(State())
  private let signal = Semaphore()

  /// A pool of at most `limit` threads.
  init(limit: Int) { self.limit = max(1, limit) }

  /// Runs the work on a thread as soon as one is free, in the order of submission.
  func submit(_ work: @escaping @Sendable () -> Void) {
    let start = state.withLock { state in
      state.jobs.append(work)
      let start = state.jobs.count > state.idle && state.threads.count < limit
      return start
    }
    if start {
      let thread = Self.start { self.loop() }
      state.withLock { $0.threads.append(thread) }
    }
    signal.post()
  }

  /// Waits until all submitted work is done and the threads have ended.
  func close() {
    let threads = state.withLock { state in
      state.closed = true
      return state.threads
    }
    for _ in threads { signal.post() }
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Lets the threads end by themselves, whenever they are done with what they do now; what has not begun is dropped.
  func abandon() {
    let threads = state.withLock { state in
      state.jobs = []
      state.closed = true
      defer { state.threads = [] }
      return state.threads
    }
    for _ in threads { signal.post() }
    for thread in threads { pthread_detach(thread) }
  }

  private func loop() {
    while true {
      state.withLock { $0.idle += 1 }
      _ = signal.wait(milliseconds: nil)
      let (job, closed) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
        state.idle -= 1
        return (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.closed)
      }
      if let job {
        job()
      } else if closed {
        return
      }
    }
  }

  /// Starts a thread with a stack of 1 MiB that runs `body`.
  static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 1 << 20)
    defer { pthread_attr_destroy(&attributes) }
    var thread = pthread_t()
    // The box is handed over: retained here, released by the new thread.
    let context = Unmanaged.passRetained(Box(body)).toOpaque()
    let code = pthread_create(
      &thread, &attributes,
      { context in
        if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
        return nil
      }, context)
    precondition(code == 0, "the system refuses another thread (error \(code)); see `ulimit -u`")
    return thread
  }
}
