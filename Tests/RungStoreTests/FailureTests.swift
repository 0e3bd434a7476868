import Glibc
import RungCore
import Synchronization
import Testing

@testable import RungStore

/// Calls that fail while a store is at work: one, or all from some moment on until there is space again. An operation
/// then ends with an error or did what it should; what was safe before stays safe, and trying again works.
@Suite struct FailureTests {
  /// A disk that can be made to fail.
  private final class Disk: Sendable {
    // Counted only while it is armed.
    let calls = Atomic<Int>(0)
    private let armed = Atomic<Bool>(false)
    private let failAt: Int
    private let answer: @Sendable (FileSystem.Call, Int, Int) -> FileSystem.Fault?

    /// `answer` is asked with the call, its number and `number`.
    init(_ number: Int, _ answer: @escaping @Sendable (FileSystem.Call, Int, Int) -> FileSystem.Fault?) {
      failAt = number
      self.answer = answer
    }

    func arm(_ isArmed: Bool) { armed.store(isArmed, ordering: .relaxed) }

    var fileSystem: FileSystem {
      FileSystem { call in
        guard self.armed.load(ordering: .relaxed) else { return nil }
        return self.answer(call, self.calls.wrappingAdd(1, ordering: .relaxed).newValue, self.failAt)
      }
    }
  }

  /// What is done while the disk fails. Each is tried with every call of it failing.
  enum Work: String, CaseIterable, Sendable {
    case putSmall, putIncompressible, putLong, putTree, record, putNothingNew
    case read, range, restore, restoreTree, check, collect, rebuildIndex
  }

  private static let incompressible = noise(150_000, seed: 1)
  private static let long = [UInt8](repeating: 9, count: 1_200_000) + sample(5000, seed: 5)

  // Does the work, with a flush where something was put, and adds what is safe when it returns.
  private func perform(
    _ work: Work, _ store: ObjectStore, _ belongings: Belongings, _ folder: String, _ safe: inout Known
  ) throws {
    var new = Known()
    switch work {
    case .putSmall:
      let bytes = Array("something new".utf8)
      new.objects[try store.put(bytes).digest] = bytes
    case .putIncompressible:
      let bytes = Self.incompressible
      new.objects[try store.put(bytes).digest] = bytes
    case .putLong:
      new.objects[try store.put(fileAt: "\(folder)/new").digest] = try contents("\(folder)/new")
    case .putTree: new.trees[try store.putTree(at: "\(folder)/newtree").digest] = "\(folder)/newtree"
    case .record:
      let bytes = Array("a new record".utf8)
      new.records[try store.putRecord(bytes)] = bytes
    case .putNothingNew: new = try belongings.put(into: store)
    case .read:
      for (digest, bytes) in safe.objects {
        let read = try store.read(digest, limit: .max)
        #expect(same(read, bytes))
      }
      return
    case .range:
      for (digest, bytes) in safe.objects {
        let range = Int64(bytes.count / 3)..<Int64(bytes.count / 2 + 1)
        let read = try store.read(digest, range: range)
        #expect(same(read, Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])))
      }
      return
    case .collect:
      // What is collected is safe no longer; the rest is, and so is what somebody uses.
      let doomed = Set(belongings.doomed.map { Digest(of: $0) })
      safe.remove(doomed)
      _ = try store.collect(doomed)
      return
    case .rebuildIndex:
      #expect(try store.rebuildPackIndex().isEmpty)
      return
    case .restore:
      for (number, object) in safe.objects.sorted(by: { $0.key < $1.key }).enumerated() {
        let out = "\(folder)/out\(number)"
        unlink(out)
        // What is there is whole, whether or not there was an error.
        defer { if access(out, F_OK) == 0 { #expect(same(try? contents(out), object.value)) } }
        try store.restore(object.key, to: out, executable: false)
      }
      return
    case .restoreTree:
      for (digest, original) in safe.trees {
        try store.restoreTree(digest, to: "\(folder)/outtree")
        #expect(difference(original, "\(folder)/outtree") == nil)
        try removeTree("\(folder)/outtree", in: AT_FDCWD, .live, at: "outtree")
      }
      return
    case .check:
      let report = try store.check()
      // A disk that cannot be read is no damage.
      for damage in report.damaged { #expect(damage.error.code != .damaged, "\(damage.error)") }
      return
    }
    try store.flush()
    safe.add(new)
  }

  // Makes a store with something safe in it, does the work on a failing disk, and looks. Returns how many calls there
  // were, and the error.
  private func tryOnce(_ work: Work, _ disk: Disk, isTransient: Bool = true) throws -> (
    calls: Int, failure: StoreError?
  ) {
    try withFolder { folder in
      mkdir("\(folder)/user", 0o755)
      mkdir("\(folder)/newtree", 0o755)
      try write(Array("in a new folder".utf8), to: "\(folder)/newtree/a")
      try write(Array(Self.incompressible[..<70_000]), to: "\(folder)/newtree/b")
      try write(Self.long, to: "\(folder)/new")
      let belongings = try Belongings(in: "\(folder)/user")
      let cache = "\(folder)/cache"
      var safe = Known()
      var failure: StoreError?
      do {
        let store = try ObjectStore(path: cache, durability: .full, fileSystem: disk.fileSystem)
        if work == .collect {
          // By a process that is gone, so that nobody has pinned it.
          let other = try ObjectStore(path: cache, durability: .none)
          for bytes in belongings.doomed { try other.put(bytes) }
          try other.flush()
        }
        safe = try belongings.put(into: store)
        let record = try store.putRecord(belongings.record)
        safe.records[record] = belongings.record
        try store.flush()
        disk.arm(true)
        do {
          try perform(work, store, belongings, folder, &safe)
        } catch {
          failure = error as? StoreError
          #expect(failure != nil, "\(error)")
        }
        // While the disk is full, what is safe can still be read.
        if !isTransient { try expectSafe(safe, store) }
        disk.arm(false)
        if !isTransient, failure?.message.contains("nothing more") != true {
          // There is space again: the same store goes on.
          try perform(work, store, belongings, folder, &safe)
          try expectSafe(safe, store)
        }
      }
      let store = try ObjectStore(path: cache, durability: .none)
      #expect(try store.check().isSound)
      try expectSafe(safe, store)
      try perform(work, store, belongings, folder, &safe)
      let again = try ObjectStore(path: cache, durability: .none)
      try expectSafe(safe, again)
      #expect(try again.check().isSound)
      #expect(try again.statistics().quarantined == 0)
      return (disk.calls.load(ordering: .relaxed), failure)
    }
  }

  private func expectSafe(_ safe: Known, _ store: ObjectStore) throws {
    for (digest, bytes) in safe.objects { #expect(same(try store.read(digest, limit: .max), bytes)) }
    for digest in safe.trees.keys { #expect(try !store.tree(digest).entries.isEmpty) }
    for (digest, bytes) in safe.records { #expect(same(try store.readRecord(digest), bytes)) }
  }

  @Test(arguments: Work.allCases, isLong ? [EIO, ENOSPC, EDQUOT, EINTR, -1] : [EIO, ENOSPC, -1])
  func anyOneCallMayFail(work: Work, code: Int32) throws {
    var number = 0
    while true {
      number += 1
      let disk = Disk(number) { _, call, failAt in call == failAt ? (code < 0 ? .short : .error(code)) : nil }
      let (calls, failure) = try tryOnce(work, disk)
      if code < 0 || code == EINTR || calls < number {
        #expect(failure == nil, "call \(number) of \(work)")
      } else if let failure {
        #expect(failure.errno == code, "call \(number) of \(work): \(failure)")
      }
      if calls < number { break }
    }
  }

  // From the n-th call on nothing that needs space succeeds, as on a full disk, until somebody makes room.
  @Test(arguments: Work.allCases, isLong ? [ENOSPC, EDQUOT] : [ENOSPC])
  func aDiskMayStayFull(work: Work, code: Int32) throws {
    let needSpace: Set<FileSystem.Call> = [.write, .makeFolder, .makeLink, .rename, .reserve, .clone]
    var number = 0
    while true {
      number += 1
      let disk = Disk(number) { kind, call, failAt in
        call >= failAt && needSpace.contains(kind) ? .error(code) : nil
      }
      let (calls, failure) = try tryOnce(work, disk, isTransient: false)
      if let failure { #expect(failure.code == .noSpace, "call \(number) of \(work): \(failure)") }
      if calls < number { break }
    }
  }
}
