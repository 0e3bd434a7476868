import Glibc
import RungCore

/// Puts a new text in the place of a file that people write.
enum FileReplacement {
  /// What kept the file from being written.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Replaces the file in one moment: it has the old text or the new one, never a part. Keeps its mode; a link stays,
  /// and what it leads to is replaced. Throws when the file is not `old` any more.
  static func replace(_ path: String, from old: [UInt8], with new: [UInt8]) throws {
    guard let resolved = realpath(path, nil) else { throw failure("read", path) }
    let real = String(cString: resolved)
    free(resolved)
    var status = stat()
    guard stat(real, &status) == 0 else { throw failure("read", path) }
    let temporary = "\(real).rung-\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure("write", path) }
    var isDone = false
    defer {
      close(descriptor)
      if !isDone { unlink(temporary) }
    }
    // Another owner's file may only keep its owner when the caller may give files away.
    if fchown(descriptor, status.st_uid, status.st_gid) != 0 { errno = 0 }
    guard write(new, to: descriptor), fchmod(descriptor, status.st_mode & 0o7777) == 0, fsync(descriptor) == 0 else {
      throw failure("write", path)
    }
    guard try bytes(of: real) == old else {
      throw RequestError(message: "\(path) was changed meanwhile", hints: ["nothing was written: try again"])
    }
    guard rename(temporary, real) == 0 else { throw failure("write", path) }
    isDone = true
  }

  /// The bytes of a file; throws too when there are more of them than `most`.
  static func bytes(of path: String, atMost most: Int64 = .max) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("read", path) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
        if bytes.count > most { throw Failure(description: "\(path) is larger than \(most) bytes") }
      } else if count == 0 {
        return bytes
      } else if errno != EINTR {
        throw failure("read", path)
      }
    }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private static func failure(_ verb: String, _ path: String) -> Failure {
    Failure(description: "cannot \(verb) \(path): \(String(cString: strerror(errno)))")
  }
}
