internal import CLinux
import Glibc

/// The one seam through which the store calls the system, so that a test can make any single call fail.
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
  }

  /// What a test makes of a call.
  public enum Fault: Sendable {
    /// The call fails with this errno and does nothing.
    case error(Int32)
    /// A read or write moves one byte only; any other call is not affected.
    case short
  }

  private let fault: (@Sendable (Call) -> Fault?)?

  /// The real thing.
  public static let live = FileSystem(fault: nil)

  /// The real thing, except where `fault` answers. It is asked before every single system call, again after EINTR; it
  /// may be called from several threads at once.
  public init(fault: (@Sendable (Call) -> Fault?)?) { self.fault = fault }

  // Runs one system call until it is not interrupted. The body is told how many bytes it may move.
  private func perform(_ call: Call, _ place: () -> String, _ body: (Int) -> Int) throws(StoreError) -> Int {
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
    Int32(try perform(.open, place) { _ in Int(openat(folder, name, flags | O_CLOEXEC, mode)) })
  }

  // Never retried and never fails: on Linux the descriptor is gone whatever close returns, and every write that
  // matters was synchronised before.
  func close(_ descriptor: Int32) { _ = Glibc.close(descriptor) }

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
      done += try perform(.write, place) { most in
        Glibc.write(descriptor, base + done, min(most, bytes.count - done))
      }
    }
  }

  func stat(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) -> stat {
    var result = Glibc.stat()
    _ = try perform(.stat, place) { _ in Int(fstat(descriptor, &result)) }
    return result
  }

  func stat(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> stat {
    var result = Glibc.stat()
    _ = try perform(.stat, place) { _ in Int(fstatat(folder, name, &result, AT_SYMLINK_NOFOLLOW)) }
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

  /// Makes a folder. One that is there already is not an error; the result tells.
  @discardableResult
  func makeFolder(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> Bool {
    do {
      _ = try perform(.makeFolder, place) { _ in Int(mkdirat(folder, name, 0o777)) }
      return true
    } catch {
      if error.errno == EEXIST { return false }
      throw error
    }
  }

  func rename(
    _ old: UnsafePointer<CChar>, in oldFolder: Int32, to new: UnsafePointer<CChar>, in newFolder: Int32,
    at place: @autoclosure () -> String
  ) throws(StoreError) {
    _ = try perform(.rename, place) { _ in Int(renameat(oldFolder, old, newFolder, new)) }
  }

  func remove(
    _ name: UnsafePointer<CChar>, in folder: Int32, isFolder: Bool = false, at place: @autoclosure () -> String
  ) throws(StoreError) {
    _ = try perform(.remove, place) { _ in Int(unlinkat(folder, name, isFolder ? AT_REMOVEDIR : 0)) }
  }

  /// Makes the whole file system of `descriptor` durable: bytes and names.
  func syncAll(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) {
    _ = try perform(.sync, place) { _ in Int(syncfs(descriptor)) }
  }

  /// Waits for the exclusive lock of an open file; the kernel lets go of it when the descriptor is closed.
  func lock(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) {
    _ = try perform(.lock, place) { _ in Int(flock(descriptor, LOCK_EX)) }
  }

  /// The exclusive lock of an open file, if nobody has it.
  func tryLock(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) -> Bool {
    do {
      _ = try perform(.lock, place) { _ in Int(flock(descriptor, LOCK_EX | LOCK_NB)) }
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
      _ = try perform(.lock, place) { _ in Int(fcntl(descriptor, RUNG_F_OFD_SETLK, &range)) }
      return true
    } catch {
      if error.errno == EAGAIN || error.errno == EACCES { return false }
      throw error
    }
  }

  /// The target of a symbolic link, NUL-terminated.
  func readLink(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> [CChar] {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = try perform(.readLink, place) { _ in
      buffer.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return 0 }
        return readlinkat(folder, name, base, buffer.count - 1)
      }
    }
    return Array(buffer[..<count]) + [0]
  }

  func makeLink(
    _ target: UnsafePointer<CChar>, _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) {
    _ = try perform(.makeLink, place) { _ in Int(symlinkat(target, folder, name)) }
  }

  /// The names in an open folder but `.` and `..`, NUL-terminated, in no particular order.
  func list(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) -> [[CChar]] {
    // A description of its own: reading moves the position of the description that it reads.
    let own = try open(".", O_RDONLY | O_DIRECTORY, in: descriptor, at: place())
    var stream: OpaquePointer?
    do {
      _ = try perform(.list, place) { _ in
        stream = fdopendir(own)
        return stream == nil ? -1 : 0
      }
    } catch {
      close(own)
      throw error
    }
    guard let stream else { return [] }
    defer { closedir(stream) }
    var names: [[CChar]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .system(.list, errno, place()) }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
        field.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { text in
          Array(UnsafeBufferPointer(start: text, count: strlen(text) + 1))
        }
      }
      if name != [46, 0] && name != [46, 46, 0] { names.append(name) }
    }
  }
}

/// A NUL-terminated name as text, for messages; bytes that are not UTF-8 are replaced.
func text(_ name: [CChar]) -> String {
  name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}
