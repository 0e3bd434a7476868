import Glibc
import RungCore
import Synchronization

// Versions of a large file that have much in common: each is stored as a list of chunks, which are objects, and a chunk
// that both have is there once. Whether that pays is measured before anything is stored that way.
extension ObjectStore {
  /// Smaller files are not worth a list.
  private static let leastSize: Int64 = 8 << 20
  /// So much of a file must be there already: less is eaten up by worse compression and slower reading.
  private static let leastShare = 0.1
  /// A measurement looks at so many windows of so many bytes.
  private static let windows = 3
  private static let window = 16 << 20

  /// Stores a large file as a list when it shares enough with one of the earlier versions that are named; else returns
  /// nil, and nothing was stored.
  func putSharing(
    _ descriptor: Int32, _ place: String, _ before: stat, _ options: PutOptions
  ) throws(StoreError) -> Digest? {
    let size = Int64(before.st_size)
    guard size >= Self.leastSize, options.compression != .raw else { return nil }
    for earlier in options.earlier.prefix(2) {
      let name = Name(kind: .object, digest: earlier)
      // A hint must not fail a put: what is wrong with the earlier version only means that nothing is shared with it.
      do throws(StoreError) {
        guard try isThereAndPinned(name) else { continue }
        let stored = try open(name)
        guard let earlierSize = stored.size, earlierSize >= Self.leastSize,
          try sharesWindows(descriptor, size, place, stored, earlierSize)
        else { continue }
        return try putLists(descriptor, size, place, before, stored, earlierSize, options)
      } catch {
        if error.code == .changed { throw error }
      }
    }
    return nil
  }

  private func putLists(
    _ descriptor: Int32, _ size: Int64, _ place: String, _ before: stat, _ earlier: Stored, _ earlierSize: Int64,
    _ options: PutOptions
  ) throws(StoreError) -> Digest? {
    let source = ChunkSource(self, descriptor, size: size, at: place)
    let (digest, list) = try source.chunks()
    try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: Int(size), place)
    let name = Name(kind: .object, digest: digest)
    if try isThere(name) { return digest }
    if !earlier.isList {
      // Both have to be cut the same way. The earlier one is written out for that: its frames are not its chunks.
      let stage = try writable()
      let file = stage.newName()
      let copyPlace = "\(path)/\(stage.name)/\(file)"
      let copy = try fileSystem.open(
        file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600, in: stage.descriptor, at: copyPlace)
      defer { fileSystem.close(copy) }
      try fileSystem.remove(file, in: stage.descriptor, at: copyPlace)
      try verify(earlier, into: .file(copy, place: copyPlace))
      let earlierSource = ChunkSource(self, copy, size: earlierSize, at: copyPlace)
      let (earlierDigest, earlierList) = try earlierSource.chunks()
      guard earlierDigest == earlier.name.digest else { return nil }
      let there = Set(earlierList.parts.map(\.digest))
      let shared = list.parts.reduce(0) { $0 + (there.contains($1.digest) ? Int64($1.size) : 0) }
      guard Double(shared) >= Self.leastShare * Double(size) else { return nil }
      try earlierSource.putParts(earlierList, options.compression)
      try putList(earlierList, earlier.name)
    }
    try source.putParts(list, options.compression)
    // What was read for the parts is what was hashed for the list, if the file is as it was.
    try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: Int(size), place)
    try putList(list, name)
    return digest
  }

  private func putList(_ list: ObjectList, _ name: Name) throws(StoreError) {
    try stageFile(name.title, .list) { target, place throws(StoreError) in
      try list.encoded.withRaw { bytes throws(StoreError) in try fileSystem.write(target, bytes, at: place) }
      return name
    }
  }

  // Cuts a few windows of both at the same places and compares. A shift by more than a window is not seen.
  private func sharesWindows(
    _ descriptor: Int32, _ size: Int64, _ place: String, _ earlier: Stored, _ earlierSize: Int64
  ) throws(StoreError) -> Bool {
    let length = Int64(Self.window)
    let common = min(size, earlierSize)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.window, alignment: 64)
    defer { room.deallocate() }
    var shared = 0
    var total = 0
    for number in 0..<Int64(Self.windows) {
      let offset = max(0, (common - length) / Int64(Self.windows - 1) * number)
      let count = try fileSystem.read(descriptor, room, from: offset, at: place)
      let old = try read(earlier.name.digest, range: offset..<offset + length)
      let there = Set(old.withRaw { Self.chunks(of: $0).map(\.digest) })
      for part in Self.chunks(of: UnsafeRawBufferPointer(rebasing: room[..<count])) {
        total += part.size
        if there.contains(part.digest) { shared += part.size }
      }
      if common <= length { break }
    }
    return Double(shared) >= Self.leastShare * Double(total)
  }

  // The last chunk is left out: it ends with the window, not where its content says.
  private static func chunks(of bytes: UnsafeRawBufferPointer) -> [ObjectList.Part] {
    var chunker = Chunker()
    var start = 0
    var result: [ObjectList.Part] = []
    for length in chunker.lengths(bytes) {
      var hash = SHA256()
      hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<start + length]))
      result.append(.init(size: length, digest: hash.digest()))
      start += length
    }
    return result
  }
}

extension ObjectStore {
  /// True when all parts of a list are there. One whose list cannot be read has none.
  func hasAllParts(_ name: Name) throws(StoreError) -> Bool {
    let parts: [ObjectList.Part]
    do {
      parts = try list(name)?.parts ?? []
    } catch {
      if error.code == .damaged { return false }
      throw error
    }
    for part in parts {
      let name = Name(kind: .object, digest: part.digest)
      if stagedPart(name) != nil { continue }
      if try index.find(name) == nil { return false }
    }
    return !parts.isEmpty
  }

  /// Where a part lies that was put and not yet published; a file in the stage folder is no place for one.
  func stagedPart(_ name: Name) -> PackPlace? {
    shared.withLock { shared in
      if let place = shared.parts[name.digest] { return place }
      if case .packed(let place)? = shared.staged[name] { return place }
      return nil
    }
  }

  /// True when a part of a list lies in a pack, where the parts of lists are looked for; it is then pinned.
  func hasPart(_ digest: Digest) throws(StoreError) -> Bool {
    let name = Name(kind: .object, digest: digest)
    if stagedPart(name) != nil { return true }
    guard try index.find(name) != nil else { return false }
    return try writable().pin(digest) { () throws(StoreError) in try index.find(name) != nil }
  }
}
