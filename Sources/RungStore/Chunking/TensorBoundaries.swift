import RungCore

/// Where the tensors of a file meet, so that chunks can end there: the tensors of `.safetensors`, the data of `.npy`, the
/// members of `.npz` and `.pt` (which are zip files).
///
/// What a file is shows in its bytes, not in its name. The answer is advice: none for a file that is something else, or
/// damaged, or hostile. The work is bounded whatever the bytes say.
enum TensorBoundaries {
  /// A header of `.safetensors` that is longer is not parsed: it takes up to fifteen times its size in memory. There is
  /// room for 30,000 tensors in it. (Their own readers refuse at 100 MB.)
  static let largestHeader = 4 << 20

  /// Offsets above 0 where a part begins or ends, ascending, each once; the last is `size`.
  ///
  /// `read(offset, count)` gives that many bytes of the file, fewer only when it has no more. Its errors pass through.
  static func offsets<Failure: Error>(
    size: Int64, read: (_ offset: Int64, _ count: Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> [Int64] {
    guard (12...1 << 62).contains(size) else { return [] }
    let head = try read(0, 12)
    var found: [Int64] = []
    if head.starts(with: [0x93] + Array("NUMPY".utf8)) {
      found = array(head, size: size)
    } else if head.starts(with: Array("PK\u{3}\u{4}".utf8)) {
      found = try members(size: size, read: read) ?? []
    } else if let length = head.number(at: 0, bytes: 8), (2...UInt64(largestHeader)).contains(length),
      head.count > 8, head[8] == UInt8(ascii: "{"), Int64(length) <= size - 8
    {
      let header = try read(8, Int(length))
      if header.count == Int(length) { found = tensors(header, size: size) ?? [] }
    }
    if found.isEmpty { return [] }
    found.append(size)
    found.sort()
    var last: Int64 = 0
    return found.filter { offset in
      defer { last = offset }
      return offset > last && offset <= size
    }
  }

  // NumPy's format: magic, version, a length of 2 bytes in version 1 and of 4 in later ones, that much text, the data.
  private static func array(_ head: [UInt8], size: Int64) -> [Int64] {
    let short = head.count > 6 && head[6] == 1
    guard let length = head.number(at: 8, bytes: short ? 2 : 4) else { return [] }
    let start = (short ? 10 : 12) + Int64(length)
    return start <= size ? [start] : []
  }

  // {"name": {"dtype": ..., "shape": ..., "data_offsets": [begin, end]}, ...}, counted from the end of the header.
  private static func tensors(_ header: [UInt8], size: Int64) -> [Int64]? {
    guard let members = (try? JSON(parsing: header))?.members else { return nil }
    let start = 8 + Int64(header.count)
    var found = [start]
    for member in members where member.name != "__metadata__" {
      guard let range = member.value["data_offsets"]?.array, range.count == 2, let begin = range[0].int,
        let end = range[1].int, 0 <= begin, begin <= end, end <= size - start
      else { return nil }
      found.append(start + Int64(begin))
      found.append(start + Int64(end))
    }
    return found
  }
}

extension [UInt8] {
  /// The little-endian number of one to eight bytes there; nil when the array ends before it.
  func number(at offset: Int, bytes width: Int) -> UInt64? {
    guard offset >= 0, offset <= count - width else { return nil }
    var value: UInt64 = 0
    for place in (offset..<offset + width).reversed() { value = value << 8 | UInt64(self[place]) }
    return value
  }
}
