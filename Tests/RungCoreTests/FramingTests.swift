import RungCore
import Testing

@Suite struct FramingTests {
  // Computed from the description in FramedHash with another program.
  @Test func goldenValues() {
    var hash = FramedHash(domain: "rung/key/1")
    #expect(hash.digest().hex == "4f631da882ba6fb2ec841c77edc9266b69437be75021ccf220f658d1a6a5f9dc")
    hash.field("kind", "axis")
    hash.field("name", "w")
    hash.field("value", "é\n")
    #expect(hash.digest().hex == "d0ebdb1fd0ece79d37fd2a71caf4b72f84fb4c93f2faaef7bb96c4ccc8f1b465")
  }

  @Test func fieldsDoNotRunIntoEachOther() {
    func digest(_ fields: (String, String)...) -> Digest {
      var hash = FramedHash(domain: "test")
      for (tag, value) in fields { hash.field(tag, value) }
      return hash.digest()
    }
    let all = [
      digest(("ab", "c")), digest(("a", "bc")), digest(("a", "b"), ("c", "")), digest(("a", "b"), ("", "c")), digest(),
      digest(("", "")), digest(("abc", "")), digest(("", "abc")),
    ]
    #expect(Set(all).count == all.count)
    #expect(FramedHash(domain: "a").digest() != FramedHash(domain: "b").digest())
  }

  @Test func valuesAreWhatTheyAreDocumentedToBe() {
    var number = FramedHash(domain: "d")
    number.field("n", 42)
    var text = FramedHash(domain: "d")
    text.field("n", "42")
    #expect(number.digest() == text.digest())
    var digest = FramedHash(domain: "d")
    digest.field("n", Digest.empty)
    var bytes = FramedHash(domain: "d")
    bytes.field("n", bytes: Digest.empty.bytes)
    #expect(digest.digest() == bytes.digest())
  }

  @Test func digestsHaveOneText() {
    let digest = Digest(ofText: "abc")
    #expect(Digest("\(digest)") == digest)
    #expect(Digest(bytes: digest.bytes) == digest)
    #expect(Digest(bytes: digest.bytes.dropLast()) == nil)
    #expect(Digest(bytes: digest.bytes + [0]) == nil)
    #expect(Digest("sha256:" + digest.hex.uppercased()) == nil)
    #expect(Digest("sha256:" + digest.hex.dropLast()) == nil)
    #expect(Digest("md5:" + digest.hex) == nil)
    #expect([Digest(ofText: "b"), digest].sorted() == [Digest(ofText: "b"), digest].sorted { $0.hex < $1.hex })
  }
}
