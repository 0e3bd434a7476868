/// The filters of streams (ISO 32000-1, section 7.4) that writers of figures use.
enum PDFFilters {
  /// The bytes of a stream without its filters, at most `limit` of them. Throws for damage, for more bytes, and for a
  /// filter other than Flate, ASCII85 and ASCIIHex.
  ///
  /// - Parameter resolve: the value behind a reference.
  static func decoded(
    _ stored: ArraySlice<UInt8>, _ dictionary: PDFValue, limit: Int, resolve: (PDFValue?) -> PDFValue?
  ) throws(FormatError) -> [UInt8] {
    var bytes = Array(stored)
    let filter = resolve(dictionary["Filter"] ?? dictionary["F"])
    let parameters = resolve(dictionary["DecodeParms"] ?? dictionary["DP"])
    let filters = filter?.array ?? (filter.map { $0 == .null ? [] : [$0] } ?? [])
    // A chain of many filters would multiply the work; one of a text filter and Flate is what is seen.
    guard filters.count <= 4 else { throw FormatError("it has more than four filters") }
    for (index, name) in filters.enumerated() {
      let options = parameters?.array.flatMap { index < $0.count ? resolve($0[index]) : nil } ?? parameters
      guard let name = resolve(name) else { throw FormatError("it has a filter without a name") }
      if name.isName("FlateDecode") || name.isName("Fl") {
        // No stream of Flate has more than 1032 bytes for one.
        let most = bytes.count.multipliedReportingOverflow(by: 1040)
        bytes = try Zlib.inflate(bytes, limit: min(limit, most.overflow ? limit : most.partialValue + 64))
        bytes = try unpredicted(bytes, options, resolve: resolve)
      } else if name.isName("ASCII85Decode") || name.isName("A85") {
        bytes = try ascii85(bytes)
      } else if name.isName("ASCIIHexDecode") || name.isName("AHx") {
        var parser = PDFParser([UInt8(ascii: "<")] + bytes + [UInt8(ascii: ">")], at: 0, budget: 1)
        guard let plain = parser.value()?.string else { throw FormatError("its hexadecimal data is damaged") }
        bytes = plain
      } else {
        throw FormatError("it has a filter that Rung does not read")
      }
      guard bytes.count <= limit else { throw FormatError("it has more than \(limit) bytes when unpacked") }
    }
    return bytes
  }

  // 7.4.3.
  private static func ascii85(_ bytes: [UInt8]) throws(FormatError) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count / 5 * 4)
    var group: UInt64 = 0
    var count = 0
    for byte in bytes {
      switch byte {
      case _ where PDFParser.isSpace(byte): continue
      case UInt8(ascii: "z") where count == 0: out += [0, 0, 0, 0]
      case 0x21...0x75:
        group = group * 85 + UInt64(byte - 0x21)
        count += 1
        guard count == 5 else { continue }
        guard group <= UInt64(UInt32.max) else { throw FormatError("its ASCII85 data is damaged") }
        for shift in [24, 16, 8, 0] as [UInt64] { out.append(UInt8(truncatingIfNeeded: group >> shift)) }
        (group, count) = (0, 0)
      case UInt8(ascii: "~"):
        guard count != 1 else { throw FormatError("its ASCII85 data is damaged") }
        guard count > 1 else { return out }
        for _ in count..<5 { group = group * 85 + 84 }
        for index in 0..<count - 1 { out.append(UInt8(truncatingIfNeeded: group >> UInt64(24 - 8 * index))) }
        return out
      default: throw FormatError("its ASCII85 data is damaged")
      }
    }
    throw FormatError("its ASCII85 data ends too early")
  }

  // 7.4.4.4: predictor 2 is TIFF's, 10 and more are PNG's with a filter named at the head of each row.
  private static func unpredicted(
    _ bytes: [UInt8], _ options: PDFValue?, resolve: (PDFValue?) -> PDFValue?
  ) throws(FormatError) -> [UInt8] {
    let predictor = resolve(options?["Predictor"])?.int ?? 1
    guard predictor != 1 else { return bytes }
    let colors = resolve(options?["Colors"])?.int ?? 1
    let depth = resolve(options?["BitsPerComponent"])?.int ?? 8
    let columns = resolve(options?["Columns"])?.int ?? 1
    guard 1...32 ~= colors, [1, 2, 4, 8, 16].contains(depth), 1...1 << 30 ~= columns else {
      throw FormatError("its predictor has impossible parameters")
    }
    let pixel = max(1, colors * depth / 8)
    let row = (columns * colors * depth + 7) / 8
    if predictor == 2 { return try untiffed(bytes, row: row, colors: colors, depth: depth) }
    guard 10...15 ~= predictor else { throw FormatError("it has a predictor that is not defined") }
    return try unfiltered(bytes, row: row, pixel: pixel)
  }

  private static func untiffed(
    _ bytes: [UInt8], row: Int, colors: Int, depth: Int
  ) throws(FormatError) -> [UInt8] {
    var out = bytes
    switch depth {
    case 8:
      for index in out.indices where index % row >= colors { out[index] &+= out[index - colors] }
    case 16:
      for index in stride(from: 0, to: out.count - 1, by: 2) where index % row >= 2 * colors {
        let before = UInt16(out[index - 2 * colors]) << 8 | UInt16(out[index - 2 * colors + 1])
        let sum = (UInt16(out[index]) << 8 | UInt16(out[index + 1])) &+ before
        out[index] = UInt8(sum >> 8)
        out[index + 1] = UInt8(truncatingIfNeeded: sum)
      }
    default: throw FormatError("it has a predictor for a depth that Rung does not read")
    }
    return out
  }

  // ISO/IEC 15948, section 9. A last row that is cut short is undone as far as it goes.
  private static func unfiltered(_ bytes: [UInt8], row: Int, pixel: Int) throws(FormatError) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var at = 0
    while at < bytes.count {
      let filter = bytes[at]
      at += 1
      let count = min(row, bytes.count - at)
      let start = out.count
      guard filter <= 4 else { throw FormatError("a row of it has a filter that is not defined") }
      for index in 0..<count {
        let left = index >= pixel ? Int(out[start + index - pixel]) : 0
        let up = start > 0 ? Int(out[start - row + index]) : 0
        let corner = start > 0 && index >= pixel ? Int(out[start - row + index - pixel]) : 0
        let guess =
          switch filter {
          case 1: left
          case 2: up
          case 3: (left + up) / 2
          case 4: paeth(left, up, corner)
          default: 0
          }
        out.append(bytes[at + index] &+ UInt8(truncatingIfNeeded: guess))
      }
      at += count
    }
    return out
  }

  private static func paeth(_ left: Int, _ up: Int, _ corner: Int) -> Int {
    let (a, b, c) = (abs(up - corner), abs(left - corner), abs(left + up - 2 * corner))
    return a <= b && a <= c ? left : b <= c ? up : corner
  }
}
