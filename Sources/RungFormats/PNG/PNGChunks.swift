/// The chunks of a PNG (ISO/IEC 15948, section 5), checked: lengths, types, checksums, the order of first and last.
public struct PNGChunks: Sendable {
  /// A chunk.
  public struct Chunk: Hashable, Sendable {
    /// Its four letters, such as `IDAT`.
    public let type: String
    /// All of it: length, type, data and checksum.
    public let range: Range<Int>

    /// Its data.
    public var data: Range<Int> { range.lowerBound + 8..<range.upperBound - 4 }
  }

  /// The first eight bytes of every PNG.
  public static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// No PNG has more chunks. Writers make one for each 8 KiB or more.
  public static let most = 1 << 18

  /// In the order of the file, from `IHDR` to `IEND`.
  public let chunks: [Chunk]
  /// Where `IEND` ends. Bytes behind it are no part of the picture.
  public let end: Int

  /// Finds the chunks. Throws, saying what and in which chunk, when the bytes are no PNG, end too early, fail a
  /// checksum, or do not begin with `IHDR` and end with `IEND`.
  public init(_ bytes: [UInt8]) throws(FormatError) {
    let (chunks, end, problem) = Self.walk(bytes)
    if let problem { throw problem }
    self.chunks = chunks
    self.end = end
  }

  /// The chunks before the first damage, where they end, and what the damage is.
  static func walk(_ bytes: [UInt8]) -> (chunks: [Chunk], end: Int, problem: FormatError?) {
    guard bytes.starts(with: signature) else {
      return ([], 0, FormatError("it is no PNG: it does not begin like one"))
    }
    var chunks: [Chunk] = []
    var at = signature.count
    while chunks.last?.type != "IEND" {
      if let problem = next(bytes, &at, &chunks) { return (chunks, at, problem) }
    }
    return (chunks, at, nil)
  }

  private static func next(_ bytes: [UInt8], _ at: inout Int, _ chunks: inout [Chunk]) -> FormatError? {
    let which = "chunk \(chunks.count + 1)"
    guard bytes.count - at >= 12 else { return FormatError("the PNG ends before its \(which) does") }
    guard chunks.count < most else { return FormatError("the PNG has more than \(most) chunks") }
    let length = Int(number(bytes, at))
    guard length < 1 << 31 else { return FormatError("\(which) of the PNG has an impossible length") }
    guard length <= bytes.count - at - 12 else { return FormatError("the PNG ends within its \(which)") }
    let letters = bytes[at + 4..<at + 8]
    guard letters.allSatisfy({ 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 }) else {
      return FormatError("\(which) of the PNG has no proper type")
    }
    let chunk = Chunk(type: String(decoding: letters, as: UTF8.self), range: at..<at + 12 + length)
    guard Zlib.crc32(bytes[at + 4..<at + 8 + length]) == number(bytes, at + 8 + length) else {
      return FormatError("\(which) of the PNG (\(chunk.type)) fails its checksum")
    }
    guard chunks.isEmpty == (chunk.type == "IHDR"), chunk.type != "IHDR" || length == 13 else {
      return FormatError("the PNG does not begin with one proper IHDR chunk")
    }
    chunks.append(chunk)
    at = chunk.range.upperBound
    return nil
  }

  /// A whole chunk, with its length and checksum.
  static func encoded(_ type: StaticString, _ data: [UInt8]) -> [UInt8] {
    var out = bigEndian(UInt32(truncatingIfNeeded: data.count))
    out += type.description.utf8
    out += data
    return out + bigEndian(Zlib.crc32(out[4...]))
  }

  private static func number(_ bytes: [UInt8], _ at: Int) -> UInt32 {
    bytes[at..<at + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  private static func bigEndian(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
