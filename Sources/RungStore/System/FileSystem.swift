internal import CLinux
import Glibc

/// The one seam through which the store calls the system, so that a test can make any single call fail, and can write
/// down everything that a crash could undo.
///
/// Every method retries EINTR, finishes short reads and writes, and throws a `StoreError` naming the place. Descriptors
/// are opened O_CLOEXEC.
public struct FileSystem: Sendable {
  /// What the store does to the system. The raw value is the verb of the error message.
  public enum Call: String, Sendable, CaseIterable {
    case open, read, write
    case stat = "look at"
    case list
    case makeFolder = "make the folder"
    case rename
    case remove
    case sync
    case lock
    case readLink = "read the link"
    case makeLink = "make the link"
    case cut
    case reserve = "reserve space for"
    case clone
  }

  /// What a test makes of a call.
  public enum Fault: Sendable {
    /// The call fails with this errno and does nothing.
    case error(Int32)
    /// A read or write moves one byte only; any other call is not affected.
    case short
  }

  /// A call that changed something, or made it durable, told after it succeeded. `folder` and `descriptor` are as the
  /// call had them: a recorder knows what they stand for from `opened`. Names are relative to their folder
  /// (AT_FDCWD: to the working folder).
  public enum Event: Sendable {
    case opened(descriptor: Int32, folder: Int32, name: String, flags: Int32)
    case closed(descriptor: Int32)
    /// Without an offset: at the descriptor's position, which moves along; at the end where it was opened to append.
    case wrote(descriptor: Int32, offset: Int64?, bytes: [UInt8])
    case cut(descriptor: Int32, size: Int64)
    /// `descriptor` now has the bytes of `source`.
    case cloned(descriptor: Int32, source: Int32)
    case madeFolder(folder: Int32, name: String)
    case madeLink(folder: Int32, name: String, target: String)
    case renamed(folder: Int32, name: String, newFolder: Int32, newName: String)
    case removed(folder: Int32, name: String)
    /// The bytes and the size of one file; of a folder, its names.
    case synced(descriptor: Int32)
    /// Everything on the file system of this descriptor.
    case syncedAll(descriptor: Int32)
  }

  private let fault: (@Sendable (Call) -> Fault?)?
  private let recorder: (@Sendable (Event) -> Void)?

  /// The real thing.
  public static let live = FileSystem(fault: nil)

  /// The real thing, except where `fault` answers, and with `recorder` told of every change. `fault` is asked before
  /// every single system call, again after EINTR. Both may be called from several threads at once.
  public init(fault: (@Sendable (Call) -> Fault?)?, recorder: (@Sendable (Event) -> Void)? = nil) {
    self.fault = fault
    self.recorder = recorder
  }

  /// Tells the recorder; the event is not even made where there is none.
  func record(_ event: @autoclosure () -> Event) {
    if let recorder { recorder(event()) }
  }

  /// Runs one system call until it is not interrupted. The body is told how many bytes it may move.
  @discardableResult
  func perform(_ call: Call, _ place: () -> String, _ body: (Int) -> Int) throws(StoreError) -> Int {
    while true {
      var most = Int.max
      var code: Int32 = 0
      switch fault?(call) {
      case .error(let injected)?: code = injected
      case .short?: most = 1
      case nil: break
      }
      if code == 0 {
        let result = body(most)
        if result >= 0 { return result }
        code = errno
      }
      if code != EINTR { throw .system(call, code, place()) }
    }
  }

  func open(
    _ name: UnsafePointer<CChar>, _ flags: Int32, mode: mode_t = 0, in folder: Int32 = AT_FDCWD,
    at place: @autoclosure () -> String
  ) throws(StoreError) -> Int32 {
    let descriptor = Int32(try perform(.open, place) { _ in Int(openat(folder, name, flags | O_CLOEXEC, mode)) })
    record(.opened(descriptor: descriptor, folder: folder, name: String(cString: name), flags: flags))
    return descriptor
  }

  // Never retried and never fails: on Linux the descriptor is gone whatever close returns, and every write that
  // matters was synchronised before.
  func close(_ descriptor: Int32) {
    record(.closed(descriptor: descriptor))
    _ = Glibc.close(descriptor)
  }

  /// Fills `buffer` as far as the file goes; fewer bytes mean its end.
  func read(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, at place: @autoclosure () -> String
  ) throws(StoreError) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let got = try perform(.read, place) { most in
        Glibc.read(descriptor, base + done, min(most, buffer.count - done))
      }
      if got == 0 { break }
      done += got
    }
    return done
  }

  func write(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at place: @autoclosure () -> String
  ) throws(StoreError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let moved = try perform(.write, place) { most in
        Glibc.write(descriptor, base + done, min(most, bytes.count - done))
      }
      record(.wrote(descriptor: descriptor, offset: nil, bytes: Array(bytes[done..<done + moved])))
      done += moved
    }
  }

  /// Fills `buffer` from `offset` on as far as the file goes; fewer bytes mean its end. The position is not used.
  func read(
    _ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer, from offset: Int64,
    at place: @autoclosure () -> String
  ) throws(StoreError) -> Int {
    guard let base = buffer.baseAddress else { return 0 }
    var done = 0
    while done < buffer.count {
      let got = try perform(.read, place) { most in
        pread(descriptor, base + done, min(most, buffer.count - done), Int(offset) + done)
      }
      if got == 0 { break }
      done += got
    }
    return done
  }

  /// Writes all of `bytes` from `offset` on. The position is not used.
  func write(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, from offset: Int64, at place: @autoclosure () -> String
  ) throws(StoreError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let moved = try perform(.write, place) { most in
        pwrite(descriptor, base + done, min(most, bytes.count - done), Int(offset) + done)
      }
      record(
        .wrote(descriptor: descriptor, offset: offset + Int64(done), bytes: Array(bytes[done..<done + moved])))
      done += moved
    }
  }

  /// Cuts the file to `size` bytes.
  func cut(_ descriptor: Int32, to size: Int64, at place: @autoclosure () -> String) throws(StoreError) {
    try perform(.cut, place) { _ in Int(ftruncate(descriptor, Int(size))) }
    record(.cut(descriptor: descriptor, size: size))
  }

  /// Takes the space that `size` bytes of the file need, so that writing them later cannot fail for want of it.
  func reserve(_ descriptor: Int32, _ size: Int64, at place: @autoclosure () -> String) throws(StoreError) {
    try perform(.reserve, place) { _ in
      let code = posix_fallocate(descriptor, 0, Int(size))
      errno = code
      return code == 0 ? 0 : -1
    }
  }

  /// Gives the empty file `descriptor` the bytes of `source`, sharing them on the disk (FICLONE of ioctl(2)). False
  /// where the file system cannot, or not between these two.
  func clone(_ descriptor: Int32, of source: Int32, at place: @autoclosure () -> String) throws(StoreError) -> Bool {
    do {
      try perform(.clone, place) { _ in Int(rung_clone(descriptor, source)) }
    } catch {
      switch error.errno {
      case EOPNOTSUPP, ENOTTY, EXDEV, EINVAL, ENOSYS, EPERM, ETXTBSY: return false
      default: throw error
      }
    }
    record(.cloned(descriptor: descriptor, source: source))
    return true
  }

  func stat(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) -> stat {
    var result = Glibc.stat()
    try perform(.stat, place) { _ in Int(fstat(descriptor, &result)) }
    return result
  }

  func stat(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> stat {
    var result = Glibc.stat()
    try perform(.stat, place) { _ in Int(fstatat(folder, name, &result, AT_SYMLINK_NOFOLLOW)) }
    return result
  }

  /// True when something of that name exists.
  func exists(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> Bool {
    do {
      _ = try stat(name, in: folder, at: place())
      return true
    } catch {
      if error.code == .missing { return false }
      throw error
    }
  }
}
