import Testing

@testable import RungReport

/// Logs, numbers, times.
@Suite struct TextTests {
  private func lines(_ log: String) -> [String] { PlainText.lines(ofLog: Array(log.utf8)) }

  @Test func escapeCodesOfTerminalsAreGone() {
    #expect(lines("\u{1b}[1;31mred\u{1b}[0m text\n") == ["red text"])
    #expect(lines("\u{1b}]0;title\u{7}after\n\u{1b}]8;;http://x\u{1b}\\link\n") == ["after", "link"])
    #expect(lines("\u{1b}(Bx\u{1b}") == ["x"])
    #expect(lines("\u{1b}[") == [])
    #expect(lines("a\n\nb") == ["a", "", "b"])
  }

  @Test func aLineIsWhatItWasAtLast() {
    #expect(lines("1 %\r50 %\r100 %\nnext\r\n") == ["100 %", "next"])
  }

  @Test func aLongLineIsCut() {
    let line = lines(String(repeating: "x", count: 1_000_000))[0]
    #expect(line.hasPrefix("xxx") && line.hasSuffix("… and 998000 bytes more") && line.utf8.count < 2100)
    #expect(PlainText.lines(ofSource: Array("a\r\nb".utf8)) == ["a", "b"])
  }

  @Test func bytesThatAreNoTextAreShownAsSuch() {
    #expect(PlainText.lines(ofLog: [0xff, 0x61, 0x0a])[0] == "\u{FFFD}a")
    #expect(PlainText.visible("a\u{8}b\u{7f}\u{202e}") == "a\u{FFFD}b\u{FFFD}\u{FFFD}")
  }

  @Test func numbersForPeople() {
    let short = [0, 1, 0.5, 1234.5678, -0.00012345, 1e-7, 123_456_789, -2, 0.1 + 0.2].map { Fixed.short($0) }
    #expect(short == ["0", "1", "0.5", "1235", "−0.0001235", "1e−7", "1.235e8", "−2", "0.3"])
    #expect([100_000, 1e-5, 1000, 20, 2e-6].map(Fixed.tick) == ["10⁵", "10⁻⁵", "1000", "20", "2e−6"])
    #expect(Fixed.short(.nan) == "NaN")
  }

  @Test func numbersForData() {
    let json = [0, 1, -3, 1234.56789, 0.000123456789, 1e-9, .nan, 5e20].map(Fixed.json)
    #expect(json == ["0", "1", "-3", "1234.57", "0.000123457", "1e-9", "null", "5e20"])
    #expect(Fixed.text(-0.04, digits: 1) == "0" && Fixed.text(12.96, digits: 1) == "13")
  }

  @Test func timesAreTheSameEverywhere() {
    #expect(WhenWords.minute(1_700_000_000_000_000_000) == "2023-11-14 22:13")
    #expect(WhenWords.exact(-1) == "1969-12-31T23:59:59Z")
    #expect(grouped(1_234_567) == "1,234,567" && grouped(-999) == "-999" && counted(1, "step") == "1 step")
  }
}
