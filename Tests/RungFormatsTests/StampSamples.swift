import Glibc
import RungCore
import RungFormats
import Testing

/// Files to stamp.
enum StampSamples {
  /// A file of the folder `Fixtures`.
  static func fixture(_ name: String) throws -> [UInt8] {
    let path = "/" + #filePath.split(separator: "/").dropLast().joined(separator: "/") + "/Fixtures/" + name
    let file = try #require(fopen(path, "r"), "\(path) cannot be read")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
    return bytes
  }

  /// The stamp of some bytes.
  static func stamp(_ bytes: [UInt8], instance: String = "project/plot[seed=1]", run: Bool = true) -> Stamp {
    Stamp(
      artifact: Digest(of: bytes), record: Digest(ofText: "record"), run: run ? Digest(ofText: "run") : nil,
      instance: instance, output: "figure")
  }

  static let png = MadePNG(
    width: 5, height: 3, colour: 2, depth: 8, sample: { x, y, channel in (x * 40 + y * 9 + channel) & 255 }
  ).bytes

  static let svg = Array(
    """
    <?xml version="1.0" encoding="UTF-8"?>
    <!-- drawn > by hand --><!DOCTYPE svg [<!ENTITY a "<svg>">]>
    <svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" data-x='a>b'><title>&a; &amp; co</title>
      <rect width="9" height="9"/><text><![CDATA[</svg>]]></text></svg>

    """.utf8)

  static let pdf = PDFSample().bytes

  /// A start and then one part over and over, as many bytes of it. What looks at each pair of half a million bytes is not
  /// done within a time limit.
  static func hostile(_ start: String, _ part: String, size: Int = 1 << 19) -> [UInt8] {
    var parts = Array(part.utf8)
    while parts.count < size { parts += parts }
    return Array(start.utf8) + parts[..<size]
  }

  /// A small file of each format.
  static let small = [png, svg, pdf, PDFSample(hasStreamTable: true).bytes]
}

/// The same numbers for the same seed on every machine (SplitMix64).
struct StampDice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}
