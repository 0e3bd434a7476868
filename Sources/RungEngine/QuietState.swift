import Glibc
import RungCore
import RungLedger
import RungStore

/// What was so when a run had nothing left to do. As long as it is still so, there is nothing to do.
///
/// It is only ever a cache: a state that is missing, damaged, old or not true any more sends a run the long way, which
/// writes a new one. docs/formats/store.md describes the file; the numbers in it are little-endian.
struct QuietState {
  /// A place on the disk, and what was there.
  struct Place {
    /// From the project's root, or absolute.
    let path: String
    let follows: Bool
    let seen: Looks.Seen
    /// By which a file or a listing is known without being read again; only if it `isTrusted`.
    let identity: Identity
    /// It was older, when it was read, than the clock's grain.
    let isTrusted: Bool
  }

  /// By what the kernel tells one state of a file from another.
  struct Identity: Equatable {
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var size: Int64 = 0
    var modified: Int64 = 0
    var changed: Int64 = 0
    var mode: UInt32 = 0

    init() {}

    init(_ entry: StatEntry) {
      device = entry.device
      inode = entry.inode
      size = entry.size
      modified = entry.modified
      changed = entry.changed
      mode = entry.mode
    }

    init(_ status: stat) {
      device = UInt64(status.st_dev)
      inode = UInt64(status.st_ino)
      size = Int64(status.st_size)
      modified = SourceFiles.nanoseconds(status.st_mtim)
      changed = SourceFiles.nanoseconds(status.st_ctim)
      mode = UInt32(status.st_mode)
    }
  }

  /// Everything that is not a place, as one JSON text that must be the same, byte for byte.
  var circumstances: String
  /// How many instances were up to date.
  var instances: Int
  /// What is to be said of steps that are watched less than they ask for.
  var notice: String?
  /// When it was found out, in nanoseconds since 1970.
  var made: Int64
  var places: [Place]

  static let magic: [UInt8] = Array("rung/quiet/1\n\0\0\0".utf8)
  // The magic, the length of the file, its checksum, the length of the head, the number of places.
  static let fixed = 16 + 8 + 4 + 4 + 8
  static let record = 88
  // How long one may be relied on: what it says of the use of results is noted by the long way alone.
  static let lifetime: Int64 = 6 * 3600 * 1_000_000_000

  /// Its bytes.
  func encoded() -> [UInt8] {
    let head = Array(
      JSON.object([
        .init("circumstances", .string(circumstances)), .init("instances", .int(Int64(instances))),
        .init("notice", notice.map { .string($0) } ?? .null), .init("made", .int(made)),
      ]).compact.utf8)
    var texts: [UInt8] = []
    var bytes = Self.magic
    bytes.reserveCapacity(Self.fixed + head.count + places.count * (Self.record + 24))
    bytes.append(contentsOf: [UInt8](repeating: 0, count: 12))
    Self.append(UInt32(head.count), to: &bytes)
    Self.append(UInt64(places.count), to: &bytes)
    bytes += head
    let textsStart = bytes.count + places.count * Self.record
    for place in places {
      Self.append(UInt64(textsStart + texts.count), to: &bytes)
      texts += place.path.utf8
      texts.append(0)
      let (kind, digest) = Self.code(place.seen)
      bytes.append(kind)
      bytes.append((place.follows ? 1 : 0) | (place.isTrusted ? 2 : 0))
      bytes.append(contentsOf: [0, 0])
      Self.append(place.identity.mode, to: &bytes)
      Self.append(place.identity.device, to: &bytes)
      Self.append(place.identity.inode, to: &bytes)
      Self.append(place.identity.size, to: &bytes)
      Self.append(place.identity.modified, to: &bytes)
      Self.append(place.identity.changed, to: &bytes)
      bytes += digest.bytes
    }
    bytes += texts
    bytes.withUnsafeMutableBytes { Self.seal($0) }
    return bytes
  }

  /// Writes the length and the checksum into the bytes of a state.
  static func seal(_ bytes: UnsafeMutableRawBufferPointer) {
    bytes.storeBytes(of: UInt64(bytes.count).littleEndian, toByteOffset: 16, as: UInt64.self)
    let sum = CRC32C.of(UnsafeRawBufferPointer(rebasing: bytes[28...]))
    bytes.storeBytes(of: sum.littleEndian, toByteOffset: 24, as: UInt32.self)
  }

  static func code(_ seen: Looks.Seen) -> (kind: UInt8, digest: Digest) {
    switch seen {
    case .absent: (0, .empty)
    case .file(let digest, false): (1, digest)
    case .file(let digest, true): (2, digest)
    case .folder: (3, .empty)
    case .listing(let digest): (4, digest)
    case .link(let digest): (5, digest)
    case .anyFile: (6, .empty)
    case .other: (7, .empty)
    }
  }

  private static func append(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }
}
