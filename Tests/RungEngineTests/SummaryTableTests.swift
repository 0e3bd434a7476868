import RungCore
import RungModel
import Testing

@testable import RungEngine

/// What `:summary` makes of replicates.
@Suite struct SummaryTableTests {
  private func axis(_ name: String, _ labels: [String], isReplicate: Bool = false) -> Axis {
    Axis(name: name, values: labels.map { AxisValue(label: $0, value: .number($0)) }, isReplicate: isReplicate)
  }

  private func table(_ json: [[String]]) throws -> [String] {
    let axes = [axis("width", ["10", "20"]), axis("seed", ["0", "1", "2"], isReplicate: true)]
    var table = SummaryTable(axes: axes)
    for (row, texts) in json.enumerated() {
      for (column, text) in texts.enumerated() {
        table.add(
          values: [axes[0].values[row], axes[1].values[column]], json: try JSON(parsing: Array(text.utf8)))
      }
    }
    return try table.csv().split(separator: "\n").map(String.init)
  }

  /// Of 1, 2, 3: sd 1, and Student's t for two degrees of freedom, which has a closed form.
  @Test func numbersBecomeMeansWithIntervals() throws {
    let lines = try table([[#"{"a": 1}"#, #"{"a": 2}"#, #"{"a": 3}"#], [#"{"a": 7}"#]])
    #expect(lines[0] == "width,a.mean,a.sd,a.low,a.high,a.n")
    let cells = lines[1].split(separator: ",").map(String.init)
    #expect(cells[0] == "10" && cells[1] == "2.0" && cells[2] == "1.0" && cells[5] == "3")
    let half = 0.95 * (2 / (4 * 0.975 * 0.025)).squareRoot() / 3.0.squareRoot()
    let (low, high) = (try #require(Double(cells[3])), try #require(Double(cells[4])))
    #expect(abs(low - (2 - half)) < 1e-12 && abs(high - (2 + half)) < 1e-12)
    // One replicate has no spread.
    #expect(lines[2] == "20,7.0,,,,1")
  }

  @Test func whatIsMissingOrDivergedIsCountedAndSaid() throws {
    let lines = try table([[#"{"a": 1, "b": {"c": 4}}"#, #"{"a": null, "b": {"c": NaN}}"#, #"{"b": {"c": 4}}"#]])
    #expect(
      lines == ["width,a.mean,a.sd,a.low,a.high,a.n,b.c.mean,b.c.sd,b.c.low,b.c.high,b.c.n", "10,1.0,,,,1,NaN,,,,3"])
  }

  @Test func curvesAreTakenElementByElementAndWhatIsEqualStays() throws {
    let lines = try table([
      [#"{"loss": [1, 4], "kind": "a", "name": "x"}"#, #"{"loss": [3, 4], "kind": "a", "name": "y"}"#]
    ])
    #expect(lines[0] == "width,loss.mean,loss.sd,loss.low,loss.high,loss.n,kind")
    #expect(lines[1].hasPrefix(#"10,"[2.0,4.0]","[1.4142135623730951,0.0]","#) && lines[1].hasSuffix(",2,a"))
  }

  @Test func rowsOfListsAreMatchedByPosition() throws {
    let lines = try table([[#"[{"x": 1, "y": 5}, {"x": 2, "y": 6}]"#, #"[{"x": 1, "y": 7}, {"x": 2, "y": 8}]"#]])
    #expect(lines.count == 3)
    #expect(lines[1].hasPrefix("10,1.0,0.0,") && lines[2].hasPrefix("10,2.0,0.0,"))
    #expect(lines[2].contains(",7.0,"))
    #expect(throws: SummaryTable.Problem.self) { try table([["[{\"x\": 1}]", "[{\"x\": 1}, {\"x\": 2}]"]]) }
  }

  @Test func plainNumbersAreCalledValue() throws {
    #expect(try table([["4", "6"]])[0] == "width,value.mean,value.sd,value.low,value.high,value.n")
  }
}
