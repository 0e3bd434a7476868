import RungFormats
import Testing

@Suite struct CSVTests {
  let table = "epoch,loss,note\n1,0.5,start\n2,0.25,\"a, \"\"b\"\"\"\n"

  @Test func aCellIsNamedByRowAndColumn() {
    #expect(
      difference(table, table.replacing("0.25", with: "0.26"), "t.csv")
        == "row 3, column 'loss': 0.25 and 0.26 (relative difference 0.038)")
    #expect(
      difference(table, table.replacing("start", with: "begin"), "t.csv") == "row 2, column 'note': 'start' and 'begin'"
    )
    #expect(
      difference(table, table.replacing("\"\"b", with: "\"\"c"), "t.csv")
        == "row 3, column 'note': 'a, \"b\"' and 'a, \"c\"'")
    #expect(difference(table, table.replacing("epoch", with: "step"), "t.csv") == "row 1, column 1: 'epoch' and 'step'")
    #expect(difference("1,2\n3,4\n", "1,2\n3,5\n", "t.csv") == "row 2, column 2: 4 and 5 (relative difference 0.2)")
    #expect(difference("a;b\n1;2\n", "a;b\n1;3\n", "t.csv") == "row 2, column 'b': 2 and 3 (relative difference 0.33)")
    #expect(difference("a\tb,c\n1\t2\n", "a\tb,c\n1\tx\n", "t.tsv") == "row 2, column 'b,c': 2 and 'x'")
  }

  @Test func rowsAndCellsAreCounted() {
    #expect(difference(table, table + "3,0.1,end\n4,0.1,end\n", "t.csv") == "3 and 5 rows")
    #expect(difference(table, "", "t.csv") == "3 and 0 rows")
    #expect(difference("a,b\n1,2\n", "a,b\n1,2,3,4\n", "t.csv") == "row 2: 2 and 4 cells")
    #expect(difference("a,b\n1,2,\n", "a,b\n1,2\n", "t.csv", nearly) == "row 2: 3 and 2 cells")
  }

  @Test func onlyTheWayOfWritingDiffers() {
    for other in [
      table.replacing("\n", with: "\r\n"), String(table.dropLast()), table.replacing("start", with: "\"start\""),
      table.replacing("0.5", with: "5e-1"), table.replacing("0.25", with: " +.25 "),
    ] {
      #expect(compared(table, other, "t.csv", NumberTolerance()) == sameValue)
      #expect(difference(table, other, "t.csv")?.hasPrefix("the same values, written differently: ") == true)
    }
    #expect(compared("x\nnan\n-INF\n", "x\nNaN\n-Infinity\n", "t.csv", nearly) == sameValue)
    #expect(difference("x\nnan\n", "x\nnone\n", "t.csv", nearly) != nil)
    #expect(difference("x\n0x10\n", "x\n16\n", "t.csv", nearly) != nil)
  }

  @Test(arguments: [
    "0", "-0", "1", "007", "0.1", "1e22", "123456789012345678", "1234567890123456789012", "0.30000000000000004",
    "2.2250738585072014e-308", "4.9e-324", "1.7976931348623157e308", "1e-22", ".5", "5.",
  ])
  func aNumberIsTheNearestDouble(_ text: String) {
    let value = Double(text.hasPrefix(".") ? "0" + text : text.hasSuffix(".") ? text + "0" : text) ?? .nan
    // The same double in its shortest form, with no tolerance at all.
    #expect(difference("x\n\(text)\n", "x\n\(value)\n", "t.csv", NumberTolerance()) == nil)
    let next = value.nextUp
    #expect(difference("x\n\(text)\n", "x\n\(next)\n", "t.csv", NumberTolerance()) != nil)
  }

  @Test func brokenQuotesAreReadToTheEnd() {
    #expect(difference("a,\"b\n1,2", "a,\"b\n1,3", "t.csv") == #"row 1, column 2: 'b\n1,2' and 'b\n1,3'"#)
    #expect(difference("\"a\"x,1\n", "\"a\"y,1\n", "t.csv") == "row 1, column 1: 'ax' and 'ay'")
    #expect(difference("a\"b\n", "a\"c\n", "t.csv") == #"row 1, column 1: 'a"b' and 'a"c'"#)
  }
}
