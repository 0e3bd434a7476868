import RungCore

/// Where a packed object lies.
struct PackPlace: Hashable, Sendable {
  /// The pack: its file's name is this number in 16 hexadecimal digits.
  var pack: Int64
  /// Where the entry begins.
  var offset: Int64
  /// The bytes of its zstd frame, which follows the header.
  var stored: Int
  /// The object's size.
  var plain: Int
  /// How its bytes were grouped before compressing.
  var planes: BytePlanes

  /// Where the next entry begins.
  var end: Int64 { offset + Int64(PackEntry.headerSize + stored) }
}

/// What stands before each object in a pack: a skippable frame (RFC 8878, 3.1.2) of fixed size, which `zstd -d` passes
/// over, so that a pack read by it is one object after the other.
///
///     magic 0x184D2A5D, 64          the frame's head: 4 and 4 bytes
///     check                         4 bytes: the first of the SHA-256 of the 60 bytes that follow
///     version 1, kind, planes, 0    a byte each; kind: 0 an object, 1 a record; planes: .off, 2, 4, 8
///     plain size, stored size       8 and 8 bytes
///     digest                        32 bytes
///     0                             8 bytes
///
/// All numbers are little-endian.
struct PackEntry: Hashable, Sendable {
  static let headerSize = 72
  private static let magic: UInt32 = 0x184D_2A5D

  var name: ObjectStore.Name
  var planes: BytePlanes
  var plain: Int
  var stored: Int

  /// Writes the header to the first bytes of `target`.
  func encode(to target: UnsafeMutableRawBufferPointer) {
    func set(_ offset: Int, _ value: some FixedWidthInteger) {
      target.storeBytes(of: value.littleEndian, toByteOffset: offset, as: type(of: value))
    }
    set(0, Self.magic)
    set(4, UInt32(64))
    set(12, UInt8(1))
    set(13, UInt8(name.kind == .object ? 0 : 1))
    set(14, UInt8(planes.rawValue))
    set(15, UInt8(0))
    set(16, UInt64(plain))
    set(24, UInt64(stored))
    for (index, byte) in name.digest.bytes.enumerated() { target[32 + index] = byte }
    set(64, UInt64(0))
    set(8, Self.check(UnsafeRawBufferPointer(target)))
  }

  /// Reads a header; nil when these are not the bytes of one.
  init?(_ bytes: UnsafeRawBufferPointer) {
    func get<Number: FixedWidthInteger>(_ offset: Int, _: Number.Type) -> Number {
      Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
    guard bytes.count >= Self.headerSize, get(0, UInt32.self) == Self.magic, get(4, UInt32.self) == 64,
      get(8, UInt32.self) == Self.check(bytes), bytes[12] == 1, bytes[13] <= 1, bytes[15] == 0,
      let planes = BytePlanes(rawValue: Int(bytes[14])), get(64, UInt64.self) == 0,
      let plain = Int(exactly: get(16, UInt64.self)), plain <= Frames.mostPlain,
      let stored = Int(exactly: get(24, UInt64.self)), stored > 0, stored <= 2 * Frames.mostPlain,
      let digest = Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[32..<64]))
    else { return nil }
    name = ObjectStore.Name(kind: bytes[13] == 0 ? .object : .record, digest: digest)
    self.planes = planes
    self.plain = plain
    self.stored = stored
  }

  init(name: ObjectStore.Name, planes: BytePlanes, plain: Int, stored: Int) {
    self.name = name
    self.planes = planes
    self.plain = plain
    self.stored = stored
  }

  private static func check(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(rebasing: bytes[12..<72]))
    return UInt32(truncatingIfNeeded: hash.digest().leadingWord >> 32)
  }
}
