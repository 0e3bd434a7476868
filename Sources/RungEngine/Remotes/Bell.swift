import Glibc

/// Wakes all who wait for a change. Who waits says up to which ring it has looked, so that no ring is missed.
final class Bell: @unchecked Sendable {
  // Safe to share: `count` is only touched under the lock, the memory of both does not move, and deinit runs when nobody
  // can reach them any more.
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var count = 0

  init() {
    pthread_mutex_init(lock, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(lock)
    condition.deallocate()
    lock.deallocate()
  }

  /// How often it has rung.
  var rings: Int {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return count
  }

  func ring() {
    pthread_mutex_lock(lock)
    count += 1
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(lock)
  }

  /// Waits until it has rung more often than that.
  func wait(after rings: Int) {
    pthread_mutex_lock(lock)
    while count == rings { pthread_cond_wait(condition, lock) }
    pthread_mutex_unlock(lock)
  }
}
