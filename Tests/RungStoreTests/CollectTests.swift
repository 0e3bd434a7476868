import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct CollectTests {
  // Collects until packs have nothing dead in them.
  private func settle(_ cache: String) throws -> Bool {
    try eventually {
      let store = try ObjectStore(path: cache, durability: .none)
      _ = try store.collect([])
      return try store.statistics().deadBytes == 0
    }
  }

  private func collector(_ store: ObjectStore) throws -> ObjectStore {
    try ObjectStore(path: store.path, durability: .none)
  }

  @Test func whatIsCollectedIsGoneAndTheRestIsThere() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      var digests: [Digest] = []
      do {
        let writer = try ObjectStore(path: cache, durability: .none)
        for number in 0..<300 { digests.append(try writer.put(noise(5000, seed: UInt64(number))).digest) }
        for number in 0..<4 { digests.append(try writer.put(sample(200_000, seed: UInt64(number))).digest) }
        _ = try writer.putRecord([1])
        try writer.flush()
      }
      let before = try ObjectStore(path: cache, durability: .none).statistics()
      let store = try ObjectStore(path: cache, durability: .none)
      let doomed = Set(digests.enumerated().filter { $0.offset % 2 == 0 }.map(\.element))
      let freed = try store.collect(doomed)
      #expect(freed.objects == 152 && freed.kept == 0)
      store.objectPack.withLock { $0.release() }
      #expect(try settle(cache))
      let after = try ObjectStore(path: cache, durability: .none).statistics()
      #expect(after.objects == 152 && after.records == 1)
      // The pack was written anew: the bytes are really given back.
      #expect(after.deadBytes == 0 && before.storedBytes - after.storedBytes == freed.bytes)
      do {
        // Asking pins: this reader has to be gone before the rest is collected.
        let reader = try ObjectStore(path: cache, durability: .none)
        for (number, digest) in digests.enumerated() { #expect(reader.contains(digest) == (number % 2 == 1)) }
        #expect(try reader.check().isSound && files("\(cache)/trash").isEmpty)
      }
      store.objectPack.withLock { $0.release() }
      // The index can still be made from the packs alone: nothing that was collected comes back.
      try #require(shell("rm \(cache)/objects.sqlite*") != nil)
      #expect(try eventually { try ObjectStore(path: cache, durability: .none).statistics().objects == 152 })
      // All of it.
      #expect(try ObjectStore(path: cache, durability: .none).collect(Set(digests)).objects == 152)
      #expect(try settle(cache))
      #expect(files("\(cache)/packs").filter { $0.hasSuffix(".objects") }.isEmpty)
    }
  }

  @Test func whatALivingProcessReliesOnIsSpared() throws {
    try withStore { store, _ in
      var putter: ObjectStore? = try ObjectStore(path: store.path, durability: .none)
      let digests = try [sample(1000), sample(200_000), [1, 2, 3], [4, 5, 6]].compactMap { try putter?.put($0).digest }
      try putter?.flush()
      let (small, large, asked) = (digests[0], digests[1], digests[2])
      let all = Set(digests)
      // Nothing refers to it yet: whoever has put it is about to say what it is for.
      #expect(try collector(store).collect(all).kept == 4)
      putter = nil
      var living: ObjectStore? = try ObjectStore(path: store.path, durability: .none)
      try living?.put(sample(1000))
      try living?.put(sample(200_000))
      #expect(living?.contains(asked) == true)
      let freed = try collector(store).collect(all)
      #expect(freed.objects == 1 && freed.kept == 3)
      #expect(living?.contains(small) == true && living?.contains(large) == true && living?.contains(asked) == true)
      living = nil
      // With the process its pins are gone.
      #expect(try collector(store).collect(all).objects == 3)
      #expect(!store.contains(small) && !store.contains(large))
    }
  }

  @Test func aReaderThatKnewTheOldPackFindsTheNewOne() throws {
    try withStore { store, _ in
      var putter: ObjectStore? = try ObjectStore(path: store.path, durability: .none)
      let digests = try [noise(3000, seed: 1), noise(9000, seed: 2)].compactMap { try putter?.put($0).digest }
      try putter?.flush()
      putter = nil
      let (kept, gone) = (digests[0], digests[1])
      let reader = try ObjectStore(path: store.path, durability: .none)
      #expect(try reader.read(kept, limit: .max) == noise(3000, seed: 1))
      let other = try ObjectStore(path: store.path, durability: .none)
      let before = files("\(store.path)/packs")
      #expect(try collector(store).collect([gone]).objects == 1)
      #expect(try settle(store.path) && files("\(store.path)/packs") != before)
      for store in [reader, other] {
        store.hot.drop(kept)
        #expect(try store.read(kept, limit: .max) == noise(3000, seed: 1))
      }
    }
  }

  @Test func whatACollectorLeftThatWasKilledIsRemovedByTheNext() throws {
    try withStore { store, _ in
      let kept = try store.put(sample(200_000)).digest
      try store.flush()
      try write([1, 2, 3], to: "\(store.path)/trash/\(Digest(of: [1]).hex).zst")
      #expect(try collector(store).collect([]).objects == 0)
      #expect(files("\(store.path)/trash").isEmpty && store.contains(kept))
    }
  }

  @Test func whatAProcessReliedOnThatEndedDuringACollectionIsSpared() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      var used = Digest.empty
      var unused = Digest.empty
      do {
        let putter = try ObjectStore(path: cache, durability: .none)
        used = try putter.put(sample(1000)).digest
        unused = try putter.put(sample(2000)).digest
        try putter.flush()
      }
      // As `rung gc` holds it, from before it looks at the records.
      var gate = open("\(cache)/gc.lock", O_RDWR | O_CREAT, 0o644)
      try #require(gate >= 0 && flock(gate, LOCK_EX) == 0)
      do {
        let short = try ObjectStore(path: cache, durability: .none)
        #expect(short.contains(used))
      }
      // Others that open the cache meanwhile do not sweep the pins away.
      _ = try ObjectStore(path: cache, durability: .none)
      let freed = try ObjectStore(path: cache, durability: .none).collect([used, unused])
      #expect(freed.objects == 1 && freed.kept == 1)
      close(gate)
      gate = -1
      #expect(!files("\(cache)/stage").contains { $0.hasPrefix("pins-") })
      #expect(try ObjectStore(path: cache, durability: .none).collect([used, unused]).objects == 1)
    }
  }

  @Test func whatWasAskedForTogetherIsPinnedTogether() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      var digests: [Digest] = []
      do {
        let putter = try ObjectStore(path: cache, durability: .none)
        for number in 0..<20 { digests.append(try putter.put(sample(1000 + number)).digest) }
        try putter.flush()
      }
      let other = try ObjectStore(path: cache, durability: .none)
      let store = try ObjectStore(path: cache, durability: .none)
      try store.together {
        for digest in digests[..<10] { #expect(store.contains(digest)) }
        #expect(!store.contains(Digest(of: [1])))
        // What another process adds meanwhile is found, and what this one puts is kept too.
        try other.put([1])
        try other.flush()
        #expect(store.contains(Digest(of: [1])))
        digests.append(try store.put(sample(5000)).digest)
        try store.flush()
        // What it finds damaged is gone at once.
        try damage(digests[3], in: store) { $0[$0.count - 1] ^= 1 }
        #expect(error { try store.read(digests[3], limit: .max) }?.code == .damaged)
        #expect(!store.contains(digests[3]))
      }
      let freed = try ObjectStore(path: cache, durability: .none).collect(Set(digests))
      #expect(freed.objects == 10 && freed.kept == 11)
      #expect(store.contains(digests[0]) && store.contains(digests[20]) && !store.contains(digests[15]))
    }
  }

  // A file system of 120 MB that is filled to its last byte.
  @Test(.enabled(if: canMount, "needs the right to mount"))
  func aFullDiskCanBeCollected() throws {
    try withFolder { folder in
      try #require(shell("mkdir '\(folder)/disk' && mount -t tmpfs -o size=120m none '\(folder)/disk'") != nil)
      defer { _ = shell("umount -l '\(folder)/disk'") }
      let cache = "\(folder)/disk/cache"
      var digests: [Digest] = []
      do {
        let writer = try ObjectStore(path: cache)
        for number in 0..<24 {
          digests.append(try writer.put(noise(3 << 20, seed: UInt64(number))).digest)
          try writer.flush()
        }
      }
      #expect(access("\(cache)/reserve", F_OK) == 0)
      _ = shell("cat /dev/zero > '\(folder)/disk/filler' 2>/dev/null")
      // A put fails with a clear error and harms nothing.
      let failure = error {
        let store = try ObjectStore(path: cache)
        try store.put(noise(3 << 20, seed: 99))
        try store.flush()
      }
      #expect(failure?.code == .noSpace)
      ObjectStore.releaseReserve(ofCache: cache)
      do {
        let store = try ObjectStore(path: cache)
        #expect(try store.collect(Set(digests[..<12])).objects == 12)
      }
      let store = try ObjectStore(path: cache)
      #expect(try store.check().isSound && store.contains(digests[20]) && !store.contains(digests[3]))
      try store.put(noise(3 << 20, seed: 99))
      try store.flush()
    }
  }
}
