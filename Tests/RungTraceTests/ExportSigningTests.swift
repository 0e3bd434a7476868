import Glibc
import RungCore
import RungStore
import Testing

@testable import RungSign
@testable import RungTrace

/// Keys, envelopes, and what a check finds.
@Suite struct ExportSigningTests {
  private func bytes(_ hex: String) -> [UInt8] {
    var result: [UInt8] = []
    var digits = Substring(hex)
    while !digits.isEmpty {
      result.append(UInt8(digits.prefix(2), radix: 16) ?? 0)
      digits = digits.dropFirst(2)
    }
    return result
  }

  private func key(_ number: UInt8 = 1) throws -> SecretKey {
    try #require(SecretKey(seed: [UInt8](repeating: number, count: 32)))
  }

  // RFC 8032, section 7.1, tests 1 and 2.
  @Test(arguments: [
    (
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    (
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
  ])
  func signaturesAreThoseOfTheStandard(seed: String, open: String, message: String, signature: String) throws {
    let key = try #require(SecretKey(seed: bytes(seed)))
    #expect(key.publicKey.bytes == bytes(open))
    #expect(key.signature(of: bytes(message)) == bytes(signature))
    #expect(key.publicKey.verifies(bytes(signature), of: bytes(message)))
    #expect(!key.publicKey.verifies(bytes(signature), of: bytes(message) + [0]))
    #expect(!key.publicKey.verifies(Array(bytes(signature).dropLast()), of: bytes(message)))
  }

  // RFC 8410, section 10.
  @Test func keysAreReadAndWrittenAsOthersDo() throws {
    let secret = """
      -----BEGIN PRIVATE KEY-----
      MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
      -----END PRIVATE KEY-----

      """
    let open = """
      -----BEGIN PUBLIC KEY-----
      MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
      -----END PUBLIC KEY-----

      """
    let key = try #require(SecretKey(pem: secret))
    #expect(key.pem == secret && key.publicKey.pem == open)
    #expect(PublicKey(pem: open) == key.publicKey)
    for text in ["", open + open, secret, open.replacing("MCow", with: "MCox"), "-----BEGIN PUBLIC KEY-----"] {
      #expect(PublicKey(pem: text) == nil)
    }
    #expect(SecretKey(pem: open) == nil)
  }

  @Test func everySequenceOfBytesHasOneText() throws {
    let vectors = [
      "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "foobar": "Zm9vYmFy",
    ]
    for (plain, text) in vectors {
      #expect(Base64.text(Array(plain.utf8)) == text)
      #expect(Base64.bytes(text) == Array(plain.utf8))
    }
    #expect(Base64.bytes(Base64.text(Array(0...255))) == Array(0...255))
    for text in ["Zg=", "Zg", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm_v", "=Zm9", "Zg==Zg=="] {
      #expect(Base64.bytes(text) == nil, "\(text)")
    }
  }

  // The example of the DSSE specification.
  @Test func whatIsSignedIsFramed() {
    let framed = Envelope.preAuthenticationEncoding("http://example.com/HelloWorld", Array("hello world".utf8))
    #expect(String(decoding: framed, as: UTF8.self) == "DSSEv1 29 http://example.com/HelloWorld 11 hello world")
  }

  // MARK: checks

  private struct Signed {
    let world: World
    let figure: Made
    let statement: JSON
    let envelope: [UInt8]
  }

  private func signed() throws -> Signed {
    let world = try World()
    let data = try world.run("demo/data", [source("data.py")], makes: ["set": "data"])
    let figure = try world.run("demo/figure", [source("figure.py"), data.input("data.set", output: "set")])
    let statement = try #require(try world.tracer.trace(record: figure.digest).statement)
    return Signed(
      world: world, figure: figure, statement: statement, envelope: Envelope(statement: statement, key: try key()).bytes
    )
  }

  private func problems(_ bytes: [UInt8], _ signed: Signed, _ keys: [PublicKey]? = nil) throws -> [String]? {
    StatementCheck(bytes, keys: try keys ?? [key().publicKey], store: signed.world.store)?.problems
  }

  @Test func aSignedStatementIsSound() throws {
    let signed = try signed()
    let check = try #require(
      StatementCheck(signed.envelope, keys: [key(2).publicKey, key().publicKey], store: signed.world.store))
    #expect(check.isSound, "\(check.problems)")
    #expect(check.signer == (try key().publicKey) && check.executions == 2)
    #expect(check.subjects.map(\.digest) == [signed.figure.content("out").description])
    #expect(try problems(signed.envelope, signed, [key(2).publicKey])?.first?.contains("not known here") == true)
    #expect(try problems(signed.statement.compactBytes, signed)?.first == "it is not signed")
  }

  /// Each byte of the envelope: the letters of the payload changed in one bit, all others in every bit and to white space.
  @Test func everyChangedByteOfAnEnvelopeIsFound() throws {
    let signed = try signed()
    #expect(try problems(signed.envelope, signed) == [])
    let payload = try #require(try JSON(parsing: signed.envelope)["payload"]?.string).utf8.count
    let start = "{\"payload\":\"".utf8.count
    for place in signed.envelope.indices {
      let byte = signed.envelope[place]
      let isInside = (start + 1..<start + payload - 1).contains(place)
      let others = isInside ? [byte ^ 1 << (place % 8)] : (0..<8).map { byte ^ 1 << $0 } + [9, 10, 13, 32]
      for changed in others where changed != byte {
        var bytes = signed.envelope
        bytes[place] = changed
        let found = try problems(bytes, signed)
        #expect(found != [], "byte \(place) was \(byte) and is \(changed)")
      }
    }
    for bytes in [Array(signed.envelope.dropLast()), signed.envelope + [10], [32] + signed.envelope] {
      #expect(try problems(bytes, signed) != [])
    }
  }

  /// Whoever has the key can sign what is not so; the records tell. Every third byte of the statement.
  @Test func everyUntrueStatementIsFound() throws {
    let signed = try signed()
    let honest = signed.statement.compactBytes
    for place in stride(from: 0, to: honest.count, by: 3) {
      var bytes = honest
      bytes[place] ^= 2
      guard let statement = try? JSON(parsing: bytes), statement != signed.statement else { continue }
      let envelope = Envelope(statement: statement, key: try key()).bytes
      #expect(try problems(envelope, signed) != [], "byte \(place)")
    }
  }

  /// Each stored byte of a record on the way.
  @Test func everyChangedByteOfARecordIsFound() throws {
    let first = try signed()
    let length = try #require(try first.world.store.location(of: first.figure.digest, isRecord: true)).bytes.count
    try #require(length > 100)
    // A few bits of a compressed frame mean nothing (RFC 8878, padding): with them, the record is the same.
    var harmless = 0
    // Damage is set aside when it is found, so each byte takes a cache of its own: every seventh, and the last.
    for offset in Array(stride(from: 0, to: length, by: 7)) + [length - 1] {
      let signed = try signed()
      let place = try #require(try signed.world.store.location(of: signed.figure.digest, isRecord: true))
      let file = open(place.file, O_RDWR)
      var byte: UInt8 = 0
      pread(file, &byte, 1, Int(place.bytes.lowerBound) + offset)
      byte ^= 0x10
      pwrite(file, &byte, 1, Int(place.bytes.lowerBound) + offset)
      close(file)
      let store = try ObjectStore(path: "\(signed.world.folder)/cache", durability: .none)
      let check = StatementCheck(signed.envelope, keys: [try key().publicKey], store: store)
      if check?.isSound == true, Digest(of: try store.readRecord(signed.figure.digest)) == signed.figure.digest {
        harmless += 1
        continue
      }
      #expect(check?.isSound == false, "byte \(offset) of \(length)")
    }
    #expect(harmless < 4)
  }

  @Test func whatIsNoStatementIsNone() throws {
    let signed = try signed()
    for text in ["", "{}", "[]", "null", "{\"payload\":", "\u{1}\u{2}", String(repeating: "[", count: 100_000)] {
      #expect(try problems(Array(text.utf8), signed) == nil, "\(text.prefix(20))")
    }
    let odd: [JSON] = [
      ["payload": 3], ["payload": "", "payloadType": "", "signatures": []], ["_type": []],
      ["_type": "x", "predicateType": "https://slsa.dev/provenance/v1", "predicate": []],
      ["_type": "x", "subject": [["digest": []], 3, ["name": [1], "digest": ["a": 1]]]],
    ]
    for json in odd { #expect(try problems(json.compactBytes, signed)?.isEmpty == false, "\(json.compact)") }
  }

  // MARK: the folder of keys

  @Test func keysAreKeptFromOthersAndNeverReplaced() throws {
    let world = try World()
    let folder = try #require(KeyFolder(variables: ["HOME": world.folder]))
    #expect(folder.path == "\(world.folder)/.config/rung/keys" && folder.names.isEmpty)
    let key = try folder.make("default")
    var status = stat()
    #expect(stat("\(folder.path)/default.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(stat(folder.path, &status) == 0 && status.st_mode & 0o777 == 0o700)
    #expect(throws: KeyFolder.Problem.self) { try folder.make("default") }
    #expect(try folder.secretKey("default").publicKey == key)
    #expect(try folder.publicKey("default") == key)
    #expect(folder.names == ["default"])
    unlink("\(folder.path)/default.pub")
    #expect(try folder.publicKey("default") == key)
    // A public key without its secret one still checks, and its name is taken.
    _ = try folder.make("gone")
    unlink("\(folder.path)/gone.key")
    #expect(throws: KeyFolder.Problem.self) { try folder.make("gone") }
    #expect(folder.names == ["default"])
    #expect(throws: Never.self) { try folder.publicKey("gone") }
    for name in ["", ".", "../x", "a/b", "-n", "a b", String(repeating: "n", count: 65), "ä"] {
      #expect(throws: KeyFolder.Problem.self, "\(name)") { try folder.make(name) }
    }
    chmod("\(folder.path)/default.key", 0o640)
    #expect(throws: KeyFolder.Problem.self) { try folder.secretKey("default") }
    #expect(KeyFolder(variables: ["HOME": "x"]) == nil)
    #expect(KeyFolder(variables: ["XDG_CONFIG_HOME": "/c", "HOME": "/h"])?.path == "/c/rung/keys")
  }
}
