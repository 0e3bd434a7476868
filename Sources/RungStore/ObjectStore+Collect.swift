import Glibc
import RungCore
import Synchronization

/// What a collection freed.
public struct Collected: Hashable, Sendable {
  /// Objects that are gone.
  public var objects = 0
  /// The bytes that they took in the cache, as `StoredObject.stored` counts them.
  public var bytes: Int64 = 0
  /// Objects that were spared, because a living process relies on them or another object consists of them.
  public var kept = 0

  /// Nothing freed.
  public init() {}
}

extension ObjectStore {
  // So many objects are taken away while pinners wait.
  private static let batch = 500
  // So many packs are open while they are written anew.
  private static let packBatch = 64
  // A pack of which more than this share is dead is written anew.
  private static let mostDead = 0.25

  /// Frees objects. Safe beside any number of processes that read, put and collect: what one of them has pinned, by
  /// putting it or by asking for it, is spared, and so is what a list that stays consists of.
  ///
  /// Objects that are not there are passed over. The order: pins are read and names taken away under one lock, files go
  /// to `trash/` and are removed from there, packs that are mostly dead are written anew and then removed. A process that
  /// dies meanwhile leaves nothing that has to be put right.
  ///
  /// With `sparingOwn: false` what only this process has pinned goes too: for one that has done with what it frees.
  public func collect(_ doomed: Set<Digest>, sparingOwn: Bool = true) throws(StoreError) -> Collected {
    _ = try writable()
    // What is staged here is pinned by nobody else.
    try flush()
    try releaseReserve()
    try emptyTrash()
    var needed: Set<Digest> = []
    var files: [Digest: [Form]] = [:]
    try forEachFile(.object, stranger: { _ in }) { name, form, _ throws(StoreError) in
      if doomed.contains(name.digest) {
        files[name.digest, default: []].append(form)
      } else if form == .list {
        needed.formUnion(try list(name)?.parts.map(\.digest) ?? [])
      }
    }
    var result = Collected()
    let candidates = doomed.subtracting(needed).sorted()
    result.kept = doomed.count - candidates.count
    let gate = try StageFolder.pinGate(root, fileSystem)
    defer { fileSystem.close(gate) }
    for start in stride(from: 0, to: candidates.count, by: Self.batch) {
      let part = candidates[start..<min(start + Self.batch, candidates.count)]
      try fileSystem.lock(gate, at: "\(path)/pins.lock")
      defer { fileSystem.unlock(gate) }
      try take(part, files, sparingOwn: sparingOwn, &result)
    }
    try emptyTrash()
    try rewritePacks()
    for digest in doomed { hot.drop(digest) }
    try StageFolder.forgetLeftPins(root, path, fileSystem)
    try makeReserve()
    return result
  }

  // Takes objects away that nobody has pinned; pinners wait meanwhile.
  private func take(
    _ candidates: ArraySlice<Digest>, _ files: [Digest: [Form]], sparingOwn: Bool, _ result: inout Collected
  ) throws(StoreError) {
    var pinned = try StageFolder.pinned(root, path, fileSystem, except: sparingOwn ? nil : stage?.folder)
    for digest in pinned where files[digest]?.contains(.list) == true {
      pinned.formUnion(try list(Name(kind: .object, digest: digest))?.parts.map(\.digest) ?? [])
    }
    var changes = PackIndex.Changes()
    for digest in candidates {
      let name = Name(kind: .object, digest: digest)
      if pinned.contains(digest) {
        result.kept += 1
        continue
      }
      if let place = try index.find(name) {
        changes.removed.append((name, place))
        result.objects += 1
        result.bytes += Int64(PackEntry.headerSize + place.stored)
      }
      for form in files[digest] ?? [] {
        let file = name.path(form)
        do throws(StoreError) {
          let size = Int64(try fileSystem.stat(file, in: root, at: "\(path)/\(file)").st_size)
          let target = "trash/\(digest.hex)\(form.suffix)"
          try fileSystem.rename(file, in: root, to: target, in: root, at: "\(path)/\(target)")
          result.objects += 1
          result.bytes += size
        } catch {
          // Somebody else was first.
          guard error.code == .missing else { throw error }
        }
      }
    }
    try index.commit(changes)
  }

  /// Removes what collectors have taken away: nobody had pinned it then, and nobody can find it since.
  func emptyTrash() throws(StoreError) {
    guard let trash = try openFolder("trash") else { return }
    defer { fileSystem.close(trash) }
    for file in try fileSystem.list(trash, at: "\(path)/trash") {
      try removeTree(file, in: trash, fileSystem, at: "\(path)/trash/\(text(file))")
    }
  }

  /// Writes packs of which much is dead anew, each with what is alive in it, and removes the old ones. A pack to which
  /// somebody appends is left alone.
  func rewritePacks() throws(StoreError) {
    // The pack of this process too may be mostly dead.
    for writer in [Writer.objects, .records] { withPack(writer) { $0.release() } }
    var live: [Int64: [(name: Name, place: PackPlace)]] = [:]
    try index.forEach(.object, byPlace: true) { digest, place in
      live[place.pack, default: []].append((Name(kind: .object, digest: digest), place))
    }
    let worth = try packFiles().filter { pack, file in
      let alive = live[pack]?.reduce(Int64(0)) { $0 + $1.place.end - $1.place.offset } ?? 0
      return file.kind == .object && file.size > 0 && Double(file.size - alive) > Self.mostDead * Double(file.size)
    }
    // Those first that give the most: the disk may be full. A batch at a time: the index is read once for each, and each
    // pack is open meanwhile.
    let order = worth.keys.sorted { (live[$0]?.count ?? 0) < (live[$1]?.count ?? 0) }
    for start in stride(from: 0, to: order.count, by: Self.packBatch) {
      do throws(StoreError) {
        let batch = order[start..<min(start + Self.packBatch, order.count)]
        var locked: [PackFile] = []
        for pack in batch { if let file = try lockedPack(pack) { locked.append(file) } }
        try rewrite(locked, avoiding: Set(order))
      } catch {
        // What was freed before stays freed; the rest waits until there is space.
        guard error.code == .noSpace else { throw error }
        return
      }
    }
  }

  // Opens a pack with its lock; nil when somebody has it, or when not all of it is in the index, for only then may what
  // is not be called dead.
  private func lockedPack(_ pack: Int64) throws(StoreError) -> PackFile? {
    let place = "\(path)/\(PackFile.path(pack, .object))"
    do throws(StoreError) {
      let file = try openPack(pack, .object)
      guard try fileSystem.tryLock(file.descriptor, at: place) else { return nil }
      let size = Int64(try fileSystem.stat(file.descriptor, at: place).st_size)
      return try index.length(of: pack) == size ? file : nil
    } catch {
      if error.code == .missing { return nil }
      throw error
    }
  }

  // Copies what is alive in packs whose locks are held, and removes them.
  private func rewrite(_ old: [PackFile], avoiding: Set<Int64>) throws(StoreError) {
    var moved: [Int64: [(name: Name, place: PackPlace)]] = [:]
    let wanted = Set(old.map(\.pack))
    // Read while the locks are held: nobody can add anything to these packs any more.
    try index.forEach(.object, byPlace: true) { digest, place in
      if wanted.contains(place.pack) {
        moved[place.pack, default: []].append((Name(kind: .object, digest: digest), place))
      }
    }
    for file in old {
      let entries = moved[file.pack] ?? []
      try codecs.with { codec throws(StoreError) in
        for (name, from) in entries {
          // What cannot be read any more stays out; it is found when somebody asks for it.
          guard let entry = try readEntry(name, from, file, codec) else { continue }
          let bytes = UnsafeRawBufferPointer(rebasing: codec.stored[..<(PackEntry.headerSize + entry.stored)])
          try withPack(.objects) { writer throws(StoreError) in
            let place = try writer.append(entry, bytes, index: index, avoiding: avoiding)
            try stagePart(name.digest, place, moves: true)
          }
        }
      }
      // As whatever is put: durable first, then found there. The old pack goes when nothing leads to it any more.
      try flush()
      var changes = PackIndex.Changes()
      changes.removed = entries
      changes.emptiedPacks = [file.pack]
      try index.commit(changes)
      let place = PackFile.path(file.pack, .object)
      try fileSystem.remove(place, in: root, at: "\(path)/\(place)")
      packs.drop(file.pack)
    }
  }
}
