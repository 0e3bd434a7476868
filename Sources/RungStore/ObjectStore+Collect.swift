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
  // A pack of which more than this share is dead is written anew.
  private static let mostDead = 0.25

  /// Frees objects. Safe beside any number of processes that read, put and collect: what one of them has pinned, by
  /// putting it or by asking for it, is spared, and so is what a list that stays consists of.
  ///
  /// Objects that are not there are passed over. The order: pins are read and names taken away under one lock, files go
  /// to `trash/` and are removed from there, packs that are mostly dead are written anew and then removed. A process that
  /// dies meanwhile leaves nothing that has to be put right.
  public func collect(_ doomed: Set<Digest>) throws(StoreError) -> Collected {
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
      try take(part, files, &result)
    }
    try emptyTrash()
    try rewritePacks()
    for digest in doomed { hot.drop(digest) }
    try makeReserve()
    return result
  }

  // Takes objects away that nobody has pinned; pinners wait meanwhile.
  private func take(
    _ candidates: ArraySlice<Digest>, _ files: [Digest: [Form]], _ result: inout Collected
  ) throws(StoreError) {
    var pinned = try StageFolder.pinned(root, path, fileSystem)
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
    // Those first that give the most: the disk may be full.
    for (pack, file) in worth.sorted(by: { (live[$0.key]?.count ?? 0) < (live[$1.key]?.count ?? 0) }) {
      do throws(StoreError) {
        try rewrite(pack, file.kind, avoiding: Set(worth.keys))
      } catch {
        // What was freed before stays freed; the rest waits until there is space.
        guard error.code == .noSpace else { throw error }
        return
      }
    }
  }

  private func rewrite(_ pack: Int64, _ kind: Kind, avoiding: Set<Int64>) throws(StoreError) {
    let place = "\(path)/\(PackFile.path(pack, kind))"
    let old: PackFile
    do throws(StoreError) {
      old = try openPack(pack, kind)
      guard try fileSystem.tryLock(old.descriptor, at: place) else { return }
      // All of it has to be in the index before what is not may be called dead.
      guard try index.length(of: pack) == Int64(fileSystem.stat(old.descriptor, at: place).st_size) else { return }
    } catch {
      if error.code == .missing { return }
      throw error
    }
    var moved: [(name: Name, from: PackPlace)] = []
    try index.forEach(kind, in: pack) { digest, place in moved.append((Name(kind: kind, digest: digest), place)) }
    try codecs.with { codec throws(StoreError) in
      for (name, from) in moved {
        // What cannot be read any more stays out; it is found when somebody asks for it.
        guard let entry = try readEntry(name, from, old, codec) else { continue }
        let bytes = UnsafeRawBufferPointer(rebasing: codec.stored[..<(PackEntry.headerSize + entry.stored)])
        try withPack(.objects) { writer throws(StoreError) in
          try stagePart(name.digest, try writer.append(entry, bytes, index: index, avoiding: avoiding), moves: true)
        }
      }
    }
    // As whatever is put: durable first, then found there. The old pack goes when nothing leads to it any more.
    try flush()
    var changes = PackIndex.Changes()
    changes.gonePacks = [pack]
    try index.commit(changes)
    try fileSystem.remove(PackFile.path(pack, kind), in: root, at: place)
    packs.drop(pack)
  }
}
