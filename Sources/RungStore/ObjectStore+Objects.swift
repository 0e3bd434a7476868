import Glibc
import RungCore

/// One published object, as a collector sees it.
public struct StoredObject: Hashable, Sendable {
  /// Its name.
  public var digest: Digest
  /// The bytes of its content.
  public var plain: Int64
  /// The bytes that it takes in the cache, its own alone: not those of `parts`.
  public var stored: Int64
  /// The objects that it consists of, in order, some more than once; empty of an object that has its bytes itself.
  public var parts: [Digest]

  /// An object.
  public init(digest: Digest, plain: Int64, stored: Int64, parts: [Digest] = []) {
    self.digest = digest
    self.plain = plain
    self.stored = stored
    self.parts = parts
  }
}

/// How much a cache holds. Staged files are not counted.
public struct StoreStatistics: Sendable {
  /// Blobs and folder manifests, and the chunks that large ones consist of.
  public var objects = 0
  /// Records.
  public var records = 0
  /// Bytes of their content, each chunk once.
  public var plainBytes: Int64 = 0
  /// Bytes of the files that hold them.
  public var storedBytes: Int64 = 0
  /// Of those, bytes in packs that no object uses any more; `rung gc` gives them back.
  public var deadBytes: Int64 = 0
  /// The number of packs.
  public var packs = 0
  /// Files in `quarantine/`.
  public var quarantined = 0
}

extension ObjectStore {
  /// Every published object, in no particular order. Costs a row of the index for each that lies in a pack, and some
  /// system calls for each other.
  public func objects() throws(StoreError) -> [StoredObject] {
    var result: [StoredObject] = []
    try index.forEach(.object) { digest, place in
      result.append(
        StoredObject(
          digest: digest, plain: Int64(place.plain), stored: Int64(PackEntry.headerSize + place.stored), parts: []))
    }
    try forEachFile(.object, stranger: { _ in }) { name, form, _ throws(StoreError) in
      let file = name.path(form)
      do throws(StoreError) {
        let stored = Int64(try fileSystem.stat(file, in: root, at: "\(path)/\(file)").st_size)
        let parts = try form == .list ? list(name)?.parts ?? [] : []
        let plain = try form == .list ? parts.reduce(0) { $0 + Int64($1.size) } : plainSize(of: name, form)
        result.append(StoredObject(digest: name.digest, plain: plain, stored: stored, parts: parts.map(\.digest)))
      } catch {
        // Removed meanwhile, or damaged: then it is not there any more.
        guard error.code == .missing || error.code == .damaged else { throw error }
      }
    }
    return result
  }

  /// Counts what is stored.
  public func statistics() throws(StoreError) -> StoreStatistics {
    var result = StoreStatistics()
    var live: Int64 = 0
    for kind in [Kind.object, .record] {
      let totals = try index.totals(kind)
      if kind == .object { result.objects += totals.count } else { result.records += totals.count }
      result.plainBytes += totals.plain
      live += totals.stored
      try forEachFile(kind, stranger: { _ in }) { name, form, _ throws(StoreError) in
        let file = name.path(form)
        do throws(StoreError) {
          result.storedBytes += Int64(try fileSystem.stat(file, in: root, at: "\(path)/\(file)").st_size)
          // The parts of a list are counted themselves.
          if form != .list { result.plainBytes += try plainSize(of: name, form) }
          if kind == .object { result.objects += 1 } else { result.records += 1 }
        } catch {
          if error.code != .missing && error.code != .damaged { throw error }
        }
      }
    }
    let packs = try packFiles()
    result.packs = packs.count
    let inPacks = packs.values.reduce(0) { $0 + $1.size }
    result.storedBytes += inPacks
    result.deadBytes = max(0, inPacks - live)
    if let aside = try openFolder("quarantine") {
      defer { fileSystem.close(aside) }
      result.quarantined = try fileSystem.list(aside, at: "\(path)/quarantine").count
    }
    return result
  }

  // By its table, or by the header of its first frame; nothing is decompressed.
  private func plainSize(of name: Name, _ form: Form) throws(StoreError) -> Int64 {
    let stored = try open(name)
    if let size = stored.size { return size }
    let header = UnsafeMutableRawBufferPointer.allocate(byteCount: 18, alignment: 1)  // the longest zstd header
    defer { header.deallocate() }
    let count = try fileSystem.read(stored.sources[0].descriptor, header, from: 0, at: "\(path)/\(name.path(form))")
    return Codec.statedSize(header: UnsafeRawBufferPointer(rebasing: header[..<count])) ?? 0
  }
}
