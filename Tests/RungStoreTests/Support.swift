import Glibc
import RungCore
import Synchronization
import Testing

@testable import RungStore

/// Runs `body` with a new empty folder and removes it afterwards.
func withFolder<T>(_ body: (String) throws -> T) throws -> T {
  var template = Array("/dev/shm/rung-store-XXXXXX".utf8CString)
  if access("/dev/shm", W_OK) != 0 { template = Array("/tmp/rung-store-XXXXXX".utf8CString) }
  guard mkdtemp(&template) != nil else { throw StoreError(.io, "mkdtemp failed", errno: errno) }
  let path = text(template)
  defer { try? removeTree(path, in: AT_FDCWD, .live, at: path) }
  return try body(path)
}

/// A store that is thrown away with the folder.
func withStore<T>(_ body: (ObjectStore, String) throws -> T) throws -> T {
  try withFolder { folder in
    try body(ObjectStore(path: "\(folder)/cache", durability: .none), folder)
  }
}

/// Runs a shell command and returns what it printed; nil when it failed.
func shell(_ command: String) -> String? {
  guard let pipe = popen(command, "re") else { return nil }
  var output: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&buffer, 1, buffer.count, pipe)
    if count == 0 { break }
    output += buffer[..<count]
  }
  return pclose(pipe) == 0 ? String(decoding: output, as: UTF8.self) : nil
}

func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws {
  let file = try FileSystem.live.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode, at: path)
  defer { close(file) }
  try bytes.withUnsafeBytes { try FileSystem.live.write(file, $0, at: path) }
}

func contents(_ path: String) throws -> [UInt8] {
  let file = try FileSystem.live.open(path, O_RDONLY, at: path)
  defer { close(file) }
  let size = Int(try FileSystem.live.stat(file, at: path).st_size)
  var bytes = [UInt8](repeating: 0, count: size)
  try bytes.withUnsafeMutableBytes { _ = try FileSystem.live.read(file, $0, at: path) }
  return bytes
}

/// The same as ==, which takes a hundred times as long in a debug build.
func same(_ one: [UInt8]?, _ other: [UInt8]?) -> Bool {
  guard let one, let other else { return one == nil && other == nil }
  return one.count == other.count
    && one.withUnsafeBytes { a in
      other.withUnsafeBytes { b in
        guard let a = a.baseAddress, let b = b.baseAddress else { return true }
        return memcmp(a, b, one.count) == 0
      }
    }
}

/// All files below a folder, relative and sorted.
func files(_ folder: String) -> [String] {
  (shell("cd '\(folder)' && find . ! -type d | LC_ALL=C sort") ?? "").split(separator: "\n").map {
    String($0.dropFirst(2))
  }
}

/// Asks until the answer is yes, at most some hundred times.
///
/// The kernel keeps a lock as long as any process has its open file. One that another test is just starting has, between
/// fork and exec, all files of this process: for that moment a lock that was let go of is still held, and a pack is taken
/// for one that somebody appends to.
func eventually(_ body: () throws -> Bool) rethrows -> Bool {
  for _ in 0..<400 where try body() { return true }
  return false
}

/// Where the bytes lie that stand for an object or a record: their file, and which part of it.
func location(of digest: Digest, _ kind: ObjectStore.Kind = .object, in store: ObjectStore) throws -> (
  file: String, bytes: Range<Int>
) {
  let (file, bytes) = try #require(try store.location(of: digest, isRecord: kind == .record))
  return (file, Int(bytes.lowerBound)..<Int(bytes.upperBound))
}

/// Changes the stored bytes of an object, and nothing else in their file.
func damage(
  _ digest: Digest, _ kind: ObjectStore.Kind = .object, in store: ObjectStore, _ body: (inout [UInt8]) -> Void
) throws {
  let (file, range) = try location(of: digest, kind, in: store)
  var all = try contents(file)
  var bytes = Array(all[range])
  body(&bytes)
  all.replaceSubrange(range, with: bytes)
  unlink(file)
  try write(all, to: file)
}

/// The regular files that hold objects and records.
func storedFiles(_ cache: String) -> [String] {
  files(cache).filter { name in ["objects/", "packs/", "records/"].contains { name.hasPrefix($0) } }
}

/// Bytes that look random but are the same every time, half of them compressible.
func sample(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
  var bytes = [UInt8](repeating: 7, count: count)
  bytes.withUnsafeMutableBufferPointer { buffer in
    for index in 0..<count where index & 64 == 0 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      buffer[index] = UInt8(truncatingIfNeeded: state >> 33)
    }
  }
  return bytes
}

/// A file system whose n-th call fails, counting from 1; it tells how many calls there were.
final class Failing: Sendable {
  let calls = Atomic<Int>(0)
  let failAt: Int
  let fault: FileSystem.Fault
  let armed = Atomic<Bool>(true)

  init(at number: Int, _ fault: FileSystem.Fault) {
    failAt = number
    self.fault = fault
  }

  var fileSystem: FileSystem {
    FileSystem { _ in
      guard self.armed.load(ordering: .relaxed) else { return nil }
      return self.calls.wrappingAdd(1, ordering: .relaxed).newValue == self.failAt ? self.fault : nil
    }
  }
}

/// The error of a body that has to fail with a StoreError.
func error<T>(_ body: () throws -> T) -> StoreError? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? StoreError
  }
}

/// Whether this process may mount; then a test can have a folder that not even root can write to.
let canMount =
  shell("d=$(mktemp -d) && mount -t tmpfs none $d 2>/dev/null && umount $d; e=$?; rmdir $d; exit $e") != nil

/// Runs `body` while the folder is mounted read-only.
func whileReadOnly<T>(_ folder: String, _ body: () throws -> T) throws -> T {
  guard shell("mount --bind '\(folder)' '\(folder)' && mount -o remount,bind,ro '\(folder)'") != nil else {
    throw StoreError(.io, "cannot mount \(folder)")
  }
  // Lazily: what is still open in it goes with its owner.
  defer { _ = shell("umount -l '\(folder)'") }
  return try body()
}

/// A bound of a test that a longer run raises.
func setting(_ name: String, _ standard: Int) -> Int {
  getenv(name).flatMap { Int(String(cString: $0)) } ?? standard
}

/// True in `make soak`: bounds are higher, and what takes minutes is not left out.
let isLong = setting("RUNG_TEST_LONG", 0) != 0
