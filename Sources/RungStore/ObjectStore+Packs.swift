import Glibc
import RungCore

// What keeps packs and their index together, and reads single entries of packs.
extension ObjectStore {
  /// Brings the index up to what the packs have: reads what it does not know of packs to which nobody appends, and
  /// forgets packs that are gone. Costs a look at each pack where there is nothing to do.
  func reconcile() throws(StoreError) {
    let known = try index.packs()
    let found = try packFiles()
    for (pack, (kind, size)) in found where size != known[pack] ?? 0 {
      var news = PackIndex.Changes()
      // Its lock is held until the index has been told: a pack must not be rewritten between the two.
      guard let (file, _) = try read(pack, kind, from: known[pack] ?? 0, into: &news) else { continue }
      try withExtendedLifetime(file) { () throws(StoreError) in try index.commit(news, evenReadOnly: true) }
    }
    guard !isReadOnly, known.keys.contains(where: { found[$0] == nil }) else { return }
    // Looked at again while nobody commits: a collector removes a pack after it has committed.
    try index.forgetPacks { () throws(StoreError) in Set(try packFiles().keys) }
  }

  /// Makes anew what the index knows of each pack, one at a time. What another process appends to is left as it is: that
  /// process tells the index. Returns the entries that are damaged.
  func rebuildPackIndex() throws(StoreError) -> [(name: Name, place: PackPlace)] {
    for writer in [Writer.objects, .records] { withPack(writer) { $0.release() } }
    var damaged: [(name: Name, place: PackPlace)] = []
    for (pack, (kind, _)) in try packFiles() {
      var changes = PackIndex.Changes()
      guard let (file, found) = try read(pack, kind, from: 0, into: &changes) else { continue }
      damaged += found
      changes.gonePacks = [pack]
      try withExtendedLifetime(file) { () throws(StoreError) in try index.commit(changes) }
    }
    try index.forgetPacks { () throws(StoreError) in Set(try packFiles().keys) }
    return damaged
  }

  // Reads a pack and returns it with its lock. One that another process appends to is left to that process: nil.
  private func read(
    _ pack: Int64, _ kind: Kind, from start: Int64, into changes: inout PackIndex.Changes
  ) throws(StoreError) -> (file: PackFile, damaged: [(name: Name, place: PackPlace)])? {
    let place = "\(path)/\(PackFile.path(pack, kind))"
    let file: PackFile
    do throws(StoreError) {
      file = try openPack(pack, kind)
      if !isReadOnly, try !fileSystem.tryLock(file.descriptor, at: place) { return nil }
      // Rewritten and removed since its name was read.
      if try fileSystem.stat(file.descriptor, at: place).st_nlink == 0 { return nil }
    } catch {
      if error.code == .missing { return nil }
      throw error
    }
    let scan = try codecs.with { codec throws(StoreError) in
      try PackScan(file, from: start, codec: codec, fileSystem, at: place)
    }
    // What the index names is taken for durable, and whoever wrote this may have died before it was.
    if durability == .full, !isReadOnly, !scan.entries.isEmpty {
      try fileSystem.sync(file.descriptor, at: place)
      try syncFolder("packs")
    }
    changes.added += scan.entries.filter { $0.name.kind == kind }
    changes.lengths[pack] = (kind, start, scan.end)
    return (file, scan.damaged)
  }

  /// The files in `packs/` with their sizes.
  func packFiles() throws(StoreError) -> [Int64: (kind: Kind, size: Int64)] {
    let folder: Int32
    do {
      folder = try fileSystem.open("packs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: "\(path)/packs")
    } catch {
      if error.errno == ENOENT { return [:] }
      throw error
    }
    defer { fileSystem.close(folder) }
    var result: [Int64: (kind: Kind, size: Int64)] = [:]
    for name in try fileSystem.list(folder, at: "\(path)/packs") {
      guard let (pack, kind) = PackFile.parse(text(name)) else { continue }
      do {
        let status = try fileSystem.stat(name, in: folder, at: "\(path)/packs/\(text(name))")
        if status.st_mode & S_IFMT == S_IFREG { result[pack] = (kind, Int64(status.st_size)) }
      } catch {
        if error.code != .missing { throw error }
      }
    }
    return result
  }

  /// Opens a pack for reading, with a description of its own.
  func openPack(_ pack: Int64, _ kind: Kind) throws(StoreError) -> PackFile {
    let name = PackFile.path(pack, kind)
    let descriptor = try fileSystem.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: "\(path)/\(name)")
    return PackFile(pack: pack, descriptor: descriptor, fileSystem)
  }

  /// Reads an entry of a pack with its header into `codec.stored`. Returns nil when what lies there is not what the
  /// index says: then the index errs, or the pack was rewritten.
  func readEntry(_ name: Name, _ place: PackPlace, _ file: PackFile, _ codec: Codec) throws(StoreError) -> PackEntry? {
    guard place.offset >= 0, place.stored > 0, place.stored <= 2 * Frames.mostPlain, place.plain >= 0,
      place.plain <= Frames.mostPlain
    else { return nil }
    codec.fit(max(place.plain, place.stored))
    let bytes = UnsafeMutableRawBufferPointer(rebasing: codec.stored[..<(PackEntry.headerSize + place.stored)])
    let count = try fileSystem.read(
      file.descriptor, bytes, from: place.offset, at: "\(path)/\(PackFile.path(place.pack, name.kind))")
    guard count == bytes.count, let entry = PackEntry(UnsafeRawBufferPointer(bytes)), entry.name == name,
      entry.stored == place.stored, entry.plain == place.plain
    else { return nil }
    return entry
  }

  /// Puts plain bytes, compressed, at the end of a pack; `bytes` are the whole object.
  func stagePacked(
    _ name: Name, _ bytes: UnsafeRawBufferPointer, planes: BytePlanes, level: Int, _ codec: Codec, isPart: Bool = false
  ) throws(StoreError) {
    _ = try writable()
    let room = UnsafeMutableRawBufferPointer(rebasing: codec.stored[PackEntry.headerSize...])
    guard let stored = codec.compress(bytes, planes: planes, level: level, into: room) else {
      throw StoreError(
        .io,
        "\(name.title) did not come back as it was after it was compressed: this machine's memory, or its zstd, errs"
      )
    }
    let entry = PackEntry(name: name, planes: planes, plain: bytes.count, stored: stored)
    entry.encode(to: codec.stored)
    let whole = UnsafeRawBufferPointer(rebasing: codec.stored[..<(PackEntry.headerSize + stored)])
    try withPack(name.kind == .object ? .objects : .records) { pack throws(StoreError) in
      let place = try pack.append(entry, whole, index: index)
      shared.withLock { $0.putBytes += Int64(whole.count) }
      // Before anybody else asks how long the pack is: up to there everything is staged.
      if isPart { try stagePart(name.digest, place) } else { try stage(name, .packed(place)) }
    }
  }

  /// Notes where a part of a list lies, or an object that moves to another pack. The first place counts.
  func stagePart(_ digest: Digest, _ place: PackPlace, moves: Bool = false) throws(StoreError) {
    try shared.withLock { shared throws(StoreError) in
      if let failure = shared.failure { throw failure }
      if moves && shared.parts[digest] == nil { shared.moving.insert(digest) }
      if !moves { shared.moving.remove(digest) }
      if shared.parts[digest] == nil { shared.parts[digest] = place }
    }
  }

  /// Notes what was put. False when another thread was first: then that one counts.
  @discardableResult
  func stage(_ name: Name, _ staged: Staged) throws(StoreError) -> Bool {
    try shared.withLock { shared throws(StoreError) in
      // Judged again under the lock: a failed flush must not find a newcomer after it has dropped everything.
      if let failure = shared.failure { throw failure }
      if shared.staged[name] != nil { return false }
      shared.staged[name] = staged
      return true
    }
  }
}
