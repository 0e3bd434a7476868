import RungCore
import RungFormats
import Testing

@Suite struct ZlibTests {
  @Test(arguments: [Zlib.Wrapping.zlib, .none]) func whatIsDeflatedIsInflated(_ wrapping: Zlib.Wrapping) throws {
    for count in [0, 1, 1000, 1 << 19] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let packed = Zlib.deflate(bytes, wrapping)
      #expect(try Zlib.inflate(packed, wrapping, limit: count) == bytes)
    }
  }

  @Test func aBombIsRefused() {
    let packed = Zlib.deflate([UInt8](repeating: 0, count: 10 << 20))
    #expect(throws: FormatError.self) { try Zlib.inflate(packed, limit: 1 << 20) }
  }

  @Test func aStreamCutAnywhereIsRefused() {
    let packed = Zlib.deflate(Array("the same, and the same, and the same again".utf8))
    for count in 0..<packed.count {
      #expect(throws: FormatError.self) { try Zlib.inflate(packed[..<count], limit: 1 << 20) }
    }
  }

  @Test func theChecksumIsThatOfTheStandard() {
    #expect(Zlib.crc32(Array("123456789".utf8)) == 0xCBF4_3926)
  }
}
