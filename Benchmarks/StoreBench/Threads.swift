import CLinux
import Glibc

/// Runs `body` in as many threads as there are processors, with the number of the thread, and waits for all.
func onAllCores(_ body: @escaping @Sendable (Int) -> Void) {
  final class Work: Sendable {
    let number: Int
    let body: @Sendable (Int) -> Void
    init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.number = number
      self.body = body
    }
  }
  let threads = (1..<max(1, cores)).map { number in
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { context in
        if let context {
          let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
          work.body(work.number)
        }
        return nil
      }, Unmanaged.passRetained(Work(number, body)).toOpaque())
    guard code == 0 else { complain("the system refuses another thread (error \(code))\n", status: 1) }
    return thread
  }
  body(0)
  for thread in threads { pthread_join(thread, nil) }
}

/// The processors that this process may run on.
let cores = Int(rung_usable_processors())

/// Hands out pieces of work of which one part may be done in any order, and another has to be done in order after it:
/// decompressing, then hashing. Whoever comes takes the part in order if it is ready and free.
final class Line: @unchecked Sendable {
  /// What to do next.
  enum Turn {
    case any(Int)
    case ordered(Int)
  }

  // Safe to send: everything else is read and written only under `lock`.
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private let count: Int
  private let window: Int
  private var started = 0
  private var finished = 0
  private var isBusy = false
  private var isReady: [Bool]

  /// `count` pieces, of which at most `window` lie between the two parts.
  init(count: Int, window: Int) {
    self.count = count
    self.window = window
    isReady = [Bool](repeating: false, count: window)
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  /// Says what was done and waits for what to do; nil when all is done.
  func next(after done: Turn?) -> Turn? {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    switch done {
    case .any(let index)?: isReady[index % window] = true
    case .ordered(let index)?:
      isReady[index % window] = false
      isBusy = false
      finished = index + 1
    case nil: break
    }
    if done != nil { pthread_cond_broadcast(changed) }
    while finished < count {
      if !isBusy && isReady[finished % window] {
        isBusy = true
        return .ordered(finished)
      }
      if started < min(count, finished + window) {
        started += 1
        return .any(started - 1)
      }
      pthread_cond_wait(changed, lock)
    }
    return nil
  }
}
