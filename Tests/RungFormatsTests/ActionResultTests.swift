import RungCore
import Testing

@testable import RungFormats

/// The message under an action key, as other programs read and write it.
@Suite struct ActionResultTests {
  private static let first = Digest(ofText: "first")
  private static let second = Digest(ofText: "second")

  // Field by field from the protocol buffers' own description of the wire format.
  @Test func theBytesAreThoseOfTheMessage() throws {
    let result = ActionResult(files: [.init(path: "0/record/0", digest: Self.first, size: 300)])
    var expected: [UInt8] = [0x12, 12 + 2 + 66 + 3]
    expected += [0x0A, 10] + Array("0/record/0".utf8)
    expected += [0x12, 66 + 3]
    expected += [0x0A, 64] + Array(Self.first.hex.utf8)
    expected += [0x10, 0xAC, 0x02]
    #expect(result.bytes == expected)
    #expect(ActionResult(bytes: expected) == result)
    #expect(ActionResult(files: []).bytes == [])
    #expect(ActionResult(bytes: []) == ActionResult(files: []))
  }

  @Test func whatIsWrittenIsReadBack() {
    var random = SystemRandomNumberGenerator()
    for count in [1, 2, 17, 500] {
      let files = (0..<count).map { number in
        ActionResult.File(
          path: String(repeating: "é/", count: number % 90) + "\(number)",
          digest: Digest(ofText: "\(number)"), size: Int64.random(in: 0...(.max), using: &random))
      }
      let result = ActionResult(files: files)
      #expect(ActionResult(bytes: result.bytes) == result)
    }
  }

  // Other programs say more than Rung asks for.
  @Test func unknownFieldsArePassedOver() {
    let plain = ActionResult(files: [.init(path: "a", digest: Self.first, size: 1)])
    let others: [[UInt8]] = [[0x20, 0x05], [0x2A, 3, 1, 2, 3], [0x79, 1, 2, 3, 4, 5, 6, 7, 8], [0x7D, 1, 2, 3, 4]]
    for other in others {
      #expect(ActionResult(bytes: other + plain.bytes) == plain)
      #expect(ActionResult(bytes: plain.bytes + other) == plain)
    }
  }

  @Test func nonsenseIsRefused() {
    func file(_ digest: [UInt8]) -> [UInt8] { [0x12, UInt8(digest.count + 2), 0x12, UInt8(digest.count)] + digest }
    let hash = Array(Self.first.hex.utf8)
    let refused: [[UInt8]] = [
      [0x12], [0x12, 5, 1], [0x00, 0x00], [0x13], [0x0B, 0x0C], [0x10],
      [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0x12, 0],  // a file without a digest
      [0x10, 0x01],  // files that are a number
      file([0x0A, 63] + hash.dropLast()),
      file([0x0A, 64] + Array(Self.first.hex.uppercased().utf8)),
      file([0x0A, 71] + Array(Self.first.description.utf8)),
      file([0x0A, 64] + hash + [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
      [0x12, 4 + 66, 0x0A, 0, 0x12, 66] + [0x0A, 64] + hash.dropLast(),
      [0x12, 3, 0x0A, 1, 0xFF],  // a path that is no UTF-8
    ]
    for bytes in refused { #expect(ActionResult(bytes: bytes) == nil, "\(bytes.prefix(12))") }
  }

  // Whatever becomes of the bytes on the way: they are read or refused, and what is read can be written.
  @Test func changedBytesNeverDoHarm() {
    let bytes = ActionResult(files: [
      .init(path: "0/record/0", digest: Self.first, size: 70_000),
      .init(path: "0/output/0", digest: Self.second, size: 0),
    ]).bytes
    for place in bytes.indices {
      #expect(ActionResult(bytes: Array(bytes[..<place]))?.files.count ?? 0 <= 1)
      for bit in 0..<8 {
        var changed = bytes
        changed[place] ^= 1 << UInt8(bit)
        if let result = ActionResult(bytes: changed) { #expect(ActionResult(bytes: result.bytes) == result) }
      }
    }
  }
}
