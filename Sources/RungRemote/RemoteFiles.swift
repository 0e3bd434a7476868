import Glibc
import RungCore

/// What is too much for anything that comes from elsewhere.
enum RemoteLimits {
  /// Bytes of a result.
  static let result: Int64 = 16 << 20
}

/// Files of a folder that may be gone the next moment: calls whose errors say what they mean for a remote cache.
enum RemoteFiles {
  /// What a failed call means.
  static func trouble(_ verb: String, _ path: String, _ number: Int32) -> RemoteError {
    let sentence = "cannot \(verb) \(path) of the remote cache: \(reason(number))"
    switch number {
    case ENOSPC, EDQUOT, EFBIG: return RemoteError(.full, sentence)
    case EROFS: return RemoteError(.full, "\(sentence); nothing can be pushed there")
    case EACCES, EPERM: return RemoteError(.forbidden, sentence)
    case EMFILE, ENFILE, ENOMEM: return RemoteError(.local, sentence)
    default: return RemoteError(.unreachable, sentence)
    }
  }

  /// The system's words.
  static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }

  /// Whoever else writes there, no name comes twice.
  static func unusedName() -> String {
    var random = SystemRandomNumberGenerator()
    return "\(getpid())-" + String(random.next() | 1 << 63, radix: 16)
  }

  /// The size of a regular file; anything else is damaged.
  static func size(_ file: Int32, _ path: String) throws(RemoteError) -> Int64 {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw trouble("look at", path, errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw RemoteError(.damaged, "\(path) is no regular file") }
    return Int64(status.st_size)
  }

  /// Writes all of the bytes.
  static func write(_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ path: String) throws(RemoteError) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw trouble("write", path, errno) }
      done += count
    }
  }

  /// Reads to the end in pieces and gives the number of bytes. A disk that fails on one file may be sound elsewhere:
  /// that is `damaged`.
  static func read(
    _ file: Int32, _ path: String, piece: Int, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(RemoteError) -> Int64 {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
    defer { buffer.deallocate() }
    var total: Int64 = 0
    while true {
      let count = Glibc.read(file, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EIO { throw RemoteError(.damaged, "cannot read \(path): \(reason(EIO))") }
      guard count >= 0 else { throw trouble("read", path, errno) }
      if count == 0 { return total }
      total += Int64(count)
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}

extension Array where Element == UInt8 {
  /// The bytes in memory, for a body with errors of its own type.
  func withRaw<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try withUnsafeBufferPointer { buffer throws(Failure) in try body(UnsafeRawBufferPointer(buffer)) }
  }
}
