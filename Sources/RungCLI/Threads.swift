import Glibc

/// A thread that was started and can be waited for.
struct StartedThread: @unchecked Sendable {
  // Safe to send: a pthread_t is a number that any thread of the process may join once.
  private let handle: pthread_t

  init(_ handle: pthread_t) { self.handle = handle }

  /// Waits until the thread has ended. Call once.
  func join() { pthread_join(handle, nil) }
}

/// Starts a thread that runs `body`.
@discardableResult
func startThread(_ body: @escaping @Sendable () -> Void) -> StartedThread {
  final class Box: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  // The box is handed over: retained here, released by the new thread.
  let context = Unmanaged.passRetained(Box(body)).toOpaque()
  let code = pthread_create(
    &thread, nil,
    { context in
      if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
      return nil
    }, context)
  precondition(code == 0, "the system refuses another thread (error \(code)); see `ulimit -u`")
  return StartedThread(thread)
}

/// Nanoseconds since some moment; never jumps.
enum Monotonic {
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
