import Glibc
import RungCore

extension ObjectStore {
  /// Stages bytes. Bytes that are already stored are not written again.
  @discardableResult
  public func put(_ bytes: [UInt8]) throws(StoreError) -> StoredFile {
    StoredFile(digest: try put(bytes, .object), size: Int64(bytes.count))
  }

  /// Stages a record and returns its name. Records are found again by `forEachRecord`, whatever becomes of the index.
  @discardableResult
  public func putRecord(_ bytes: [UInt8]) throws(StoreError) -> Digest {
    try put(bytes, .record)
  }

  /// Stages the content of a regular file, in one pass and in bounded memory. A symbolic link as the last component is
  /// an error (`badPath`) unless `followLinks`. A file that changes meanwhile is an error (`changed`).
  public func put(
    fileAt path: String, followLinks: Bool = false, options: PutOptions = PutOptions()
  ) throws(StoreError) -> StoredFile {
    let flags = O_RDONLY | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW)
    let descriptor = try fileSystem.open(path, flags, at: path)
    defer { fileSystem.close(descriptor) }
    return try put(open: descriptor, at: path, options: options)
  }

  /// The digest and size of a regular file, without storing anything. Follows links. Errors like `put(fileAt:)`.
  public static func digest(ofFileAt path: String) throws(StoreError) -> StoredFile {
    let fileSystem = FileSystem.live
    let descriptor = try fileSystem.open(path, O_RDONLY | O_NONBLOCK, at: path)
    defer { fileSystem.close(descriptor) }
    return try digest(ofOpenFile: descriptor, at: path)
  }

  /// The same of a file that is open for reading at its beginning. `path` is what messages call it.
  public static func digest(ofOpenFile descriptor: Int32, at path: String) throws(StoreError) -> StoredFile {
    let fileSystem = FileSystem.live
    let before = try regular(fileSystem.stat(descriptor, at: path), path)
    let size = Int(before.st_size)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, min(1 << 20, size + 1)), alignment: 16)
    defer { buffer.deallocate() }
    var hash = SHA256()
    var done = 0
    while true {
      let count = try fileSystem.read(descriptor, buffer, at: path)
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      done += count
      if count < buffer.count { break }
    }
    try unchanged(before, fileSystem.stat(descriptor, at: path), read: done, path)
    return StoredFile(digest: hash.digest(), size: Int64(size))
  }

  private func put(_ bytes: [UInt8], _ kind: Kind) throws(StoreError) -> Digest {
    let name = Name(kind: kind, digest: Digest(of: bytes))
    if try isThere(name, isSmall: bytes.count <= Frames.packed) { return name.digest }
    // Records can be of any size, but none is met that would not fit into one frame.
    if bytes.count <= Frames.packed || (kind == .record && bytes.count <= Frames.mostPlain) {
      try codecs.with { codec throws(StoreError) in
        codec.fit(bytes.count)
        try bytes.withRaw { plain throws(StoreError) in
          try stagePacked(name, plain, planes: .off, level: Levels.small, codec)
        }
      }
      return name.digest
    }
    try codecs.with { codec throws(StoreError) in
      codec.fit(Frames.plain)
      try stageFile("what is in memory", .zstd(planes: .off)) { target, place throws(StoreError) in
        try bytes.withRaw { plain throws(StoreError) in
          var table = SeekTable()
          for start in stride(from: 0, to: plain.count, by: Frames.plain) {
            let block = UnsafeRawBufferPointer(rebasing: plain[start..<min(start + Frames.plain, plain.count)])
            guard let stored = codec.compress(block, planes: .off, level: Levels.large, into: codec.stored) else {
              throw StoreError(.io, "\(name.title) did not come back as it was after it was compressed")
            }
            table.append(stored: stored, plain: block.count)
            try fileSystem.write(target, UnsafeRawBufferPointer(rebasing: codec.stored[..<stored]), at: place)
          }
          try table.encoded.withRaw { table throws(StoreError) in
            try fileSystem.write(target, table, at: place)
          }
        }
        return name
      }
    }
    return name.digest
  }

  /// Stages what an open file holds.
  func put(
    open descriptor: Int32, at place: String, options: PutOptions = PutOptions()
  ) throws(StoreError) -> StoredFile {
    let before = try Self.regular(fileSystem.stat(descriptor, at: place), place)
    let size = Int(before.st_size)
    let digest: Digest
    if size <= Frames.packed {
      digest = try codecs.with { codec throws(StoreError) in
        try putSmall(descriptor, place, before, options, codec)
      }
    } else {
      digest = try putLarge(descriptor, place, before, options)
    }
    return StoredFile(digest: digest, size: Int64(size))
  }

  // All of it is in memory before it is hashed: nothing need be compressed when it is stored already.
  private func putSmall(
    _ descriptor: Int32, _ place: String, _ before: stat, _ options: PutOptions, _ codec: Codec
  ) throws(StoreError) -> Digest {
    codec.fit(Frames.packed + 1)
    // One byte more than it had, to see that it has not grown.
    let room = UnsafeMutableRawBufferPointer(rebasing: codec.plain[..<(Int(before.st_size) + 1)])
    let count = try fileSystem.read(descriptor, room, from: 0, at: place)
    try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: count, place)
    let bytes = UnsafeRawBufferPointer(rebasing: codec.plain[..<count])
    var hash = SHA256()
    hash.update(bytes)
    let name = Name(kind: .object, digest: hash.digest())
    if try isThere(name, isSmall: true) { return name.digest }
    let level = if case .level(let wanted) = options.compression { wanted } else { Levels.small }
    try stagePacked(name, bytes, planes: .off, level: level, codec)
    return name.digest
  }

  private func putLarge(
    _ descriptor: Int32, _ place: String, _ before: stat, _ options: PutOptions
  ) throws(StoreError) -> Digest {
    let size = Int64(before.st_size)
    if let digest = try putSharing(descriptor, place, before, options) { return digest }
    let way = try Levels.way(of: descriptor, size: size, options.compression, self, at: place)
    var result = Digest.empty
    var sums: [UInt32] = []
    try stageFile(place, way.form) { target, targetPlace throws(StoreError) in
      // Where the file system can share the bytes nothing is written; what is hashed then is the copy.
      var isCloned = false
      if way.level == nil { isCloned = try fileSystem.clone(target, of: descriptor, at: targetPlace) }
      if isCloned {
        (result, sums) = try digest(open: target, size: size, at: targetPlace)
      } else {
        let pipeline = WritePipeline(
          self, from: descriptor, at: place, size: size, planes: way.planes, level: way.level, to: target,
          at: targetPlace)
        result = try pipeline.run()
        sums = pipeline.sums
      }
      try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: Int(size), place)
      let name = Name(kind: .object, digest: result)
      if try isThere(name) { return nil }
      if way.level == nil { shared.withLock { $0.sums[result] = sums } }
      return name
    }
    return result
  }

  // Hashes a file of this size in bounded memory; also the checksum of each piece.
  func digest(
    open descriptor: Int32, size: Int64, at place: String
  ) throws(StoreError) -> (digest: Digest, sums: [UInt32]) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Frames.plain, alignment: 64)
    defer { buffer.deallocate() }
    var hash = SHA256()
    var sums: [UInt32] = []
    var done: Int64 = 0
    while done < size {
      let count = try fileSystem.read(descriptor, buffer, from: done, at: place)
      if count == 0 { break }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      hash.update(bytes)
      sums.append(CRC32C.of(bytes))
      done += Int64(count)
    }
    guard done == size else { throw StoreError(.changed, "\(place) changed while it was being stored") }
    return (hash.digest(), sums)
  }

  // True when the name needs no writing. Relying on a name means that the next flush has to make it durable: another
  // process may have given it a moment ago and not yet synchronised it.
  func isThere(_ name: Name, isSmall: Bool = false) throws(StoreError) -> Bool {
    let isStaged = try shared.withLock { shared throws(StoreError) in
      if let failure = shared.failure { throw failure }
      return shared.staged[name] != nil
    }
    if isStaged { return true }
    // A row of the index is written after its bytes are durable.
    if try index.find(name) != nil { return try isThereAndPinned(name) }
    guard try looseForm(name, isSmall: isSmall) != nil, try isThereAndPinned(name) else { return false }
    shared.withLock { _ = $0.reliedShards.insert(name.shard) }
    return true
  }

  // Gives the body an empty file in the stage folder. The body says under which name it is to be published; nil drops
  // it. On any error nothing is left.
  func stageFile(
    _ title: String, _ form: Form, _ body: (Int32, String) throws(StoreError) -> Name?
  ) throws(StoreError) {
    let stage = try writable()
    let file = stage.newName()
    let place = "\(path)/\(stage.name)/\(file)"
    // Opened for reading too: a clone is hashed.
    let descriptor = try fileSystem.open(
      file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o444, in: stage.descriptor, at: place)
    var keep = false
    defer {
      fileSystem.close(descriptor)
      if !keep { try? fileSystem.remove(file, in: stage.descriptor, at: place) }
    }
    guard let name = try body(descriptor, place) else { return }
    let size = Int64(try fileSystem.stat(descriptor, at: place).st_size)
    shared.withLock { $0.putBytes += size }
    keep = try self.stage(name, .file(file, form))
  }

  private static func regular(_ status: stat, _ place: @autoclosure () -> String) throws(StoreError) -> stat {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.badPath, "\(place()) is \(fileKind(status)), not a regular file: it cannot be stored")
    }
    return status
  }

  static func unchanged(
    _ before: stat, _ after: stat, read: Int, _ place: @autoclosure () -> String
  ) throws(StoreError) {
    let same =
      before.st_size == after.st_size && read == Int(before.st_size)
      && before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec
      && before.st_ctim.tv_sec == after.st_ctim.tv_sec && before.st_ctim.tv_nsec == after.st_ctim.tv_nsec
    guard same else { throw StoreError(.changed, "\(place()) changed while it was being read") }
  }

  /// What a file is, in words.
  static func fileKind(_ status: stat) -> String {
    switch status.st_mode & S_IFMT {
    case S_IFREG: "a regular file"
    case S_IFDIR: "a folder"
    case S_IFLNK: "a symbolic link"
    case S_IFIFO: "a pipe"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }
}
