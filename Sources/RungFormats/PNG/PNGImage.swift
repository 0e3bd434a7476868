/// The pixels of a PNG file (W3C PNG, third edition; ISO/IEC 15948), however they were packed: palettes, transparent
/// colours, small samples, filters and interlacing are undone, so that two files show the same picture exactly when width,
/// height, channels, depth and samples are equal.
///
/// What only says how to show the samples (gamma, colour profiles, resolution) and all texts are left aside.
public struct PNGImage: Hashable, Sendable {
  /// Pixels from left to right; at least 1.
  public let width: Int
  /// Pixels from top to bottom; at least 1.
  public let height: Int
  /// Samples of a pixel: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 those and alpha.
  public let channels: Int
  /// Bits of a sample, 8 or 16. Samples of 1, 2 and 4 bits are widened to 8, so that the largest stays the largest.
  public let depth: Int
  /// Row after row from the top, each from the left, the channels of a pixel side by side. Samples of 16 bits are two
  /// bytes, the larger one first.
  public let samples: [UInt8]

  /// Reads a file.
  ///
  /// - Parameter limit: the most bytes that the samples may take, and the filtered rows that they are made from.
  ///
  /// Throws for what is no PNG, is cut short or damaged (checksums are verified), or needs more than `limit` bytes.
  public init(_ bytes: [UInt8], limit: Int = 1 << 30) throws(FormatError) {
    let file = try PNGFile(bytes)
    let header = file.header
    let alpha = file.transparency == nil ? 0 : 1
    width = header.width
    height = header.height
    channels = (header.colour == .palette ? 3 : header.colour.channels) + alpha
    depth = max(8, header.depth)
    let (pixels, tooManyPixels) = width.multipliedReportingOverflow(by: height)
    let (size, tooLarge) = pixels.multipliedReportingOverflow(by: channels * depth / 8)
    guard !tooManyPixels, !tooLarge, size <= limit, let packed = header.packedSize, packed <= limit else {
      throw FormatError("the picture of \(header.width) times \(header.height) pixels is larger than \(limit) bytes")
    }
    var data = try Zlib.inflate(file.data, limit: packed)
    guard data.count == packed else {
      throw FormatError("the picture ends after \(data.count) of \(packed) bytes")
    }
    samples = try Self.unpack(&data, file, into: size, pixelSize: channels * depth / 8)
  }
}

extension PNGImage {
  /// The colour of a pixel as in CSS: `#rrggbb`, with two more digits for alpha and twice as many at 16 bits.
  func colour(_ x: Int, _ y: Int) -> String {
    let size = depth / 8
    let start = (y * width + x) * channels * size
    let pixel = (0..<channels).map { channel in
      samples[(start + channel * size)..<(start + (channel + 1) * size)]
        .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    let colours = channels < 3 ? [pixel[0], pixel[0], pixel[0]] : Array(pixel[..<3])
    return "#" + (colours + pixel[(channels < 3 ? 1 : 3)...]).joined()
  }

  private static func unpack(
    _ data: inout [UInt8], _ file: PNGFile, into size: Int, pixelSize: Int
  ) throws(FormatError) -> [UInt8] {
    let header = file.header
    var samples = [UInt8](repeating: 0, count: size)
    var start = 0
    for pass in header.passes where pass.width > 0 && pass.height > 0 {
      let rowSize = header.rowSize(pass.width)
      try unfilter(&data, at: start, rows: pass.height, of: rowSize, unit: max(1, header.bitsPerPixel / 8))
      let failure = data.withUnsafeBufferPointer { data in
        samples.withUnsafeMutableBufferPointer { samples -> FormatError? in
          for row in 0..<pass.height {
            let from = UnsafeBufferPointer(rebasing: data[(start + row * (rowSize + 1) + 1)...].prefix(rowSize))
            let place = (pass.y + row * pass.dy) * header.width + pass.x
            let failure = file.widen(from, count: pass.width) { index, byte, value in
              samples[(place + index * pass.dx) * pixelSize + byte] = value
            }
            if let failure { return failure }
          }
          return nil
        }
      }
      if let failure { throw failure }
      start += pass.height * (rowSize + 1)
    }
    return samples
  }

  /// Undoes the filters of the rows that start at `start`, in place (PNG, section 9).
  private static func unfilter(
    _ data: inout [UInt8], at start: Int, rows: Int, of rowSize: Int, unit: Int
  ) throws(FormatError) {
    let failure = data.withUnsafeMutableBufferPointer { data -> FormatError? in
      for row in 0..<rows {
        let at = start + row * (rowSize + 1)
        let line = UnsafeMutableBufferPointer(rebasing: data[(at + 1)...].prefix(rowSize))
        let above = row == 0 ? nil : UnsafeMutableBufferPointer(rebasing: data[(at - rowSize)...].prefix(rowSize))
        switch data[at] {
        case 0: break
        case 1:
          for index in stride(from: unit, to: rowSize, by: 1) { line[index] &+= line[index - unit] }
        case 2:
          if let above { for index in 0..<rowSize { line[index] &+= above[index] } }
        case 3:
          for index in 0..<rowSize {
            let left = index >= unit ? Int(line[index - unit]) : 0
            line[index] &+= UInt8((left + Int(above?[index] ?? 0)) / 2)
          }
        case 4:
          for index in 0..<rowSize {
            let left = index >= unit ? Int(line[index - unit]) : 0
            let corner = index >= unit ? Int(above?[index - unit] ?? 0) : 0
            line[index] &+= paeth(left, Int(above?[index] ?? 0), corner)
          }
        default: return FormatError("row \(row) has filter \(data[at]), and there are 0 to 4")
        }
      }
      return nil
    }
    if let failure { throw failure }
  }

  /// The neighbour that lies nearest to what the three of them predict (PNG, section 9.4).
  private static func paeth(_ left: Int, _ above: Int, _ corner: Int) -> UInt8 {
    let guess = left + above - corner
    let (a, b, c) = (abs(guess - left), abs(guess - above), abs(guess - corner))
    return UInt8(a <= b && a <= c ? left : b <= c ? above : corner)
  }
}
