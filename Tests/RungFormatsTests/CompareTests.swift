import RungCore
import RungFormats
import Testing

/// Two versions of a text.
func compared(
  _ a: String, _ b: String, _ path: String, _ tolerance: NumberTolerance? = nil
) -> OutputComparison.Verdict {
  OutputComparison.compare(Array(a.utf8), Array(b.utf8), named: path, tolerance: tolerance)
}

/// What the first difference of two versions is said to be; nil where there is none.
func difference(_ a: String, _ b: String, _ path: String, _ tolerance: NumberTolerance? = nil) -> String? {
  guard case .different(let first) = compared(a, b, path, tolerance) else { return nil }
  return first
}

let nearly = NumberTolerance(absolute: 0, relative: 1e-3)
let sameValue = OutputComparison.Verdict.within(largestAbsolute: 0, largestRelative: 0)

@Suite struct CompareTests {
  @Test func aValueInJSONIsNamedByItsPointer() {
    let a = #"{"runs": [1, {"a/b": 0.5, "loss": 0.1234}], "name": "x"}"#
    #expect(
      difference(a, a.replacing("0.1234", with: "0.1235"), "m.json")
        == "#/runs/1/loss: 0.1234 and 0.1235 (relative difference 8.1e-4)")
    #expect(difference(a, a.replacing("0.5", with: "null"), "m.json") == "#/runs/1/a~1b: 0.5 and null")
    #expect(difference(a, a.replacing("\"x\"", with: "\"y\\n\""), "m.json") == #"#/name: 'x' and 'y\n'"#)
    #expect(difference("[1, 2]", "[1, 2, 3]", "m.json") == "#: 2 and 3 items")
    #expect(difference(#"{"a": [1]}"#, #"{"a": {}}"#, "m.json") == "#/a: a list of 1 and an object of 0")
    #expect(difference(#"{"a": 1, "b": 2}"#, #"{"a": 1}"#, "m.json") == "#/b: only in the first (2)")
    #expect(difference(#"{"a": 1}"#, #"{"a": 1, "b": "z"}"#, "m.json") == "#/b: only in the second ('z')")
    #expect(difference("true", "false", "m.json") == "#: true and false")
  }

  @Test func numbersInJSONCountByTheirValue() {
    let a = #"{"a": 0.10, "b": [1e3, -0.0, NaN, -Infinity]}"#
    let b = #"{"b": [1000, 0, NaN, -Infinity], "a": 1e-1}"#
    #expect(compared(a, a, "m.json") == .identical)
    #expect(compared(a, b, "m.json", NumberTolerance()) == sameValue)
    #expect(
      difference(a, b, "m.json") == "the same values, written differently: byte 2: 0x61 and 0x62; lengths 45 and 43")
    #expect(difference("[9007199254740992]", "[9007199254740993]", "m.json", NumberTolerance()) != nil)
    #expect(difference("[NaN]", "[1]", "m.json", NumberTolerance(absolute: .infinity)) == "#/0: NaN and 1")
    #expect(difference("[Infinity]", "[1]", "m.json", NumberTolerance(relative: 1)) == "#/0: Infinity and 1")
    #expect(difference("[Infinity]", "[-Infinity]", "m.json", NumberTolerance(relative: 9)) != nil)
    // Text is no number.
    #expect(difference(#"["1.0"]"#, #"["1"]"#, "m.json", nearly) == "#/0: '1.0' and '1'")
  }

  @Test func aToleranceIsAbsoluteOrRelative() {
    #expect(
      compared("[100, 5]", "[100.05, 5]", "m.json", nearly)
        == .within(largestAbsolute: 100.05 - 100, largestRelative: (100.05 - 100) / 100.05))
    #expect(difference("[100]", "[100.2]", "m.json", nearly) == "#/0: 100 and 100.2 (relative difference 0.002)")
    #expect(
      compared("[0]", "[0.0625]", "m.json", NumberTolerance(absolute: 0.0625))
        == .within(largestAbsolute: 0.0625, largestRelative: 1))
    #expect(difference("[0]", "[1e-300]", "m.json", nearly) == "#/0: 0 and 1e-300 (relative difference 1)")
    #expect(difference("[1]", "[2]", "m.json", NumberTolerance(absolute: -1, relative: .nan)) != nil)
  }

  @Test func linesOfJSONAreValues() {
    let a = "{\"loss\": 1}\n\n{\"loss\": 2}\n"
    #expect(
      difference(a, a.replacing("2", with: "3"), "log.jsonl") == "line 3: #/loss: 2 and 3 (relative difference 0.33)")
    #expect(difference(a, a + "{}\n", "log.jsonl") == "2 and 3 values")
    #expect(compared(a, a.replacing("2", with: "2.0"), "log.ndjson", nearly) == sameValue)
  }

  @Test func aTextIsComparedByLines() {
    #expect(difference("a\nb\nc\n", "a\nB\nc\n", "t.txt") == "line 2: 'b' and 'B'")
    #expect(difference("a\nb\n", "a\nb\nc\n", "t.svg") == "line 3: only in the second ('c')")
    #expect(difference("a\nb\nc", "a\nb", "t.txt") == "line 3: only in the first ('c')")
    #expect(difference("a\nb", "a\nb\n", "t.txt") == "line 2: the first lacks the line feed at its end")
    #expect(difference("", "x", "t.txt") == "line 1: only in the second ('x')")
    #expect(difference("ab\n", "abc\n", "t.txt", nearly) == "line 1: 'ab' and 'abc'")
    let long = String(repeating: "ä", count: 1500)
    #expect(difference(long + "1", long + "2", "t.txt") == "line 1, column 1,501: '…ääääääääää1' and '…ääääääääää2'")
    #expect(difference("\u{1b}[31m", "\u{9b}31m", "t") == #"line 1: '\u001b[31m' and '\u009b31m'"#)
  }

  @Test func bytesAreComparedAsSuch() {
    var bytes = [UInt8](repeating: 0, count: 2000)
    bytes[1024] = 0x41
    var other = bytes + [UInt8](repeating: 0, count: 10)
    other[1024] = 0x42
    func first(_ a: [UInt8], _ b: [UInt8]) -> OutputComparison.Verdict {
      OutputComparison.compare(a, b, named: "m.bin", tolerance: nearly)
    }
    #expect(first(bytes, other) == .different(first: "byte 1,024: 0x41 and 0x42; lengths 2,000 and 2,010"))
    #expect(first(bytes, Array(other[..<2000])) == .different(first: "byte 1,024: 0x41 and 0x42"))
    #expect(
      first(bytes, bytes + [0])
        == .different(first: "lengths 2,000 and 2,001, the same up to the end of the shorter one"))
  }

  @Test func whatIsNotWhatItsNameSaysIsAText() {
    #expect(difference("not", "JSON", "m.json", nearly) == "line 1: 'not' and 'JSON'")
    #expect(
      difference("{}", "{", "m.json", nearly)
        == "only the first is JSON (not JSON at byte 1: expected a name in quotes); line 1: '{}' and '{'")
    #expect(difference("{", "{}", "m.json", nearly)?.hasPrefix("only the second is JSON (") == true)
  }

  @Test func aFigureIsComparedByItsPixels() {
    var picture = MadePNG(width: 120, height: 50, colour: 2, depth: 8) { x, y, channel in
      channel == 0 && x > 100 ? 255 : 0
    }
    let plain = picture.bytes
    func verdict(_ tolerance: NumberTolerance?) -> OutputComparison.Verdict {
      OutputComparison.compare(plain, picture.bytes, named: "figure", tolerance: tolerance)
    }
    picture.filters = [1, 4]
    #expect(
      verdict(nil) == .different(first: "the same pixels, but other bytes around them: texts, time stamps or packing"))
    #expect(verdict(NumberTolerance()) == sameValue)
    picture.sample = { x, y, channel in channel == 0 && x > 100 ? (x == 102 && y >= 40 ? 254 : 255) : 0 }
    #expect(verdict(nil) == .different(first: "pixel (102, 40): #ff0000 and #fe0000; 10 of 6,000 pixels differ"))
    #expect(verdict(NumberTolerance(absolute: 0.003)) == verdict(nil))
    guard case .within(let absolute, _) = verdict(NumberTolerance(absolute: 0.004)) else {
      Issue.record("\(verdict(NumberTolerance(absolute: 0.004)))")
      return
    }
    #expect(abs(absolute - 1.0 / 255) < 1e-12)
    picture.height = 49
    #expect(verdict(nearly) == .different(first: "pictures of 120 × 50 and 120 × 49 pixels"))
    picture.height = 50
    picture.depth = 16
    #expect(verdict(nearly) == .different(first: "pixels of 3 × 8 and 3 × 16 bits"))
  }

  @Test func foldersDifferByNamesBeforeContents() {
    let (x, y) = (Digest(of: Array("x".utf8)), Digest(of: Array("y".utf8)))
    let tree = TreeComparison([("b", x), ("a", x), ("c", y)], [("a", y), ("c", y), ("d", x), ("e", x)])
    #expect((tree.missing, tree.extra, tree.changed) == (["b"], ["d", "e"], ["a"]))
    #expect(tree.first == "'b' is only in the first")
    #expect(TreeComparison([], [("d", x), ("e", x)]).first == "'d' and 1 other are only in the second")
    let same = TreeComparison([("a", x), ("b", x)], [("b", y), ("a", y)])
    #expect(same.first == nil && same.changed == ["a", "b"])
    let small = OutputComparison.Verdict.within(largestAbsolute: 1, largestRelative: 0.5)
    #expect(
      same.verdict([small, .within(largestAbsolute: 0, largestRelative: 0.75)])
        == .within(largestAbsolute: 1, largestRelative: 0.75))
    #expect(same.verdict([small, .different(first: "byte 1")]) == .different(first: "'b': byte 1"))
    #expect(TreeComparison([("a", x)], [("a", x)]).verdict([]) == .identical)
  }
}
