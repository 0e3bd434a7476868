import Glibc
import RungCore
import Synchronization
import Testing

@testable import RungStore

@Suite struct PackTests {
  private func packs(_ cache: String) -> [String] { files("\(cache)/packs") }

  @Test func manySmallObjectsShareAPackAndALaterProcessGoesOnWithIt() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      var all: [[UInt8]] = []
      for round in 0..<5 {
        let store = try ObjectStore(path: cache, durability: .none)
        for number in 0..<40 {
          all.append(Array("object \(number) of round \(round)".utf8))
          try store.put(all[all.count - 1])
        }
        try store.flush()
      }
      // One, but for moments in which its lock seems to be held (see `eventually`).
      #expect(packs(cache).count <= 3 && files("\(cache)/objects").isEmpty)
      let store = try ObjectStore(path: cache, durability: .none)
      for bytes in all { #expect(try store.read(Digest(of: bytes), limit: 99) == bytes) }
      #expect(try store.statistics().objects == 200)
    }
  }

  @Test func twoProcessesNeverAppendToOnePack() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let first = try ObjectStore(path: cache, durability: .none)
      let second = try ObjectStore(path: cache, durability: .none)
      for number in 0..<20 {
        try first.put([1, UInt8(number)])
        try second.put([2, UInt8(number)])
        try first.flush()
        try second.flush()
      }
      #expect(packs(cache).count == 2)
      #expect(try ObjectStore(path: cache).check().checked == 40)
      // What one of them published, the other sees at once.
      #expect(try first.read(Digest(of: [2, 7]), limit: 2) == [2, 7])
    }
  }

  @Test func anIndexThatIsLostBehindOrBrokenIsMadeFromThePacks() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let writer = try ObjectStore(path: cache, durability: .none)
      for number in 0..<50 { try writer.put(sample(200, seed: UInt64(number))) }
      let record = try writer.putRecord(Array("{}".utf8))
      try writer.flush()
      writer.objectPack.withLock { $0.release() }
      writer.recordPack.withLock { $0.release() }
      let old = "\(folder)/old"
      func all() throws -> Bool {
        var found: ObjectStore?
        _ = try eventually {
          let store = try ObjectStore(path: cache, durability: .none)
          found = store
          return (0..<50).allSatisfy { store.contains(Digest(of: sample(200, seed: UInt64($0)))) }
            && store.hasRecord(record)
        }
        let store = try #require(found)
        let objects = try (0..<50).allSatisfy { number in
          try store.read(Digest(of: sample(200, seed: UInt64(number))), limit: 999) == sample(200, seed: UInt64(number))
        }
        return try objects && store.readRecord(record) == Array("{}".utf8)
      }
      #expect(try all())
      try #require(shell("mkdir \(old) && cp \(cache)/objects.sqlite* \(old)") != nil)
      // Lost.
      try #require(shell("rm \(cache)/objects.sqlite*") != nil)
      #expect(try all())
      // Broken: it is kept beside the new one.
      try #require(shell("rm \(cache)/objects.sqlite-*; head -c 9000 /dev/urandom > \(cache)/objects.sqlite") != nil)
      #expect(try all())
      #expect(access("\(cache)/objects.sqlite.damaged", F_OK) == 0)
      // Behind: as it was before the last commits.
      let later = try ObjectStore(path: cache, durability: .none)
      try later.put(Array("later".utf8))
      try later.flush()
      later.objectPack.withLock { $0.release() }
      try #require(shell("rm \(cache)/objects.sqlite*; cp \(old)/* \(cache)/") != nil)
      #expect(try all())
      #expect(try eventually { try ObjectStore(path: cache).contains(Digest(ofText: "later")) })
    }
  }

  @Test func whatAProcessLeftThatDiedWhileItAppendedIsPassedOver() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let writer = try ObjectStore(path: cache, durability: .none)
      let first = try writer.put(sample(300, seed: 1))
      try writer.flush()
      writer.objectPack.withLock { $0.release() }
      let (file, range) = try location(of: first.digest, in: writer)
      let sound = try contents(file)
      // A header alone, half an entry, zeros, an entry that is whole but has another content.
      var lying = Array(sound[range])
      lying[lying.count - 1] ^= 1
      for tail in [
        Array(sound[range].prefix(72)), Array(sound[range].prefix(150)), [UInt8](repeating: 0, count: 500), lying,
      ] {
        try write(sound + tail, to: file)
        try #require(shell("rm -f \(cache)/objects.sqlite*") != nil)
        let next = try ObjectStore(path: cache, durability: .none)
        let second = try next.put(sample(300, seed: 2))
        try next.flush()
        next.objectPack.withLock { $0.release() }
        #expect(packs(cache).count <= 2)
        try #require(shell("rm -f \(cache)/objects.sqlite*") != nil)
        #expect(
          try eventually {
            let store = try ObjectStore(path: cache, durability: .none)
            return store.contains(first.digest) && store.contains(second.digest)
          })
        let last = try ObjectStore(path: cache, durability: .none)
        #expect(try last.read(first.digest, limit: 999) == sample(300, seed: 1))
        #expect(try last.read(second.digest, limit: 999) == sample(300, seed: 2))
        #expect(try last.check().isSound)
        unlink(file)
      }
    }
  }

  @Test func aRowThatLeadsNowhereIsForgottenWhenSomebodyFollowsIt() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      var digest = Digest.empty
      do {
        let writer = try ObjectStore(path: cache, durability: .none)
        digest = try writer.put(sample(500)).digest
        try writer.flush()
      }
      let store = try ObjectStore(path: cache, durability: .none)
      try #require(shell("rm \(cache)/packs/*.objects") != nil)
      #expect(error { try store.read(digest, limit: .max) }?.code == .missing)
      #expect(!store.contains(digest))
      try store.put(sample(500))
      try store.flush()
      #expect(try ObjectStore(path: cache, durability: .none).read(digest, limit: .max) == sample(500))
    }
  }

  @Test func aRangeIsReadWithoutTheRest() throws {
    try withStore { store, folder in
      for (name, bytes) in [
        ("text", sample(3_500_000)), ("noise", noise(3_500_000)), ("small", sample(1000)), ("floats", floats(900_000)),
      ] {
        try write(bytes, to: "\(folder)/\(name)")
        let digest = try store.put(fileAt: "\(folder)/\(name)").digest
        for _ in 0..<2 {
          for start in [0, 1, 999, (1 << 20) - 3, 2_000_000, 3_499_999, 9_000_000] {
            let end = min(start + 4096, bytes.count)
            let wanted = start < end ? Array(bytes[start..<end]) : []
            #expect(try store.read(digest, range: Int64(start)..<Int64(start + 4096)) == wanted, "\(name) \(start)")
          }
          try store.flush()
        }
      }
      #expect(
        files("\(store.path)/objects").map { $0.split(separator: ".", maxSplits: 1)[1] }.sorted() == [
          "p4.zst", "raw", "zst",
        ])
    }
  }

  @Test func damageInARangeIsFoundThereAndNowhereElse() throws {
    try withFolder { folder in
      for bytes in [sample(6_500_000), noise(6_500_000)] {
        let cache = "\(folder)/\(bytes[0])"
        let writer = try ObjectStore(path: cache, durability: .none)
        try write(bytes, to: "\(folder)/in")
        let digest = try writer.put(fileAt: "\(folder)/in").digest
        try writer.flush()
        try damage(digest, in: writer) { $0[$0.count / 2] ^= 4 }
        let store = try ObjectStore(path: cache, durability: .none)
        #expect(try store.read(digest, range: 0..<4096) == Array(bytes[..<4096]))
        #expect(error { try store.read(digest, range: 2_200_000..<4_300_000) }?.code == .damaged)
        #expect(!store.contains(digest) && files("\(cache)/quarantine").count == 1)
      }
    }
  }
}

/// The bytes of so many float32 numbers, roughly normally distributed.
func floats(_ count: Int, seed: UInt64 = 3) -> [UInt8] {
  let random = noise(count * 8, seed: seed + 1)
  return (0..<count).flatMap { number -> [UInt8] in
    let sum = (0..<8).reduce(0) { $0 + Float(random[number * 8 + $1]) }
    return withUnsafeBytes(of: (sum / 1020 - 1) * 0.05) { Array($0) }
  }
}
