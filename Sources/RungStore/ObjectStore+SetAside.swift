import Glibc
import RungCore

// What becomes of damaged bytes: they go to `quarantine/`, so that their name is free to be written again.
extension ObjectStore {
  /// Sets aside the file or entry in which a piece lies.
  func setAside(_ stored: Stored, piece: Int, _ problem: String) -> StoreError {
    let source = stored.sources[Int(stored.segments[piece].source)]
    guard case .pack(_, let name, _) = source, name != stored.name else {
      return setAside(stored.name, source, problem)
    }
    let error = setAside(name, source, problem)
    return StoreError(error.code, "\(error.message); it is a part of \(stored.name.title)", errno: error.errno)
  }

  /// Finds which part of a list does not have its own digest; where all have, the list errs.
  func setAsideWrongPart(of stored: Stored) -> StoreError {
    for (piece, segment) in stored.segments.enumerated() {
      guard case .pack(_, let name, _) = stored.sources[Int(segment.source)], name != stored.name else { continue }
      do throws(StoreError) {
        try verify(name)
      } catch {
        if error.code == .damaged {
          return StoreError(.damaged, "\(error.message); it is a part of \(stored.name.title)")
        }
        return setAside(stored, piece: piece, "it cannot be verified")
      }
    }
    guard let name = stored.isList ? stored.name : nil else {
      return setAside(stored.name, stored.sources[0], "its bytes have another digest")
    }
    // The list's own file is not among the sources.
    let place = name.path(.list)
    do {
      let descriptor = try fileSystem.open(place, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: "\(path)/\(place)")
      return setAside(
        name, .file(PackFile(pack: 0, descriptor: descriptor, fileSystem), .list), "its bytes have another digest")
    } catch {
      return StoreError(.damaged, "\(name.title) is damaged: its bytes have another digest")
    }
  }

  /// Moves a damaged file to quarantine/, or copies a damaged entry there and forgets it.
  func setAside(_ name: Name, _ source: Stored.Source, _ problem: String) -> StoreError {
    let kind = name.kind == .object ? "object" : "record"
    let message = "\(name.title) is damaged: \(problem)"
    guard let stage else {
      return StoreError(.damaged, "\(message). It stays where it is, because the cache \(path) is read-only")
    }
    if let staged = shared.withLock({ $0.staged.removeValue(forKey: name) }) {
      if case .file(let file, _) = staged { try? fileSystem.remove(file, in: stage.descriptor, at: file) }
      return StoreError(.damaged, "\(message). It was dropped before it was stored; make it again")
    }
    var end = ""
    do {
      switch source {
      case .file(let file, let form):
        let aside = "quarantine/\(kind)-\(name.digest.hex)\(form.suffix)"
        if try move(name.path(form), readAs: file.descriptor, to: aside) { end = ". It was moved to \(path)/\(aside)" }
      case .pack(let file, _, let place):
        let aside = "quarantine/\(kind)-\(name.digest.hex).zst"
        try copy(place, of: file, to: aside)
        try forget(name, place)
        end = ". Its bytes are in \(path)/\(aside)"
      }
    } catch {
      if error.code != .missing { end = ". It could not be set aside: \(error.message)" }
    }
    return StoreError(.damaged, "\(message)\(end); run again to make it anew")
  }

  // Only the file that was read: another process may have put a sound one in its place.
  private func move(_ file: String, readAs descriptor: Int32, to aside: String) throws(StoreError) -> Bool {
    let read = try fileSystem.stat(descriptor, at: file)
    let there = try fileSystem.stat(file, in: root, at: file)
    guard read.st_ino == there.st_ino else { return false }
    try fileSystem.rename(file, in: root, to: aside, in: root, at: "\(path)/\(aside)")
    return true
  }

  // The stored bytes as they are, without the header.
  private func copy(_ place: PackPlace, of file: PackFile, to aside: String) throws(StoreError) {
    let size = max(0, min(place.stored, 2 * Frames.mostPlain))
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(size, 1), alignment: 8)
    defer { bytes.deallocate() }
    let room = UnsafeMutableRawBufferPointer(rebasing: bytes[..<size])
    let start = max(0, place.offset) + Int64(PackEntry.headerSize)
    let count = try fileSystem.read(file.descriptor, room, from: start, at: "\(path)/packs")
    let target = try fileSystem.open(
      aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644, in: root, at: "\(path)/\(aside)")
    defer { fileSystem.close(target) }
    try fileSystem.write(target, UnsafeRawBufferPointer(rebasing: bytes[..<count]), at: "\(path)/\(aside)")
  }
}
