import Glibc
import RungCore
import RungStore

/// Something that must not happen.
struct Wrong: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Random numbers that a seed repeats (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// What the objects are: each has a number, and all else follows from it.
enum Content {
  static let numbers = 3000

  /// Such objects are collected now and then; the others are kept for ever.
  static func isCollectable(_ number: Int) -> Bool { number % 3 == 0 }

  static func bytes(_ number: Int) -> [UInt8] {
    var random = Seeded(UInt64(number) &* 0x5851_f42d_4c95_7f2d)
    let size =
      switch number % 40 {
      case 0: Int.random(in: 1_000_000..<2_500_000, using: &random)
      case 1...4: Int.random(in: 60_000..<300_000, using: &random)
      default: Int.random(in: 1..<6000, using: &random)
      }
    // The number itself, so that no two are the same.
    var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: size + 8)
    let isNoise = number % 7 == 0
    bytes.withUnsafeMutableBytes { buffer in
      buffer.storeBytes(of: UInt64(number), as: UInt64.self)
      for offset in stride(from: 8, to: buffer.count - 7, by: isNoise ? 8 : 64) {
        buffer.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
    return bytes
  }

  /// The digests of the collectable ones.
  static let digests = (0..<numbers / 3).map { Digest(of: bytes($0 * 3)) }

  /// Folders are made of objects.
  static func tree(_ number: Int) -> [(path: String, number: Int)] {
    var random = Seeded(UInt64(number) &+ 77)
    return (0..<Int.random(in: 1..<12, using: &random)).map { file in
      let kept = Int.random(in: 0..<Content.numbers / 3, using: &random) * 3 + 1
      return (file % 3 == 0 ? "sub/\(file)" : "\(file)", kept)
    }
  }

  static func record(_ number: Int) -> [UInt8] { Array("record \(number)".utf8) }
}

/// The folders of one soak, and the journal: what was promised, written after the promise was given.
struct Ground {
  let folder: String
  var cache: String { "\(folder)/cache" }
  var journal: String { "\(folder)/journal" }

  init(_ folder: String) { self.folder = folder }

  /// What the journal promises.
  struct Promises {
    var objects: Set<Int> = []
    var trees: Set<Int> = []
    var records: Set<Int> = []
  }

  /// Writes promises down in one call, so that a kill leaves a line or none. One that was cut is no promise.
  func promise(_ kind: Character, _ numbers: [Int]) throws {
    let file = open(journal, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Wrong("cannot open \(journal)") }
    defer { close(file) }
    let text = Array(numbers.map { "\(kind) \($0) .\n" }.joined().utf8)
    guard write(file, text, text.count) == text.count else { throw Wrong("cannot write \(journal)") }
  }

  func promises() -> Promises {
    var result = Promises()
    guard let bytes = read(journal) else { return result }
    for line in bytes.split(separator: 10) {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count == 3, words[2] == ".", let number = Int(words[1]) else { continue }
      switch words[0] {
      case "o": result.objects.insert(number)
      case "t": result.trees.insert(number)
      case "r": result.records.insert(number)
      default: break
      }
    }
    return result
  }
}

/// The bytes of a file, or nil.
func read(_ path: String) -> [UInt8]? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = read(file, &buffer, buffer.count)
    if count <= 0 { return bytes }
    bytes += buffer[..<count]
  }
}

/// The same as ==, which takes a hundred times as long in a debug build.
func same(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  one.count == other.count && memcmp(one, other, one.count) == 0
}

/// Holds the cache against the journal. Nobody uses it meanwhile.
func verify(_ ground: Ground) throws {
  let promises = ground.promises()
  let store = try ObjectStore(path: ground.cache, durability: .none)
  for number in promises.objects.sorted() {
    let bytes = Content.bytes(number)
    guard same(try store.read(Digest(of: bytes), limit: .max), bytes) else { throw Wrong("object \(number)") }
  }
  for number in promises.trees.sorted() { try verifyTree(number, store, "\(ground.folder)/verify") }
  var records: Set<Digest> = []
  for error in try store.forEachRecord({ digest, _ in records.insert(digest) }) { throw error }
  for number in promises.records.sorted() where !records.contains(Digest(of: Content.record(number))) {
    throw Wrong("record \(number) is not found")
  }
  let report = try store.check()
  for damage in report.damaged { throw damage.error }
  if !report.strangers.isEmpty { throw Wrong("strangers: \(report.strangers)") }
  let statistics = try store.statistics()
  if statistics.quarantined > 0 { throw Wrong("\(statistics.quarantined) files in quarantine") }
  print(
    "sound: \(promises.objects.count) objects, \(promises.trees.count) folders and \(promises.records.count) records"
      + " promised, \(report.checked) checked, \(report.bytes >> 20) MiB")
}

/// The digest of a folder, once it is made below `path`.
func makeTree(_ number: Int, _ path: String) throws {
  mkdir(path, 0o755)
  mkdir("\(path)/sub", 0o755)
  for (name, content) in Content.tree(number) {
    let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    let bytes = Content.bytes(content)
    let written = write(file, bytes, bytes.count)
    close(file)
    guard written == bytes.count else { throw Wrong("cannot write \(path)/\(name)") }
  }
}

func treeDigest(_ number: Int) throws -> Digest {
  var top: [TreeManifest.Entry] = []
  var sub: [TreeManifest.Entry] = []
  for (name, content) in Content.tree(number) {
    let bytes = Content.bytes(content)
    let kind = TreeManifest.EntryKind.file(digest: Digest(of: bytes), size: Int64(bytes.count), executable: false)
    if name.hasPrefix("sub/") {
      sub.append(.init(name: String(name.dropFirst(4)), kind: kind))
    } else {
      top.append(.init(name: name, kind: kind))
    }
  }
  let folder = try TreeManifest(entries: sub)
  top.append(.init(name: "sub", kind: .directory(digest: folder.digest, size: folder.size)))
  return try TreeManifest(entries: top).digest
}

func verifyTree(_ number: Int, _ store: ObjectStore, _ scratch: String) throws {
  remove(scratch)
  try store.restoreTree(try treeDigest(number), to: scratch)
  for (name, content) in Content.tree(number) {
    guard let bytes = read("\(scratch)/\(name)"), same(bytes, Content.bytes(content)) else {
      throw Wrong("folder \(number): \(name) was not restored as it was")
    }
  }
  remove(scratch)
}

/// Removes a folder of at most two levels.
func remove(_ folder: String) {
  for name in names(folder) {
    let path = "\(folder)/\(name)"
    if unlink(path) != 0 { remove(path) }
  }
  rmdir(folder)
}

func names(_ folder: String) -> [String] {
  guard let stream = opendir(folder) else { return [] }
  defer { closedir(stream) }
  var result: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name != "." && name != ".." { result.append(name) }
  }
  return result
}
