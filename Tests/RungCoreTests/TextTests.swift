import RungCore
import Testing

@Suite struct TextTests {
  @Test(
    arguments: [
      ("4096", 4096), ("1 kB", 1000), ("1KiB", 1024), ("1.5 GB", 1_500_000_000), ("512 MiB", 536_870_912), ("0", 0),
      ("2g", 2_000_000_000),
    ] as [(String, Int64)])
  func sizesAreRead(text: String, bytes: Int64) { #expect(ByteCount(text)?.bytes == bytes) }

  @Test(arguments: ["", "-1", "GB", "1 XB", "1e3", "1 G B", "9999999999 TB", "1..5", "0x10", "nan", "1  GB"])
  func whatIsNoSizeIsRefused(text: String) { #expect(ByteCount(text) == nil) }

  @Test func sizesAreShown() {
    let shown = [0, 999, 1000, 1500, 999_949, 999_950, 1_000_000_000, 5_000_000_000_000_000].map {
      "\(ByteCount(bytes: Int64($0)))"
    }
    #expect(shown == ["0 B", "999 B", "1 kB", "1.5 kB", "999.9 kB", "1 MB", "1 GB", "5000 TB"])
    #expect(ByteCount(bytes: -5).bytes == 0)
  }

  @Test(
    arguments: [
      ("30", 30_000_000_000), ("30 s", 30_000_000_000), ("250 ms", 250_000_000), ("5m", 300_000_000_000),
      ("1.5 h", 5_400_000_000_000),
      ("2 d", 172_800_000_000_000),
    ] as [(String, Int64)])
  func timesAreRead(text: String, nanoseconds: Int64) { #expect(TimeSpan(text)?.nanoseconds == nanoseconds) }

  @Test(arguments: ["", "-1 s", "s", "1 y", "99999 d", "1 s s"])
  func whatIsNoTimeIsRefused(text: String) { #expect(TimeSpan(text) == nil) }

  @Test func timesAreShown() {
    let shown = [0.0003, 0.012, 0.9999, 3.44, 59.94, 59.96, 125, 3599.6, 11_220].map {
      "\(TimeSpan(nanoseconds: Int64($0 * 1e9)))"
    }
    #expect(
      shown == ["0.3 ms", "12 ms", "1 s", "3.4 s", "59.9 s", "1 min 00 s", "2 min 05 s", "1 h 00 min", "3 h 07 min"])
  }

  @Test func theNearestNameIsFound() {
    #expect(nearest("ouputs", among: ["inputs", "outputs"]) == "outputs")
    #expect(nearest("widht", among: ["width", "seed"]) == "width")
    #expect(nearest("SEED", among: ["width", "seed"]) == "seed")
    #expect(nearest("xyz", among: ["width", "seed"]) == nil)
    #expect(nearest("a", among: []) == nil)
    #expect(nearest("ab", among: ["ac", "ad"]) == "ac")
    #expect(nearest("width", among: ["width", "widths"]) == "widths")
  }

  private func diff(_ old: String, _ new: String, context: Int = 2) -> [String]? {
    LineDiff.unified(Array(old.utf8), Array(new.utf8), context: context)
  }

  @Test func differencesAreShownInTheirSurroundings() {
    #expect(diff("a\nb\nc\n", "a\nb\nc\n") == [])
    #expect(
      diff("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nX\ne\nf\n") == ["@@ -2,5 +2,5 @@", " b", " c", "-d", "+X", " e", " f"])
    #expect(diff("a\n", "a\nb\n") == ["@@ -1,1 +1,2 @@", " a", "+b"])
    #expect(
      diff("a\r\nb\r\nc", "a\r\nx\r\nc") == [
        "@@ -1,3 +1,3 @@", " a\r", "-b\r", "+x\r", " c", "\\ no line feed at the end",
      ])
    #expect(diff("", "a\n") == ["@@ -0,0 +1,1 @@", "+a"])
    #expect(diff("a\n", "") == ["@@ -1,1 +0,0 @@", "-a"])
    let long = (1...30).map(String.init)
    var other = long
    other[4] = "five"
    other[24] = "twenty-five"
    let hunks = diff(long.joined(separator: "\n"), other.joined(separator: "\n"), context: 1) ?? []
    #expect(
      hunks == ["@@ -4,3 +4,3 @@", " 4", "-5", "+five", " 6", "@@ -24,3 +24,3 @@", " 24", "-25", "+twenty-five", " 26"])
  }

  @Test func aMissingLineEndIsADifference() {
    #expect(diff("a\nb", "a\nb\n") == ["@@ -1,2 +1,2 @@", " a", "-b", "\\ no line feed at the end", "+b"])
  }

  @Test func whatIsNoTextHasNoDifferences() {
    #expect(LineDiff.unified([0], [1]) == nil)
    #expect(LineDiff.unified([0xFF], [0x61]) == nil)
  }

  // Applying a diff with all the context gives the new text.
  @Test func differencesAreTrue() {
    var state: UInt64 = 9
    func random(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
    for _ in 0..<500 {
      func text() -> [String] { (0..<random(8)).map { _ in ["a", "b", "c"][random(3)] } }
      let (old, new) = (text(), text())
      let lines = diff(old.map { $0 + "\n" }.joined(), new.map { $0 + "\n" }.joined(), context: 100) ?? ["?"]
      if old == new {
        #expect(lines == [])
        continue
      }
      let body = lines.dropFirst()
      #expect(body.filter { $0.first != "-" }.map { String($0.dropFirst()) } == new)
      #expect(body.filter { $0.first != "+" }.map { String($0.dropFirst()) } == old)
    }
  }

  @Test func aMistakeIsShownAsACompilerShowsIt() {
    let place = SourceLocation(file: "p/pipeline.yaml", line: 7, column: 5)
    let one = Diagnostic(
      .error, "unknown key 'ouputs' in step 'fit'", at: place, sourceLine: "    ouputs: {metrics: fit.json}", length: 6,
      notes: ["did you mean 'outputs'?"])
    #expect(
      one.rendered == """
        p/pipeline.yaml:7:5: error: unknown key 'ouputs' in step 'fit'
          7 |     ouputs: {metrics: fit.json}
            |     ^~~~~~
          did you mean 'outputs'?
        """)
    #expect(Diagnostic(.warning, "odd").rendered == "warning: odd")
    var odd = one
    odd.sourceLine = "\tx\u{1b}[31m"
    odd.notes = []
    #expect(odd.rendered.hasSuffix("  7 |  x?[31m\n    |     ^~~"))
    let far = SourceLocation(file: "f", line: 1, column: 300)
    let long = Diagnostic(
      .error, "m", at: far, sourceLine: String(repeating: "x", count: 299) + "Y" + String(repeating: "z", count: 300))
    let lines = long.rendered.split(separator: "\n").map(Array.init)
    #expect(lines[2].firstIndex(of: "^") == lines[1].firstIndex(of: "Y"))
    #expect(lines[1].count < 130)
    let all = Diagnostics([
      one, Diagnostic(.error, "b", at: SourceLocation(file: "a", line: 9, column: 1)), Diagnostic(.error, "first"),
    ])
    #expect(all.items.map(\.message) == ["first", "b", one.message])
  }
}
