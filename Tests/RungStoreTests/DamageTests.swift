import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct DamageTests {
  @Test func everyFlippedBitIsFoundAndSetAside() throws {
    try withStore { store, folder in
      let bytes = Array("a small object, small enough to try each of its bits in turn".utf8)
      let stored = try store.put(bytes)
      try store.flush()
      let file = try location(of: stored.digest, in: store).file
      let sound = try contents(file)
      let aside = "\(folder)/cache/quarantine/object-\(stored.digest.hex).zst"
      var harmless: [Int] = []
      for bit in 0..<sound.count * 8 {
        var damaged = sound
        damaged[bit / 8] ^= 1 << (bit % 8)
        unlink(file)
        try write(damaged, to: file)
        // A reader of its own each time: nothing may come from memory, nor from an index that forgot it.
        for name in files("\(folder)/cache") where name.hasPrefix("objects.sqlite") {
          unlink("\(folder)/cache/\(name)")
        }
        let reader = try ObjectStore(path: "\(folder)/cache", durability: .none)
        let failure = error {
          let read = try reader.read(stored.digest, limit: 1 << 20)
          #expect(read == bytes)
        }
        if failure == nil {
          // It says the same in another way: the frame header's unused bit, and the one that chooses between two forms.
          harmless.append(bit)
          continue
        }
        // An index that is made anew passes over what is not sound.
        #expect(failure?.code == .missing, "bit \(bit)")
        #expect(!reader.contains(stored.digest))
        #expect(error { try reader.restore(stored.digest, to: "\(folder)/out", executable: false) }?.code == .missing)
      }
      let first = PackEntry.headerSize * 8
      #expect(Set(harmless).isSubset(of: [first + 36, first + 37]), "\(harmless)")
      // With the index that there was, it is found on reading, and set aside.
      unlink(file)
      try write(sound, to: file)
      for name in files("\(folder)/cache") where name.hasPrefix("objects.sqlite") { unlink("\(folder)/cache/\(name)") }
      let reader = try ObjectStore(path: "\(folder)/cache", durability: .none)
      try damage(stored.digest, in: reader) { $0[$0.count - 1] ^= 1 }
      let last = try ObjectStore(path: "\(folder)/cache", durability: .none)
      let failure = error { try last.read(stored.digest, limit: 1 << 20) }
      #expect(failure?.code == .damaged && failure?.message.contains(stored.digest.hex) == true)
      #expect(!last.contains(stored.digest) && access(aside, F_OK) == 0)
      // The name is free again.
      try last.put(bytes)
      try last.flush()
      #expect(try ObjectStore(path: "\(folder)/cache", durability: .none).read(stored.digest, limit: 99) == bytes)
    }
  }

  @Test(arguments: [60, 400_000])
  func everyTruncationIsFound(size: Int) throws {
    try withStore { store, folder in
      let stored = try store.put(sample(size))
      try store.flush()
      let file = try location(of: stored.digest, in: store).file
      let sound = try contents(file)
      for length in stride(from: 0, to: sound.count, by: max(1, sound.count / 97)) {
        unlink(file)
        try write(Array(sound[..<length]), to: file)
        let reader = try ObjectStore(path: "\(folder)/cache", durability: .none)
        let failure = error { try reader.restore(stored.digest, to: "\(folder)/out", executable: false) }
        // The first reader sets it aside; then it is missing.
        #expect(failure?.code == .damaged || failure?.code == .missing, "\(length)")
        #expect(access("\(folder)/out", F_OK) != 0)
      }
    }
  }

  @Test func anObjectUnderAnotherNameIsNotServed() throws {
    try withStore { store, folder in
      let stored = try store.put([1, 2, 3])
      let other = try store.put([4, 5, 6])
      try store.flush()
      // An index that leads astray: what lies there has another name.
      var changes = PackIndex.Changes()
      changes.added = [
        (
          .init(kind: .object, digest: stored.digest),
          try #require(try store.index.find(.init(kind: .object, digest: other.digest)))
        )
      ]
      try store.index.commit(changes)
      let reader = try ObjectStore(path: "\(folder)/cache", durability: .none)
      #expect(error { try reader.read(stored.digest, limit: 9) }?.code == .damaged)
      #expect(try reader.read(other.digest, limit: 9) == [4, 5, 6])
      // Files of their own that were exchanged.
      let first = try store.put(sample(100_000, seed: 1))
      let second = try store.put(sample(100_000, seed: 2))
      try store.flush()
      #expect(
        rename(try location(of: second.digest, in: store).file, try location(of: first.digest, in: store).file) == 0)
      #expect(error { try store.read(first.digest, limit: .max) }?.message.contains("another digest") == true)
    }
  }

  @Test func checkFindsAllDamageAndNothingElse() throws {
    try withStore { store, folder in
      let cache = "\(folder)/cache"
      var objects: [StoredFile] = []
      for number in 0..<40 { objects.append(try store.put(sample(1000 + number, seed: UInt64(number)))) }
      let record = try store.putRecord([1])
      try store.flush()
      #expect(try store.check().isSound)
      let broken = objects[17].digest
      try damage(broken, in: store) { $0[$0.count / 2] ^= 16 }
      try damage(record, .record, in: store) { $0[$0.count - 2] ^= 16 }
      try write([1], to: "\(cache)/objects/notes.txt")
      let store = try ObjectStore(path: cache, durability: .none)
      var steps = 0
      let report = try store.check { done, all in
        steps += 1
        #expect(done == steps && all == 41)
      }
      #expect(report.checked == 39 && steps == 41)
      #expect(report.damaged.map(\.digest) == [broken, record])
      #expect(report.damaged.map(\.isRecord) == [false, true])
      #expect(report.strangers == ["\(cache)/objects/notes.txt"])
      #expect(try store.statistics().quarantined == 2)
      #expect(try store.check().isSound)
      #expect(try store.check(.share(0)).checked == 0)
    }
  }

  @Test func aDamagedRecordDoesNotHideTheOthers() throws {
    try withStore { store, folder in
      for byte in 0..<5 { _ = try store.putRecord([UInt8(byte)]) }
      try store.flush()
      try damage(Digest(of: [3]), .record, in: store) { $0[$0.count - 2] ^= 1 }
      let store = try ObjectStore(path: "\(folder)/cache", durability: .none)
      var seen = 0
      #expect(try store.forEachRecord { _, _ in seen += 1 }.map(\.code) == [.damaged])
      #expect(seen == 4)
    }
  }

  // For every n: the n-th system call fails. Then there is an error or the operation was done; nothing is ever wrong
  // afterwards, and after a transient error trying again works.
  @Test(arguments: [EIO, ENOSPC, EINTR, -1])
  func anyOneFailingCallDoesNoHarm(code: Int32) throws {
    let small = Array("small".utf8)
    let large = sample(300_000)
    var number = 0
    while true {
      number += 1
      let failing = Failing(at: number, code < 0 ? .short : .error(code))
      let finished = try withFolder { folder in
        let cache = "\(folder)/cache"
        for name in ["in", "in/sub"] { mkdir("\(folder)/\(name)", 0o755) }
        try write([120], to: "\(folder)/in/sub/x")
        symlink("sub/x", "\(folder)/in/l")
        try write(large, to: "\(folder)/large")
        let tree: Digest
        do {
          let reference = try ObjectStore(path: "\(folder)/reference", durability: .none)
          tree = try reference.putTree(at: "\(folder)/in").digest
        }
        var failure: StoreError?
        do {
          let store = try ObjectStore(path: cache, durability: .full, fileSystem: failing.fileSystem)
          defer { failing.armed.store(false, ordering: .relaxed) }
          let digest = try store.put(small).digest
          #expect(digest == Digest(of: small))
          #expect(try store.put(fileAt: "\(folder)/large").digest == Digest(of: large))
          #expect(try store.putTree(at: "\(folder)/in").digest == tree)
          try store.flush()
          try store.restore(Digest(of: large), to: "\(folder)/out", executable: false)
          try store.restoreTree(tree, to: "\(folder)/outtree")
        } catch {
          failure = error as? StoreError
          #expect(failure?.errno == code, "call \(number): \(error)")
        }
        failing.armed.store(false, ordering: .relaxed)
        let isDone = failing.calls.load(ordering: .relaxed) < number
        if code == EINTR || code < 0 || isDone { #expect(failure == nil, "call \(number)") }
        // What is restored is whole; what is not whole is not there.
        if access("\(folder)/out", F_OK) == 0 { #expect(try contents("\(folder)/out") == large) }
        // Whatever happened, the cache is sound, and the same again works.
        let again = try ObjectStore(path: cache, durability: .none)
        #expect(try again.check().isSound, "call \(number)")
        #expect(try again.putTree(at: "\(folder)/in").digest == tree)
        #expect(try again.put(small).digest == Digest(of: small))
        #expect(try again.put(fileAt: "\(folder)/large").digest == Digest(of: large))
        try again.flush()
        #expect(try again.read(Digest(of: large), limit: .max) == large)
        try again.restoreTree(tree, to: "\(folder)/last")
        #expect(try again.check().isSound)
        #expect(try again.statistics().quarantined == 0, "call \(number)")
        return isDone
      }
      if finished { break }
    }
    #expect(number > 60)  // the loop did reach the calls
  }

  @Test func aFailedSyncIsFinal() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      _ = try ObjectStore(path: cache, durability: .none)
      let store = try ObjectStore(
        path: cache, durability: .full, fileSystem: FileSystem { $0 == .sync ? .error(EIO) : nil })
      let stored = try store.put([1, 2, 3])
      #expect(error { try store.flush() }?.code == .io)
      #expect(!store.contains(stored.digest))
      #expect(storedFiles(cache).count == 1 && files("\(cache)/stage").count == 2)  // a pack that no index names
      #expect(error { try store.put([4]) }?.code == .io)
      #expect(error { try store.flush() }?.message.contains("nothing more") == true)
    }
  }

  @Test func whatWasNotFlushedIsGoneWithItsProcess() throws {
    try withFolder { folder in
      let cache = "\(folder)/cache"
      let living = try ObjectStore(path: cache, durability: .none)
      let stored = try living.put([1, 2, 3])
      // Another process sees nothing of it.
      let other = try ObjectStore(path: cache, durability: .none)
      #expect(!other.contains(stored.digest))
      #expect(try other.check().checked == 0)
      // What a killed process leaves: a stage folder whose lock nobody holds, or one that never got its lock.
      #expect(
        shell("cd '\(cache)/stage' && mkdir dead dead/sub half && : > dead/lock && echo x > dead/1 && echo y > stray")
          != nil)
      let third = try ObjectStore(path: cache, durability: .none)
      #expect(!files("\(cache)/stage").contains { $0.hasPrefix("dead") || $0.hasPrefix("stray") })
      // The living one lost nothing.
      try living.flush()
      #expect(try third.read(stored.digest, limit: 3) == [1, 2, 3])
    }
  }
}
