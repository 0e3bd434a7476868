import RungCore
import Testing

@Suite struct DigestTests {
  // FIPS 180-4 examples and the sha256sum of 1,000,000 letters a.
  @Test(arguments: [false, true])
  func knownDigests(portable: Bool) {
    SHA256.forcePortable(portable)
    defer { SHA256.forcePortable(false) }
    #expect(Digest.empty.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    #expect(Digest(ofText: "abc").hex == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(
      Digest(ofText: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex
        == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    #expect(
      Digest(of: [UInt8](repeating: 97, count: 1_000_000)).hex
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }
}
