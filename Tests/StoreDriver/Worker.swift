import Glibc
import RungCore
import RungStore

/// One process that puts, gets, runs and collects until it is killed. What it finds wrong it throws.
final class Worker {
  private let ground: Ground
  private let scratch: String
  private var random: Seeded
  private var store: ObjectStore
  private let locks: ActionLocks
  private var promises: Ground.Promises

  init(_ ground: Ground, seed: UInt64) throws {
    self.ground = ground
    random = Seeded(seed)
    scratch = "\(ground.folder)/worker-\(getpid())"
    store = try ObjectStore(path: ground.cache, durability: .full)
    locks = try ActionLocks(path: ground.cache)
    promises = ground.promises()
  }

  /// Prints a line for each operation before it is done.
  func run(operations: Int) throws {
    for number in 0..<operations {
      let operation = pick(0..<100)
      print(number, operation)
      fflush(nil)
      switch operation {
      case ..<30: try putSome()
      case ..<40: try putTree()
      case ..<60: try getPromised()
      case ..<70: try getAny()
      case ..<82: try runStep()
      case ..<92: try collect()
      case ..<96: try reopen()
      default: try checkSome()
      }
    }
  }

  private func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

  private func putSome() throws {
    let numbers = (0..<pick(1..<12)).map { _ in pick(0..<Content.numbers) }
    for number in numbers {
      let bytes = Content.bytes(number)
      guard try store.put(bytes).digest == Digest(of: bytes) else { throw Wrong("the digest of object \(number)") }
    }
    try store.flush()
    try ground.promise("o", numbers.filter { !Content.isCollectable($0) })
    // What this process has put is there for as long as it lives, whatever anybody collects.
    for number in numbers where pick(0..<3) == 0 { try get(number, isPromised: true) }
  }

  private func putTree() throws {
    let number = pick(0..<60)
    let folder = "\(scratch)-in"
    remove(folder)
    try makeTree(number, folder)
    let digest = try store.putTree(at: folder).digest
    guard digest == (try treeDigest(number)) else { throw Wrong("the digest of folder \(number)") }
    try store.flush()
    try ground.promise("t", [number])
    remove(folder)
    if pick(0..<2) == 0 { try verifyTree(number, store, "\(scratch)-out") }
  }

  private func getPromised() throws {
    if pick(0..<10) == 0 { promises = ground.promises() }
    if let number = promises.objects.randomElement(using: &random) { try get(number, isPromised: true) }
    if pick(0..<8) == 0, let number = promises.trees.randomElement(using: &random) {
      try verifyTree(number, store, "\(scratch)-out")
    }
  }

  private func getAny() throws { try get(pick(0..<Content.numbers), isPromised: false) }

  private func get(_ number: Int, isPromised: Bool) throws {
    let bytes = Content.bytes(number)
    let digest = Digest(of: bytes)
    do {
      if isPromised, !store.contains(digest) { throw Wrong("object \(number) \(digest.hex) is not there") }
      guard same(try store.read(digest, limit: .max), bytes) else { throw Wrong("wrong bytes for object \(number)") }
    } catch let error as StoreError {
      if isPromised || error.code != .missing { throw Wrong("object \(number): \(error)") }
    }
  }

  // What the engine does with a step: one process makes the outputs, then the record that names them.
  private func runStep() throws {
    let step = pick(0..<200)
    let record = Content.record(step)
    let key = Digest(of: record)
    guard try locks.tryLock(key) else { return }
    defer { locks.unlock(key) }
    let output = step * 3 + 1
    if store.hasRecord(key) {
      // A record is never without what it names.
      return try get(output, isPromised: true)
    }
    try store.put(Content.bytes(output))
    try store.flush()
    try ground.promise("o", [output])
    guard try store.putRecord(record) == key else { throw Wrong("the digest of record \(step)") }
    try store.flush()
    try ground.promise("r", [step])
    guard try store.readRecord(key) == record else { throw Wrong("record \(step)") }
  }

  private func collect() throws {
    let doomed = (0..<pick(1..<400)).map { _ in pick(0..<Content.numbers / 3) * 3 }
    _ = try store.collect(Set(doomed.map { Content.digests[$0 / 3] }))
  }

  private func reopen() throws { store = try ObjectStore(path: ground.cache, durability: .full) }

  private func checkSome() throws {
    let report = try store.check(.share(0.05))
    for damage in report.damaged { throw damage.error }
  }
}
