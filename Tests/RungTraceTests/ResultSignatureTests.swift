import RungCore
import Testing

@testable import RungSign

/// That somebody vouches for a result: every byte of it counts.
@Suite struct ResultSignatureTests {
  private static let seed = [UInt8](repeating: 7, count: 32)

  private func signature(_ by: String = "ana@north") throws -> ResultSignature {
    let key = try #require(SecretKey(seed: Self.seed))
    return ResultSignature(key: Digest(ofText: "key"), record: Digest(ofText: "record"), by: by, with: key)
  }

  @Test func itIsReadBackAndHolds() throws {
    for by in ["ana@north", "", "\"é\n\u{1B}[31m"] {
      let signature = try signature(by)
      let read = try #require(ResultSignature(bytes: signature.bytes))
      #expect(read == signature && read.isGenuine && read.by == by)
    }
  }

  @Test func theSameIsSignedTheSame() throws { #expect(try signature().bytes == signature().bytes) }

  // Wherever a bit is flipped: it is no signature any more, or one that does not fit.
  @Test func everyBitCounts() throws {
    let bytes = try signature().bytes
    for place in bytes.indices {
      for bit in 0..<8 {
        var changed = bytes
        changed[place] ^= 1 << UInt8(bit)
        #expect(ResultSignature(bytes: changed)?.isGenuine != true, "byte \(place), bit \(bit)")
      }
      #expect(ResultSignature(bytes: Array(bytes[..<place])) == nil)
    }
    #expect(ResultSignature(bytes: bytes + [10]) == nil)
    #expect(ResultSignature(bytes: [UInt8](repeating: 32, count: 5000)) == nil)
  }

  // One who signs something else for the same words has signed that, and not this.
  @Test func partsCannotBeExchanged() throws {
    let one = try signature()
    let key = try #require(SecretKey(seed: Self.seed))
    let other = ResultSignature(key: Digest(ofText: "other"), record: one.record, by: one.by, with: key)
    let text = String(decoding: other.bytes, as: UTF8.self)
    let moved = text.replacing(Digest(ofText: "other").description, with: Digest(ofText: "key").description)
    #expect(ResultSignature(bytes: Array(moved.utf8))?.isGenuine == false)
  }
}
