import Glibc
import RungCore
import Testing

@testable import RungStore

/// One bit flipped, one byte cut out or one byte put in, at every place of every file of a small store: it is found, or
/// it does no harm. What is read is right or is not read at all; after putting again, all is well.
@Suite struct BitTests {
  // In a file longer than this not every place is tried but every so many-th.
  private static let most = setting("RUNG_TEST_BIT_PLACES", isLong ? .max : 60)

  enum Damage: CaseIterable, Sendable { case flipped, cut, added }

  /// A store in memory: every file, and what it holds.
  private struct Small {
    var files: [String: [UInt8]] = [:]
    var known = Known()
  }

  // A store with everything in it that a store can have, as small as that goes.
  private func make(_ folder: String) throws -> Small {
    var small = Small()
    let cache = "\(folder)/cache"
    mkdir("\(folder)/tree", 0o755)
    try write(Array("in a folder".utf8), to: "\(folder)/tree/a")
    do {
      let store = try ObjectStore(path: cache, durability: .none)
      small.known = try put(into: store, folder)
      try store.flush()
    }
    for file in RungStoreTests.files(cache) where !file.hasSuffix("lock") {
      small.files[file] = try contents("\(cache)/\(file)")
    }
    return small
  }

  private func put(into store: ObjectStore, _ folder: String) throws -> Known {
    var known = Known()
    for bytes in [Array("one small object".utf8), Array("and another one".utf8)] {
      known.objects[try store.put(bytes).digest] = bytes
    }
    known.trees[try store.putTree(at: "\(folder)/tree").digest] = "\(folder)/tree"
    let record = Array("a record".utf8)
    known.records[try store.putRecord(record)] = record
    return known
  }

  private func damaged(_ bytes: [UInt8], _ damage: Damage, at place: Int) -> [UInt8] {
    var bytes = bytes
    switch damage {
    case .flipped: bytes[place] ^= 1 << UInt8((place * 5 + place / 8) % 8)
    case .cut: bytes.remove(at: place)
    case .added: bytes.insert(UInt8(truncatingIfNeeded: place &* 37), at: place)
    }
    return bytes
  }

  // Everything that is known, read by a store of its own. Wrong bytes are a failure; what is not there or damaged is
  // counted.
  private func read(_ known: Known, _ cache: String, _ title: String) throws -> Int {
    let store = try ObjectStore(path: cache, durability: .none)
    var lost = 0
    for (digest, bytes) in known.objects {
      do {
        let read = try store.read(digest, limit: .max)
        #expect(same(read, bytes), "\(title)")
      } catch {
        #expect(error.code == .damaged || error.code == .missing, "\(title): \(error)")
        lost += 1
      }
    }
    for (digest, original) in known.trees {
      let out = "\(cache)-out"
      do {
        try store.restoreTree(digest, to: out)
        #expect(difference(original, out) == nil, "\(title)")
      } catch {
        #expect(error.code == .damaged || error.code == .missing, "\(title): \(error)")
        lost += 1
      }
      try removeTree(out, in: AT_FDCWD, .live, at: out)
    }
    var records: [Digest: [UInt8]] = [:]
    try store.forEachRecord { records[$0] = $1 }
    for (digest, bytes) in known.records {
      if let read = records.removeValue(forKey: digest) { #expect(same(read, bytes), "\(title)") } else { lost += 1 }
    }
    #expect(records.isEmpty, "\(title): records that nobody put")
    return lost
  }

  @Test(arguments: Damage.allCases)
  func damageAtAnyPlaceIsFoundOrHarmless(damage: Damage) throws {
    try withFolder { folder in
      let small = try make(folder)
      let cache = "\(folder)/cache"
      var tried = 0
      var refused = 0
      for (file, sound) in small.files.sorted(by: { $0.key < $1.key }) {
        let step = max(1, sound.count / Self.most)
        for place in stride(from: 0, to: sound.count + (damage == .added ? 1 : 0), by: step) {
          tried += 1
          let title = "\(file), byte \(place) \(damage)"
          try restore(small, cache, except: file, damaged(sound, damage, at: place))
          do {
            let lost = try read(small.known, cache, title)
            let store = try ObjectStore(path: cache, durability: .none)
            // What nobody read is set aside now, and then nothing is left that is damaged.
            _ = try store.check()
            #expect(try store.check().isSound, "\(title)")
            // It can be made again.
            _ = try put(into: store, folder)
            try store.flush()
            if lost > 0 { #expect(try read(small.known, cache, "\(title), put again") == 0, "\(title)") }
          } catch let error as StoreError {
            // The whole cache may be refused, with a word about which file it is, and with nothing changed.
            refused += 1
            #expect(error.code == .damaged || error.code == .newerFormat, "\(title): \(error)")
            #expect(file == "format.json", "\(title): \(error)")
            #expect(try contents("\(cache)/\(file)") == damaged(sound, damage, at: place), "\(title)")
          }
        }
      }
      #expect(tried > 200 && refused > 20)
    }
  }

  // Writes the store's files anew, one of them as given.
  private func restore(_ small: Small, _ cache: String, except damaged: String, _ bytes: [UInt8]) throws {
    try removeTree(cache, in: AT_FDCWD, .live, at: cache)
    mkdir(cache, 0o755)
    var made: Set<String> = []
    for (file, sound) in small.files {
      var path = cache
      for part in file.split(separator: "/").dropLast() {
        path += "/\(part)"
        if made.insert(path).inserted { mkdir(path, 0o755) }
      }
      try write(file == damaged ? bytes : sound, to: "\(cache)/\(file)")
    }
  }

  // Damage that a check has to find by itself, without anybody having read the object.
  @Test func checkFindsWhatIsDamaged() throws {
    try withFolder { folder in
      let small = try make(folder)
      let cache = "\(folder)/cache"
      for (file, sound) in small.files where file.hasPrefix("objects/") || file.hasPrefix("packs/") {
        for place in stride(from: 0, to: sound.count, by: max(1, sound.count / 20)) {
          try restore(small, cache, except: file, Array(sound[..<place]))
          let store = try ObjectStore(path: cache, durability: .none)
          let report = try store.check()
          #expect(!report.isSound || report.checked < small.known.objects.count + 3, "\(file) cut at \(place)")
          _ = try put(into: store, folder)
          try store.flush()
          #expect(try read(small.known, cache, "\(file) cut at \(place)") == 0)
        }
      }
    }
  }
}
