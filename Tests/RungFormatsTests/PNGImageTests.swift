import RungCore
import RungFormats
import Testing

@Suite struct PNGImageTests {
  /// A sample that looks like noise, of so many bits.
  static func noise(_ x: Int, _ y: Int, _ channel: Int, depth: Int) -> Int {
    let mixed = (x &* 73_856_093) ^ (y &* 19_349_663) ^ (channel &* 83_492_791)
    return (mixed &* 2_654_435_761 >> 7) & (1 << depth - 1)
  }

  @Test(arguments: [0, 2, 4, 6] as [UInt8], [false, true])
  func aPictureOfAnyColourIsReadAsItWasWritten(_ colour: UInt8, _ isInterlaced: Bool) throws {
    for depth in colour == 0 ? [1, 2, 4, 8, 16] : [8, 16] {
      for (width, height) in [(1, 1), (3, 5), (8, 8), (17, 9), (33, 2)] {
        for filters in [[0], [1], [2], [3], [4], [4, 3, 2, 1, 0]] as [[UInt8]] {
          let made = MadePNG(
            width: width, height: height, colour: colour, depth: depth, isInterlaced: isInterlaced, filters: filters
          ) {
            Self.noise($0, $1, $2, depth: depth)
          }
          let image = try PNGImage(made.bytes)
          #expect((image.width, image.height, image.channels) == (width, height, made.channels))
          #expect(image.depth == max(8, depth))
          var expected: [UInt8] = []
          for y in 0..<height {
            for x in 0..<width {
              for channel in 0..<made.channels {
                let value = Self.noise(x, y, channel, depth: depth)
                if depth == 16 { expected.append(UInt8(value >> 8)) }
                expected.append(depth < 8 ? UInt8(value * 255 / (1 << depth - 1)) : UInt8(value & 255))
              }
            }
          }
          #expect(image.samples == expected, "\(colour), \(depth) bits, \(width) × \(height), filters \(filters)")
        }
      }
    }
  }

  @Test(arguments: [1, 2, 4, 8]) func aPaletteIsReplacedByItsColours(_ depth: Int) throws {
    let entries = min(1 << depth, 200)
    let palette = (0..<entries * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
    var made = MadePNG(width: 13, height: 7, colour: 3, depth: depth, palette: palette) { x, y, _ in
      Self.noise(x, y, 0, depth: depth) % entries
    }
    let plain = try PNGImage(made.bytes)
    #expect((plain.channels, plain.depth) == (3, 8))
    made.transparency = [7]
    let clear = try PNGImage(made.bytes)
    #expect((clear.channels, clear.depth) == (4, 8))
    for y in 0..<7 {
      for x in 0..<13 {
        let entry = Self.noise(x, y, 0, depth: depth) % entries
        let at = y * 13 + x
        #expect(Array(plain.samples[(at * 3)..<(at * 3 + 3)]) == Array(palette[(entry * 3)..<(entry * 3 + 3)]))
        #expect(Array(clear.samples[(at * 4)..<(at * 4 + 3)]) == Array(palette[(entry * 3)..<(entry * 3 + 3)]))
        #expect(clear.samples[at * 4 + 3] == (entry == 0 ? 7 : 255))
      }
    }
  }

  @Test func aTransparentColourBecomesAlpha() throws {
    let grey = MadePNG(width: 4, height: 1, colour: 0, depth: 2, transparency: [0xFF, 0xFE]) { x, _, _ in x }
    #expect(try PNGImage(grey.bytes).samples == [0, 255, 85, 255, 170, 0, 255, 255])
    let rgb = MadePNG(width: 2, height: 1, colour: 2, depth: 16, transparency: [1, 2, 3, 4, 5, 6]) { x, _, channel in
      [0x0102, 0x0304, 0x0506 + x][channel]
    }
    #expect(try PNGImage(rgb.bytes).samples == [1, 2, 3, 4, 5, 6, 0, 0, 1, 2, 3, 4, 5, 7, 255, 255])
  }

  @Test func aFileCutAnywhereIsRefused() {
    let bytes = MadePNG(width: 9, height: 9, colour: 6, depth: 8, isInterlaced: true, filters: [4]) {
      Self.noise($0, $1, $2, depth: 8)
    }.bytes
    for count in 0..<bytes.count { #expect(throws: FormatError.self) { try PNGImage(Array(bytes[..<count])) } }
  }

  @Test func aFlippedBitIsFoundWhereverItIs() throws {
    let bytes = MadePNG(
      width: 5, height: 4, colour: 3, depth: 2, palette: Array(0..<12), transparency: [9]
    ) { x, y, _ in (x + y) % 4 }.bytes
    for at in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[at] ^= 1 << bit
        #expect(throws: FormatError.self, "byte \(at), bit \(bit)") { try PNGImage(damaged) }
      }
    }
  }

  @Test func aPictureLargerThanTheLimitIsRefusedBeforeItIsUnpacked() throws {
    let small = MadePNG(width: 100, height: 100, colour: 2, depth: 8) { _, _, _ in 0 }
    #expect(try PNGImage(small.bytes, limit: 30_100).samples.count == 30_000)
    #expect(throws: FormatError.self) { try PNGImage(small.bytes, limit: 29_999) }
    let huge = MadePNG(width: 1 << 31 - 1, height: 1 << 31 - 1, colour: 6, depth: 16) { _, _, _ in 0 }
    #expect(throws: FormatError.self) { try PNGImage(huge.file(data: []), limit: .max) }
    let wide = MadePNG(width: 1 << 31 - 1, height: 1, colour: 0, depth: 1) { _, _, _ in 0 }
    #expect(throws: FormatError.self) { try PNGImage(wide.file(data: [])) }
    // Promises nine pixels, and has the data of ten million.
    let bomb = MadePNG(width: 3, height: 3, colour: 0, depth: 8) { _, _, _ in 0 }
    #expect(throws: FormatError.self) {
      try PNGImage(bomb.file(data: Zlib.deflate([UInt8](repeating: 0, count: 10 << 20))))
    }
  }

  @Test func whatTheFormatForbidsIsRefused() {
    var made = MadePNG(width: 2, height: 2, colour: 3, depth: 8, palette: [1, 2, 3]) { _, _, _ in 0 }
    #expect(throws: Never.self) { try PNGImage(made.bytes) }
    made.sample = { _, _, _ in 1 }
    #expect(throws: FormatError("a pixel of the PNG is not in its palette")) { try PNGImage(made.bytes) }
    made.palette = []
    #expect(throws: FormatError("the PNG lacks its palette")) { try PNGImage(made.bytes) }
    let filter = MadePNG(width: 2, height: 2, colour: 0, depth: 8, filters: [5]) { _, _, _ in 0 }
    #expect(throws: FormatError("row 0 has filter 5, and there are 0 to 4")) { try PNGImage(filter.bytes) }
    for (colour, depth) in [(1, 8), (2, 4), (3, 16), (4, 2), (0, 3), (7, 8)] as [(UInt8, Int)] {
      let odd = MadePNG(width: 1, height: 1, colour: colour, depth: depth, palette: [1, 2, 3]) { _, _, _ in 0 }
      #expect(throws: FormatError.self) { try PNGImage(odd.bytes) }
    }
    let start: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    #expect(throws: FormatError.self) { try PNGImage(start + MadePNG.chunk("IEND", [])) }
    #expect(throws: FormatError.self) { try PNGImage(start + MadePNG.chunk("IDAT", [1])) }
  }
}
