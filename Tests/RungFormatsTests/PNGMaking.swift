import RungFormats

/// A picture and the PNG file that it should be read from: the writer has every kind of packing, and works the other way
/// round than the reader, from single pixels.
struct MadePNG {
  var width: Int
  var height: Int
  /// 0 grey, 2 rgb, 3 palette, 4 grey and alpha, 6 rgb and alpha.
  var colour: UInt8
  var depth: Int
  var isInterlaced = false
  /// The filter of each row, in turn.
  var filters: [UInt8] = [0]
  var palette: [UInt8] = []
  var transparency: [UInt8]?
  /// A sample of the packed picture by column, row and channel.
  var sample: (Int, Int, Int) -> Int

  var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 1 }

  /// The file.
  var bytes: [UInt8] { file(data: Zlib.deflate(filtered)) }

  /// The file with this for its data.
  func file(data: [UInt8]) -> [UInt8] {
    var header = Self.number(width) + Self.number(height)
    header += [UInt8(depth), colour, 0, 0, isInterlaced ? 1 : 0]
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + Self.chunk("IHDR", header)
    if !palette.isEmpty { file += Self.chunk("PLTE", palette) }
    if let transparency { file += Self.chunk("tRNS", transparency) }
    file += Self.chunk("tEXt", Array("Comment\0nothing".utf8))
    file += Self.chunk("IDAT", Array(data.prefix(data.count / 2)))
    file += Self.chunk("IDAT", Array(data.dropFirst(data.count / 2)))
    return file + Self.chunk("IEND", [])
  }

  static func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
    let named = Array(name.utf8) + body
    return number(body.count) + named + number(Int(Zlib.crc32(named)))
  }

  static func number(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }

  /// The rows of all passes, filtered.
  var filtered: [UInt8] {
    // Which of the seven passes has the pixel, by column and row, as the standard draws it.
    let pattern = [
      "16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777",
    ].map { $0.map { $0.wholeNumberValue ?? 0 } }
    var out: [UInt8] = []
    for pass in isInterlaced ? Array(1...7) : [0] {
      var above: [UInt8]?
      var number = 0
      for y in 0..<height {
        var bits: [Bool] = []
        for x in 0..<width where pass == 0 || pattern[y % 8][x % 8] == pass {
          for channel in 0..<channels {
            let value = sample(x, y, channel)
            for bit in (0..<depth).reversed() { bits.append(value >> bit & 1 == 1) }
          }
        }
        guard !bits.isEmpty else { continue }
        let row = stride(from: 0, to: bits.count, by: 8).map { start in
          (0..<8).reduce(UInt8(0)) { $0 << 1 | (start + $1 < bits.count && bits[start + $1] ? 1 : 0) }
        }
        let filter = filters[number % filters.count]
        out.append(filter)
        out += Self.filter(row, above: above, with: filter, unit: max(1, channels * depth / 8))
        above = row
        number += 1
      }
    }
    return out
  }

  static func filter(_ row: [UInt8], above: [UInt8]?, with filter: UInt8, unit: Int) -> [UInt8] {
    row.indices.map { index in
      let a = index < unit ? 0 : Int(row[index - unit])
      let b = above.map { Int($0[index]) } ?? 0
      let c = index < unit ? 0 : above.map { Int($0[index - unit]) } ?? 0
      let p = a + b - c
      let nearest = [(abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)].min { ($0.0, $0.1) < ($1.0, $1.1) }
      let guess = [0, a, b, (a + b) / 2, nearest?.2 ?? 0][min(4, Int(filter))]
      return row[index] &- UInt8(truncatingIfNeeded: guess)
    }
  }
}
