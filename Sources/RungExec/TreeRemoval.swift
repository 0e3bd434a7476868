import Glibc

/// Removes a file or a folder with everything below it, links removed and never followed. Nothing there is not an error.
public func removeTree(_ path: String) throws(ExecError) { try TreeRemoval.remove(path) }

/// Removes folders of steps, whatever steps put into them: folders without permissions, links to anywhere (which are
/// removed, never followed), names that are not UTF-8, trees deeper than any path can be.
struct TreeRemoval {
  // A folder deeper than this is first moved to the top: each level holds a descriptor and a stack frame.
  private static let deepest = 60
  private let top: Int32
  private var moved = 0

  /// Removes `path` and everything below it. Nothing there is not an error.
  static func remove(_ path: String) throws(ExecError) {
    if unlink(path) == 0 || errno == ENOENT { return }
    guard errno == EISDIR || errno == EPERM || errno == EACCES else { throw .system("remove", path) }
    let top = openFolder(AT_FDCWD, path)
    if top < 0 {
      if errno == ENOENT { return }
      throw .system("remove", path)
    }
    var removal = TreeRemoval(top: top)
    let failed = removal.empty(top, depth: 0)
    close(top)
    if let failed { throw .system("empty the folder", path, failed) }
    if rmdir(path) != 0 && errno != ENOENT { throw .system("remove", path) }
  }

  private init(top: Int32) { self.top = top }

  // Nil, or an errno. Goes on after a failure, so that as little as possible stays.
  private mutating func empty(_ folder: Int32, depth: Int) -> Int32? {
    var failure: Int32?
    // Names are read before any is removed: what readdir says of a folder that changes is not defined. The top is read
    // again as long as folders were moved into it.
    var before: Int
    repeat {
      before = moved
      for entry in names(folder) {
        failure = remove(entry.name, isFolder: entry.isFolder, in: folder, depth: depth) ?? failure
      }
    } while depth == 0 && moved > before && failure == nil
    return failure
  }

  private mutating func remove(_ name: [CChar], isFolder: Bool, in folder: Int32, depth: Int) -> Int32? {
    if !isFolder {
      if unlinkat(folder, name, 0) == 0 || errno == ENOENT { return nil }
      if errno != EISDIR && errno != EPERM { return errno }
    }
    if unlinkat(folder, name, Int32(AT_REMOVEDIR)) == 0 { return nil }  // empty, as most are
    let child = Self.openFolder(folder, name)
    if child < 0 { return errno == ENOENT ? nil : errno }
    defer { close(child) }
    if depth >= Self.deepest {
      moved += 1
      return renameat(folder, name, top, ".rung-deep-\(moved)") == 0 ? nil : errno
    }
    if let failed = empty(child, depth: depth + 1) { return failed }
    return unlinkat(folder, name, Int32(AT_REMOVEDIR)) == 0 || errno == ENOENT ? nil : errno
  }

  // A folder that its owner may not read is given the permission first; a link is not followed.
  private static func openFolder(_ parent: Int32, _ name: UnsafePointer<CChar>) -> Int32 {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    let folder = openat(parent, name, flags)
    if folder >= 0 {
      // Entries can be removed only from a folder that one may write to and search.
      var status = stat()
      if fstat(folder, &status) == 0, status.st_mode & 0o700 != 0o700 { fchmod(folder, 0o700) }
      return folder
    }
    var status = stat()
    guard errno == EACCES, fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
      status.st_mode & S_IFMT == S_IFDIR, fchmodat(parent, name, 0o700, 0) == 0
    else { return -1 }
    return openat(parent, name, flags)
  }

  private func names(_ folder: Int32) -> [(name: [CChar], isFolder: Bool)] {
    let own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0, let stream = fdopendir(own) else {
      if own >= 0 { close(own) }
      return []
    }
    defer { closedir(stream) }
    var result: [(name: [CChar], isFolder: Bool)] = []
    while let entry = readdir(stream) {
      let name = entryBytes(entry)
      if name == [46, 0] || name == [46, 46, 0] { continue }
      result.append((name, entry.pointee.d_type == UInt8(DT_DIR)))
    }
    return result
  }
}

/// The name of a directory entry, NUL-terminated; it need not be UTF-8.
func entryBytes(_ entry: UnsafeMutablePointer<dirent>) -> [CChar] {
  withUnsafePointer(to: &entry.pointee.d_name) { name in
    name.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: name.pointee)) {
      Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
    }
  }
}

/// The name of a directory entry; bytes that are not UTF-8 are replaced.
func entryName(_ entry: UnsafeMutablePointer<dirent>) -> String {
  String(decoding: entryBytes(entry).dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
