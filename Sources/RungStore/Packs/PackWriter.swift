import Glibc
import RungCore

/// The packs of one kind that this process appends to: one at a time, whose lock it holds as long as it has it open.
///
/// Used by one thread at a time: the store keeps each in a Mutex.
struct PackWriter {
  /// A pack of this size gets no more.
  static let full: Int64 = 32 << 20
  /// A pack of at least this size is not taken up again.
  private static let enough: Int64 = 24 << 20

  private let kind: ObjectStore.Kind
  private let cache: String
  private let root: Int32
  private let fileSystem: FileSystem
  private let open: OpenPacks

  private struct Current {
    let file: PackFile
    var length: Int64
    // Up to where the index knew it when it was taken up.
    let from: Int64
  }
  private var current: Current?
  // Appended to since the last sync; the names of new ones are not durable yet.
  private var unsynced: [Int64: PackFile] = [:]
  private var hasNewNames = false
  // Lengths that the index does not know yet. The files keep the locks: until the index has been told, no other process
  // may tell it what is in them, for it could then be collected before this one tells it too.
  private var untold: [Int64: (file: PackFile, from: Int64, length: Int64)] = [:]
  // Of packs that are open: up to where the index has been told.
  private var told: [Int64: Int64] = [:]
  // Packs of others that are not full, to be taken up when nobody holds them; asked for once.
  private var candidates: [Int64]?

  init(_ kind: ObjectStore.Kind, cache: String, root: Int32, _ fileSystem: FileSystem, _ open: OpenPacks) {
    self.kind = kind
    self.cache = cache
    self.root = root
    self.fileSystem = fileSystem
    self.open = open
  }

  /// Appends a header and what it announces, which are `bytes`. On an error the pack is as before, or is left to whoever
  /// opens the cache next. The packs `avoiding`, which are about to be removed, are not taken up.
  mutating func append(
    _ entry: PackEntry, _ bytes: UnsafeRawBufferPointer, index: PackIndex, avoiding avoided: Set<Int64> = []
  ) throws(StoreError) -> PackPlace {
    var pack = try self.pack(index, avoided)
    let place = PackPlace(
      pack: pack.file.pack, offset: pack.length, stored: entry.stored, plain: entry.plain, planes: entry.planes)
    let path = title(of: pack.file)
    do {
      try fileSystem.write(pack.file.descriptor, bytes, from: pack.length, at: path)
    } catch {
      // What was written of it must not be followed by anything.
      do {
        try fileSystem.cut(pack.file.descriptor, to: pack.length, at: path)
      } catch {
        current = nil
      }
      throw error
    }
    pack.length += Int64(bytes.count)
    unsynced[pack.file.pack] = pack.file
    untold[pack.file.pack] = (pack.file, told[pack.file.pack] ?? pack.from, pack.length)
    current = pack.length < Self.full ? pack : nil
    return place
  }

  /// The lengths that the index should know once everything up to them is durable.
  var pending: [Int64: (kind: ObjectStore.Kind, from: Int64, length: Int64)] {
    untold.mapValues { (kind, $0.from, $0.length) }
  }

  /// Forgets lengths that the index now knows.
  mutating func commit(_ known: [Int64: (kind: ObjectStore.Kind, from: Int64, length: Int64)]) {
    for (pack, (_, _, length)) in known {
      guard let entry = untold[pack] else { continue }
      told[pack] = length
      untold[pack] = entry.length == length ? nil : (entry.file, length, entry.length)
    }
  }

  /// What has to be synchronised: these files, and the names in their folder.
  mutating func takeUnsynced() -> (files: [PackFile], hasNewNames: Bool) {
    defer {
      unsynced = [:]
      hasNewNames = false
    }
    return (Array(unsynced.values), hasNewNames)
  }

  /// Lets go of the pack, so that another process may go on with it.
  mutating func release() {
    current = nil
    told = [:]
    candidates = nil
  }

  private func title(of file: PackFile) -> String { "\(cache)/\(PackFile.path(file.pack, kind))" }

  private mutating func pack(_ index: PackIndex, _ avoided: Set<Int64>) throws(StoreError) -> Current {
    if let current { return current }
    if let taken = try takeUp(index, avoided) {
      current = taken
      return taken
    }
    while true {
      var random = SystemRandomNumberGenerator()
      let pack = Int64(truncatingIfNeeded: random.next() as UInt64) & .max
      let path = PackFile.path(pack, kind)
      let descriptor = try fileSystem.open(
        path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644, in: root, at: "\(cache)/\(path)")
      let file = PackFile(pack: pack, descriptor: descriptor, fileSystem)
      // Whoever opens the cache may hold it for a moment, to look into it.
      try fileSystem.lock(descriptor, at: "\(cache)/\(path)")
      // A collector may have met it empty and removed it.
      if try fileSystem.stat(descriptor, at: "\(cache)/\(path)").st_nlink == 0 { continue }
      hasNewNames = true
      let made = Current(file: file, length: 0, from: 0)
      current = made
      return made
    }
  }

  // A pack that is not full, that nobody appends to, and all of which is in the index.
  private mutating func takeUp(_ index: PackIndex, _ avoided: Set<Int64>) throws(StoreError) -> Current? {
    if candidates == nil {
      candidates = try index.lengths(kind, below: Self.enough)
    }
    while let pack = candidates?.popLast() {
      if avoided.contains(pack) { continue }
      let path = PackFile.path(pack, kind)
      do throws(StoreError) {
        let descriptor = try fileSystem.open(path, O_RDWR | O_NOFOLLOW, in: root, at: "\(cache)/\(path)")
        let file = PackFile(pack: pack, descriptor: descriptor, fileSystem)
        guard try fileSystem.tryLock(descriptor, at: "\(cache)/\(path)") else { continue }
        let status = try fileSystem.stat(descriptor, at: "\(cache)/\(path)")
        // Removed meanwhile, or not wholly known: then it is left to whoever opens the cache next.
        guard status.st_nlink > 0, try index.length(of: pack) == Int64(status.st_size) else { continue }
        return Current(file: file, length: Int64(status.st_size), from: Int64(status.st_size))
      } catch {
        guard error.code == .missing else { throw error }
      }
    }
    return nil
  }
}
