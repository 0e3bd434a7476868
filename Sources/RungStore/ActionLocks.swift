import Glibc
import RungCore

/// Locks on action keys between processes, so that a step that two runs want is run once.
///
/// A lock is one byte of the file `locks`, locked in the kernel: nothing is written, no lock outlives its process, and
/// none has to be cleaned up. Two keys share a byte with probability 2^-62, and then merely wait for each other.
///
/// The locks belong to this value's open file: two `ActionLocks` exclude each other, also within a process, but one
/// never excludes itself. Who uses one from several threads keeps count of the keys that it holds.
public final class ActionLocks: Sendable {
  /// The file for those who execute steps for a run elsewhere.
  public static let elsewhere = "locks.workers"

  // Nil when the file cannot be opened because the cache is read-only.
  private let descriptor: Int32?
  private let refusal: StoreError?
  private let path: String
  private let fileSystem: FileSystem

  /// Opens the file `locks` in the cache's folder, which exists, making it when it is missing. A read-only cache is no
  /// error yet: nothing need be locked in it.
  ///
  /// `name` is that of the file: `locks` for who makes a result, `elsewhere` for who executes it on behalf of a run that
  /// may be gone meanwhile.
  public init(
    path cache: String, name: String = "locks", fileSystem: FileSystem = .live
  ) throws(StoreError) {
    path = "\(cache)/\(name)"
    self.fileSystem = fileSystem
    do {
      descriptor = try fileSystem.open(path, O_RDWR | O_CREAT, mode: 0o666, at: path)
      refusal = nil
    } catch {
      guard error.meansReadOnly else { throw error }
      descriptor = nil
      refusal = .readOnly(cache, error)
    }
  }

  deinit { if let descriptor { fileSystem.close(descriptor) } }

  /// Takes the lock of a key, or returns false at once because another process holds it. Throws `io` when the file
  /// system has no locks, `readOnly` when the cache cannot be written.
  public func tryLock(_ key: Digest) throws(StoreError) -> Bool {
    guard let descriptor else { throw refusal ?? StoreError(.readOnly, "\(path) cannot be written") }
    return try fileSystem.tryLockByte(descriptor, offset(key), at: path)
  }

  /// Lets go of a lock. One that is not held is not an error.
  public func unlock(_ key: Digest) {
    guard let descriptor else { return }
    _ = try? fileSystem.tryLockByte(descriptor, offset(key), release: true, at: path)
  }

  // File offsets are signed, and the range's end must be one too.
  private func offset(_ key: Digest) -> Int64 { Int64(key.leadingWord >> 2) }
}
