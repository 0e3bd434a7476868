import Glibc
import RungCore
import Synchronization

/// Bytes, folders and records under the SHA-256 of their plain content, compressed; the layout is in
/// docs/formats/store.md.
///
/// What is put is *staged*: only this store sees it, until `flush` makes it durable and gives it its name. A name
/// therefore appears only after its bytes are on the disk, and a name that exists is never written again. Every read is
/// verified; bytes that are not what their name says are set aside and reported, never returned.
///
/// All methods may be called from several threads at once, and any number of processes may use one cache. A store must
/// not be used on both sides of a fork.
public final class ObjectStore: Sendable {
  /// The cache's folder, as it was given.
  public let path: String
  // The open folder; `stage` closes it when there is one.
  let root: Int32
  let fileSystem: FileSystem
  let durability: Durability
  // Nil when the cache is read-only; then `shared.failure` is set from the beginning.
  let stage: StageFolder?
  let index: PackIndex
  let packs = OpenPacks()
  let objectPack: Mutex<PackWriter>
  let recordPack: Mutex<PackWriter>
  let codecs = CodecPool()
  let lanes = Lanes()
  let hot = HotCache()
  let shared = Mutex(Shared())
  // Held by the one thread that publishes.
  let flushing = Mutex(())

  /// What a name can stand for. Objects and records have names of their own: a record is found by listing all records.
  enum Kind: String, Sendable {
    case object = "objects"
    case record = "records"
  }

  struct Name: Hashable, Sendable {
    let kind: Kind
    let digest: Digest

    /// `objects/ab`.
    var shard: String { "\(kind.rawValue)/\(digest.hex.prefix(2))" }
    /// `objects/ab/cdef….zst`.
    func path(_ form: Form = .zstd(planes: .off)) -> String {
      let hex = digest.hex
      return "\(kind.rawValue)/\(hex.prefix(2))/\(hex.dropFirst(2))\(form.suffix)"
    }
    /// For messages.
    var title: String { "\(kind == .object ? "object" : "record") \(digest.hex)" }
  }

  /// Where something lies that was put and not yet published.
  enum Staged: Sendable {
    /// In a file of the stage folder.
    case file(String, Form)
    /// In a pack, without a row in the index.
    case packed(PackPlace)
  }

  enum Reserve: Sendable { case notLookedAt, tooSmallForOne, done }

  struct Shared: Sendable {
    var staged: [Name: Staged] = [:]
    // Shards that are known to exist.
    var shards: Set<String> = []
    // Parts of lists, and objects that move to another pack: packed, without a row in the index, whatever is staged
    // under their names.
    var parts: [Digest: PackPlace] = [:]
    // Those of them that only move: nobody relies on them because of that.
    var moving: Set<Digest> = []
    // Shards in which names of another process were relied on since the last sync of names.
    var reliedShards: Set<String> = []
    // Set by a failed sync, or where the cache is read-only; final.
    var failure: StoreError?
    // What this process has put, in stored bytes, and whether the reserve was looked at since that was little, or much.
    var putBytes: Int64 = 0
    var reserve = Reserve.notLookedAt
    // Of raw files that were put, or that were verified: the checksum of each piece.
    var sums: [Digest: [UInt32]] = [:]
  }

  /// Opens the cache at `path`, making what is missing, and clears away what dead processes left in `stage/`.
  ///
  /// A cache of a newer format is refused (`newerFormat`) before anything is written; one of an earlier format is
  /// brought to this one. One that is there but lies on a read-only file system, or where this process may not write, is
  /// opened all the same, `isReadOnly`.
  public init(path: String, durability: Durability = .full, fileSystem: FileSystem = .live) throws(StoreError) {
    self.path = path
    self.fileSystem = fileSystem
    self.durability = durability
    let root = try Self.openRoot(path, fileSystem)
    var format: Int?
    var stage: StageFolder?
    do {
      format = try StoreFormat.read(root, path, fileSystem)
      // The folders first: the sync that makes the format safe does the same for their names, and for the cache's own.
      var isNew = false
      for name in ["objects", "packs", "stage", "quarantine", "trash"]
      where try fileSystem.makeFolder(name, in: root, at: "\(path)/\(name)") {
        isNew = true
      }
      if format != StoreFormat.version {
        try StoreFormat.write(root, path, durability, fileSystem)
      } else if isNew, durability == .full {
        try fileSystem.sync(root, at: path)
      }
      stage = try StageFolder(root: root, in: path, fileSystem)
    } catch {
      // Only what is a cache already can be read without having been written.
      guard format != nil, error.meansReadOnly else {
        fileSystem.close(root)
        throw error
      }
      let refusal = StoreError.readOnly(path, error)
      shared.withLock { $0.failure = refusal }
    }
    self.stage = stage
    self.root = root
    objectPack = Mutex(PackWriter(.object, cache: path, root: root, fileSystem, packs))
    recordPack = Mutex(PackWriter(.record, cache: path, root: root, fileSystem, packs))
    do {
      index = try PackIndex(cache: path, durable: durability != .none, readOnly: stage == nil)
    } catch {
      if stage == nil { fileSystem.close(root) }
      throw error
    }
    try reconcile()
  }

  deinit {
    if stage == nil { fileSystem.close(root) }
  }

  /// True when the cache could not be opened for writing: everything can be read, and every put and flush throws
  /// `readOnly`. Damaged files that are found stay where they are.
  public var isReadOnly: Bool { stage == nil }

  /// True when the object can be read: published by anyone, or put by this store. False too when the disk fails.
  ///
  /// An object of which this was said is kept by collectors for as long as this process lives.
  public func contains(_ digest: Digest) -> Bool {
    digest == .empty || ((try? isThereAndPinned(Name(kind: .object, digest: digest))) ?? false)
  }

  /// True when the record can be read: published by anyone, or put by this store. Costs one look at the index; its bytes
  /// are not read. False too when the disk fails.
  public func hasRecord(_ digest: Digest) -> Bool {
    (try? isPresent(Name(kind: .record, digest: digest))) ?? false
  }

  /// The same of an object: unlike `contains`, without the promise that no collector takes it away.
  public func hasObject(_ digest: Digest) -> Bool {
    digest == .empty || ((try? isPresent(Name(kind: .object, digest: digest))) ?? false)
  }

  /// Throws what a put would throw where the cache is read-only (`readOnly`), so that nothing is begun in vain.
  public func requireWritable() throws(StoreError) { _ = try writable() }

  /// The stage folder, for whoever writes.
  func writable() throws(StoreError) -> StageFolder {
    guard let stage else {
      throw shared.withLock { $0.failure } ?? StoreError(.readOnly, "the cache \(path) is read-only")
    }
    return stage
  }

  /// True when the name is staged here or published by anyone. Of a small object it is known that it can only lie in a
  /// pack, or in a file of format 1.
  func isPresent(_ name: Name, isSmall: Bool = false) throws(StoreError) -> Bool {
    if shared.withLock({ $0.staged[name] != nil }) { return true }
    if try index.find(name) != nil { return true }
    guard let form = try looseForm(name, isSmall: isSmall) else { return false }
    if form == .list { return try hasAllParts(name) }
    return true
  }

  /// The same, with the promise that no collector takes it away from now on.
  func isThereAndPinned(_ name: Name) throws(StoreError) -> Bool {
    // Looked at twice only where the second look has to wait for a lock that the first may make needless.
    let isTogether = stage?.isTogether == true
    if !isTogether || name.kind == .record { guard try isPresent(name) else { return false } }
    guard let stage, name.kind == .object, isTogether || !stage.isPinned(name.digest) else { return true }
    return try stage.pin(name.digest) { () throws(StoreError) in try isPresent(name) }
  }

  /// In which form the name has a file of its own; nil when it has none.
  func looseForm(_ name: Name, isSmall: Bool = false) throws(StoreError) -> Form? {
    for form in name.kind == .object && !isSmall ? Form.all : Form.old {
      let file = name.path(form)
      if try fileSystem.exists(file, in: root, at: "\(path)/\(file)") { return form }
    }
    return nil
  }

  // Opens the cache's folder, making it and those above it when they are missing.
  private static func openRoot(_ path: String, _ fileSystem: FileSystem) throws(StoreError) -> Int32 {
    do {
      return try fileSystem.open(path, O_RDONLY | O_DIRECTORY, at: path)
    } catch {
      guard error.code == .missing, error.errno == ENOENT else { throw error }
    }
    try makeFolders(path, fileSystem)
    return try fileSystem.open(path, O_RDONLY | O_DIRECTORY, at: path)
  }

  // Makes the folder and those above it.
  private static func makeFolders(_ path: String, _ fileSystem: FileSystem) throws(StoreError) {
    do {
      try fileSystem.makeFolder(path, in: AT_FDCWD, at: path)
    } catch {
      guard error.code == .missing, let slash = path.lastIndex(of: "/"), slash > path.startIndex else { throw error }
      try makeFolders(String(path[..<slash]), fileSystem)
      try fileSystem.makeFolder(path, in: AT_FDCWD, at: path)
    }
  }
}
