import Glibc
import RungCore
import RungDatabase
import Testing

@testable import RungStore

/// The count that tells whether anything can have been taken away.
@Suite struct RemovalsTests {
  @Test func itGrowsWithWhatIsTakenAwayAndWithNothingElse() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let store = try ObjectStore(path: cache, durability: .none)
      let first = try #require(store.removals())
      let digest = try store.put(Array("small".utf8)).digest
      try store.flush()
      #expect(store.removals() == first)
      #expect(ObjectStore.removals(inCache: cache) == first)
      try store.lose(digest)
      let second = try #require(store.removals())
      #expect(second != first)
      #expect(ObjectStore.removals(inCache: cache) == second)
      #expect(ObjectStore.removals(inCache: "\(folder)/none") == nil)
    }
  }

  @Test func theFilesThatHoldObjectsAreNamed() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let store = try ObjectStore(path: cache, durability: .none)
      let small = try store.put(Array("small".utf8)).digest
      let large = try store.put(sample(200_000, seed: 1)).digest
      let record = try store.putRecord(Array("{}".utf8))
      try store.flush()
      let files = try #require(try store.holders(of: [small, large, .empty], records: [record]))
      #expect(files.count == 3)
      for file in files { #expect(access("\(cache)/\(file)", F_OK) == 0, "\(file)") }
      #expect(try store.holders(of: [Digest(ofText: "none")], records: []) == nil)
      #expect(try store.holders(of: [], records: [Digest(ofText: "none")]) == nil)
    }
  }

  /// An index of version 1, which lacked the count.
  @Test func anEarlierIndexIsBroughtToThisVersionWithEveryObject() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let digests = try (0..<20).map { number in
        let store = try ObjectStore(path: cache, durability: .none)
        defer { try? store.flush() }
        return try store.put(Array("object \(number)".utf8)).digest
      }
      let path = "\(cache)/objects.sqlite"
      try Database(path: path, title: "index").execute("DROP TABLE removals; PRAGMA user_version = 1")
      #expect(ObjectStore.removals(inCache: cache) == nil)
      let store = try ObjectStore(path: cache, durability: .none)
      #expect(store.removals() != nil)
      for digest in digests { #expect(store.contains(digest)) }
      #expect(access("\(path).damaged", F_OK) != 0)
    }
  }
}
