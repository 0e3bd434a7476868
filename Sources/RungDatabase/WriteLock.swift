import Glibc

/// The lock under which every write to a database and every checkpoint is made, by any process: an exclusive flock of a
/// file beside it. The kernel queues the waiting and lets go of what a dead process held.
package final class WriteLock: Sendable {
  private let descriptor: Int32
  private let path: String

  /// Opens the file, making it when it is missing. Throws `readOnly` where the system refuses to write.
  package init(of database: String, title: String) throws(DatabaseError) {
    let path = "\(database).lock"
    self.path = path
    var descriptor: Int32 = -1
    repeat {
      descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else {
      let number = errno
      let cause = "cannot open \(path): \(String(cString: strerror(number)))"
      if number == EROFS || number == EACCES || number == EPERM { throw .readOnly(database, title, cause) }
      throw DatabaseError(.io, cause)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Waits for the lock, for as long as it takes. Not for two threads at once: they would share it.
  package func withLock<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
    while flock(descriptor, LOCK_EX) != 0 {
      if errno == EINTR { continue }
      throw DatabaseError(.io, "cannot lock \(path): \(String(cString: strerror(errno)))")
    }
    defer { flock(descriptor, LOCK_UN) }
    return try body()
  }
}
