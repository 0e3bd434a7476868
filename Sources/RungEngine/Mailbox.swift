import Glibc
import Synchronization

/// A queue from many threads to one that waits for messages.
final class Mailbox<Message: Sendable>: Sendable {
  private let messages = Mutex<[Message]>([])
  private let signal = Semaphore()

  /// Appends a message. Never blocks for long.
  func post(_ message: Message) {
    messages.withLock { $0.append(message) }
    signal.post()
  }

  /// Waits until there is a message, for at most `milliseconds` (nil: for ever), and takes all that are there; empty
  /// when the time is over.
  func take(milliseconds: Int? = nil) -> [Message] {
    while true {
      let found = messages.withLock { queue in
        let all = queue
        queue.removeAll(keepingCapacity: true)
        return all
      }
      if !found.isEmpty { return found }
      guard signal.wait(milliseconds: milliseconds) else { return [] }
    }
  }
}

/// A counting semaphore of the C library.
final class Semaphore: @unchecked Sendable {
  // Safe to share: sem_post and sem_wait may be called from any thread, the memory does not move, and deinit runs when
  // nobody can reach it any more.
  private let handle = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  init() { sem_init(handle, 0, 0) }

  deinit {
    sem_destroy(handle)
    handle.deallocate()
  }

  func post() { sem_post(handle) }

  /// False when the time is over before somebody posted.
  func wait(milliseconds: Int?) -> Bool {
    if let milliseconds {
      var until = timespec()
      clock_gettime(CLOCK_REALTIME, &until)
      until.tv_sec += milliseconds / 1000
      until.tv_nsec += (milliseconds % 1000) * 1_000_000
      if until.tv_nsec >= 1_000_000_000 {
        until.tv_sec += 1
        until.tv_nsec -= 1_000_000_000
      }
      while sem_timedwait(handle, &until) != 0 { if errno != EINTR { return false } }
      return true
    }
    while sem_wait(handle) != 0 { if errno != EINTR { return false } }
    return true
  }
}
