import Testing

@testable import RungReport

/// Colours for source texts.
@Suite struct HighlighterTests {
  /// `k:def  d:f` …, without plain pieces.
  private func colours(_ name: String, _ lines: String...) -> [String] {
    var highlighter = Highlighter(file: name, firstLine: lines[0])
    return lines.map { line in
      let pieces = highlighter.pieces(of: line)
      #expect(pieces.map(\.text).joined() == line)
      return pieces.filter { $0.kind != .plain }.map { "\($0.kind.rawValue):\($0.text)" }.joined(separator: " ")
    }
  }

  @Test func python() {
    #expect(
      colours("a.py", "@wraps", "def f(x=1.5e-3):  # why", "  return 'a\\'b' + \"#\" in y1")
        == ["d:@wraps", "k:def d:f n:1.5e-3 c:# why", "k:return s:'a\\'b' s:\"#\" k:in"])
    // A string over several lines, with quotes in it.
    #expect(
      colours("a.py", "x = \"\"\"a", "'b' # no", "c\"\"\" # yes") == ["s:\"\"\"a", "s:'b' # no", "s:c\"\"\" c:# yes"])
  }

  @Test func shell() {
    #expect(
      colours("run.sh", "if test \"$x\"; then echo done # c", "A=1 b#c", "cat 'a", "b' $y")
        == ["k:if s:\"$x\" k:then c:# c", "d:A n:1", "s:'a", "s:b' d:$y"])
    #expect(colours("run", "#!/bin/sh", "exit 3") == ["c:#!/bin/sh", "k:exit n:3"])
  }

  @Test func data() {
    #expect(
      colours("p.yaml", "over: [a, 2] # c", "about: don't stop", "\"k\": true") == [
        "d:over n:2 c:# c", "d:about", "d:\"k\" k:true",
      ])
    #expect(colours("x.json", "{\"a\": [1, null, \"b\"]}") == ["d:\"a\" n:1 k:null s:\"b\""])
  }

  @Test func whatIsNotKnownStaysPlain() {
    #expect(colours("a.f90", "if (x) \"y\"") == [""])
    #expect(colours("noending", "def f") == [""])
  }

  /// Whatever the text, the pieces of a line are the line.
  @Test(arguments: ["a.py", "a.sh", "a.yaml", "a.json", "a"])
  func allShortTexts(name: String) {
    let signs: [Character] = ["\"", "'", "#", "\\", "a", "1", " ", "$", ":", "e", "-"]
    for first in signs {
      for second in signs {
        for third in signs {
          for fourth in signs {
            var highlighter = Highlighter(file: name)
            for line in [String([first, second, third]), String([fourth, third]), ""] {
              #expect(highlighter.pieces(of: line).map(\.text).joined() == line)
            }
          }
        }
      }
    }
  }
}
