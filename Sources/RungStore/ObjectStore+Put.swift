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
  public func put(fileAt path: String, followLinks: Bool = false) throws(StoreError) -> StoredFile {
    let flags = O_RDONLY | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW)
    let descriptor = try fileSystem.open(path, flags, at: path)
    defer { fileSystem.close(descriptor) }
    return try put(open: descriptor, at: path)
  }

  /// The digest and size of a regular file, without storing anything. Follows links. Errors like `put(fileAt:)`.
  public static func digest(ofFileAt path: String) throws(StoreError) -> StoredFile {
    let fileSystem = FileSystem.live
    let descriptor = try fileSystem.open(path, O_RDONLY | O_NONBLOCK, at: path)
    defer { fileSystem.close(descriptor) }
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
    if try isThere(name) { return name.digest }
    try codecs.with { codec throws(StoreError) in
      try stageFile(codec, size: Int64(bytes.count), "what is in memory") { compress throws(StoreError) in
        try bytes.withUnsafeBufferPointer { plain throws(StoreError) in
          try compress(UnsafeRawBufferPointer(plain), true)
        }
        return name
      }
    }
    return name.digest
  }

  /// Stages what an open file holds.
  func put(open descriptor: Int32, at place: String) throws(StoreError) -> StoredFile {
    let before = try Self.regular(fileSystem.stat(descriptor, at: place), place)
    let size = Int(before.st_size)
    let digest = try codecs.with { codec throws(StoreError) in
      var count = try fileSystem.read(descriptor, codec.input, at: place)
      var hash = SHA256()
      hash.update(UnsafeRawBufferPointer(rebasing: codec.input[..<count]))
      if count < codec.input.count {
        // All of it is in memory: nothing needs to be compressed when it is stored already.
        try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: count, place)
        let name = Name(kind: .object, digest: hash.digest())
        if try isThere(name) { return name.digest }
        try stageFile(codec, size: Int64(count), place) { compress throws(StoreError) in
          try compress(UnsafeRawBufferPointer(rebasing: codec.input[..<count]), true)
          return name
        }
        return name.digest
      }
      var result = Digest.empty
      try stageFile(codec, size: Int64(size), place) { compress throws(StoreError) in
        var done = 0
        while true {
          done += count
          let last = done >= size
          try compress(UnsafeRawBufferPointer(rebasing: codec.input[..<count]), last)
          count = try fileSystem.read(descriptor, codec.input, at: place)
          if last || count == 0 { break }
          hash.update(UnsafeRawBufferPointer(rebasing: codec.input[..<count]))
        }
        try Self.unchanged(before, fileSystem.stat(descriptor, at: place), read: done + count, place)
        result = hash.digest()
        let name = Name(kind: .object, digest: result)
        return try isThere(name) ? nil : name
      }
      return result
    }
    return StoredFile(digest: digest, size: Int64(size))
  }

  // True when the name needs no writing. Relying on a name means that the next flush has to make it durable: another
  // process may have given it a moment ago and not yet synchronised it.
  private func isThere(_ name: Name) throws(StoreError) -> Bool {
    try shared.withLock { shared throws(StoreError) in
      if let failure = shared.failure { throw failure }
    }
    guard try isPresent(name) else { return false }
    shared.withLock { $0.namesUnsynced = true }
    return true
  }

  // Writes one zstd frame of `size` plain bytes to a file in the stage folder. The body feeds the compressor and says
  // under which name the file is to be published; nil drops it. On any error nothing is left.
  private func stageFile(
    _ codec: Codec, size: Int64, _ title: String,
    _ body: ((UnsafeRawBufferPointer, _ last: Bool) throws(StoreError) -> Void) throws(StoreError) -> Name?
  ) throws(StoreError) {
    let stage = try writable()
    let file = stage.newName()
    let place = "\(path)/\(stage.name)/\(file)"
    let descriptor = try fileSystem.open(
      file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o444, in: stage.descriptor, at: place)
    var keep = false
    defer {
      fileSystem.close(descriptor)
      if !keep { try? fileSystem.remove(file, in: stage.descriptor, at: place) }
    }
    codec.beginFrame(size: size)
    let name = try body { bytes, last throws(StoreError) in
      let complete = try codec.compress(bytes, last: last) { piece throws(StoreError) in
        try fileSystem.write(descriptor, piece, at: place)
      }
      if !complete { throw StoreError(.changed, "\(title) changed while it was being stored") }
    }
    guard let name else { return }
    keep = try shared.withLock { shared throws(StoreError) in
      // Judged again under the lock: a failed flush must not find a newcomer after it has dropped everything.
      if let failure = shared.failure { throw failure }
      // Another thread may have staged the same bytes meanwhile; the first one stays, a reader may have it open.
      if shared.staged[name] != nil { return false }
      shared.staged[name] = file
      return true
    }
  }

  private static func regular(_ status: stat, _ place: @autoclosure () -> String) throws(StoreError) -> stat {
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.badPath, "\(place()) is \(fileKind(status)), not a regular file: it cannot be stored")
    }
    return status
  }

  private static func unchanged(
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
