import Glibc
import RungCore
import Synchronization

extension ObjectStore {
  // Each level of folders holds a descriptor open.
  private static let deepest = 200

  // From so many files on a folder is worth the start of threads.
  private static let fewFiles = 16

  /// Stages a folder: its files, the manifests of its folders, and returns the digest of its own manifest and the sum
  /// of its files' sizes. Of `options`, `earlier` are earlier versions of the folder.
  ///
  /// Symbolic links are kept as links, and only when they cannot lead out of the folder
  /// (`TreeManifest.staysInside`); any other link, a socket, a pipe or a device is an error (`badPath`) that names it.
  public func putTree(at directory: String, options: PutOptions = PutOptions()) throws(StoreError) -> StoredFile {
    let descriptor = try fileSystem.open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, at: directory)
    defer { fileSystem.close(descriptor) }
    let earlier = options.earlier.prefix(2).compactMap { try? tree($0) }
    return try putTree(open: descriptor, depth: 0, at: directory, options.compression, earlier)
  }

  private func putTree(
    open folder: Int32, depth: Int, at place: String, _ compression: Compression, _ earlier: [TreeManifest]
  ) throws(StoreError) -> StoredFile {
    guard depth < Self.deepest else {
      throw StoreError(.badPath, "\(place) lies more than \(Self.deepest) folders deep: it cannot be stored")
    }
    let names = try fileSystem.list(folder, at: place)
    let kinds = try each(names.count) { [self] index throws(StoreError) in
      try putEntry(names[index], in: folder, at: "\(place)/\(text(names[index]))", depth, compression, earlier)
    }
    var entries: [TreeManifest.Entry] = []
    entries.reserveCapacity(names.count)
    for (index, name) in names.enumerated() {
      var kind = kinds[index]
      if kind == nil {
        // Folders one after the other: each opens its own threads.
        let inside = "\(place)/\(text(name))"
        let child = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: folder, at: inside)
        defer { fileSystem.close(child) }
        let before = earlier.compactMap { manifest -> TreeManifest? in
          guard case .directory(let digest, _)? = manifest[text(name)]?.kind else { return nil }
          return try? tree(digest)
        }
        let stored = try putTree(open: child, depth: depth + 1, at: inside, compression, before)
        kind = .directory(digest: stored.digest, size: stored.size)
      }
      guard let kind else { continue }
      entries.append(.init(nameBytes: name.dropLast().map { UInt8(bitPattern: $0) }, kind: kind))
    }
    let manifest = try TreeManifest(entries: entries)
    return StoredFile(digest: try put(manifest.encoded).digest, size: manifest.size)
  }

  // One entry of a folder; nil of a folder in it.
  private func putEntry(
    _ name: [CChar], in folder: Int32, at inside: String, _ depth: Int, _ compression: Compression,
    _ earlier: [TreeManifest]
  ) throws(StoreError) -> TreeManifest.EntryKind? {
    let status = try fileSystem.stat(name, in: folder, at: inside)
    switch status.st_mode & S_IFMT {
    case S_IFREG:
      let file = try fileSystem.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: folder, at: inside)
      defer { fileSystem.close(file) }
      let before = earlier.compactMap { manifest -> Digest? in
        guard case .file(let digest, _, _)? = manifest[text(name)]?.kind else { return nil }
        return digest
      }
      let stored = try put(open: file, at: inside, options: PutOptions(compression: compression, earlier: before))
      return .file(digest: stored.digest, size: stored.size, executable: status.st_mode & 0o100 != 0)
    case S_IFDIR: return nil
    case S_IFLNK:
      let target = try fileSystem.readLink(name, in: folder, at: inside).dropLast().map { UInt8(bitPattern: $0) }
      guard TreeManifest.staysInside(target: target, depth: depth) else {
        throw StoreError(
          .badPath,
          "\(inside) is a link to '\(String(decoding: target, as: UTF8.self))', which leads, or could lead, out of the"
            + " folder that is stored. Put the file itself there, or a relative link whose only '..' are at its start"
        )
      }
      return .link(target: target)
    default:
      throw StoreError(.badPath, "\(inside) is \(Self.fileKind(status)): it cannot be stored")
    }
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
    let entries = manifest.entries
    _ = try each(entries.count) { [self] index throws(StoreError) -> Bool? in
      let entry = entries[index]
      guard case .file(let digest, let size, let executable) = entry.kind else { return nil }
      let name = entry.nameBytes.map { CChar(bitPattern: $0) } + [0]
      let inside = "\(place)/\(entry.name)"
      let written = try restore(digest, to: name, in: folder, executable: executable, at: inside)
      guard written == size else { throw Self.wrongSize(inside, written, size) }
      return true
    }
    for entry in entries {
      let name = entry.nameBytes.map { CChar(bitPattern: $0) } + [0]
      let inside = "\(place)/\(entry.name)"
      switch entry.kind {
      case .file: break
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

  // Runs `body` for 0 ..< count, on several threads when they are many, and returns what it returned, in order. After an
  // error no more are begun; the first by number that was met is thrown.
  private func each<T: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws(StoreError) -> T?
  ) throws(StoreError) -> [T?] {
    // A few neighbours at a time: what lies together in a pack is read together.
    let batch = 8
    let results = Mutex<[T?]>(Array(repeating: nil, count: count))
    let failure = Mutex<(number: Int, error: StoreError)?>(nil)
    let next = Atomic<Int>(0)
    lanes.run(count < Self.fewFiles ? 1 : lanes.width) { _ in
      while failure.withLock({ $0 == nil }) {
        let first = next.wrappingAdd(batch, ordering: .relaxed).oldValue
        guard first < count else { return }
        let numbers = first..<min(first + batch, count)
        var found: [T?] = []
        for number in numbers {
          do throws(StoreError) {
            found.append(try body(number))
          } catch {
            failure.withLock { known in
              if known.map({ $0.number > number }) ?? true { known = (number, error) }
            }
            return
          }
        }
        let done = found
        results.withLock { results in for (offset, value) in done.enumerated() { results[first + offset] = value } }
      }
    }
    if let failure = failure.withLock({ $0?.error }) { throw failure }
    return results.withLock { $0 }
  }

  private static func wrongSize(_ place: String, _ is: Int64, _ should: Int64) -> StoreError {
    StoreError(.damaged, "the stored folder says that \(place) has \(should) bytes, but it has \(`is`)")
  }
}
