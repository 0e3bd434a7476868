import Glibc
import RungCore

/// Why the store could not do what was asked. The message is a sentence that names the object or the path.
public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure, for programs.
  public enum Code: String, Sendable {
    /// No object, record or file of that name. For an object this is a miss: make it again.
    case missing
    /// Stored bytes are not what their name says. They were moved to `quarantine/`; from then on the object is missing.
    case damaged
    /// The disk is full, or a quota is reached.
    case noSpace
    /// The machine failed: a system call returned an error that is none of the others.
    case io
    /// The cache lies where this process may not write: it can only be read.
    case readOnly
    /// The cache was written by a newer Rung. Nothing was changed.
    case newerFormat
    /// The path cannot be stored or written: a socket, a link out of the tree, something already there.
    case badPath
    /// A file changed while it was being read.
    case changed
    /// The object is larger than the caller allows.
    case tooLarge
  }

  /// The kind of failure.
  public let code: Code
  /// What happened, to which thing, and what to do next.
  public let message: String
  /// The system's error number, when a system call failed.
  public let errno: Int32?

  /// An error with its message.
  public init(_ code: Code, _ message: String, errno: Int32? = nil) {
    self.code = code
    self.message = message
    self.errno = errno
  }

  /// The message.
  public var description: String { message }

  /// The same, where the path is one to write to: a folder that is not there is no missing object.
  var asTarget: StoreError {
    code == .missing ? StoreError(.badPath, "\(message) (its folder has to exist)", errno: errno) : self
  }

  /// True when the system refuses to write there at all: a read-only file system, or no permission.
  var meansReadOnly: Bool { errno == EROFS || errno == EACCES || errno == EPERM }

  /// What every attempt to write to a cache is answered that could not be opened for writing because of `cause`.
  static func readOnly(_ cache: String, _ cause: StoreError) -> StoreError {
    StoreError(
      .readOnly,
      "the cache \(cache) is read-only (\(cause.message)). What is in it can be looked at; to run steps, make it writable"
        + " or use a copy of it, named by RUNG_CACHE", errno: cause.errno)
  }

  /// The error of a system call that failed on `place`.
  static func system(_ call: FileSystem.Call, _ number: Int32, _ place: String) -> StoreError {
    let code: Code
    switch number {
    case ENOENT, ENOTDIR: code = .missing
    case ENOSPC, EDQUOT: code = .noSpace
    case EEXIST, ELOOP, EISDIR, ENAMETOOLONG, EINVAL: code = .badPath
    default: code = .io
    }
    let reason = String(cString: strerror(number))
    return StoreError(code, "cannot \(call.rawValue) \(place): \(reason)", errno: number)
  }
}

/// The name and size of stored bytes.
public struct StoredFile: Hashable, Sendable {
  /// The SHA-256 of the bytes; of a tree, that of its manifest.
  public let digest: Digest
  /// In bytes, uncompressed; of a tree, the sum of its files' sizes.
  public let size: Int64

  /// The name and size of stored bytes.
  public init(digest: Digest, size: Int64) {
    self.digest = digest
    self.size = size
  }
}

/// How hard the store tries to survive a power cut.
public enum Durability: Sendable {
  /// A name appears only after its bytes are on the disk.
  case full
  /// A name may appear before its bytes are on the disk: whoever records it elsewhere, in another process of the same
  /// machine, calls `syncAll` of its own store first. A power cut before that loses what was named, which is found when it
  /// is read, and harms nothing else.
  case deferred
  /// Nothing is synchronised: for tests and scratch folders. A crash of the process alone still loses nothing named.
  case none
}
