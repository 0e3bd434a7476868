/// The table at the end of a file of zstd frames that tells where each of them lies: zstd's seekable format 0.1.0
/// (contrib/seekable_format/zstd_seekable_compression_format.md in its repository). It is a skippable frame, so that
/// `zstd -d` reads the file as if it were not there.
///
///     magic 0x184D2A5E, size of the rest
///     for each frame: size compressed, size plain        (each field four bytes, little-endian)
///     number of frames, descriptor (one byte, 0), magic 0x8F92EAB1
struct SeekTable {
  private static let skippable: UInt32 = 0x184D_2A5E
  private static let magic: UInt32 = 0x8F92_EAB1
  /// The bytes at the end of the file that say how long the table is.
  static let footer = 9
  /// The most frames of a table: that of 16 TiB.
  private static let mostFrames = 1 << 24

  private(set) var stored: [UInt32] = []
  private(set) var plain: [UInt32] = []

  mutating func append(stored: Int, plain: Int) {
    self.stored.append(UInt32(stored))
    self.plain.append(UInt32(plain))
  }

  var encoded: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(8 + 8 * stored.count + Self.footer)
    func add(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { out += $0 } }
    add(Self.skippable)
    add(UInt32(8 * stored.count + Self.footer))
    for index in stored.indices {
      add(stored[index])
      add(plain[index])
    }
    add(UInt32(stored.count))
    out.append(0)
    add(Self.magic)
    return out
  }

  /// How many bytes the table has, by the last bytes of its file; nil when they are none of a table.
  static func length(footer bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count == footer, word(bytes, 5) == magic else { return nil }
    let frames = Int(word(bytes, 0))
    let descriptor = bytes[4]
    // Reserved bits are refused; bit 7 says that each entry has a checksum.
    guard descriptor & 0x7f == 0, frames <= mostFrames else { return nil }
    return 8 + frames * (descriptor == 0 ? 8 : 12) + footer
  }

  /// Reads a whole table; nil when it is damaged.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= 8 + Self.footer,
      let length = Self.length(footer: UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - Self.footer)...])),
      length == bytes.count, Self.word(bytes, 0) == Self.skippable, Int(Self.word(bytes, 4)) == length - 8
    else { return nil }
    let width = bytes[length - 5] == 0 ? 8 : 12
    let frames = (length - 8 - Self.footer) / width
    stored.reserveCapacity(frames)
    plain.reserveCapacity(frames)
    for frame in 0..<frames {
      stored.append(Self.word(bytes, 8 + frame * width))
      plain.append(Self.word(bytes, 12 + frame * width))
    }
  }

  init() {}

  /// The segments of a file of `size` bytes that ends with this table; nil when the two do not fit.
  func segments(fileSize size: Int64, tableSize: Int, planes: BytePlanes) -> [Segment]? {
    var result: [Segment] = []
    result.reserveCapacity(stored.count)
    var offset: Int64 = 0
    for index in stored.indices {
      let plain = Int(plain[index])
      guard plain > 0, plain <= Frames.mostPlain, stored[index] > 0, Int(stored[index]) <= 2 * Frames.mostPlain else {
        return nil
      }
      result.append(
        Segment(
          source: 0, isRaw: false, planes: planes, offset: offset, stored: Int(stored[index]), plain: plain))
      offset += Int64(stored[index])
    }
    return offset + Int64(tableSize) == size ? result : nil
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
}
