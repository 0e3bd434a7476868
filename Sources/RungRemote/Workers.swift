import Glibc
import Synchronization

/// Plain threads that take pieces of work by their numbers.
enum Workers {
  /// Calls `body` for every number below `count`, on up to `width` threads, the caller's among them; returns when all
  /// are done. Where no thread can be made the others do its part.
  static func run(_ count: Int, width: Int, _ body: @Sendable (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      let work = Work(count: count, body: body)
      var threads: [pthread_t] = []
      for _ in 1..<max(2, min(width, count)) where count > 1 {
        let box = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let code = pthread_create(
          &thread, nil,
          { raw in
            raw.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().run() }
            return nil
          }, box.toOpaque())
        if code == 0 { threads.append(thread) } else { box.release() }
      }
      work.run()
      for thread in threads { pthread_join(thread, nil) }
      work.forget()
    }
  }

  private final class Work: Sendable {
    private let next = Atomic<Int>(0)
    private let count: Int
    private let body: Mutex<(@Sendable (Int) -> Void)?>

    init(count: Int, body: @escaping @Sendable (Int) -> Void) {
      self.count = count
      self.body = Mutex(body)
    }

    func run() {
      guard let body = body.withLock({ $0 }) else { return }
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if number >= count { return }
        body(number)
      }
    }

    // The body must not outlive the call.
    func forget() { body.withLock { $0 = nil } }
  }
}
