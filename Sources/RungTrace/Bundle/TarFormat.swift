import RungCore

/// The archive format of bundles: ustar with pax headers for long names (POSIX.1-2017, pax), of which only regular files
/// are used. So `tar --zstd -xf` unpacks a bundle anywhere.
enum TarFormat {
  static let block = 512

  /// The header of a regular file; two when the name is long. `size` in bytes.
  static func header(_ path: String, size: Int64, isExecutable: Bool) -> [UInt8] {
    let name = Array(path.utf8)
    if name.count <= 100 { return plain(name, prefix: [], size: size, isExecutable: isExecutable, type: "0") }
    // The prefix ends at a slash, so that both parts fit.
    for slash in name.indices.reversed()
    where name[slash] == UInt8(ascii: "/") && slash <= 155 && name.count - slash - 1 <= 100 && slash > 0 {
      return plain(
        Array(name[(slash + 1)...]), prefix: Array(name[..<slash]), size: size, isExecutable: isExecutable, type: "0")
    }
    // "LENGTH path=NAME\n", where the length counts itself.
    let rest = name.count + " path=\n".utf8.count
    var length = rest + "\(rest)".utf8.count
    if "\(length)".utf8.count + rest > length { length += 1 }
    let pax = Array("\(length) path=".utf8) + name + [10]
    return plain(Array("pax".utf8), prefix: [], size: Int64(pax.count), isExecutable: false, type: "x") + pax
      + padding(Int64(pax.count))
      + plain(Array(name.prefix(100)), prefix: [], size: size, isExecutable: isExecutable, type: "0")
  }

  /// Zeros up to the next block.
  static func padding(_ size: Int64) -> [UInt8] {
    [UInt8](repeating: 0, count: Int((Int64(block) - size % Int64(block)) % Int64(block)))
  }

  /// What ends an archive.
  static let end = [UInt8](repeating: 0, count: 2 * block)

  private static func plain(
    _ name: [UInt8], prefix: [UInt8], size: Int64, isExecutable: Bool, type: Unicode.Scalar
  ) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: block)
    func put(_ bytes: some Sequence<UInt8>, at place: Int) {
      for (index, byte) in bytes.enumerated() { header[place + index] = byte }
    }
    func octal(_ value: Int64, digits: Int) -> [UInt8] {
      let text = String(value, radix: 8)
      return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
    }
    put(name, at: 0)
    put(octal(isExecutable ? 0o755 : 0o644, digits: 7), at: 100)
    put(octal(0, digits: 7), at: 108)
    put(octal(0, digits: 7), at: 116)
    if size < 1 << 33 {
      put(octal(size, digits: 11), at: 124)
    } else {
      // Base 256, as GNU tar and star write what has no room.
      header[124] = 0x80
      for index in 0..<8 { header[135 - index] = UInt8(truncatingIfNeeded: size >> (8 * Int64(index))) }
    }
    // The same bundle has the same bytes: no times.
    put(octal(0, digits: 11), at: 136)
    header[156] = UInt8(ascii: type)
    put("ustar\u{0}00".utf8, at: 257)
    put(prefix, at: 345)
    put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
    put(octal(header.reduce(0) { $0 + Int64($1) }, digits: 6) + [0], at: 148)
    return header
  }

  /// A header that was read.
  struct Entry: Hashable {
    var path: [UInt8]
    var size: Int64
    var type: UInt8
    var isExecutable: Bool
  }

  /// Reads a header; nil for a block of zeros, which ends the archive. Throws when it is none.
  static func entry(_ header: [UInt8]) throws(BundleError) -> Entry? {
    guard header.count == block else { throw BundleError("the bundle ends within an entry") }
    if header.allSatisfy({ $0 == 0 }) { return nil }
    var sum: Int64 = 0
    for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int64(byte) }
    guard let wanted = number(header[148..<156]), wanted == sum else {
      throw BundleError("the bundle is damaged: the checksum of an entry is wrong")
    }
    guard let size = number(header[124..<136]), size >= 0, let mode = number(header[100..<108]) else {
      throw BundleError("the bundle is damaged: the size of an entry is no number")
    }
    let name = Array(header[..<100].prefix { $0 != 0 })
    let prefix = Array(header[345..<500].prefix { $0 != 0 })
    let isUstar = header[257..<262].elementsEqual("ustar".utf8)
    return Entry(
      path: isUstar && !prefix.isEmpty ? prefix + [UInt8(ascii: "/")] + name : name, size: size, type: header[156],
      isExecutable: mode & 0o100 != 0)
  }

  private static func number(_ field: ArraySlice<UInt8>) -> Int64? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      var value: Int64 = 0
      for byte in field.dropFirst() {
        guard value < 1 << 54 else { return nil }
        value = value << 8 | Int64(byte)
      }
      return value
    }
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != 0 && $0 != UInt8(ascii: " ") }
    return digits.isEmpty ? 0 : Int64(String(decoding: digits, as: UTF8.self), radix: 8)
  }

  /// The name in a pax header; nil when it has none.
  static func path(inPax bytes: [UInt8]) throws(BundleError) -> [UInt8]? {
    var rest = bytes[...]
    var path: [UInt8]?
    while !rest.isEmpty {
      guard let blank = rest.firstIndex(of: UInt8(ascii: " ")),
        let length = Int(String(decoding: rest[..<blank], as: UTF8.self)), length > blank - rest.startIndex + 1,
        length <= rest.count
      else { throw BundleError("the bundle is damaged: a pax header makes no sense") }
      let record = rest[(blank + 1)..<(rest.startIndex + length)].dropLast()
      if record.starts(with: "path=".utf8) { path = Array(record.dropFirst(5)) }
      rest = rest.dropFirst(length)
    }
    return path
  }
}
