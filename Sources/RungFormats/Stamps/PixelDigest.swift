import RungCore

/// A name for what an image shows, whatever file it lies in: two images with the same digest have the same width and
/// height and the same colours at each place.
///
/// It is the SHA-256 of the line `rung/pixels/1 WIDTH HEIGHT DEPTH` with a line feed and of red, green, blue and opacity
/// of each pixel, row by row, DEPTH (8 or 16) bits each, most significant byte first. Grey is red, green and blue alike;
/// what has no opacity is opaque. So a PNG without colours, its copy in RGB, and the image that LaTeX makes of it with an
/// opaque mask beside it agree.
public struct PixelDigest: Hashable, Sendable {
  /// The digest.
  public let digest: Digest

  /// Of samples as `PNGImage` has them: row by row, `channels` (1 grey, 2 grey and opacity, 3 RGB, 4 RGBA) for each
  /// pixel, `depth` 8 or 16 bits each. Nil when the number of bytes does not fit, or with another depth or number of
  /// channels.
  public init?(width: Int, height: Int, channels: Int, depth: Int, samples: [UInt8]) {
    guard 1...4 ~= channels, depth == 8 || depth == 16, width > 0, height > 0 else { return nil }
    let bytes = depth / 8
    let (pixels, over) = width.multipliedReportingOverflow(by: height)
    let (count, tooMany) = pixels.multipliedReportingOverflow(by: channels * bytes)
    guard !over, !tooMany, count == samples.count else { return nil }
    var sum = SHA256()
    sum.update(Array("rung/pixels/1 \(width) \(height) \(depth)\n".utf8))
    var part: [UInt8] = []
    part.reserveCapacity(1 << 16)
    samples.withUnsafeBufferPointer { source in
      for start in stride(from: 0, to: count, by: channels * bytes) {
        let colour = channels > 2 ? bytes : 0
        for sample in 0..<3 {
          for byte in 0..<bytes { part.append(source[start + sample * colour + byte]) }
        }
        let isOpaque = channels % 2 == 1
        for byte in 0..<bytes { part.append(isOpaque ? 0xFF : source[start + (channels - 1) * bytes + byte]) }
        if part.count >= 1 << 16 - 16 {
          sum.update(part)
          part.removeAll(keepingCapacity: true)
        }
      }
    }
    sum.update(part)
    digest = sum.digest()
  }
}

extension PixelDigest {
  /// Of the pixels of a PNG.
  public init?(_ image: PNGImage) {
    self.init(
      width: image.width, height: image.height, channels: image.channels, depth: image.depth, samples: image.samples)
  }
}
