import RungCore

/// What is in a zip archive (PKWARE APPNOTE 6.3, with the zip64 extensions): files that are stored or deflated, in one part.
struct ZipArchive {
  /// A file of an archive.
  struct Member {
    let name: String
    let content: [UInt8]
  }

  /// The files, in the order of their names, each there once.
  let members: [Member]
  private let bytes: [UInt8]
  /// Where the file has a date and time, of four bytes each.
  private let times: [Int]

  /// Unpacks an archive.
  ///
  /// - Parameter limit: the most bytes that all files may take together.
  ///
  /// Throws for what is no archive, is damaged (checksums are verified), encrypted, packed in another way, or too large.
  init(_ bytes: [UInt8], limit: Int) throws(FormatError) {
    let directory = try Self.directory(bytes)
    var at = directory.start
    var left = limit
    // Files of a sound archive do not overlap.
    var packedLeft = bytes.count
    var names: Set<String> = []
    var members: [Member] = []
    var times: [Int] = []
    for _ in 0..<directory.count {
      let entry = try Entry(bytes, at, end: directory.end)
      guard names.insert(entry.name).inserted else { throw FormatError("the archive has a file twice") }
      guard entry.size <= left else { throw FormatError("the archive has more than \(limit) bytes when unpacked") }
      guard entry.packedSize <= packedLeft else { throw FormatError("files of the archive overlap") }
      left -= entry.size
      packedLeft -= entry.packedSize
      times += [at + 12, entry.place + 10]
      at += entry.length
      members.append(Member(name: entry.name, content: try entry.unpack(bytes)))
    }
    self.bytes = bytes
    self.times = times
    self.members = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// Unpacks an archive of at most 1 GiB.
  init(_ bytes: [UInt8]) throws(FormatError) { try self.init(bytes, limit: 1 << 30) }

  /// The bytes of the file with all dates and times at zero.
  var withoutTimes: [UInt8] {
    var result = bytes
    for time in times { for index in time..<(time + 4) { result[index] = 0 } }
    return result
  }

  private static func directory(_ bytes: [UInt8]) throws(FormatError) -> (start: Int, end: Int, count: Int) {
    // The end record has 22 bytes and a comment of at most 65,535.
    guard
      let end = (0...0xFFFF).lazy.map({ bytes.count - 22 - $0 }).prefix(while: { $0 >= 0 })
        .first(where: { bytes.littleEndian($0, 4) == 0x0605_4B50 })
    else { throw FormatError("the archive has no directory") }
    var count = bytes.littleEndian(end + 10, 2)
    var size = bytes.littleEndian(end + 12, 4)
    var start = bytes.littleEndian(end + 16, 4)
    guard bytes.littleEndian(end + 4, 4) == 0 || bytes.littleEndian(end + 4, 4) == 0xFFFF_FFFF else {
      throw FormatError("the archive is one part of several")
    }
    if count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF {
      // The locator lies right before, and says where the larger record is.
      guard end >= 20, bytes.littleEndian(end - 20, 4) == 0x0706_4B50, let record = bytes.offset(end - 20 + 8),
        record <= end - 56, bytes.littleEndian(record, 4) == 0x0606_4B50, let large = bytes.offset(record + 32),
        let length = bytes.offset(record + 40), let place = bytes.offset(record + 48)
      else { throw FormatError("the directory of the archive is damaged") }
      (count, size, start) = (large, length, place)
    }
    // Each entry has at least 46 bytes.
    guard start <= end, size <= end - start, count <= size / 46 else {
      throw FormatError("the directory of the archive is damaged")
    }
    return (start, start + size, count)
  }
}

/// An entry of an archive's directory.
private struct Entry {
  let name: String
  /// In bytes, unpacked.
  let size: Int
  let packedSize: Int
  private let method: Int
  private let checksum: Int
  /// Where its header and content lie.
  let place: Int
  /// Of the entry itself.
  let length: Int

  /// Reads the entry at `at`.
  init(_ bytes: [UInt8], _ at: Int, end: Int) throws(FormatError) {
    let damage = FormatError("the directory of the archive is damaged")
    guard end - at >= 46, bytes.littleEndian(at, 4) == 0x0201_4B50 else { throw damage }
    let nameLength = bytes.littleEndian(at + 28, 2)
    let extraLength = bytes.littleEndian(at + 30, 2)
    length = 46 + nameLength + extraLength + bytes.littleEndian(at + 32, 2)
    guard length <= end - at else { throw damage }
    name = String(decoding: bytes[(at + 46)..<(at + 46 + nameLength)], as: UTF8.self)
    guard bytes.littleEndian(at + 8, 2) & 0x2041 == 0 else { throw FormatError("the archive is encrypted") }
    method = bytes.littleEndian(at + 10, 2)
    checksum = bytes.littleEndian(at + 16, 4)
    var sizes = [bytes.littleEndian(at + 24, 4), bytes.littleEndian(at + 20, 4), bytes.littleEndian(at + 42, 4)]
    // What does not fit four bytes is in an extra field, in this order.
    var extra = at + 46 + nameLength
    let extraEnd = extra + extraLength
    while extraEnd - extra >= 4, sizes.contains(0xFFFF_FFFF) {
      let fieldEnd = extra + 4 + bytes.littleEndian(extra + 2, 2)
      guard fieldEnd <= extraEnd else { throw damage }
      if bytes.littleEndian(extra, 2) == 1 {
        var from = extra + 4
        for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
          guard fieldEnd - from >= 8, let value = bytes.offset(from) else { throw damage }
          sizes[index] = value
          from += 8
        }
        break
      }
      extra = fieldEnd
    }
    (size, packedSize, place) = (sizes[0], sizes[1], sizes[2])
  }

  func unpack(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
    guard place <= bytes.count - 30, bytes.littleEndian(place, 4) == 0x0403_4B50 else {
      throw FormatError("the archive is damaged")
    }
    let start = place + 30 + bytes.littleEndian(place + 26, 2) + bytes.littleEndian(place + 28, 2)
    guard start <= bytes.count, packedSize <= bytes.count - start else { throw FormatError("the archive is cut short") }
    let packed = bytes[start..<(start + packedSize)]
    let content: [UInt8]
    switch method {
    case 0: content = Array(packed)
    case 8: content = try Zlib.inflate(packed, .none, limit: size)
    default: throw FormatError("the archive is packed in way \(method), which Rung does not know")
    }
    guard content.count == size, Int(Zlib.crc32(content)) == checksum else {
      throw FormatError("a file of the archive is damaged")
    }
    return content
  }
}

extension [UInt8] {
  /// Up to four bytes as a number, the smallest first; they must be there.
  func littleEndian(_ at: Int, _ count: Int) -> Int {
    var value = 0
    for index in (at..<(at + count)).reversed() { value = value << 8 | Int(self[index]) }
    return value
  }

  /// Eight bytes as a number, the smallest first; they must be there. Nil for one that no file can have.
  fileprivate func offset(_ at: Int) -> Int? {
    let value = littleEndian(at, 4) | littleEndian(at + 4, 4) << 32
    return value >= 0 && value < 1 << 48 ? value : nil
  }
}
