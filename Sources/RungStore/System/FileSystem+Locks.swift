internal import CLinux
import Glibc

// Locks that the kernel keeps and lets go of when their owner dies.
extension FileSystem {
  /// Waits for the lock of an open file, to have it alone or together with others that share it; the kernel lets go of
  /// it when the descriptor is closed.
  func lock(_ descriptor: Int32, shared: Bool = false, at place: @autoclosure () -> String) throws(StoreError) {
    try perform(.lock, place) { _ in Int(flock(descriptor, shared ? LOCK_SH : LOCK_EX)) }
  }

  /// Lets go of the lock of an open file.
  func unlock(_ descriptor: Int32) { _ = flock(descriptor, LOCK_UN) }

  /// The lock of an open file, to have it alone or to share it, if nobody is in the way.
  func tryLock(
    _ descriptor: Int32, shared: Bool = false, at place: @autoclosure () -> String
  ) throws(StoreError) -> Bool {
    do {
      try perform(.lock, place) { _ in Int(flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB)) }
      return true
    } catch {
      if error.errno == EWOULDBLOCK { return false }
      throw error
    }
  }

  /// A lock on one byte that belongs to the open file description. False when another description holds it.
  func tryLockByte(
    _ descriptor: Int32, _ offset: Int64, release: Bool = false, at place: @autoclosure () -> String
  ) throws(StoreError) -> Bool {
    var range = Glibc.flock()
    range.l_type = Int16(release ? F_UNLCK : F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = Int(offset)
    range.l_len = 1
    do {
      try perform(.lock, place) { _ in Int(fcntl(descriptor, RUNG_F_OFD_SETLK, &range)) }
      return true
    } catch {
      if error.errno == EAGAIN || error.errno == EACCES { return false }
      throw error
    }
  }
}
