import Glibc
import RungCore
import RungRemote
import RungStore
import Synchronization
import Testing

/// What keeps a test from being carried out at all.
struct Broken: Error, CustomStringConvertible {
  let description: String
}

/// A folder of a test's own, gone with the value, and what tests do in it.
final class Scene: Sendable {
  let folder: String

  init() throws {
    var template = Array("\(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")/rung-remote-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Broken(description: "mkdtemp: error \(errno)") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    mkdir("\(folder)/home", 0o755)
  }

  deinit {
    _ = try? Program.run("/bin/chmod", ["-R", "u+rwX", folder])
    _ = try? Program.run("/bin/rm", ["-rf", folder])
  }

  /// A cache, made where it is not there.
  func cache(_ name: String) throws -> ObjectStore { try ObjectStore(path: "\(folder)/\(name)", durability: .none) }

  /// Bytes that nobody else has, the same for the same number. They do not shrink where `isNoise`.
  static func bytes(_ number: Int, _ count: Int, isNoise: Bool = true) -> [UInt8] {
    var state = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 | 1
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      for index in 0..<count {
        if isNoise || index % 64 == 0 { state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407 }
        buffer[index] = UInt8(truncatingIfNeeded: state >> 33)
      }
      filled = count
    }
  }

  /// Puts objects of these sizes and gives their names.
  static func fill(_ store: ObjectStore, _ sizes: [Int], from first: Int = 0) throws -> [Digest] {
    var digests: [Digest] = []
    for (number, size) in sizes.enumerated() {
      digests.append(try store.put(bytes(first + number, size, isNoise: number % 2 == 0)).digest)
    }
    try store.flush()
    return digests
  }

  func write(_ text: String, to name: String, mode: mode_t = 0o644) throws {
    let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, mode)
    guard file >= 0 else { throw Broken(description: "cannot write \(name): error \(errno)") }
    defer { close(file) }
    let bytes = Array(text.utf8)
    _ = Glibc.write(file, bytes, bytes.count)
    fchmod(file, mode)
  }

  /// Turns one byte of a file around.
  static func flip(_ path: String, at offset: Int) throws {
    chmod(path, 0o644)
    let file = open(path, O_RDWR)
    guard file >= 0 else { throw Broken(description: "cannot open \(path): error \(errno)") }
    defer { close(file) }
    var byte: UInt8 = 0
    guard pread(file, &byte, 1, offset) == 1 else { throw Broken(description: "\(path) is too short") }
    byte ^= 0xFF
    pwrite(file, &byte, 1, offset)
  }

  static func text(_ path: String) -> String {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = read(file, &buffer, buffer.count), count > 0 { all += buffer[..<count] }
    return String(decoding: all, as: UTF8.self)
  }

  /// The variables with which remotes are opened here; nothing of the machine's counts.
  func variables(_ own: [String: String] = [:]) -> [String: String] {
    [
      "HOME": "\(folder)/home", "PATH": "/usr/bin:/bin", "RUNG_TRANSFER": Program.built("rung-transfer"),
      "RUNG_REMOTE_BACKOFF": "5", "RUNG_REMOTE_STALL": "20",
    ].merging(own) { $1 }
  }

  /// A remote at an address.
  func remote(_ address: String, _ own: [String: String] = [:]) throws -> any RemoteStorage {
    try Remotes.open(address: address, variables: variables(own))
  }
}

extension RemoteStorage {
  func push(_ objects: [Digest], from store: ObjectStore) throws -> TransferOutcome {
    try push(objects, from: store) { _ in }
  }
  func pull(_ objects: [Digest], into store: ObjectStore) throws -> TransferOutcome {
    try pull(objects, into: store) { _ in }
  }
}

/// The error that a body throws; a failure of the test where it throws none.
func trouble(_ body: () throws -> Void) -> RemoteError {
  do {
    try body()
    Issue.record("nothing was thrown")
  } catch let error as RemoteError {
    return error
  } catch {
    Issue.record("\(error)")
  }
  return RemoteError(.strange, "nothing")
}
