import Glibc
import RungCore

extension ObjectStore {
  /// The bytes of an object. Throws `missing`, `damaged`, or `tooLarge` when it has more than `limit` bytes.
  public func read(_ digest: Digest, limit: Int64) throws(StoreError) -> [UInt8] {
    if digest == .empty { return [] }
    let name = Name(kind: .object, digest: digest)
    if let bytes = hot.bytes(digest) {
      if bytes.count > limit { throw tooLarge(name, limit) }
      return bytes
    }
    let bytes = try readAll(name, limit: limit)
    hot.insert(digest, bytes)
    return bytes
  }

  /// The bytes of a record. Throws `missing` or `damaged`.
  public func readRecord(_ digest: Digest) throws(StoreError) -> [UInt8] {
    // Many times what any record has; a damaged table may claim more than there is memory.
    try readAll(Name(kind: .record, digest: digest), limit: 1 << 30)
  }

  /// Reads a folder's manifest. Throws like `read`, and `damaged` when the object is no manifest.
  public func tree(_ digest: Digest) throws(StoreError) -> TreeManifest {
    let bytes = try read(digest, limit: 1 << 30)
    do {
      return try TreeManifest(decoding: bytes)
    } catch {
      throw StoreError(.damaged, "object \(digest.hex) is not a folder: \(error.message)")
    }
  }

  /// Writes an object to a new file with an inode of its own, verified while it is written. `path` must not exist (its
  /// last component may not be a link either); its folder must. The mode is 0644 or 0755, less the umask. Nothing is
  /// synchronised. On any error no file is left, but a process killed meanwhile leaves a part: where that matters,
  /// restore to another name and rename.
  public func restore(_ digest: Digest, to path: String, executable: Bool) throws(StoreError) {
    _ = try restore(digest, to: path, in: AT_FDCWD, executable: executable, at: path)
  }

  // Returns the object's plain size.
  func restore(
    _ digest: Digest, to file: UnsafePointer<CChar>, in folder: Int32, executable: Bool, at place: String
  ) throws(StoreError) -> Int64 {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
    let descriptor: Int32
    do {
      descriptor = try fileSystem.open(file, flags, mode: executable ? 0o755 : 0o644, in: folder, at: place)
    } catch {
      throw error.asTarget
    }
    defer { fileSystem.close(descriptor) }
    do {
      if digest == .empty { return 0 }
      return try write(Name(kind: .object, digest: digest), to: descriptor, at: place)
    } catch {
      try? fileSystem.remove(file, in: folder, at: place)
      throw error
    }
  }

  /// The bytes of an object in a range, which is cut at the object's end. Only the pieces in which they lie are read;
  /// each is verified by the checksum of its frame, and where the bytes have none the whole object is verified first,
  /// once in the life of this store.
  public func read(_ digest: Digest, range: Range<Int64>) throws(StoreError) -> [UInt8] {
    let name = Name(kind: .object, digest: digest)
    if digest == .empty || range.isEmpty { return [] }
    let stored = try open(name)
    guard !stored.isStream, let size = stored.size else {
      let all = try read(digest, limit: .max)
      return Array(all[Int(min(range.lowerBound, Int64(all.count)))..<Int(min(range.upperBound, Int64(all.count)))])
    }
    let range = range.clamped(to: 0..<size)
    let sums = try stored.isRaw ? rawSums(stored, size) : []
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var (piece, start) = stored.piece(at: range.lowerBound)
    try codecs.with { codec throws(StoreError) in
      while piece < stored.segments.count, start < range.upperBound {
        let count = stored.segments[piece].plain
        codec.fit(stored.segments[piece])
        let plain = UnsafeMutableRawBufferPointer(rebasing: codec.plain[..<count])
        if let problem = try decode(stored, piece, into: plain, codec) {
          throw setAside(stored, piece: piece, problem)
        }
        if stored.isRaw && sums[piece] != CRC32C.of(UnsafeRawBufferPointer(plain)) {
          throw setAside(stored, piece: piece, "its bytes have changed")
        }
        let from = Int(max(range.lowerBound - start, 0))
        let to = Int(min(range.upperBound - start, Int64(count)))
        if from < to { result += plain[from..<to] }
        start += Int64(count)
        piece += 1
      }
    }
    return result
  }

  // The checksums of the pieces of a raw object. Where nobody has noted them the whole of it is verified, and then they are.
  private func rawSums(_ stored: Stored, _ size: Int64) throws(StoreError) -> [UInt32] {
    let digest = stored.name.digest
    if let known = shared.withLock({ $0.sums[digest] }), known.count == stored.segments.count { return known }
    if let known = try index.sums(digest), known.count == stored.segments.count {
      shared.withLock { $0.sums[digest] = known }
      return known
    }
    let found = try self.digest(open: stored.sources[0].descriptor, size: size, at: "\(path)/\(stored.name.title)")
    guard found.digest == digest, found.sums.count == stored.segments.count else {
      throw setAsideWrongPart(of: stored)
    }
    shared.withLock { $0.sums[digest] = found.sums }
    if stage != nil {
      var changes = PackIndex.Changes()
      changes.sums[digest] = found.sums
      try index.commit(changes)
    }
    return found.sums
  }

  private func readAll(_ name: Name, limit: Int64) throws(StoreError) -> [UInt8] {
    let stored = try open(name)
    if let size = stored.size {
      if size > limit { throw tooLarge(name, limit) }
      var problem: StoreError?
      // The digest is verified before anybody sees the bytes.
      let bytes = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
        do throws(StoreError) {
          try verify(stored, into: .memory(UnsafeMutableRawBufferPointer(buffer)))
          count = Int(size)
        } catch {
          problem = error
        }
      }
      if let problem { throw problem }
      return bytes
    }
    var bytes: [UInt8] = []
    try stream(stored) { piece throws(StoreError) in
      if Int64(bytes.count) + Int64(piece.count) > limit { throw tooLarge(name, limit) }
      bytes.append(contentsOf: piece)
    }
    return bytes
  }

  private func tooLarge(_ name: Name, _ limit: Int64) -> StoreError {
    StoreError(.tooLarge, "\(name.title) has more than \(limit) bytes, the most that can be used here")
  }

  // Writes an object to an empty file and returns its size.
  private func write(_ name: Name, to descriptor: Int32, at place: String) throws(StoreError) -> Int64 {
    let stored = try open(name)
    guard let size = stored.size else {
      var size: Int64 = 0
      try stream(stored) { piece throws(StoreError) in
        size += Int64(piece.count)
        try fileSystem.write(descriptor, piece, at: place)
      }
      return size
    }
    // The bytes shared on the disk, where the file system can: then only hashing is left.
    if case .file(let file, .raw)? = stored.sources.first,
      try fileSystem.clone(descriptor, of: file.descriptor, at: place)
    {
      try verify(stored, into: .nowhere)
    } else {
      try verify(stored, into: .file(descriptor, place: place))
    }
    return size
  }

  /// The size of an object, in bytes, before compression. Errors like `read`; nothing is verified.
  public func size(_ digest: Digest) throws(StoreError) -> Int64 {
    if digest == .empty { return 0 }
    let name = Name(kind: .object, digest: digest)
    if let size = try open(name).size { return size }
    return try verify(name)
  }

  /// Reads the whole object and verifies it; returns its size in bytes. Errors like `read`.
  @discardableResult
  public func verify(_ digest: Digest) throws(StoreError) -> Int64 { try verify(Name(kind: .object, digest: digest)) }

  /// Reads the whole object and verifies it; returns its size.
  @discardableResult
  func verify(_ name: Name) throws(StoreError) -> Int64 {
    let stored = try open(name)
    if let size = stored.size {
      try verify(stored, into: .nowhere)
      return size
    }
    var size: Int64 = 0
    try stream(stored) { size += Int64($0.count) }
    return size
  }

  /// Hands the plain bytes of a name over, verified: what was handed over may be used only when this returns.
  func verify(_ stored: Stored, into target: ReadPipeline.Target) throws(StoreError) {
    if stored.segments.count == 1 {
      let problem = try codecs.with { codec throws(StoreError) in try verifyOne(stored, into: target, codec) }
      if let problem { throw setAside(stored, piece: 0, problem) }
      return
    }
    switch try ReadPipeline(self, stored, to: target).run() {
    case .success(let digest):
      if digest != stored.name.digest { throw setAsideWrongPart(of: stored) }
    case .failure(let failure): throw setAside(stored, piece: failure.piece, failure.what)
    }
  }

  private func verifyOne(
    _ stored: Stored, into target: ReadPipeline.Target, _ codec: Codec
  ) throws(StoreError) -> String? {
    let count = stored.segments[0].plain
    codec.fit(stored.segments[0])
    var plain = UnsafeMutableRawBufferPointer(rebasing: codec.plain[..<count])
    if case .memory(let memory) = target { plain = memory }
    if let problem = try decode(stored, 0, into: plain, codec) { return problem }
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(plain))
    if hash.digest() != stored.name.digest { return "its bytes have another digest" }
    if case .file(let descriptor, let place) = target {
      try fileSystem.write(descriptor, UnsafeRawBufferPointer(plain), at: place)
    }
    return nil
  }

  /// Decodes one piece; says what is wrong with its bytes, or nil. The codec must fit the piece.
  func decode(
    _ stored: Stored, _ piece: Int, into target: UnsafeMutableRawBufferPointer, _ codec: Codec
  ) throws(StoreError) -> String? {
    let segment = stored.segments[piece]
    let source = stored.sources[Int(segment.source)]
    // Without effect where the target is the codec's own: then it was made to fit before.
    codec.fit(segment)
    let place = "\(path)/\(stored.name.title)"
    do throws(StoreError) {
      if segment.isRaw {
        let count = try fileSystem.read(source.descriptor, target, from: segment.offset, at: place)
        return count == target.count ? nil : "it is shorter than it was"
      }
      var frame: UnsafeMutableRawBufferPointer
      var planes = segment.planes
      switch source {
      case .pack(let file, let name, let entryPlace):
        guard let entry = try readEntry(name, entryPlace, file, codec) else {
          return "its place in the pack has other bytes"
        }
        planes = entry.planes
        frame = UnsafeMutableRawBufferPointer(
          rebasing: codec.stored[PackEntry.headerSize..<PackEntry.headerSize + segment.stored])
      case .file(let file, _):
        frame = UnsafeMutableRawBufferPointer(rebasing: codec.stored[..<segment.stored])
        guard try fileSystem.read(file.descriptor, frame, from: segment.offset, at: place) == frame.count else {
          return "it is shorter than it was"
        }
      }
      return codec.decompress(UnsafeRawBufferPointer(frame), planes: planes, into: target)
    } catch {
      // A failing disk is not a missing object.
      throw error.code == .io ? error : StoreError(.io, error.message, errno: error.errno)
    }
  }

  // An object whose frames have no table, from its beginning to its end.
  private func stream(
    _ stored: Stored, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) {
    guard let source = stored.sources.first else { throw missing(stored.name) }
    var offset: Int64 = 0
    let problem = try codecs.with { codec throws(StoreError) -> String? in
      var hash = SHA256()
      let problem = try codec.decompress(
        next: { buffer throws(StoreError) in
          do throws(StoreError) {
            let count = try fileSystem.read(
              source.descriptor, buffer, from: offset, at: "\(path)/\(stored.name.title)")
            offset += Int64(count)
            return count
          } catch {
            throw error.code == .io ? error : StoreError(.io, error.message, errno: error.errno)
          }
        },
        { piece throws(StoreError) in
          hash.update(piece)
          try body(piece)
        })
      if let problem { return problem }
      return hash.digest() == stored.name.digest ? nil : "its bytes have another digest"
    }
    if let problem { throw setAside(stored.name, source, problem) }
  }
}
