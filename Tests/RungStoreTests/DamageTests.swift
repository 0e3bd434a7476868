import Glibc
import RungCore
import Testing

@testable import RungStore

@Suite struct DamageTests {
  // Where the one object of a store lies.
  private func onlyFile(_ folder: String) throws -> String {
    "\(folder)/cache/objects/" + (try #require(files("\(folder)/cache/objects").first))
  }

  @Test func everyFlippedBitIsFoundAndSetAside() throws {
    try withStore { store, folder in
      let bytes = Array("a small object, small enough to try each of its bits in turn".utf8)
      let stored = try store.put(bytes)
      try store.flush()
      let file = try onlyFile(folder)
      let sound = try contents(file)
      let aside = "\(folder)/cache/quarantine/object-\(stored.digest.hex).zst"
      var harmless: [Int] = []
      for bit in 0..<sound.count * 8 {
        var damaged = sound
        damaged[bit / 8] ^= 1 << (bit % 8)
        unlink(file)
        try write(damaged, to: file)
        // A reader of its own each time: nothing may come from memory.
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
        #expect(failure?.code == .damaged, "bit \(bit)")
        #expect(failure?.message.contains(stored.digest.hex) == true)
        #expect(access(file, F_OK) != 0 && !reader.contains(stored.digest))
        #expect(try contents(aside) == damaged)
        #expect(error { try reader.restore(stored.digest, to: "\(folder)/out", executable: false) }?.code == .missing)
      }
      #expect(Set(harmless).isSubset(of: [36, 37]), "\(harmless)")
      // The name is free again.
      unlink(file)
      try store.put(bytes)
      try store.flush()
      #expect(try contents(file) == sound)
    }
  }

  @Test(arguments: [60, 400_000])
  func everyTruncationIsFound(size: Int) throws {
    try withStore { store, folder in
      let stored = try store.put(sample(size))
      try store.flush()
      let file = try onlyFile(folder)
      let sound = try contents(file)
      for length in stride(from: 0, to: sound.count, by: max(1, sound.count / 97)) {
        unlink(file)
        try write(Array(sound[..<length]), to: file)
        let reader = try ObjectStore(path: "\(folder)/cache", durability: .none)
        #expect(error { try reader.restore(stored.digest, to: "\(folder)/out", executable: false) }?.code == .damaged)
        #expect(access("\(folder)/out", F_OK) != 0)
      }
      try write(sound + [0], to: file)
      #expect(error { try store.read(stored.digest, limit: .max) }?.code == .damaged)
    }
  }

  @Test func anObjectUnderAnotherNameIsNotServed() throws {
    try withStore { store, folder in
      let stored = try store.put([1, 2, 3])
      let other = try store.put([4, 5, 6])
      try store.flush()
      func place(_ digest: Digest) -> String {
        "\(folder)/cache/objects/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2)).zst"
      }
      #expect(rename(place(other.digest), place(stored.digest)) == 0)
      #expect(error { try store.read(stored.digest, limit: 9) }?.message.contains("another digest") == true)
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
      for (kind, digest) in [("objects", broken), ("records", record)] {
        let file = "\(cache)/\(kind)/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2)).zst"
        var bytes = try contents(file)
        bytes[bytes.count / 2] ^= 16
        unlink(file)
        try write(bytes, to: file)
      }
      try write([1], to: "\(cache)/objects/notes.txt")
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
      #expect(try store.check(sample: 0).checked == 0)
    }
  }

  @Test func aDamagedRecordDoesNotHideTheOthers() throws {
    try withStore { store, folder in
      for byte in 0..<5 { _ = try store.putRecord([UInt8(byte)]) }
      try store.flush()
      let file = "\(folder)/cache/records/" + (try #require(files("\(folder)/cache/records").first))
      unlink(file)
      try write([1, 2, 3], to: file)
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
      #expect(files("\(cache)/objects").isEmpty && files("\(cache)/stage").count == 2)
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
