internal import CLinux
import Glibc

// Names, durability, links and lists.
extension FileSystem {
  /// Makes a folder. One that is there already is not an error; the result tells.
  @discardableResult
  func makeFolder(
    _ name: UnsafePointer<CChar>, in folder: Int32, at place: @autoclosure () -> String
  ) throws(StoreError) -> Bool {
    do {
      try perform(.makeFolder, place) { _ in Int(mkdirat(folder, name, 0o777)) }
      record(.madeFolder(folder: folder, name: String(cString: name)))
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
    try perform(.rename, place) { _ in Int(renameat(oldFolder, old, newFolder, new)) }
    record(
      .renamed(
        folder: oldFolder, name: String(cString: old), newFolder: newFolder, newName: String(cString: new)))
  }

  func remove(
    _ name: UnsafePointer<CChar>, in folder: Int32, isFolder: Bool = false, at place: @autoclosure () -> String
  ) throws(StoreError) {
    try perform(.remove, place) { _ in Int(unlinkat(folder, name, isFolder ? AT_REMOVEDIR : 0)) }
    record(.removed(folder: folder, name: String(cString: name)))
  }

  /// Makes the whole file system of `descriptor` durable: bytes and names.
  func syncAll(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) {
    try perform(.sync, place) { _ in Int(syncfs(descriptor)) }
    record(.syncedAll(descriptor: descriptor))
  }

  /// Makes one file's bytes and size durable, or the names in one folder.
  func sync(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) {
    try perform(.sync, place) { _ in Int(fsync(descriptor)) }
    record(.synced(descriptor: descriptor))
  }

  /// Has the system begin to write these bytes of a file to the disk, so that a later `sync` has less to wait for
  /// (SYNC_FILE_RANGE_WRITE of sync_file_range(2)). Promises nothing: whatever goes wrong, `sync` tells.
  func startSync(_ descriptor: Int32, from offset: Int64, count: Int) {
    _ = sync_file_range(descriptor, Int(offset), Int(count), RUNG_SYNC_FILE_RANGE_WRITE)
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
    try perform(.makeLink, place) { _ in Int(symlinkat(target, folder, name)) }
    record(.madeLink(folder: folder, name: String(cString: name), target: String(cString: target)))
  }

  /// The names in an open folder but `.` and `..`, NUL-terminated, in no particular order.
  func list(_ descriptor: Int32, at place: @autoclosure () -> String) throws(StoreError) -> [[CChar]] {
    // A description of its own: reading moves the position of the description that it reads.
    let own = try open(".", O_RDONLY | O_DIRECTORY, in: descriptor, at: place())
    var stream: OpaquePointer?
    do {
      try perform(.list, place) { _ in
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
