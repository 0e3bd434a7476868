import RungCore
import Testing

@testable import RungCLI

/// Plots of characters.
@Suite struct TerminalPlotTests {
  private func text(_ plot: TerminalPlot, _ columns: Int = 60, _ rows: Int = 16) -> String {
    plot.lines(columns: columns, rows: rows).joined(separator: "\n") + "\n"
  }

  @Test func severalSeriesOnLogarithmicAxes() throws {
    let plot = TerminalPlot(
      x: "width", y: "test error",
      series: [
        .init(name: "theory", points: [10, 30, 100, 300, 1000].map { ($0, 1 / $0) }),
        .init(name: "measured", points: [(10, 0.2), (100, 0.03), (1000, 0), (1000, .nan)]),
      ], isLogX: true, isLogY: true)
    try Golden.expect(text(plot), is: "plot-log")
  }

  @Test func labelsStandForValuesThatAreNoNumbers() throws {
    let plot = TerminalPlot(
      x: "activation", y: "loss", series: [.init(name: "", points: [(0, 3), (1, 1), (2, 2)])],
      labels: ["relu", "tanh", "erf"])
    try Golden.expect(text(plot, 50, 12), is: "plot-labels")
  }

  @Test func aSinglePointAndNoneAreDrawn() {
    #expect(text(.init(x: "x", y: "y", series: [.init(name: "", points: [(1, 1)])])).contains("●"))
    let none = TerminalPlot(x: "x", y: "y", series: [.init(name: "", points: [(1, -1)])], isLogY: true)
    #expect(none.lines(columns: 60, rows: 10) == ["nothing to draw: no point has numbers that can be drawn"])
  }

  @Test func nothingIsWiderThanTheWindow() {
    let points = (0..<5000).map { (x: Double($0), y: Double(($0 * 7919) % 1000)) }
    let plot = TerminalPlot(
      x: String(repeating: "long name ", count: 20), y: "y",
      series: [.init(name: "a", points: points), .init(name: String(repeating: "数", count: 99), points: points)])
    for columns in [30, 80, 200] {
      let lines = plot.lines(columns: columns, rows: 24)
      #expect(lines.allSatisfy { ScreenLine.width(of: $0) <= columns })
      #expect(lines.count <= 24)
    }
  }
}
