internal import CLinux
import Glibc

/// A lock on a file that says that a process lives, between processes and between machines that share the file system: it
/// is gone when the process is, however that ended.
///
/// It belongs to the open file (`F_OFD_SETLK`), so that a process sees its own locks as others do; on NFS the server keeps
/// it (nfs(5): not with `nolock` or `local_lock`).
final class FleetLock: Sendable {
  private let file: Int32

  /// Takes the lock, making the file where it is missing; nil when somebody has it, or the file cannot be made.
  init?(path: String) {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    var range = Self.range(F_WRLCK)
    guard fcntl(file, RUNG_F_OFD_SETLK, &range) == 0 else {
      close(file)
      return nil
    }
    self.file = file
  }

  deinit { close(file) }

  /// Whether somebody holds the lock of this file; false when there is no such file.
  static func isHeld(_ path: String) -> Bool {
    let file = open(path, O_RDWR | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var range = range(F_WRLCK)
    guard fcntl(file, RUNG_F_OFD_GETLK, &range) == 0 else { return false }
    return range.l_type != Int16(F_UNLCK)
  }

  private static func range(_ kind: Int32) -> Glibc.flock {
    var range = Glibc.flock()
    range.l_type = Int16(kind)
    range.l_whence = Int16(SEEK_SET)
    range.l_start = 0
    range.l_len = 1
    return range
  }
}
