// Zip files, as NumPy (.npz) and PyTorch (.pt) write them (APPNOTE 6.3.10). The names and the data are not looked at, only
// where the data of each member lies.
extension TensorBoundaries {
  /// The most members of a zip file that are looked at; of one that has more, none is.
  static let mostMembers: UInt64 = 1_000_000
  // Its list of members. A million of them with names of 200 bytes take this much.
  private static let largestDirectory: UInt64 = 256 << 20
  // How much of it is in memory at once; longer than any entry (46 bytes and three times 65535).
  private static let window = 1 << 20

  // The start and the end of the stored bytes of each member that could be a chunk. Nil: the file is damaged.
  static func members<Failure: Error>(
    size: Int64, read: (Int64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> [Int64]? {
    guard let directory = try directory(size: size, read: read) else { return nil }
    var found: [Int64] = []
    var bytes: [UInt8] = []
    var at = 0
    var next = directory.start
    let end = directory.start + directory.length
    for _ in 0..<directory.entries {
      if bytes.count - at < window / 2, next < end {
        let more = try read(next, Int(min(Int64(window), end - next)))
        guard !more.isEmpty else { return nil }
        bytes = bytes[at...] + more
        at = 0
        next += Int64(more.count)
      }
      guard let entry = Entry(bytes, at: at) else { return nil }
      at += entry.length
      // Smaller ones cannot be chunks of their own; their local headers are not worth the reading.
      guard entry.stored >= UInt64(Chunker.smallestPart) else { continue }
      guard entry.offset < UInt64(size), entry.stored < UInt64(size) else { return nil }
      let local = try read(Int64(entry.offset), 30)
      guard local.starts(with: [0x50, 0x4B, 3, 4]), let name = local.number(at: 26, bytes: 2),
        let extra = local.number(at: 28, bytes: 2)
      else { return nil }
      let start = Int64(entry.offset + 30 + name + extra)
      guard start <= size, Int64(entry.stored) <= size - start else { return nil }
      found.append(start)
      found.append(start + Int64(entry.stored))
    }
    return found
  }

  private struct Directory {
    var entries: UInt64
    var start: Int64
    var length: Int64
  }

  // What the record at the end of the file says, or the 64-bit one that it stands for.
  private static func directory<Failure: Error>(
    size: Int64, read: (Int64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> Directory? {
    // The record is 22 bytes and a comment of at most 65535; a locator of 20 bytes may come before it.
    let tail = Int(min(size, 20 + 22 + 65_535))
    let bytes = try read(size - Int64(tail), tail)
    guard bytes.count == tail, let record = endRecord(bytes) else { return nil }
    guard var entries = bytes.number(at: record + 10, bytes: 2), var length = bytes.number(at: record + 12, bytes: 4),
      var start = bytes.number(at: record + 16, bytes: 4)
    else { return nil }
    var limit = UInt64(size) - UInt64(tail - record)
    if record >= 20, bytes[(record - 20)...].starts(with: [0x50, 0x4B, 6, 7]),
      let place = bytes.number(at: record - 12, bytes: 8), place <= limit
    {
      let wide = try read(Int64(place), 56)
      guard wide.count == 56, wide.starts(with: [0x50, 0x4B, 6, 6]), let wideEntries = wide.number(at: 32, bytes: 8),
        let wideLength = wide.number(at: 40, bytes: 8), let wideStart = wide.number(at: 48, bytes: 8)
      else { return nil }
      (entries, length, start, limit) = (wideEntries, wideLength, wideStart, place)
    }
    guard entries <= mostMembers, length <= min(largestDirectory, limit), start <= limit - length else { return nil }
    return Directory(entries: entries, start: Int64(start), length: Int64(length))
  }

  // The last place where such a record and its comment fill the rest.
  private static func endRecord(_ bytes: [UInt8]) -> Int? {
    var at = bytes.count - 22
    while at >= 0 {
      if bytes[at] == 0x50, bytes[at...].starts(with: [0x50, 0x4B, 5, 6]),
        bytes.number(at: at + 20, bytes: 2) == UInt64(bytes.count - at - 22)
      {
        return at
      }
      at -= 1
    }
    return nil
  }
}

// One entry of the list of members.
private struct Entry {
  let stored: UInt64
  let offset: UInt64
  let length: Int

  init?(_ bytes: [UInt8], at start: Int) {
    guard bytes[start...].starts(with: [0x50, 0x4B, 1, 2]), let stored = bytes.number(at: start + 20, bytes: 4),
      let plain = bytes.number(at: start + 24, bytes: 4), let name = bytes.number(at: start + 28, bytes: 2),
      let extra = bytes.number(at: start + 30, bytes: 2), let comment = bytes.number(at: start + 32, bytes: 2),
      let offset = bytes.number(at: start + 42, bytes: 4)
    else { return nil }
    let field = start + 46 + Int(name)
    length = 46 + Int(name) + Int(extra) + Int(comment)
    guard length <= bytes.count - start else { return nil }
    var wide = Wide(bytes, field..<field + Int(extra))
    // In this order, and only those whose narrow field is full.
    if plain == 0xFFFF_FFFF, wide.next() == nil { return nil }
    var values = (stored, offset)
    if stored == 0xFFFF_FFFF {
      guard let value = wide.next() else { return nil }
      values.0 = value
    }
    if offset == 0xFFFF_FFFF {
      guard let value = wide.next() else { return nil }
      values.1 = value
    }
    (self.stored, self.offset) = values
  }
}

// The numbers of 64 bits in the extra field 1 of an entry.
private struct Wide {
  let bytes: [UInt8]
  private var at = 0
  private var end = 0

  init(_ bytes: [UInt8], _ extra: Range<Int>) {
    self.bytes = bytes
    var field = extra.lowerBound
    while field + 4 <= extra.upperBound, let id = bytes.number(at: field, bytes: 2),
      let count = bytes.number(at: field + 2, bytes: 2)
    {
      let body = field + 4
      guard body + Int(count) <= extra.upperBound else { return }
      if id == 1 {
        (at, end) = (body, body + Int(count))
        return
      }
      field = body + Int(count)
    }
  }

  mutating func next() -> UInt64? {
    guard at + 8 <= end else { return nil }
    defer { at += 8 }
    return bytes.number(at: at, bytes: 8)
  }
}
