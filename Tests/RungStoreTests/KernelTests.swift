import CRungStore
import RungCore
import Testing

@testable import RungStore

@Suite struct BytePlaneTests {
  // What the header says, in the plainest words.
  private func expected(_ width: Int, _ bytes: [UInt8]) -> [UInt8] {
    guard width > 0 else { return bytes }
    let whole = bytes.count / width * width
    return (0..<width).flatMap { plane in stride(from: plane, to: whole, by: width).map { bytes[$0] } }
      + bytes[whole...]
  }

  // With a byte after the end that must stay.
  private func through(
    _ kernel: (Int32, UnsafeRawPointer?, UnsafeMutableRawPointer?, Int) -> Void, _ width: Int, _ bytes: [UInt8]
  ) -> [UInt8] {
    var out = [UInt8](repeating: 0xA5, count: bytes.count + 1)
    bytes.withUnsafeBytes { from in
      out.withUnsafeMutableBytes { kernel(Int32(width), from.baseAddress, $0.baseAddress, bytes.count) }
    }
    #expect(out.removeLast() == 0xA5)
    return out
  }

  private func check(_ width: Int, _ bytes: [UInt8]) {
    let grouped = through(rung_planes_group, width, bytes)
    #expect(grouped == expected(width, bytes), "width \(width), \(bytes.count) bytes")
    #expect(through(rung_planes_group_portable, width, bytes) == grouped)
    #expect(through(rung_planes_ungroup, width, grouped) == bytes, "width \(width), \(bytes.count) bytes")
    #expect(through(rung_planes_ungroup_portable, width, grouped) == bytes)
  }

  @Test(arguments: BytePlanes.allCases)
  func whatIsGroupedComesBackWhateverItsLength(planes: BytePlanes) {
    for count in 0...300 { check(planes.rawValue, sample(count, seed: UInt64(count))) }
    for count in [511, 513, 600, 4095, 4096, 65_537, (1 << 18) + 7] { check(planes.rawValue, sample(count)) }
  }

  @Test func aWidthThatIsNoneCopies() {
    for width in [-4, 1, 3, 5, 16] { #expect(through(rung_planes_group, width, sample(100)) == sample(100)) }
  }

  @Test func buffersOfTheStoreMayBeLongerThanTheFrame() {
    let plain: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    var grouped = [UInt8](repeating: 0, count: 12)
    plain.withUnsafeBytes { from in grouped.withUnsafeMutableBytes { BytePlanes.four.group(from, into: $0) } }
    #expect(grouped == [1, 5, 2, 6, 3, 7, 4, 8, 9, 0, 0, 0])
    var back = [UInt8](repeating: 0, count: 9)
    grouped[..<9].withUnsafeBytes { from in back.withUnsafeMutableBytes { BytePlanes.four.ungroup(from, into: $0) } }
    #expect(back == plain)
  }
}

@Suite struct CRC32CTests {
  @Test func theVectorsOfTheStandard() {
    // RFC 3720, appendix B.4, which prints the bytes in the order of transmission.
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.of(Array((0..<32).reversed())) == 0x113F_DB5C)
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func theInstructionAndPlainCAgree() {
    let bytes = sample(30_000)
    for count in Array(0...1600) + [12_287, 12_288, 12_289, 13_056, 29_999, 30_000] {
      let fast = CRC32C.of(Array(bytes[..<count]), after: 7)
      #expect(fast == bytes.withUnsafeBytes { rung_crc32c_portable(7, $0.baseAddress, count) }, "\(count) bytes")
    }
  }

  @Test func partsGiveTheChecksumOfTheWhole() {
    let bytes = sample(20_000)
    for cut in stride(from: 0, through: 20_000, by: 1_777) {
      #expect(CRC32C.of(Array(bytes[cut...]), after: CRC32C.of(Array(bytes[..<cut]))) == CRC32C.of(bytes))
    }
  }
}
