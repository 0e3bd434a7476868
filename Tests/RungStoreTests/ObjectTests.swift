import Glibc
import RungCore
import Synchronization
import Testing

@testable import RungStore

@Suite struct ObjectTests {
  static let sizes = [0, 1, 100, 65_535, 65_536, 65_537, 262_143, 262_144, 262_145, 524_288, 5_000_001]

  @Test(arguments: sizes)
  func whatIsPutComesBack(size: Int) throws {
    try withStore { store, folder in
      let bytes = sample(size)
      let stored = try store.put(bytes)
      #expect(stored == StoredFile(digest: Digest(of: bytes), size: Int64(size)))
      // Before and after it is published, from memory and from a file.
      for _ in 0..<2 {
        #expect(store.contains(stored.digest))
        #expect(try store.read(stored.digest, limit: Int64(size)) == bytes)
        try store.restore(stored.digest, to: "\(folder)/out", executable: false)
        #expect(try contents("\(folder)/out") == bytes)
        #expect(try ObjectStore.digest(ofFileAt: "\(folder)/out") == stored)
        unlink("\(folder)/out")
        try store.flush()
      }
      try write(bytes, to: "\(folder)/in")
      #expect(try store.put(fileAt: "\(folder)/in") == stored)
      // Nothing in the end but the one thing, and what this process has pinned.
      #expect(storedFiles(store.path).count == 1)
      #expect(files("\(folder)/cache/stage").filter { !$0.hasSuffix("/lock") && $0 != "lock" }.count <= 1)
      let other = try ObjectStore(path: "\(folder)/cache", durability: .none)
      #expect(try other.read(stored.digest, limit: .max) == bytes)
    }
  }

  @Test(arguments: sizes)
  func aFileIsStoredInOnePass(size: Int) throws {
    try withStore { store, folder in
      try write(sample(size), to: "\(folder)/in")
      let stored = try store.put(fileAt: "\(folder)/in")
      #expect(stored.digest == Digest(of: sample(size)))
      #expect(try store.read(stored.digest, limit: .max) == sample(size))
    }
  }

  @Test func aStrangerReadsTheCacheWithStandardTools() throws {
    guard shell("command -v zstd sha256sum") != nil else { return }
    try withStore { store, folder in
      let cache = "\(folder)/cache"
      let stored = try store.put(Array("hello\n".utf8))
      let big = try store.put(sample(1_000_000))
      let record = try store.putRecord(Array("{\"record\": 1}".utf8))
      try store.flush()
      let name = big.digest.hex
      let large = "\(cache)/objects/\(name.prefix(2))/\(name.dropFirst(2)).zst"
      #expect(stored.digest.hex == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
      #expect(shell("zstd -qdc \(cache)/packs/*.objects") == "hello\n")
      #expect(shell("zstd -qdc \(cache)/packs/*.records") == "{\"record\": 1}")
      #expect(shell("zstd -qdc \(large) | sha256sum") == "\(name)  -\n")
      #expect(record == Digest(ofText: "{\"record\": 1}"))
      // The checksum is in the frames, and the table is a frame that is passed over, as `zstd -lv` shows.
      let listing = shell("zstd -lv \(large)") ?? ""
      #expect(listing.contains("XXH64") && listing.contains("# Skippable Frames: 1"))
      #expect(
        try String(decoding: contents("\(cache)/format.json"), as: UTF8.self)
          == "{\"format\": 2, \"hash\": \"sha256\", \"needs\": []}\n")
    }
  }

  @Test func filesOfMoreThanOneFrameAreRead() throws {
    guard shell("command -v zstd") != nil else { return }
    try withStore { store, folder in
      try store.flush()
      let bytes = Array("onetwo".utf8)
      let digest = Digest(of: bytes)
      let shard = "\(folder)/cache/objects/\(digest.hex.prefix(2))"
      // Two frames, a skippable frame behind them: how a later version may write large objects.
      _ = shell(
        "mkdir -p \(shard) && (printf one | zstd -q; printf two | zstd -q; printf '\\120\\52\\115\\30\\3\\0\\0\\0abc')"
          + " > \(shard)/\(digest.hex.dropFirst(2)).zst")
      #expect(try store.read(digest, limit: 6) == bytes)
    }
  }

  @Test func theEmptyObjectAlwaysExists() throws {
    try withStore { store, folder in
      #expect(store.contains(.empty))
      #expect(try store.read(.empty, limit: 0) == [])
      try store.restore(.empty, to: "\(folder)/out", executable: true)
      #expect(try contents("\(folder)/out") == [])
    }
  }

  @Test func limitsAreKept() throws {
    try withStore { store, _ in
      for size in [1000, 300_000] {
        let stored = try store.put(sample(size))
        for _ in 0..<2 {  // the second time it may come from memory
          #expect(error { try store.read(stored.digest, limit: Int64(size - 1)) }?.code == .tooLarge)
          #expect(try store.read(stored.digest, limit: Int64(size)).count == size)
        }
      }
    }
  }

  @Test func aMissingObjectIsNamed() throws {
    try withStore { store, folder in
      let digest = Digest(ofText: "nobody put this")
      #expect(!store.contains(digest))
      let failure = error { try store.read(digest, limit: 10) }
      #expect(failure?.code == .missing)
      #expect(failure?.message == "object \(digest.hex) is not in the cache \(folder)/cache")
      #expect(error { try store.restore(digest, to: "\(folder)/out", executable: false) }?.code == .missing)
      #expect(access("\(folder)/out", F_OK) != 0)
      #expect(error { try store.readRecord(digest) }?.code == .missing)
    }
  }

  @Test func recordsAndObjectsHaveNamesOfTheirOwn() throws {
    try withStore { store, folder in
      let record = try store.putRecord([1, 2, 3])
      #expect(!store.contains(record))
      #expect(try store.readRecord(record) == [1, 2, 3])
      _ = try store.putRecord([4])
      try store.flush()
      _ = try store.putRecord([5])
      var seen: [Digest: [UInt8]] = [:]
      #expect(try store.forEachRecord { seen[$0] = $1 }.isEmpty)
      #expect(seen == [Digest(of: [1, 2, 3]): [1, 2, 3], Digest(of: [4]): [4], Digest(of: [5]): [5]])
    }
  }

  @Test func oneLookTellsWhetherARecordIsThere() throws {
    try withStore { store, _ in
      let bytes = Array("{\"step\": \"fit\"}".utf8)
      #expect(!store.hasRecord(Digest(of: bytes)))
      try store.put(bytes)
      #expect(!store.hasRecord(Digest(of: bytes)))  // an object of that name is no record

      let record = try store.putRecord(bytes)
      #expect(store.hasRecord(record))  // put, not yet published
      let other = try ObjectStore(path: store.path, durability: .none)
      #expect(!other.hasRecord(record))
      try store.flush()
      #expect(store.hasRecord(record))
      #expect(other.hasRecord(record))

      try store.lose(record, isRecord: true)
      #expect(!store.hasRecord(record))
    }
  }

  @Test func theTargetOfARestoreIsNeverOverwritten() throws {
    try withStore { store, folder in
      let stored = try store.put([1, 2, 3])
      try write([9], to: "\(folder)/there")
      symlink("\(folder)/elsewhere", "\(folder)/link")
      #expect(error { try store.restore(stored.digest, to: "\(folder)/there", executable: false) }?.code == .badPath)
      #expect(error { try store.restore(stored.digest, to: "\(folder)/link", executable: false) }?.code == .badPath)
      #expect(try contents("\(folder)/there") == [9])
      #expect(access("\(folder)/elsewhere", F_OK) != 0)
      // A missing folder must not look like a missing object, which would be a reason to run the step again.
      #expect(error { try store.restore(stored.digest, to: "\(folder)/no/file", executable: false) }?.code == .badPath)
      let tree = try store.put(TreeManifest(entries: []).encoded)
      #expect(error { try store.restoreTree(tree.digest, to: "\(folder)/no/folder") }?.code == .badPath)
      try store.restore(stored.digest, to: "\(folder)/run", executable: true)
      #expect(access("\(folder)/run", X_OK) == 0)
      try store.flush()
      try store.restore(stored.digest, to: "\(folder)/own", executable: false)
      try write([7, 7, 7], to: "\(folder)/own")
      #expect(try store.check().isSound)
    }
  }

  @Test func onlyRegularFilesAreStored() throws {
    try withStore { store, folder in
      try write([1], to: "\(folder)/file")
      symlink("file", "\(folder)/link")
      mkfifo("\(folder)/pipe", 0o600)
      #expect(error { try store.put(fileAt: "\(folder)/link") }?.code == .badPath)
      #expect(try store.put(fileAt: "\(folder)/link", followLinks: true).digest == Digest(of: [1]))
      #expect(error { try store.put(fileAt: "\(folder)/pipe") }?.message.contains("is a pipe") == true)
      #expect(error { try store.put(fileAt: folder) }?.message.contains("is a folder") == true)
      #expect(error { try store.put(fileAt: "\(folder)/none") }?.code == .missing)
    }
  }

  @Test func anOldReaderRefusesANewerCacheAndLeavesItAlone() throws {
    try withFolder { folder in
      for text in ["{\"format\": 3}", "{\"format\": 1, \"needs\": [\"packs\"]}"] {
        try write(Array(text.utf8), to: "\(folder)/format.json")
        #expect(error { try ObjectStore(path: folder) }?.code == .newerFormat)
        #expect(files(folder) == ["format.json"])
        #expect(try contents("\(folder)/format.json") == Array(text.utf8))
      }
      try write(Array("rubbish".utf8), to: "\(folder)/format.json")
      #expect(error { try ObjectStore(path: folder) }?.code == .damaged)
      // Empty is what a power cut leaves on some file systems.
      try write([], to: "\(folder)/format.json")
      _ = try ObjectStore(path: folder)
      _ = try ObjectStore(path: folder)
    }
  }

  @Test func manyOpenersMakeOneCache() throws {
    for _ in 0..<20 {
      try withFolder { folder in
        let failures = Mutex<[String]>([])
        onThreads(6) { thread in
          do {
            let store = try ObjectStore(path: "\(folder)/a/cache", durability: .none)
            try store.put([UInt8(thread)])
            try store.flush()
          } catch {
            failures.withLock { $0.append("\(error)") }
          }
        }
        #expect(failures.withLock { $0 } == [])
        let report = try ObjectStore(path: "\(folder)/a/cache", durability: .none).check()
        #expect(report.isSound && report.checked == 6)
        // All of them are gone, and so are their folders.
        #expect(files("\(folder)/a/cache/stage") == ["lock"])
      }
    }
  }

  @Test func foldersAboveTheCacheAreMade() throws {
    try withFolder { folder in
      let store = try ObjectStore(path: "\(folder)/a/b/c/cache", durability: .full)
      let stored = try store.put([1])
      try store.flush()
      #expect(try ObjectStore(path: "\(folder)/a/b/c/cache").read(stored.digest, limit: 9) == [1])
    }
  }

  @Test func anObjectDeletedByHandIsMissingAndCanBePutAgain() throws {
    try withStore { store, folder in
      let bytes = sample(400_000)
      let stored = try store.put(bytes)
      try store.flush()
      #expect(shell("rm -r '\(folder)'/cache/objects/*") != nil)
      #expect(!store.contains(stored.digest))
      #expect(error { try store.read(stored.digest, limit: .max) }?.code == .missing)
      try store.put(bytes)
      try store.flush()
      #expect(try store.read(stored.digest, limit: .max) == bytes)
    }
  }

  @Test func statisticsCountWhatIsPublished() throws {
    try withStore { store, _ in
      try store.put(sample(100_000))
      try store.put([1])
      _ = try store.putRecord([2, 3])
      #expect(try store.statistics().objects == 0)
      try store.flush()
      let statistics = try store.statistics()
      #expect(statistics.objects == 2 && statistics.records == 1)
      #expect(statistics.plainBytes == 100_003)
      #expect(statistics.storedBytes > 0 && statistics.storedBytes < 100_003)
    }
  }

  @Test func manyThreadsPutReadAndFlushTheSameObjects() throws {
    try withFolder { folder in
      let stores = try (0..<2).map { _ in try ObjectStore(path: "\(folder)/cache", durability: .none) }
      let wrong = Atomic<Int>(0)
      onThreads(6) { thread in
        let store = stores[thread % 2]
        for number in 0..<60 {
          let bytes = sample(number * 997, seed: UInt64(number))
          do {
            let stored = try store.put(bytes)
            if try store.read(stored.digest, limit: .max) != bytes { wrong.add(1, ordering: .relaxed) }
            if number % 7 == thread { try store.flush() }
            if try store.read(stored.digest, limit: .max) != bytes { wrong.add(1, ordering: .relaxed) }
          } catch {
            wrong.add(1, ordering: .relaxed)
          }
        }
      }
      for store in stores { try store.flush() }
      #expect(wrong.load(ordering: .relaxed) == 0)
      let report = try stores[0].check()
      #expect(report.isSound && report.checked == 60 && report.strangers.isEmpty)
      #expect(files("\(folder)/cache/stage").filter { !$0.hasSuffix("lock") }.allSatisfy { $0.hasSuffix("/pins") })
    }
  }

  @Test func locksExcludeOtherOpenFilesAndGoWithThem() throws {
    try withStore { store, _ in
      let key = Digest(ofText: "step")
      let first = try ActionLocks(path: store.path)
      do {
        let second = try ActionLocks(path: store.path)
        #expect(try second.tryLock(key))
        #expect(try second.tryLock(key))  // one never excludes itself
        #expect(try !first.tryLock(key))
        #expect(try first.tryLock(Digest(ofText: "another step")))
        second.unlock(key)
        #expect(try first.tryLock(key))
        first.unlock(key)
        #expect(try second.tryLock(key))
      }
      // The second one is gone, and its locks with it.
      #expect(try first.tryLock(key))
      // The largest offset there is.
      #expect(try first.tryLock(#require(Digest(String(repeating: "f", count: 64)))))
    }
  }
}

/// Runs `body` on as many threads and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Work: Sendable {
    let body: @Sendable (Int) -> Void
    let index: Int
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }
  var threads: [pthread_t] = []
  for index in 0..<count {
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(index, body)).toOpaque()
    let code = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        let work = Unmanaged<Work>.fromOpaque(raw).takeRetainedValue()
        work.body(work.index)
        return nil
      }, work)
    if code == 0 { threads.append(thread) }
  }
  for thread in threads { pthread_join(thread, nil) }
}
