import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct SharingTests {
  private let size = 24 << 20

  private func put(_ bytes: [UInt8], _ store: ObjectStore, _ folder: String, earlier: [Digest] = []) throws -> Digest {
    try write(bytes, to: "\(folder)/in")
    let digest = try store.put(fileAt: "\(folder)/in", options: PutOptions(earlier: earlier)).digest
    #expect(digest == Digest(of: bytes))
    try store.flush()
    return digest
  }

  private func bytesStored(_ cache: String) throws -> Int64 {
    try ObjectStore(path: cache, durability: .none).statistics().storedBytes
  }

  @Test func versionsThatShareMuchAreStoredOnce() throws {
    try withFolder { folder in
      // A store for each version, as if by processes: none of them relies on anything afterwards.
      func put(_ bytes: [UInt8], _ folder: String, earlier: [Digest] = []) throws -> Digest {
        let store = try ObjectStore(path: "\(folder)/cache", durability: .none)
        return try self.put(bytes, store, folder, earlier: earlier)
      }
      let cache = "\(folder)/cache"
      let first = noise(size)
      var second = first
      // Bytes put in at the beginning, and a tenth changed later on.
      second.insert(contentsOf: Array("a longer header".utf8), at: 100)
      second.replaceSubrange(10_000_000..<12_000_000, with: noise(2_000_000, seed: 99))
      let one = try put(first, folder)
      let before = try bytesStored(cache)
      #expect(files("\(cache)/objects").allSatisfy { $0.hasSuffix(".raw") })
      let two = try put(second, folder, earlier: [one])
      let grown = try bytesStored(cache) - before
      #expect(grown > 2_000_000 && grown < 2_000_000 + 5_000_000, "\(grown)")
      #expect(files("\(cache)/objects").allSatisfy { $0.hasSuffix(".list") })
      // A third version finds the chunks where they are.
      var third = second
      third.replaceSubrange(20_000_000..<20_000_010, with: Array("0123456789".utf8))
      let three = try put(third, folder, earlier: [two, one])
      #expect(try bytesStored(cache) - before - grown < 3_000_000)
      var reader: ObjectStore? = try ObjectStore(path: cache, durability: .none)
      for (digest, bytes) in [(one, first), (two, second), (three, third)] {
        #expect(reader?.contains(digest) == true)
        try reader?.restore(digest, to: "\(folder)/out", executable: false)
        #expect(try contents("\(folder)/out") == bytes)
        unlink("\(folder)/out")
        #expect(try reader?.read(digest, range: 9_999_000..<10_001_000) == Array(bytes[9_999_000..<10_001_000]))
      }
      #expect(try reader?.check().isSound == true)
      reader = nil
      // The first alone is collected: what the others consist of stays.
      #expect(try ObjectStore(path: cache, durability: .none).collect([one]).objects == 1)
      let last = try ObjectStore(path: cache, durability: .none)
      #expect(!last.contains(one))
      #expect(try last.read(two, limit: .max) == second && last.check().isSound)
    }
  }

  @Test func whatSharesNothingIsStoredWhole() throws {
    try withStore { store, folder in
      let one = try put(noise(size), store, folder)
      let two = try put(noise(size, seed: 1234), store, folder, earlier: [one, .empty, Digest(of: [1])])
      #expect(files("\(store.path)/objects").count == 2)
      #expect(files("\(store.path)/objects").allSatisfy { $0.hasSuffix(".raw") })
      #expect(try store.read(two, limit: .max) == noise(size, seed: 1234))
    }
  }

  @Test func aDamagedPartIsFoundAndTheVersionsCanBeMadeAgain() throws {
    try withStore { store, folder in
      let first = noise(size)
      var second = first
      second.replaceSubrange(0..<1_000_000, with: noise(1_000_000, seed: 5))
      let one = try put(first, store, folder)
      let two = try put(second, store, folder, earlier: [one])
      let part = try #require(try store.list(.init(kind: .object, digest: two))?.parts.last)
      try damage(part.digest, in: store) { $0[$0.count / 2] ^= 1 }
      let reader = try ObjectStore(path: store.path, durability: .none)
      let failure = error { try reader.read(two, limit: .max) }
      #expect(failure?.code == .damaged && failure?.message.contains(two.hex) == true)
      // Both consist of it: both are missing, and come back when one is put again.
      #expect(!reader.contains(one) && !reader.contains(two))
      #expect(error { try reader.restore(one, to: "\(folder)/out", executable: false) }?.code == .missing)
      #expect(access("\(folder)/out", F_OK) != 0)
      #expect(try put(second, reader, folder, earlier: [one]) == two)
      #expect(reader.contains(two))
      #expect(try reader.read(two, limit: .max) == second)
    }
  }

  @Test func aPartThatIsAlsoAFileOfItsOwnIsStoredAsBoth() throws {
    try withStore { store, folder in
      let bytes = noise(300_000, seed: 21)
      try write(bytes, to: "\(folder)/in")
      let digest = try store.put(fileAt: "\(folder)/in").digest
      // As a file it is no place for a part of a list.
      #expect(try !store.hasPart(digest))
      try store.codecs.with { codec throws(StoreError) in
        codec.fit(bytes.count)
        try bytes.withRaw { plain throws(StoreError) in
          try store.stagePacked(
            .init(kind: .object, digest: digest), plain, planes: .off, level: 1, codec, isPart: true)
        }
      }
      #expect(try store.hasPart(digest))
      try store.flush()
      let reader = try ObjectStore(path: store.path, durability: .none)
      #expect(try reader.hasPart(digest) && reader.looseForm(.init(kind: .object, digest: digest)) == .raw)
      #expect(try reader.read(digest, limit: .max) == bytes)
    }
  }
}
