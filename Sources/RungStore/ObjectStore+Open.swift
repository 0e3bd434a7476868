import Glibc
import RungCore

extension ObjectStore {
  /// Finds a name wherever it lies at the moment. Throws `missing`, or `damaged` when what leads to it is.
  func open(_ name: Name) throws(StoreError) -> Stored {
    // A pack may be rewritten, or a staged file published, between the look and the opening: then it is looked for again.
    for _ in 0..<4 {
      if let stored = try openOnce(name) { return stored }
    }
    throw missing(name)
  }

  func missing(_ name: Name) -> StoreError {
    StoreError(.missing, "\(name.title) is not in the cache \(path)", errno: ENOENT)
  }

  private func openOnce(_ name: Name) throws(StoreError) -> Stored? {
    switch shared.withLock({ $0.staged[name] }) {
    case .packed(let place): return try openPacked(name, place)
    case .file(let file, let form):
      guard let stage else { break }
      do {
        let descriptor = try fileSystem.open(
          file, O_RDONLY | O_NOFOLLOW, in: stage.descriptor, at: "\(path)/\(stage.name)/\(file)")
        return try open(name, descriptor, form)
      } catch {
        // Published between the look and the opening.
        guard error.code == .missing else { throw error }
        return nil
      }
    case nil: break
    }
    if let place = try index.find(name) {
      if let stored = try openPacked(name, place) { return stored }
      // The index leads nowhere, unless another process has put it right: a collector does before it removes a pack.
      if try index.find(name) != place { return nil }
      try forget(name, place)
    }
    for form in name.kind == .object ? Form.all : [.zstd(planes: .off)] {
      let file = name.path(form)
      do {
        let descriptor = try fileSystem.open(
          file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, in: root, at: "\(path)/\(file)")
        return try open(name, descriptor, form)
      } catch {
        guard error.code == .missing else { throw error }
      }
    }
    throw missing(name)
  }

  /// Nil when the pack is gone.
  func openPacked(_ name: Name, _ place: PackPlace) throws(StoreError) -> Stored? {
    guard place.plain <= Frames.mostPlain, place.plain >= 0 else { return nil }
    let file: PackFile
    do {
      file = try packs.file(place.pack) { () throws(StoreError) in try openPack(place.pack, name.kind) }
    } catch {
      guard error.code == .missing else { throw error }
      return nil
    }
    let segment = Segment(
      source: 0, isRaw: false, planes: place.planes,
      offset: place.offset + Int64(PackEntry.headerSize), stored: place.stored, plain: place.plain)
    return Stored(name, sources: [.pack(file, name, place)], segments: [segment])
  }

  // Takes the descriptor over.
  private func open(_ name: Name, _ descriptor: Int32, _ form: Form) throws(StoreError) -> Stored {
    let file = PackFile(pack: 0, descriptor: descriptor, fileSystem)
    let place = "\(path)/\(name.path(form))"
    switch form {
    case .raw:
      let size = Int64(try fileSystem.stat(descriptor, at: place).st_size)
      let segments = stride(from: 0, to: size, by: Frames.plain).map { offset in
        let count = Int(min(Int64(Frames.plain), size - offset))
        return Segment(source: 0, isRaw: true, planes: .off, offset: offset, stored: count, plain: count)
      }
      return Stored(name, sources: [.file(file, form)], segments: segments)
    case .zstd(let planes):
      let segments = try table(descriptor, planes: planes, at: place)
      // Grouped bytes can only be told frame by frame.
      guard segments != nil || planes == .off else { throw setAside(name, .file(file, form), "its table is damaged") }
      return Stored(name, sources: [.file(file, form)], segments: segments)
    case .list:
      return try openList(name, file)
    }
  }

  // The segments by the table at the end of a file; nil when it has none that fits it.
  private func table(_ descriptor: Int32, planes: BytePlanes, at place: String) throws(StoreError) -> [Segment]? {
    let size = Int64(try fileSystem.stat(descriptor, at: place).st_size)
    guard size > SeekTable.footer else { return nil }
    let footer = UnsafeMutableRawBufferPointer.allocate(byteCount: SeekTable.footer, alignment: 8)
    defer { footer.deallocate() }
    let read = try fileSystem.read(descriptor, footer, from: size - Int64(SeekTable.footer), at: place)
    guard read == footer.count, let length = SeekTable.length(footer: UnsafeRawBufferPointer(footer)),
      Int64(length) < size
    else { return nil }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 8)
    defer { bytes.deallocate() }
    guard try fileSystem.read(descriptor, bytes, from: size - Int64(length), at: place) == length else { return nil }
    return SeekTable(UnsafeRawBufferPointer(bytes))?.segments(fileSize: size, tableSize: length, planes: planes)
  }

  // Forgets what the index says of a name.
  func forget(_ name: Name, _ place: PackPlace) throws(StoreError) {
    guard stage != nil else { return }
    var changes = PackIndex.Changes()
    changes.removed = [(name, place)]
    try index.commit(changes)
  }
}
