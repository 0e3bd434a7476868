import RungFormats

/// Bytes of an array and of an archive of arrays, as NumPy would write them.
enum MadeNumPy {
  static func array(
    _ type: String, _ shape: [Int], _ data: [UInt8], isFortran: Bool = false, version: UInt8 = 1
  ) -> [UInt8] {
    let lengths = shape.map { "\($0)," }.joined(separator: " ")
    var header = "{'descr': '\(type)', 'fortran_order': \(isFortran ? "True" : "False"), 'shape': (\(lengths)), }"
    header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
    return file(header, data, version: version)
  }

  static func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + little(header.utf8.count, version == 1 ? 2 : 4)
      + Array(header.utf8) + data
  }

  static func doubles(_ values: [Double]) -> [UInt8] {
    values.flatMap { little(Int(bitPattern: UInt($0.bitPattern)), 8) }
  }

  static func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  /// A zip archive. `isLarge` writes sizes and places as zip64 does.
  static func archive(
    _ files: [(name: String, content: [UInt8])], isDeflated: Bool = false, time: Int = 0, isLarge: Bool = false
  ) -> [UInt8] {
    var out: [UInt8] = []
    var directory: [UInt8] = []
    for (name, content) in files {
      let packed = isDeflated ? Zlib.deflate(content, .none) : content
      let all = 0xFFFF_FFFF
      let sizes = isLarge ? little(all, 4) + little(all, 4) : little(packed.count, 4) + little(content.count, 4)
      let start =
        little(isDeflated ? 8 : 0, 2) + little(time, 4) + little(Int(Zlib.crc32(content)), 4) + sizes
        + little(name.utf8.count, 2)
      let extra =
        isLarge
        ? little(1, 2) + little(24, 2) + little(content.count, 8) + little(packed.count, 8) + little(out.count, 8) : []
      directory +=
        little(0x0201_4B50, 4) + little(45, 2) + little(45, 2) + little(0, 2) + start + little(extra.count, 2)
      directory += little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4) + little(isLarge ? all : out.count, 4)
      directory += Array(name.utf8) + extra
      out += little(0x0403_4B50, 4) + little(45, 2) + little(0, 2) + start + little(0, 2) + Array(name.utf8) + packed
    }
    let start = out.count
    out += directory
    let end = out.count
    if isLarge {
      out += little(0x0606_4B50, 4) + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8)
      out += little(files.count, 8) + little(files.count, 8) + little(directory.count, 8) + little(start, 8)
      out += little(0x0706_4B50, 4) + little(0, 4) + little(end, 8) + little(1, 4)
    }
    let (count, size, place) = isLarge ? (0xFFFF, 0xFFFF_FFFF, 0xFFFF_FFFF) : (files.count, directory.count, start)
    out += little(0x0605_4B50, 4) + little(0, 4) + little(count, 2) + little(count, 2)
    return out + little(size, 4) + little(place, 4) + little(0, 2)
  }
}
