import Glibc
import RungCore
import Synchronization

extension ObjectStore {
  // Files that are synchronised one by one; for more, the whole file system is.
  private static let fewFiles = 8

  /// Makes everything put so far durable and gives it its name: one sync of the bytes, the renames, one sync of the
  /// names, one commit of the index. Whoever records a digest elsewhere does so after this.
  ///
  /// Others may put meanwhile; what they put is part of this flush or of the next. A failed sync is final, because Linux
  /// forgets which pages it could not write: the staged data is dropped and the store refuses all further puts. After
  /// any other error (a full disk) the staged data is kept and flush may be called again.
  public func flush() throws(StoreError) {
    try flushing.withLock { _ throws(StoreError) in
      // Lengths before what is staged: up to them everything is.
      var lengths: [Int64: (kind: Kind, from: Int64, length: Int64)] = [:]
      for writer in [Writer.objects, .records] {
        lengths.merge(withPack(writer) { $0.pending }) { _, new in new }
      }
      let (batch, parts, relied) = try shared.withLock { shared throws(StoreError) in
        if let failure = shared.failure { throw failure }
        // Cleared first: a put that meanwhile relies on a name of another process adds its shard again.
        defer { shared.reliedShards = [] }
        return (shared.staged, shared.parts, shared.reliedShards)
      }
      if batch.isEmpty && parts.isEmpty && relied.isEmpty { return }
      do throws(StoreError) {
        try publish(batch, parts, lengths, relied)
      } catch {
        // Names may have been given that are not durable.
        shared.withLock { shared in
          shared.reliedShards.formUnion(relied)
          for (name, staged) in batch { if case .file = staged { shared.reliedShards.insert(name.shard) } }
        }
        throw error
      }
    }
  }

  /// Makes durable what others have flushed without doing so (`Durability.deferred`).
  public func syncAll() throws(StoreError) {
    guard durability == .full else { return }
    try fileSystem.syncAll(root, at: path)
  }

  /// Whether something that was put is not flushed yet.
  public func isStaged(_ digest: Digest) -> Bool {
    shared.withLock { $0.staged[Name(kind: .object, digest: digest)] != nil || $0.parts[digest] != nil }
  }

  private func publish(
    _ batch: [Name: Staged], _ parts: [Digest: PackPlace],
    _ lengths: [Int64: (kind: Kind, from: Int64, length: Int64)], _ relied: Set<String>
  ) throws(StoreError) {
    var files: [(name: Name, file: String, form: Form)] = []
    var objects = PackIndex.Changes()
    var records = PackIndex.Changes()
    for (name, staged) in batch {
      switch staged {
      case .file(let file, let form):
        files.append((name, file, form))
        if form == .raw { objects.sums[name.digest] = shared.withLock { $0.sums[name.digest] } }
      case .packed(let place) where name.kind == .object: objects.added.append((name, place))
      case .packed(let place): records.added.append((name, place))
      }
    }
    for (digest, place) in parts { objects.added.append((Name(kind: .object, digest: digest), place)) }
    objects.lengths = lengths.filter { $0.value.kind == .object }
    records.lengths = lengths.filter { $0.value.kind == .record }
    var shards = relied.union(files.map(\.name.shard))
    let syncsAll = files.count > Self.fewFiles || shards.count > Self.fewFiles
    try syncBytes(files.map(\.file), all: syncsAll)
    // Whoever puts something relies on it, though nothing refers to it yet.
    let moving = shared.withLock { $0.moving }
    let new = batch.keys.filter { $0.kind == .object }.map(\.digest) + parts.keys.filter { !moving.contains($0) }
    try writable().pin(new: new)
    // The parts of a list are found before the list is, and a record after what it names.
    try tell(objects, parts)
    for (name, file, form) in files { try publish(name, file, form) }
    shards.insert("objects")
    if !files.isEmpty || !relied.isEmpty { try syncNames(shards, all: syncsAll) }
    for (name, _, form) in files where form == .list { removeOtherForms(of: name) }
    try tell(records, [:])
    // Last: without it everything is safe all the same.
    try? makeReserveInTime()
  }

  // Commits what lies in packs and forgets that it is staged.
  private func tell(_ changes: PackIndex.Changes, _ parts: [Digest: PackPlace]) throws(StoreError) {
    if changes.added.isEmpty && changes.sums.isEmpty { return }
    try index.commit(changes)
    shared.withLock { shared in
      for (name, place) in changes.added {
        if case .packed(place)? = shared.staged[name] { shared.staged[name] = nil }
        if name.kind == .object, shared.parts[name.digest] == place {
          shared.parts[name.digest] = nil
          shared.moving.remove(name.digest)
        }
      }
    }
    for writer in [Writer.objects, .records] { withPack(writer) { $0.commit(changes.lengths) } }
  }

  // An object that became a list had a file with all of its bytes, which are now its parts.
  private func removeOtherForms(of name: Name) {
    guard (try? hasAllParts(name)) == true else { return }
    for form in Form.all where form != .list {
      let file = name.path(form)
      try? fileSystem.remove(file, in: root, at: "\(path)/\(file)")
    }
  }

  /// Which of the two packs a process writes.
  enum Writer { case objects, records }

  func withPack<T>(_ writer: Writer, _ body: (inout PackWriter) throws(StoreError) -> T) throws(StoreError) -> T {
    switch writer {
    case .objects: try objectPack.withLock { pack throws(StoreError) in try body(&pack) }
    case .records: try recordPack.withLock { pack throws(StoreError) in try body(&pack) }
    }
  }

  func withPack<T>(_ writer: Writer, _ body: (inout PackWriter) -> T) -> T {
    switch writer {
    case .objects: objectPack.withLock { body(&$0) }
    case .records: recordPack.withLock { body(&$0) }
    }
  }

  func syncBytes(_ staged: [String], all: Bool) throws(StoreError) {
    var packs: [PackFile] = []
    var hasNewNames = false
    for writer in [Writer.objects, .records] {
      let taken = withPack(writer) { $0.takeUnsynced() }
      packs += taken.files
      hasNewNames = hasNewNames || taken.hasNewNames
    }
    guard durability == .full else { return }
    try orFail { () throws(StoreError) in
      if all { return try fileSystem.syncAll(root, at: path) }
      for pack in packs { try fileSystem.sync(pack.descriptor, at: "\(path)/packs") }
      if hasNewNames { try syncFolder("packs") }
      if let stage {
        for file in staged {
          let place = "\(path)/\(stage.name)/\(file)"
          let descriptor = try fileSystem.open(file, O_RDONLY | O_NOFOLLOW, in: stage.descriptor, at: place)
          defer { fileSystem.close(descriptor) }
          try fileSystem.sync(descriptor, at: place)
        }
      }
    }
  }

  private func syncNames(_ shards: Set<String>, all: Bool) throws(StoreError) {
    guard durability == .full else { return }
    try orFail { () throws(StoreError) in
      if all { return try fileSystem.syncAll(root, at: path) }
      for shard in shards { try syncFolder(shard) }
    }
  }

  func syncFolder(_ name: String) throws(StoreError) {
    let descriptor = try fileSystem.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, in: root, at: "\(path)/\(name)")
    defer { fileSystem.close(descriptor) }
    try fileSystem.sync(descriptor, at: "\(path)/\(name)")
  }

  // Runs syncs; when one fails nothing that was staged is believed any more.
  private func orFail(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    do {
      try body()
    } catch {
      let dropped = shared.withLock { shared in
        shared.failure = StoreError(
          error.code, "\(error.message); what was not yet safe was dropped, and this run can store nothing more",
          errno: error.errno)
        defer {
          shared.staged = [:]
          shared.parts = [:]
          shared.moving = []
        }
        return shared.staged
      }
      if let stage {
        for case .file(let file, _) in dropped.values { try? fileSystem.remove(file, in: stage.descriptor, at: file) }
      }
      throw error
    }
  }

  private func publish(_ name: Name, _ file: String, _ form: Form) throws(StoreError) {
    let stage = try writable()
    let shard = name.shard
    let target = name.path(form)
    let isKnown = shared.withLock { $0.shards.contains(shard) }
    if !isKnown {
      try fileSystem.makeFolder(shard, in: root, at: "\(path)/\(shard)")
      shared.withLock { _ = $0.shards.insert(shard) }
    }
    do {
      try fileSystem.rename(file, in: stage.descriptor, to: target, in: root, at: "\(path)/\(target)")
    } catch {
      // Somebody may have removed the shard since it was made.
      guard error.code == .missing, isKnown else { throw error }
      try fileSystem.makeFolder(shard, in: root, at: "\(path)/\(shard)")
      try fileSystem.rename(file, in: stage.descriptor, to: target, in: root, at: "\(path)/\(target)")
    }
    shared.withLock { $0.staged[name] = nil }
  }
}
