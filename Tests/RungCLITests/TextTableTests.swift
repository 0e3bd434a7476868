import Testing

@testable import RungCLI

/// Tables for people.
@Suite struct TextTableTests {
  private let table: TextTable = {
    var table = TextTable(header: ["claim", "predicted", "measured", "verdict"], numeric: [1])
    table.add(["standard-parameterization/gradient-growth", "0.75", "0.7337 ± 0.0124 (n=6)", "holds"])
    table.add(["x/数据", "-1", "-0.9351 ± 0.0843 (n=8)", "breaks, expected"])
    return table
  }()

  @Test func isAsWideAsItComes() {
    #expect(
      table.text(columns: nil) == """
        claim                                      predicted  measured                verdict
        standard-parameterization/gradient-growth       0.75  0.7337 ± 0.0124 (n=6)   holds
        x/数据                                            -1  -0.9351 ± 0.0843 (n=8)  breaks, expected
        """)
  }

  @Test func fitsTheWindowAndKeepsNumbers() {
    for columns in 60...120 {
      let lines = table.text(columns: columns).split(separator: "\n").map(String.init)
      #expect(lines.allSatisfy { ScreenLine.width(of: $0) <= columns })
      #expect(lines[1].contains("0.75") && lines[1].contains("holds"))
    }
    // Where it cannot fit, it is as narrow as words allow.
    #expect(table.text(columns: 10).split(separator: "\n").allSatisfy { ScreenLine.width(of: String($0)) <= 51 })
  }
}
