import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct ReadOnlyTests {
  // What a cache answers that holds `bytes` and a record of the same bytes and cannot be written.
  private func expectReadable(_ store: ObjectStore, _ bytes: [UInt8], _ tree: Digest, _ folder: String) throws {
    let digest = Digest(of: bytes)
    #expect(store.isReadOnly)
    #expect(store.contains(digest) && store.hasRecord(digest))
    #expect(try store.read(digest, limit: 1 << 20) == bytes)
    #expect(try store.readRecord(digest) == bytes)
    #expect(try store.tree(tree)["a file"] != nil)
    #expect(store.digests(withPrefix: String(digest.hex.prefix(8))) == [digest])
    #expect(try store.statistics().records == 1)
    #expect(try store.check().isSound)
    var records = 0
    #expect(try store.forEachRecord { _, _ in records += 1 }.isEmpty && records == 1)
    try store.restore(digest, to: "\(folder)/restored", executable: false)
    #expect(try contents("\(folder)/restored") == bytes)

    let big = "\(folder)/big"
    try write(sample(1 << 20), to: big)
    for failure in [
      error { try store.put(bytes) }, error { try store.put(Array("new".utf8)) }, error { try store.putRecord(bytes) },
      error { try store.put(fileAt: big) }, error { try store.flush() }, error { try store.requireWritable() },
    ] {
      #expect(failure?.code == .readOnly)
      #expect(failure?.message.contains("the cache \(store.path) is read-only") == true)
    }
    // Nothing is locked until something has to be.
    let locks = try ActionLocks(path: store.path)
    locks.unlock(digest)
    #expect(error { try locks.tryLock(digest) }?.code == .readOnly)
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func aCacheOnAReadOnlyFileSystemCanBeRead() throws {
    try withStore { store, folder in
      let bytes = sample(1000)
      try store.put(bytes)
      try store.putRecord(bytes)
      try FileSystem.live.makeFolder("\(folder)/tree", in: AT_FDCWD, at: "tree")
      try write(bytes, to: "\(folder)/tree/a file")
      let tree = try store.putTree(at: "\(folder)/tree").digest
      try store.flush()
      let before = files(store.path)
      try whileReadOnly(store.path) {
        try expectReadable(try ObjectStore(path: store.path), bytes, tree, folder)
      }
      #expect(files(store.path) == before)
      #expect(try !ObjectStore(path: store.path).isReadOnly)
    }
  }

  @Test(.enabled(if: canMount, "needs the right to mount"))
  func damageInAReadOnlyCacheIsReportedAndStaysWhereItIs() throws {
    try withStore { store, folder in
      let stored = try store.put(sample(1000))
      try store.flush()
      try damage(stored.digest, in: store) { $0[$0.count - 5] ^= 1 }
      // An empty folder may not have come along into the archive.
      rmdir("\(store.path)/quarantine")
      try whileReadOnly(store.path) {
        let reader = try ObjectStore(path: store.path)
        let failure = error { try reader.read(stored.digest, limit: 1 << 20) }
        #expect(failure?.code == .damaged && failure?.message.contains("stays where it is") == true)
        #expect(try reader.check().damaged.count == 1)
        #expect(try reader.check().damaged.count == 1)
        #expect(try reader.statistics().quarantined == 0)
      }
    }
  }

  // Each of the calls by which a store is opened for writing, refused in each way.
  @Test(arguments: [EROFS, EACCES, EPERM], [FileSystem.Call.makeFolder, .lock])
  func aRefusalAtAnyStepOfOpeningLeavesAReader(code: Int32, call: FileSystem.Call) throws {
    try withStore { store, folder in
      let stored = try store.put(sample(1000))
      try store.flush()
      let refusing = FileSystem { $0 == call ? .error(code) : nil }
      let reader = try ObjectStore(path: store.path, fileSystem: refusing)
      #expect(reader.isReadOnly)
      #expect(try reader.read(stored.digest, limit: 1 << 20) == sample(1000))
      let failure = error { try reader.put([1]) }
      #expect(failure?.code == .readOnly && failure?.errno == code)
    }
  }

  @Test func aFailingDiskIsNotTakenForAReadOnlyOne() throws {
    try withStore { store, _ in
      let failing = FileSystem { $0 == .makeFolder ? .error(EIO) : nil }
      #expect(error { try ObjectStore(path: store.path, fileSystem: failing) }?.code == .io)
    }
  }

  @Test func aFolderThatIsNoCacheYetIsNotOpenedForReading() throws {
    try withFolder { folder in
      let refusing = FileSystem { $0 == .makeFolder ? .error(EROFS) : nil }
      // Neither an empty folder nor a missing one.
      for path in [folder, "\(folder)/cache"] {
        let failure = error { try ObjectStore(path: path, fileSystem: refusing) }
        #expect(failure?.errno == EROFS && failure?.message.contains("cannot make the folder") == true)
      }
    }
  }
}
