import Glibc
import Synchronization

/// Work that is done on all processors at once.
enum Parallel {
  // More would only wait for each other's look-ups.
  private static let mostThreads = 8

  /// Applies `body` to every item, on several threads where it is worth it; the results are in the order of the items.
  static func map<Item: Sendable, Result: Sendable>(
    _ items: [Item], _ body: @escaping @Sendable (Item) -> Result
  ) -> [Result] {
    let processors = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let threads = min(processors, mostThreads, items.count / 64)
    guard threads > 1 else { return items.map(body) }
    let size = (items.count + threads - 1) / threads
    let parts = stride(from: 0, to: items.count, by: size).map { items[$0..<min(items.count, $0 + size)] }
    let done = parts.map { _ in Slot<Result>() }
    // The first part is this thread's own.
    let started = zip(parts, done).dropFirst().compactMap { part, slot in
      Thread { slot.results.withLock { $0 = part.map(body) } }
    }
    var results = parts[0].map(body)
    for thread in started { thread.join() }
    for (part, slot) in zip(parts, done).dropFirst() {
      let finished = slot.results.withLock { results in
        defer { results = nil }
        return results
      }
      // A thread that the system refused has done nothing.
      results += finished ?? part.map(body)
    }
    return results
  }

  /// Does two things at once: the first on a thread of its own, the second on this one.
  static func both<First: Sendable, Second>(
    _ first: @escaping @Sendable () -> First, _ second: () -> Second
  ) -> (First, Second) {
    let slot = Slot<First>()
    let thread = Thread { slot.results.withLock { $0 = [first()] } }
    let there = second()
    thread?.join()
    return (slot.results.withLock { $0?.first } ?? first(), there)
  }

  private final class Slot<Result: Sendable>: Sendable {
    let results = Mutex<[Result]?>(nil)
  }

  private struct Thread {
    private let handle: pthread_t

    // Nil when the system refuses another one.
    init?(_ body: @escaping @Sendable () -> Void) {
      final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
      }
      var thread = pthread_t()
      // The box is handed over: retained here, released by the new thread, or here when there is none.
      let box = Unmanaged.passRetained(Box(body))
      let code = pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
          return nil
        }, box.toOpaque())
      guard code == 0 else {
        box.release()
        return nil
      }
      handle = thread
    }

    func join() { pthread_join(handle, nil) }
  }
}
