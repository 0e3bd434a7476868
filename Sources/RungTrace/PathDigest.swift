import Glibc
import RungCore
import RungStore

/// What lies at a path, as the store would name it: computed without storing anything.
struct PathDigest {
  /// The digest of the file's content or of the folder's manifest.
  let digest: Digest
  /// True for a folder.
  let isTree: Bool

  // As deep as the store goes.
  private static let deepest = 200

  /// Hashes a file, in bounded memory, or a folder. A link at the path itself is followed.
  init(at path: String) throws(TraceError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw TraceError(.unreadable, "cannot read \(path): \(Self.reason())")
    }
    do throws(StoreError) {
      switch status.st_mode & S_IFMT {
      case S_IFREG: (digest, isTree) = (try ObjectStore.digest(ofFileAt: path).digest, false)
      case S_IFDIR: (digest, isTree) = (try Self.tree(path, depth: 0).digest, true)
      default: throw StoreError(.badPath, "\(path) is neither a file nor a folder")
      }
    } catch {
      throw TraceError(.unreadable, error.message)
    }
  }

  private static func tree(_ path: String, depth: Int) throws(StoreError) -> TreeManifest {
    guard depth < deepest else { throw StoreError(.badPath, "\(path) lies more than \(deepest) folders deep") }
    var entries: [TreeManifest.Entry] = []
    for name in try names(in: path) {
      let inside = "\(path)/\(String(decoding: name, as: UTF8.self))"
      // The name's own bytes: they may be no UTF-8.
      let place = Array(path.utf8CString.dropLast()) + [47] + name.map { CChar(bitPattern: $0) } + [0]
      var status = stat()
      guard lstat(place, &status) == 0 else { throw StoreError(.changed, "cannot look at \(inside): \(reason())") }
      let kind: TreeManifest.EntryKind
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        let file = try ObjectStore.digest(ofFileAt: inside)
        kind = .file(digest: file.digest, size: file.size, executable: status.st_mode & 0o100 != 0)
      case S_IFDIR:
        let child = try tree(inside, depth: depth + 1)
        kind = .directory(digest: child.digest, size: child.size)
      case S_IFLNK:
        var target = [CChar](repeating: 0, count: 4096)
        let length = readlink(place, &target, target.count)
        guard length > 0 else { throw StoreError(.io, "cannot read the link \(inside): \(reason())") }
        kind = .link(target: target[..<length].map { UInt8(bitPattern: $0) })
      default: throw StoreError(.badPath, "\(inside) is neither a file, a folder nor a link")
      }
      entries.append(.init(nameBytes: name, kind: kind))
    }
    return try TreeManifest(entries: entries)
  }

  private static func names(in path: String) throws(StoreError) -> [[UInt8]] {
    guard let folder = opendir(path) else { throw StoreError(.io, "cannot list \(path): \(reason())") }
    defer { closedir(folder) }
    var names: [[UInt8]] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in Array(raw.prefix { $0 != 0 }) }
      if name != [46] && name != [46, 46] { names.append(name) }
    }
    return names
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}
