internal import CRungStore
internal import CZstd
import Glibc

extension BytePlanes {
  /// At most so many samples are looked at, and at most so many bytes of each.
  static let mostSamples = 3
  static let largestSample = 64 << 10

  /// What pays for content of which these are samples, best from places far apart, each from the start of a frame.
  ///
  /// Each width is tried with zstd at level 1. One is taken only if it saves 3 % or more against none, and a wider one
  /// only if it saves 1 % or more against a narrower. The answer is a matter of size alone; either way the bytes come back.
  /// `share` is the size that the samples then have, of their own size: 1 where nothing is gained.
  static func choose(_ samples: [UnsafeRawBufferPointer]) -> (planes: BytePlanes, share: Double) {
    let samples = samples.prefix(mostSamples).map { UnsafeRawBufferPointer(rebasing: $0.prefix(largestSample)) }
    let plain = samples.reduce(0) { $0 + $1.count }
    guard plain > 0, let context = ZSTD_createCCtx() else { return (.off, 1) }
    defer { ZSTD_freeCCtx(context) }
    let room = ZSTD_compressBound(largestSample)
    return withUnsafeTemporaryAllocation(byteCount: largestSample + room, alignment: 16) { buffer in
      let grouped = UnsafeMutableRawBufferPointer(rebasing: buffer[..<largestSample])
      let target = UnsafeMutableRawBufferPointer(rebasing: buffer[largestSample...])
      func compressed(_ bytes: UnsafeRawBufferPointer) -> Int {
        let size = ZSTD_compressCCtx(context, target.baseAddress, room, bytes.baseAddress, bytes.count, 1)
        return ZSTD_isError(size) == 0 ? size : bytes.count
      }
      // zstd has one Huffman table for each block of at most 128 KiB. In a frame of 1 MiB a plane has blocks of its own;
      // in a sample all planes would share one block and grouping gain nothing. So each plane is compressed by itself.
      func size(_ planes: BytePlanes) -> Int {
        samples.reduce(0) { sum, plain in
          planes.group(plain, into: grouped)
          let each = plain.count / planes.rawValue
          return (0..<planes.rawValue).reduce(sum) { sum, plane in
            sum + compressed(UnsafeRawBufferPointer(rebasing: grouped[(plane * each)..<(plane * each + each)]))
          }
        }
      }
      let none = samples.reduce(0) { $0 + compressed($1) }
      guard planesDiffer(samples) else { return (.off, Double(none) / Double(plain)) }
      var best = (planes: BytePlanes.off, size: none, limit: none * 97 / 100)
      for planes in [BytePlanes.two, .four, .eight] {
        let count = size(planes)
        if count <= best.limit { best = (planes, count, count * 99 / 100) }
      }
      return (best.planes, Double(best.size) / Double(plain))
    }
  }

  // Whether the bytes at the places 0 to 7 of every eight are distributed differently enough that a code for each place
  // could save 1 % against one for all. Text, noise and compressed bytes end here, at a tenth of the cost of trying.
  private static func planesDiffer(_ samples: [UnsafeRawBufferPointer]) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8 * 256) { counts in
      counts.initialize(repeating: 0)
      for sample in samples { rung_planes_count(sample.baseAddress, sample.count, counts.baseAddress) }
      // The bits that an ideal code for these bytes takes.
      func bits(_ count: (Int) -> UInt32) -> Double {
        let counts = (0..<256).map { Double(count($0)) }
        let total = counts.reduce(0, +)
        return counts.reduce(0) { $1 > 0 ? $0 + $1 * log2(total / $1) : $0 }
      }
      let each = (0..<8).reduce(0) { sum, place in sum + bits { counts[256 * place + $0] } }
      let all = bits { value in (0..<8).reduce(0) { $0 + counts[256 * $1 + value] } }
      return each < 0.99 * all
    }
  }
}
