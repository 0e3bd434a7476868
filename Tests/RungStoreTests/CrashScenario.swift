import Glibc
import RungCore
import Synchronization

@testable import RungStore

/// Writes down what a store does to the disk and what it promised meanwhile.
final class CrashRecorder: Sendable {
  enum Step: Sendable {
    case event(FileSystem.Event)
    /// From here on these are safe: a flush that came after their putting has returned.
    case promised(Known)
    /// From here on these may go: they are about to be collected.
    case withdrawn(Set<Digest>)
    /// The bytes of the database files, which SQLite writes past the recorder.
    case index([String: [UInt8]])
  }

  let folder: String
  private let written = Mutex<[Step]>([])
  private let last = Mutex<[String: [UInt8]]>([:])

  /// Records what happens below the folder.
  init(folder: String) { self.folder = folder }

  var steps: [Step] { written.withLock { $0 } }

  var fileSystem: FileSystem {
    FileSystem(fault: nil) { event in
      self.note(.event(event))
      switch event {
      case .synced, .syncedAll: self.noteIndex()
      default: break
      }
    }
  }

  func note(_ step: Step) { written.withLock { $0.append(step) } }

  /// Notes the database files as they are, if they are other than before.
  func noteIndex() {
    var files: [String: [UInt8]] = [:]
    for name in CrashRecorder.indexFiles { files[name] = try? contents("\(folder)/cache/\(name)") }
    let isNew = last.withLock { last in
      defer { last = files }
      return last != files
    }
    if isNew { note(.index(files)) }
  }

  static let indexFiles = ["objects.sqlite", "objects.sqlite-wal", "objects.sqlite-shm", "objects.sqlite-journal"]
}

/// What a store is known to have been given.
struct Known: Sendable {
  var objects: [Digest: [UInt8]] = [:]
  var records: [Digest: [UInt8]] = [:]
  /// Folder manifests, with the folder that they were made from.
  var trees: [Digest: String] = [:]

  mutating func add(_ other: Known) {
    objects.merge(other.objects) { old, _ in old }
    records.merge(other.records) { old, _ in old }
    trees.merge(other.trees) { old, _ in old }
  }

  mutating func remove(_ digests: Set<Digest>) {
    for digest in digests {
      objects[digest] = nil
      trees[digest] = nil
    }
  }
}

/// What the user has: files that are put, and what must never be touched.
struct Belongings: Sendable {
  let folder: String
  let small = Array("small".utf8)
  let later = Array("put by the second process".utf8)
  /// Half of it compresses.
  let large = Self.largeBytes
  /// Longer than one frame.
  let long = Self.longBytes
  /// Put and never flushed: nobody may rely on it until it is put again.
  let forgotten = Array("forgotten".utf8)
  /// Put, and collected later.
  let doomed = Self.doomedBytes
  let record = Array(#"{"what": "a record"}"#.utf8)

  // Made once: it takes longer than what is tested.
  private static let largeBytes = sample(90_000)
  private static let longBytes = [UInt8](repeating: 7, count: 1_100_000) + sample(9000, seed: 9)
  private static let doomedBytes =
    (0..<4).map { sample(700 + $0, seed: UInt64(90 + $0)) } + [sample(80_000, seed: 95)]
  private static let dataBytes = sample(3000, seed: 3)

  /// Makes the files.
  init(in folder: String) throws {
    self.folder = folder
    for name in ["tree", "tree/sub"] { mkdir("\(folder)/\(name)", 0o755) }
    try write(Array("x".utf8), to: "\(folder)/tree/sub/x")
    try write([], to: "\(folder)/tree/empty")
    try write(Self.dataBytes, to: "\(folder)/tree/data", mode: 0o755)
    symlink("sub/x", "\(folder)/tree/link")
    try write(long, to: "\(folder)/long")
  }

  /// Puts everything and says what that was. Nothing is flushed.
  func put(into store: ObjectStore) throws -> Known {
    var known = Known()
    for bytes in [small, large] { known.objects[try store.put(bytes).digest] = bytes }
    known.objects[try store.put(fileAt: "\(folder)/long").digest] = long
    let tree = try store.putTree(at: "\(folder)/tree").digest
    known.trees[tree] = "\(folder)/tree"
    for name in ["sub/x", "data"] {
      let bytes = try contents("\(folder)/tree/\(name)")
      known.objects[Digest(of: bytes)] = bytes
    }
    return known
  }
}

/// The life of a store: made, filled, flushed, filled again by the same process and by a second one.
func liveALife(_ cache: String, _ belongings: Belongings, _ recorder: CrashRecorder) throws {
  func promise(_ known: Known) {
    recorder.note(.promised(known))
    recorder.noteIndex()
  }
  do {
    let store = try ObjectStore(path: cache, durability: .full, fileSystem: recorder.fileSystem)
    recorder.noteIndex()
    let known = try belongings.put(into: store)
    try store.flush()
    promise(known)
    let record = try store.putRecord(belongings.record)
    try store.flush()
    promise(Known(records: [record: belongings.record]))
    // Nothing new, and nothing is unsafe because of it.
    _ = try belongings.put(into: store)
    try store.flush()
    try store.put(belongings.forgotten)
  }
  let store = try ObjectStore(path: cache, durability: .full, fileSystem: recorder.fileSystem)
  // What it found of its predecessor may be in the index before it is safe in the packs.
  recorder.noteIndex()
  let later = try store.put(belongings.later).digest
  try store.put(belongings.small)
  let record = try store.putRecord(belongings.later)
  try store.flush()
  promise(Known(objects: [later: belongings.later], records: [record: belongings.later]))
  // Collected by a third one, while the second lives: what that has put stays.
  var doomed = Known()
  do {
    let putter = try ObjectStore(path: cache, durability: .full, fileSystem: recorder.fileSystem)
    for bytes in belongings.doomed { doomed.objects[try putter.put(bytes).digest] = bytes }
    try putter.flush()
    promise(doomed)
  }
  let collector = try ObjectStore(path: cache, durability: .full, fileSystem: recorder.fileSystem)
  recorder.noteIndex()
  recorder.note(.withdrawn(Set(doomed.objects.keys)))
  _ = try collector.collect(Set(doomed.objects.keys).union([later]))
  recorder.noteIndex()
  let last = try collector.put(belongings.doomed[0]).digest
  try collector.flush()
  promise(Known(objects: [last: belongings.doomed[0]]))
  withExtendedLifetime(store) {}
}

/// What is done to a store first after a crash. Reading and checking clear away what is damaged; putting has to cope
/// with it.
enum FirstLook: CaseIterable { case check, read, put }

/// What is wrong with a store after a crash, one sentence each. `promised` has to be there; of everything else it may
/// have anything, as long as it is right. The store is repaired by putting everything again, and looked at once more.
func problems(
  after folder: String, promised: Known, _ belongings: Belongings, first: FirstLook, indexIsGarbage: Bool
) -> [String] {
  let cache = "\(folder)/cache"
  var found: [String] = []
  func look(_ title: String, _ known: Known, _ scratch: String, check: Bool = false) throws {
    let store = try ObjectStore(path: cache, durability: .none)
    func objects() {
      for (digest, bytes) in known.objects {
        do {
          if !store.contains(digest) { found.append("\(title): the object \(digest.hex) is not said to be there") }
          if !same(try store.read(digest, limit: .max), bytes) {
            found.append("\(title): wrong bytes for \(digest.hex)")
          }
        } catch {
          found.append("\(title): \(error)")
        }
      }
      for (digest, original) in known.trees {
        do {
          try store.restoreTree(digest, to: "\(folder)/\(scratch)")
          if let difference = difference(original, "\(folder)/\(scratch)") { found.append("\(title): \(difference)") }
        } catch {
          found.append("\(title): \(error)")
        }
      }
    }
    func records() throws {
      var records: [Digest: [UInt8]] = [:]
      try store.forEachRecord { records[$0] = $1 }
      for (digest, bytes) in known.records where !same(records[digest], bytes) {
        found.append("\(title): the record \(digest.hex) is not found")
      }
      for (digest, bytes) in records where Digest(of: bytes) != digest {
        found.append("\(title): wrong bytes for the record \(digest.hex)")
      }
    }
    if check {
      for damage in try store.check().damaged {
        let isPromised =
          damage.isRecord
          ? known.records[damage.digest] != nil
          : known.objects[damage.digest] != nil || known.trees[damage.digest] != nil
        if isPromised { found.append("\(title): \(damage.error)") }
      }
    }
    objects()
    try records()
  }
  do {
    if first != .put { try look("after the crash", promised, "crashed", check: first == .check) }
    var all = promised
    do {
      let store = try ObjectStore(path: cache, durability: .none)
      for digest in Array(promised.objects.keys) + promised.trees.keys where !store.contains(digest) {
        found.append("after the crash: the object \(digest.hex) is not there")
      }
      for digest in promised.records.keys where !store.hasRecord(digest) {
        found.append("after the crash: the record \(digest.hex) is not there")
      }
      all.add(try belongings.put(into: store))
      for bytes in belongings.doomed + [belongings.later, belongings.forgotten] {
        all.objects[try store.put(bytes).digest] = bytes
      }
      for bytes in [belongings.record, belongings.later] { all.records[try store.putRecord(bytes)] = bytes }
      try store.flush()
    }
    try look("after putting again", all, "again")
    // What dead processes were doing is cleared away.
    let stage = try FileSystem.live.open("\(cache)/stage", O_RDONLY | O_DIRECTORY, at: cache)
    defer { close(stage) }
    let left = try FileSystem.live.list(stage, at: cache).map { text($0) }.filter { $0 != "lock" }
    if !left.isEmpty { found.append("left in stage: \(left)") }
    let store = try ObjectStore(path: cache, durability: .none)
    for damage in try store.check().damaged { found.append("after putting again: \(damage.error)") }
  } catch {
    let isRefusal = indexIsGarbage && "\(error)".contains("objects.sqlite")
    if !isRefusal { found.append("\(error)") }
  }
  return found
}

/// How a restored folder differs from the original, or nil.
func difference(_ original: String, _ copy: String) -> String? {
  func visit(_ path: String) throws -> [String: String] {
    var result: [String: String] = [:]
    let folder = try FileSystem.live.open(path, O_RDONLY | O_DIRECTORY, at: path)
    defer { close(folder) }
    for name in try FileSystem.live.list(folder, at: path) {
      let status = try FileSystem.live.stat(name, in: folder, at: path)
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        result[text(name)] = "folder"
        for (inside, what) in try visit("\(path)/\(text(name))") { result["\(text(name))/\(inside)"] = what }
      case S_IFLNK: result[text(name)] = "link \(text(try FileSystem.live.readLink(name, in: folder, at: path)))"
      default:
        result[text(name)] = "\(status.st_mode & 0o100) \(Digest(of: try contents("\(path)/\(text(name))")).hex)"
      }
    }
    return result
  }
  do {
    let (before, after) = (try visit(original), try visit(copy))
    return before == after ? nil : "the folder was \(before) and is \(after)"
  } catch {
    return "\(error)"
  }
}
