import Glibc
import RungCore

extension ObjectStore {
  // Each level of folders holds a descriptor open.
  private static let deepest = 200

  /// Stages a folder: its files, the manifests of its folders, and returns the digest of its own manifest and the sum
  /// of its files' sizes.
  ///
  /// Symbolic links are kept as links, and only when they cannot lead out of the folder
  /// (`TreeManifest.staysInside`); any other link, a socket, a pipe or a device is an error (`badPath`) that names it.
  public func putTree(at directory: String) throws(StoreError) -> StoredFile {
    let descriptor = try fileSystem.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: directory)
    defer { fileSystem.close(descriptor) }
    return try putTree(open: descriptor, depth: 0, at: directory)
  }

  private func putTree(open folder: Int32, depth: Int, at place: String) throws(StoreError) -> StoredFile {
    guard depth < Self.deepest else {
      throw StoreError(.badPath, "\(place) lies more than \(Self.deepest) folders deep: it cannot be stored")
    }
    var entries: [TreeManifest.Entry] = []
    for name in try fileSystem.list(folder, at: place) {
      let inside = "\(place)/\(text(name))"
      let status = try fileSystem.stat(name, in: folder, at: inside)
      let kind: TreeManifest.EntryKind
      switch status.st_mode & S_IFMT {
      case S_IFREG:
        let file = try fileSystem.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: folder, at: inside)
        defer { fileSystem.close(file) }
        let stored = try put(open: file, at: inside)
        kind = .file(digest: stored.digest, size: stored.size, executable: status.st_mode & 0o100 != 0)
      case S_IFDIR:
        let child = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: folder, at: inside)
        defer { fileSystem.close(child) }
        let stored = try putTree(open: child, depth: depth + 1, at: inside)
        kind = .directory(digest: stored.digest, size: stored.size)
      case S_IFLNK:
        let target = try fileSystem.readLink(name, in: folder, at: inside).dropLast().map { UInt8(bitPattern: $0) }
        guard TreeManifest.staysInside(target: target, depth: depth) else {
          throw StoreError(
            .badPath,
            "\(inside) is a link to '\(String(decoding: target, as: UTF8.self))', which leads, or could lead, out of the"
              + " folder that is stored. Put the file itself there, or a relative link whose only '..' are at its start"
          )
        }
        kind = .link(target: target)
      default:
        throw StoreError(.badPath, "\(inside) is \(Self.fileKind(status)): it cannot be stored")
      }
      entries.append(.init(nameBytes: name.dropLast().map { UInt8(bitPattern: $0) }, kind: kind))
    }
    let manifest = try TreeManifest(entries: entries)
    return StoredFile(digest: try put(manifest.encoded).digest, size: manifest.size)
  }

  /// Makes a new folder with the content of a stored one, each file like `restore`. `path` must not exist; its parent
  /// must. On any error nothing is left.
  public func restoreTree(_ digest: Digest, to path: String) throws(StoreError) {
    let manifest = try tree(digest)
    let isNew: Bool
    do {
      isNew = try fileSystem.makeFolder(path, in: AT_FDCWD, at: path)
    } catch {
      throw error.asTarget
    }
    guard isNew else {
      throw StoreError(.badPath, "cannot restore a folder to \(path): something is there already")
    }
    do {
      try restoreTree(manifest, to: path, in: AT_FDCWD, depth: 0, at: path)
    } catch {
      try? removeTree(path, in: AT_FDCWD, fileSystem, at: path)
      throw error
    }
  }

  // Fills a folder that was made a moment ago.
  private func restoreTree(
    _ manifest: TreeManifest, to name: UnsafePointer<CChar>, in parent: Int32, depth: Int, at place: String
  ) throws(StoreError) {
    guard depth < Self.deepest else {
      throw StoreError(.badPath, "\(place) would lie more than \(Self.deepest) folders deep")
    }
    let folder = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: parent, at: place)
    defer { fileSystem.close(folder) }
    for entry in manifest.entries {
      let name = entry.nameBytes.map { CChar(bitPattern: $0) } + [0]
      let inside = "\(place)/\(entry.name)"
      switch entry.kind {
      case .file(let digest, let size, let executable):
        let written = try restore(digest, to: name, in: folder, executable: executable, at: inside)
        guard written == size else { throw Self.wrongSize(inside, written, size) }
      case .directory(let digest, let size):
        let child = try tree(digest)
        guard child.size == size else { throw Self.wrongSize(inside, child.size, size) }
        guard try fileSystem.makeFolder(name, in: folder, at: inside) else {
          throw StoreError(.badPath, "\(inside) appeared while its folder was being restored")
        }
        try restoreTree(child, to: name, in: folder, depth: depth + 1, at: inside)
      case .link(let target):
        guard TreeManifest.staysInside(target: target, depth: depth) else {
          throw StoreError(.damaged, "the stored folder has a link that leads out of it, at \(inside)")
        }
        try fileSystem.makeLink(target.map { CChar(bitPattern: $0) } + [0], name, in: folder, at: inside)
      }
    }
  }

  private static func wrongSize(_ place: String, _ is: Int64, _ should: Int64) -> StoreError {
    StoreError(.damaged, "the stored folder says that \(place) has \(should) bytes, but it has \(`is`)")
  }
}
