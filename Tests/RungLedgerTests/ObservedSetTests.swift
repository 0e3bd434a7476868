import RungCore
import Testing

@testable import RungLedger

@Suite struct ObservedSetTests {
  typealias Entry = ObservedSet.Entry

  private let a = Digest(ofText: "a")
  private let b = Digest(ofText: "b")

  @Test func theBytesArePinned() {
    let set = ObservedSet(
      scope: .project,
      entries: [
        Entry(path: "lib/b.py", kind: .file, digest: .empty), Entry(path: "lib", kind: .listing, digest: .empty),
        Entry(path: "lib", kind: .folder, digest: nil), Entry(path: "a.cfg", kind: .absent, digest: nil),
        Entry(path: "lib", kind: .folder, digest: nil),
      ])
    #expect(
      String(decoding: set.bytes, as: UTF8.self) == """
        {"format":"rung/observed/1","scope":"project","entries":[["a.cfg","absent",null],["lib","folder",null],\
        ["lib","listing","\(Digest.empty)"],["lib/b.py","file","\(Digest.empty)"]]}

        """)
    #expect(ObservedSet(bytes: set.bytes) == set)
    let none = ObservedSet(scope: .system, entries: [])
    #expect(String(decoding: none.bytes, as: UTF8.self).hasSuffix("\"scope\":\"system\",\"entries\":[]}\n"))
  }

  @Test func theOrderIsThatOfBytes() {
    let set = ObservedSet(
      scope: .system,
      entries: ["/é", "/e\u{301}", "/a/b", "/a.b", "/Z", "/a"].map { Entry(path: $0, kind: .file, digest: a) })
    // Both forms of é, because the kernel knows two names.
    #expect(
      set.entries.map { Array($0.path.utf8) }
        == ["/Z", "/a", "/a.b", "/a/b", "/e\u{301}", "/é"].map { Array($0.utf8) })
    // A file that was seen with two contents is here twice.
    let twice = ObservedSet(
      scope: .system, entries: [max(a, b), min(a, b), max(a, b)].map { Entry(path: "/x", kind: .file, digest: $0) })
    #expect(twice.entries.map(\.digest) == [min(a, b), max(a, b)])
  }

  @Test(arguments: 0..<100)
  func anySetComesBackAndItsOrderDoesNotMatter(seed: UInt64) {
    var dice = Dice(state: seed)
    let names = ["", "a", "b.py", "sub", "ü", "e\u{301}", "é", "new\nline", "\u{0}", "\"", "\\x", "\u{1F600}"]
    var entries: [Entry] = []
    for _ in 0..<Int.random(in: 0...40, using: &dice) {
      let parts = (0..<Int.random(in: 1...3, using: &dice)).map { _ in names[Int.random(in: 0..<12, using: &dice)] }
      let kinds = ObservedSet.Kind.allCases
      entries.append(
        Entry(
          path: parts.joined(separator: "/"), kind: kinds[Int.random(in: 0..<kinds.count, using: &dice)],
          digest: [nil, a, b][Int.random(in: 0..<3, using: &dice)]))
    }
    let scope: ObservedSet.Scope = Bool.random(using: &dice) ? .project : .system
    let set = ObservedSet(scope: scope, entries: entries)
    #expect(ObservedSet(bytes: set.bytes) == set)
    #expect(ObservedSet(bytes: set.bytes)?.bytes == set.bytes)
    let shuffled = (entries + entries.prefix(5)).shuffled(using: &dice)
    #expect(ObservedSet(scope: scope, entries: shuffled).bytes == set.bytes)
    #expect(Set(set.entries).isSubset(of: Set(entries)) && Set(entries).isSubset(of: Set(set.entries)))
    // Cut short, it is no set.
    if let cut = (0..<set.bytes.count - 1).randomElement(using: &dice) {
      #expect(ObservedSet(bytes: Array(set.bytes[..<cut])) == nil)
    }
  }

  @Test(arguments: [
    "", "{}", "[]", #"{"format":"rung/observed/2","scope":"project","entries":[]}"#,
    #"{"format":"rung/observed/1","scope":"moon","entries":[]}"#, #"{"format":"rung/observed/1","scope":"project"}"#,
    #"{"format":"rung/observed/1","scope":"project","entries":[["a","file"]]}"#,
    #"{"format":"rung/observed/1","scope":"project","entries":[["a","smell",null]]}"#,
    #"{"format":"rung/observed/1","scope":"project","entries":[["a","file","sha256:1"]]}"#,
    #"{"format":"rung/observed/1","scope":"project","entries":[[1,"file",null]]}"#,
  ])
  func somethingElseIsRefused(text: String) {
    #expect(ObservedSet(bytes: Array(text.utf8)) == nil)
  }

  @Test func theDigestOfAListingIsPinned() {
    func digest(_ names: [String]) -> Digest { ObservedSet.listingDigest(names: names.map { Array($0.utf8) }) }
    #expect(digest([]).hex == "d3dfe38a389b103ccdade6637b9c03bc8d4ec62ffd547849616b2a5f828d1ae0")
    #expect(digest(["b", "a"]).hex == "bb74ba31af948105263218e92c4c25fbc8ba6ec012ff4f7dbfdac8d4f3feec26")
    #expect(digest(["a", "b"]) == digest(["b", "a"]))
    #expect(digest(["ab"]) != digest(["a", "b"]))
    #expect(digest(["a", "a"]) != digest(["a"]))
    // Names need not be UTF-8.
    #expect(ObservedSet.listingDigest(names: [[0xff]]) != ObservedSet.listingDigest(names: [[0xfe]]))
  }
}

/// A small generator of its own, so that a failing case can be run again by its seed.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd
  }
}
