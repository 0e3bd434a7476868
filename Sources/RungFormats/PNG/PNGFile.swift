/// What a PNG file says about its pixels, still packed.
struct PNGFile {
  let header: PNGHeader
  /// Red, green and blue of each entry of the palette, 0 to 256 of them.
  let palette: [UInt8]
  /// The content of the tRNS chunk, of the right size for the colour; nil when there is none.
  let transparency: [UInt8]?
  /// The content of the IDAT chunks, one zlib stream.
  let data: [UInt8]

  init(_ bytes: [UInt8]) throws(FormatError) {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
      throw FormatError("it does not begin as a PNG does")
    }
    var at = 8
    var header: PNGHeader?
    var palette: [UInt8] = []
    var transparency: [UInt8]?
    var data: [UInt8] = []
    var last = ""
    repeat {
      guard bytes.count - at >= 12 else { throw FormatError("the PNG ends before its end chunk") }
      let count = bytes.bigEndian32(at)
      guard count <= bytes.count - at - 12 else { throw FormatError("the PNG ends within a chunk") }
      let body = bytes[(at + 8)..<(at + 8 + count)]
      guard bytes[at + 4..<at + 8].allSatisfy({ (65...90).contains($0) || (97...122).contains($0) }) else {
        throw FormatError("the chunk at byte \(at) of the PNG has no name")
      }
      let name = String(decoding: bytes[(at + 4)..<(at + 8)], as: UTF8.self)
      guard Zlib.crc32(bytes[(at + 4)..<(at + 8 + count)]) == UInt32(bytes.bigEndian32(at + 8 + count)) else {
        throw FormatError("the chunk '\(name)' at byte \(at) of the PNG is damaged")
      }
      guard (header == nil) == (name == "IHDR") else {
        throw FormatError("the PNG does not have one header, as its first chunk")
      }
      switch name {
      case "IHDR": header = try PNGHeader(body)
      case "PLTE":
        guard palette.isEmpty, count % 3 == 0, (3...768).contains(count) else {
          throw FormatError("the palette of the PNG is damaged")
        }
        palette = Array(body)
      case "tRNS":
        guard transparency == nil else { throw FormatError("the PNG says twice what is transparent") }
        transparency = Array(body)
      case "IDAT":
        guard data.isEmpty || last == "IDAT" else { throw FormatError("the PNG has other chunks within its data") }
        data += body
      case "IEND": break
      default:
        // A small first letter: what can be left aside.
        guard bytes[at + 4] >= 97 else { throw FormatError("the PNG needs the chunk '\(name)' to be understood") }
      }
      last = name
      at += count + 12
    } while last != "IEND"
    guard let header else { throw FormatError("the PNG has no header") }
    if let transparency {
      let fits =
        switch header.colour {
        case .grey: transparency.count == 2
        case .rgb: transparency.count == 6
        case .palette: transparency.count <= palette.count / 3
        case .greyAlpha, .rgba: false
        }
      guard fits else { throw FormatError("what the PNG says about transparency does not fit its colours") }
    }
    guard header.colour != .palette || !palette.isEmpty else { throw FormatError("the PNG lacks its palette") }
    self.header = header
    self.palette = palette
    self.transparency = transparency
    self.data = data
  }

  /// Hands out the bytes of the `count` pixels of an unfiltered row, as `PNGImage.samples` has them: which pixel, which
  /// byte of it, what value.
  func widen(
    _ row: UnsafeBufferPointer<UInt8>, count: Int, _ put: (Int, Int, UInt8) -> Void
  ) -> FormatError? {
    let depth = header.depth
    let own = header.colour.channels
    let alpha = own * max(8, depth) / 8
    // The transparent colour is given in 16 bits, of which only the lowest `depth` count.
    let clear = transparency.map {
      $0.indices.filter { depth == 16 || $0 % 2 == 1 }.map { index in transparency?[index] ?? 0 }
    }
    func sample(_ index: Int) -> UInt8 {
      guard depth < 8 else { return row[index] }
      let perByte = 8 / depth
      return row[index / perByte] >> UInt8(8 - depth - index % perByte * depth) & UInt8(1 << depth - 1)
    }
    if header.colour == .palette {
      for index in 0..<count {
        let entry = Int(sample(index))
        guard entry * 3 + 2 < palette.count else { return FormatError("a pixel of the PNG is not in its palette") }
        for byte in 0..<3 { put(index, byte, palette[entry * 3 + byte]) }
        if let transparency { put(index, 3, entry < transparency.count ? transparency[entry] : 255) }
      }
      return nil
    }
    let factor = depth < 8 ? UInt8(255 / (1 << depth - 1)) : 1
    let mask = depth < 8 ? UInt8(1 << depth - 1) : 255
    for index in 0..<count {
      var isClear = clear != nil
      for byte in 0..<alpha {
        let value = sample(index * alpha + byte)
        put(index, byte, value &* factor)
        if let clear, value != clear[byte] & mask { isClear = false }
      }
      if clear != nil { for byte in 0..<max(8, depth) / 8 { put(index, alpha + byte, isClear ? 0 : 255) } }
    }
    return nil
  }
}

/// The IHDR chunk.
struct PNGHeader: Equatable {
  let width: Int
  let height: Int
  /// Bits of a sample as it is packed: 1, 2, 4, 8 or 16.
  let depth: Int
  let colour: Colour
  let isInterlaced: Bool

  enum Colour: UInt8 {
    case grey = 0
    case rgb = 2
    case palette = 3
    case greyAlpha = 4
    case rgba = 6

    /// Samples of a pixel as it is packed.
    var channels: Int {
      switch self {
      case .grey, .palette: 1
      case .greyAlpha: 2
      case .rgb: 3
      case .rgba: 4
      }
    }

    var depths: [Int] {
      switch self {
      case .grey: [1, 2, 4, 8, 16]
      case .palette: [1, 2, 4, 8]
      case .rgb, .greyAlpha, .rgba: [8, 16]
      }
    }
  }

  /// A picture within the picture, every `dx`-th pixel of every `dy`-th row; an interlaced file has seven of them.
  struct Pass {
    let x: Int
    let y: Int
    let dx: Int
    let dy: Int
    let width: Int
    let height: Int
  }

  init(_ body: ArraySlice<UInt8>) throws(FormatError) {
    let bytes = Array(body)
    guard bytes.count == 13 else { throw FormatError("the header of the PNG is damaged") }
    width = bytes.bigEndian32(0)
    height = bytes.bigEndian32(4)
    guard 1..<1 << 31 ~= width, 1..<1 << 31 ~= height else { throw FormatError("the PNG has no pixels") }
    depth = Int(bytes[8])
    guard let colour = Colour(rawValue: bytes[9]), colour.depths.contains(depth) else {
      throw FormatError("the PNG has colours of kind \(bytes[9]) with \(bytes[8]) bits, which there are not")
    }
    guard bytes[10] == 0, bytes[11] == 0, bytes[12] <= 1 else {
      throw FormatError("the PNG is packed in a way that there is not")
    }
    self.colour = colour
    isInterlaced = bytes[12] == 1
  }

  var bitsPerPixel: Int { colour.channels * depth }

  /// The bytes of a packed row of this many pixels, at most 2³¹, without the byte for its filter.
  func rowSize(_ width: Int) -> Int { (width * bitsPerPixel + 7) / 8 }

  var passes: [Pass] {
    func pass(_ x: Int, _ y: Int, _ dx: Int, _ dy: Int) -> Pass {
      Pass(x: x, y: y, dx: dx, dy: dy, width: (width - x + dx - 1) / dx, height: (height - y + dy - 1) / dy)
    }
    // PNG, section 8.2.
    return isInterlaced
      ? [
        pass(0, 0, 8, 8), pass(4, 0, 8, 8), pass(0, 4, 4, 8), pass(2, 0, 4, 4), pass(0, 2, 2, 4), pass(1, 0, 2, 2),
        pass(0, 1, 1, 2),
      ] : [pass(0, 0, 1, 1)]
  }

  /// The bytes of all packed rows with their filters; nil when they do not fit an Int.
  var packedSize: Int? {
    var size = 0
    for pass in passes where pass.width > 0 && pass.height > 0 {
      let (rows, isTooLarge) = (rowSize(pass.width) + 1).multipliedReportingOverflow(by: pass.height)
      let (sum, isTooMuch) = size.addingReportingOverflow(rows)
      guard !isTooLarge, !isTooMuch else { return nil }
      size = sum
    }
    return size
  }
}

extension [UInt8] {
  /// Four bytes as a number, the largest first; there must be four.
  func bigEndian32(_ at: Int) -> Int {
    Int(self[at]) << 24 | Int(self[at + 1]) << 16 | Int(self[at + 2]) << 8 | Int(self[at + 3])
  }
}
