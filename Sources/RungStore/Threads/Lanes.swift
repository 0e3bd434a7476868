internal import CLinux
import Glibc
import Synchronization

/// The threads that a store may use beside those that call it: together as many as there are processors, less the
/// caller. An operation takes those that are free; with none it does all the work itself.
final class Lanes: Sendable {
  private let free: Mutex<Int>

  /// How many threads can work on one operation, the caller counted in.
  let width: Int

  init() {
    width = max(1, Int(rung_usable_processors()))
    free = Mutex(width - 1)
  }

  /// Runs `body` on the calling thread and at the same time on up to `most - 1` others, each with a number of its own
  /// from 0 on; returns when all have returned. `prepare` is told before how many there will be, so that what each needs
  /// is taken only for those.
  func run(_ most: Int, prepare: (Int) -> Void = { _ in }, _ body: @escaping @Sendable (Int) -> Void) {
    let taken = free.withLock { free in
      let taken = min(free, max(0, most - 1))
      free -= taken
      return taken
    }
    defer { free.withLock { $0 += taken } }
    prepare(taken + 1)
    var threads: [pthread_t] = []
    for number in 1..<(taken + 1) where taken > 0 {
      let work = Unmanaged.passRetained(Work { body(number) })
      var thread = pthread_t()
      let code = pthread_create(
        &thread, nil,
        { raw in
          raw.map { Unmanaged<Work>.fromOpaque($0).takeRetainedValue().body() }
          return nil
        }, work.toOpaque())
      // Without the thread the others do its part.
      if code == 0 { threads.append(thread) } else { work.release() }
    }
    body(0)
    for thread in threads { pthread_join(thread, nil) }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
