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
    try readAll(Name(kind: .record, digest: digest), limit: .max)
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
      var size: Int64 = 0
      if digest == .empty { return size }
      try forEachPiece(Name(kind: .object, digest: digest)) { piece throws(StoreError) in
        size += Int64(piece.count)
        try fileSystem.write(descriptor, piece, at: place)
      }
      return size
    } catch {
      try? fileSystem.remove(file, in: folder, at: place)
      throw error
    }
  }

  private func readAll(_ name: Name, limit: Int64) throws(StoreError) -> [UInt8] {
    var bytes: [UInt8] = []
    try forEachPiece(name) { piece throws(StoreError) in
      if Int64(bytes.count) + Int64(piece.count) > limit { throw tooLarge(name, limit) }
      bytes.append(contentsOf: piece)
    }
    return bytes
  }

  private func tooLarge(_ name: Name, _ limit: Int64) -> StoreError {
    StoreError(.tooLarge, "\(name.title) has more than \(limit) bytes, the most that can be used here")
  }

  /// Hands over the plain bytes of a stored file piece by piece, then verifies the whole: what was handed over may be
  /// used only when this returns. Damaged files are set aside.
  func forEachPiece(
    _ name: Name, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Void
  ) throws(StoreError) {
    let descriptor = try openStored(name)
    defer { fileSystem.close(descriptor) }
    let problem = try codecs.with { codec throws(StoreError) -> String? in
      var hash = SHA256()
      let problem = try codec.decompress(
        next: { buffer throws(StoreError) in
          do throws(StoreError) {
            return try fileSystem.read(descriptor, buffer, at: "\(path)/\(name.path)")
          } catch {
            // A failing disk is not a missing object.
            throw error.code == .io ? error : StoreError(.io, error.message, errno: error.errno)
          }
        },
        { piece throws(StoreError) in
          hash.update(piece)
          try body(piece)
        })
      if let problem { return problem }
      return hash.digest() == name.digest ? nil : "its bytes have another digest"
    }
    if let problem { throw setAside(name, descriptor, problem) }
  }

  // Opens the file of a name, wherever it is at the moment.
  private func openStored(_ name: Name) throws(StoreError) -> Int32 {
    let place = name.path
    if let stage, let file = shared.withLock({ $0.staged[name] }) {
      do {
        return try fileSystem.open(file, O_RDONLY | O_NOFOLLOW, in: stage.descriptor, at: "\(path)/\(place)")
      } catch {
        // Published between the look and the opening.
        guard error.code == .missing else { throw error }
      }
    }
    do {
      return try fileSystem.open(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: "\(path)/\(place)")
    } catch {
      guard error.code == .missing else { throw error }
      throw StoreError(.missing, "\(name.title) is not in the cache \(path)", errno: error.errno)
    }
  }

  // Moves a damaged file to quarantine/, so that its name is free to be written again.
  private func setAside(_ name: Name, _ descriptor: Int32, _ problem: String) -> StoreError {
    let aside = "quarantine/\(name.kind == .object ? "object" : "record")-\(name.digest.hex).zst"
    var message = "\(name.title) is damaged: \(problem)"
    guard let stage else {
      return StoreError(.damaged, "\(message). It stays where it is, because the cache \(path) is read-only")
    }
    if let file = shared.withLock({ $0.staged.removeValue(forKey: name) }) {
      try? fileSystem.remove(file, in: stage.descriptor, at: file)
      return StoreError(.damaged, "\(message). It was dropped before it was stored; make it again")
    }
    do {
      // Only the file that was read: another process may have put a sound one in its place.
      let read = try fileSystem.stat(descriptor, at: name.path)
      let there = try fileSystem.stat(name.path, in: root, at: name.path)
      if read.st_ino == there.st_ino {
        try fileSystem.rename(name.path, in: root, to: aside, in: root, at: "\(path)/\(aside)")
        message += ". It was moved to \(path)/\(aside)"
      }
    } catch {
      if error.code != .missing { message += ". It could not be set aside: \(error.message)" }
    }
    return StoreError(.damaged, "\(message); run again to make it anew")
  }
}
