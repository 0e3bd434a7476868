import Glibc
import RungStore

/// Bytes outside Swift's arrays, given to threads.
///
/// Safe to send: who uses it gives each thread a part of its own, or only lets them read.
final class Memory: @unchecked Sendable {
  let bytes: UnsafeMutableRawBufferPointer

  /// Pages that were written to once, so that none is made while a clock runs.
  init(count: Int) {
    bytes = .allocate(byteCount: max(1, count), alignment: 4096)
    _ = bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  /// The whole of a file.
  convenience init(of path: String) throws(StoreError) {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw systemError("open", path) }
    defer { Glibc.close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw systemError("look at", path) }
    guard status.st_size > 0 else { throw StoreError(.badPath, "\(path) is empty: there is nothing to measure") }
    self.init(count: Int(status.st_size))
    var done = 0
    while done < bytes.count {
      let count = Glibc.read(file, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      guard count > 0 else { throw systemError("read", path) }
      done += count
    }
  }

  /// The pieces of `size` bytes that it consists of; the last may be shorter.
  func piece(_ index: Int, of size: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[index * size..<min(bytes.count, (index + 1) * size)])
  }
}

/// A new file that the threads of a limit write to.
final class Target: Sendable {
  private let file: Int32
  private let path: String

  init(_ path: String) throws(StoreError) {
    self.path = path
    file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw systemError("make", path) }
  }

  deinit { Glibc.close(file) }

  /// At the end of what is there, or at an offset.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int? = nil) {
    var done = 0
    while done < bytes.count {
      let start = bytes.baseAddress.map { $0 + done }
      let count =
        offset.map { pwrite(file, start, bytes.count - done, $0 + done) }
        ?? Glibc.write(file, start, bytes.count - done)
      guard count > 0 else { complain("\(systemError("write", path).message)\n", status: 1) }
      done += count
    }
  }

  func sync() throws(StoreError) {
    guard fsync(file) == 0 else { throw systemError("sync", path) }
  }
}
