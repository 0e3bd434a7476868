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
  let codecs = CodecPool()
  let hot = HotCache()
  let shared = Mutex(Shared())
  // Held by the one thread that publishes.
  private let flushing = Mutex(())

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
    var path: String {
      let hex = digest.hex
      return "\(kind.rawValue)/\(hex.prefix(2))/\(hex.dropFirst(2)).zst"
    }
    /// For messages.
    var title: String { "\(kind == .object ? "object" : "record") \(digest.hex)" }
  }

  struct Shared: Sendable {
    // What is put and not yet published: the name of its file in the stage folder.
    var staged: [Name: String] = [:]
    // Shards that are known to exist.
    var shards: Set<String> = []
    // Names of another process were relied on, or ours were given, since the last sync of names.
    var namesUnsynced = false
    // Set by a failed sync, or where the cache is read-only; final.
    var failure: StoreError?
  }

  /// Opens the cache at `path`, making what is missing, and clears away what dead processes left in `stage/`.
  ///
  /// A cache of a newer format is refused (`newerFormat`) before anything is written. One that is there but lies on a
  /// read-only file system, or where this process may not write, is opened all the same, `isReadOnly`.
  public init(path: String, durability: Durability = .full, fileSystem: FileSystem = .live) throws(StoreError) {
    self.path = path
    self.fileSystem = fileSystem
    self.durability = durability
    let root = try Self.openRoot(path, fileSystem)
    var isFormatted = false
    var stage: StageFolder?
    do {
      isFormatted = try StoreFormat.isWritten(root, path, fileSystem)
      if !isFormatted {
        try fileSystem.makeFolder("stage", in: root, at: "\(path)/stage")
        try StoreFormat.write(root, path, durability, fileSystem)
      }
      for name in ["objects", "records", "stage", "quarantine"] {
        try fileSystem.makeFolder(name, in: root, at: "\(path)/\(name)")
      }
      stage = try StageFolder(root: root, in: path, fileSystem)
    } catch {
      // Only what is a cache already can be read without having been written.
      guard isFormatted, error.meansReadOnly else {
        fileSystem.close(root)
        throw error
      }
      let refusal = StoreError.readOnly(path, error)
      shared.withLock { $0.failure = refusal }
    }
    self.stage = stage
    self.root = root
  }

  deinit {
    if stage == nil { fileSystem.close(root) }
  }

  /// True when the cache could not be opened for writing: everything can be read, and every put and flush throws
  /// `readOnly`. Damaged files that are found stay where they are.
  public var isReadOnly: Bool { stage == nil }

  /// True when the object can be read: published by anyone, or put by this store. False too when the disk fails.
  public func contains(_ digest: Digest) -> Bool {
    digest == .empty || ((try? isPresent(Name(kind: .object, digest: digest))) ?? false)
  }

  /// True when the record can be read: published by anyone, or put by this store. Costs one look at the disk; its bytes
  /// are not read. False too when the disk fails.
  public func hasRecord(_ digest: Digest) -> Bool {
    (try? isPresent(Name(kind: .record, digest: digest))) ?? false
  }

  /// Makes everything put so far durable and gives it its name: one sync of the bytes, the renames, one sync of the
  /// names. Whoever records a digest elsewhere does so after this.
  ///
  /// Others may put meanwhile; what they put is part of this flush or of the next. A failed sync is final, because Linux
  /// forgets which pages it could not write: the staged data is dropped and the store refuses all further puts. After
  /// any other error (a full disk) the staged data is kept and flush may be called again.
  public func flush() throws(StoreError) {
    try flushing.withLock { _ throws(StoreError) in
      let (batch, unsynced) = try shared.withLock { shared throws(StoreError) in
        if let failure = shared.failure { throw failure }
        return (shared.staged, shared.namesUnsynced)
      }
      if batch.isEmpty && !unsynced { return }
      if !batch.isEmpty {
        try sync()
        for (name, file) in batch { try publish(name, file) }
      }
      // Cleared first: a put that meanwhile relies on a name of another process sets it again.
      shared.withLock { $0.namesUnsynced = false }
      try sync()
    }
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

  private func publish(_ name: Name, _ file: String) throws(StoreError) {
    let stage = try writable()
    let shard = name.shard
    let isKnown = shared.withLock { $0.shards.contains(shard) }
    if !isKnown {
      try fileSystem.makeFolder(shard, in: root, at: "\(path)/\(shard)")
      shared.withLock { _ = $0.shards.insert(shard) }
    }
    do {
      try fileSystem.rename(file, in: stage.descriptor, to: name.path, in: root, at: "\(path)/\(name.path)")
    } catch {
      // Somebody may have removed the shard since it was made.
      guard error.code == .missing, isKnown else { throw error }
      try fileSystem.makeFolder(shard, in: root, at: "\(path)/\(shard)")
      try fileSystem.rename(file, in: stage.descriptor, to: name.path, in: root, at: "\(path)/\(name.path)")
    }
    shared.withLock {
      $0.staged[name] = nil
      $0.namesUnsynced = true
    }
  }

  private func sync() throws(StoreError) {
    guard durability == .full else { return }
    do {
      try fileSystem.syncAll(root, at: path)
    } catch {
      let dropped = shared.withLock { shared in
        shared.failure = StoreError(
          error.code, "\(error.message); what was not yet safe was dropped, and this run can store nothing more",
          errno: error.errno)
        defer { shared.staged = [:] }
        return shared.staged
      }
      if let stage { for file in dropped.values { try? fileSystem.remove(file, in: stage.descriptor, at: file) } }
      throw error
    }
  }

  /// True when the name is staged here or published by anyone.
  func isPresent(_ name: Name) throws(StoreError) -> Bool {
    if shared.withLock({ $0.staged[name] != nil }) { return true }
    return try fileSystem.exists(name.path, in: root, at: "\(path)/\(name.path)")
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
