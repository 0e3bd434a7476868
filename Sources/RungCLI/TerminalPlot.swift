import Glibc

/// A plot of characters: series of points over one axis, each with a mark of its own. A value; draws nothing itself.
struct TerminalPlot: Sendable {
  /// Points that belong together.
  struct Series: Sendable {
    /// What they are called; empty for the only one.
    let name: String
    let points: [(x: Double, y: Double)]
  }

  /// The names of the axes.
  let x: String
  let y: String
  let series: [Series]
  /// What stands at the ticks of an axis whose values are no numbers, by their place.
  var labels: [String] = []
  var isLogX = false
  var isLogY = false

  private static let marks: [Character] = ["●", "○", "▲", "△", "■", "□", "◆", "◇"]
  /// No more series than this can be told apart.
  static let most = marks.count

  /// The lines, at most `columns` wide and `rows` high. Points that are not finite, or not positive on a logarithmic axis,
  /// are left out and counted.
  func lines(columns: Int, rows: Int) -> [String] {
    let shown = series.map { series in
      series.points.filter { $0.x.isFinite && $0.y.isFinite && (!isLogX || $0.x > 0) && (!isLogY || $0.y > 0) }
        .map { (x: isLogX ? log10($0.x) : $0.x, y: isLogY ? log10($0.y) : $0.y) }
    }
    let all = shown.flatMap(\.self)
    let leftOut = series.reduce(0) { $0 + $1.points.count } - all.count
    guard let first = all.first else { return ["nothing to draw: no point has numbers that can be drawn"] }
    var low = first
    var high = first
    for point in all {
      low = (min(low.x, point.x), min(low.y, point.y))
      high = (max(high.x, point.x), max(high.y, point.y))
    }
    if high.y == low.y { (low.y, high.y) = (low.y - 1, high.y + 1) }
    if high.x == low.x { (low.x, high.x) = (low.x - 1, high.x + 1) }

    // Beside the name, the lower axis with its ends, the names of the series and a line that is left free.
    let height = max(4, rows - 4 - (series.count > 1 ? series.count : 0) - (leftOut > 0 ? 1 : 0))
    let ticks = stride(from: 0, to: height, by: max(1, (height - 1) / 4)).map { row in
      (row: row, text: tick(high.y - (high.y - low.y) * Double(row) / Double(height - 1), isLogY))
    }
    let margin = ticks.map { ScreenLine.width(of: $0.text) }.max() ?? 0
    let width = max(10, columns - margin - 3)
    var grid = [[Character]](repeating: [Character](repeating: " ", count: width), count: height)
    for (index, points) in shown.enumerated() {
      // Of many points in one column their mean is drawn.
      var cells: [Int: (sum: Double, count: Int)] = [:]
      for point in points {
        let column = Int(((point.x - low.x) / (high.x - low.x) * Double(width - 1)).rounded())
        let before = cells[column] ?? (0, 0)
        cells[column] = (before.sum + point.y, before.count + 1)
      }
      for (column, cell) in cells {
        let share = (cell.sum / Double(cell.count) - low.y) / (high.y - low.y)
        let row = height - 1 - Int((share * Double(height - 1)).rounded())
        grid[row][column] = Self.marks[index % Self.marks.count]
      }
    }

    var lines = [ScreenLine.fit(y, columns)]
    for row in 0..<height {
      let label = ticks.first { $0.row == row }?.text ?? ""
      lines.append(
        String(repeating: " ", count: margin - ScreenLine.width(of: label)) + label + (label.isEmpty ? " │" : " ┤")
          + trimmed(grid[row]))
    }
    lines.append(String(repeating: " ", count: margin) + " └" + String(repeating: "─", count: width))
    lines.append(abscissa(low.x, high.x, margin: margin + 2, width: width))
    if series.count > 1 {
      lines += series.enumerated().map { index, series in
        "  \(Self.marks[index % Self.marks.count]) \(ScreenLine.fit(series.name, columns - 4))"
      }
    }
    if leftOut > 0 {
      lines.append(
        "\(leftOut) point\(leftOut == 1 ? "" : "s") left out: not finite, or not positive on a logarithmic axis")
    }
    return lines
  }

  private func trimmed(_ cells: [Character]) -> String {
    var text = String(cells)
    while text.last == " " { text.removeLast() }
    return text
  }

  private func tick(_ value: Double, _ isLog: Bool) -> String { LiveScreen.short(isLog ? pow(10, value) : value) }

  // The ends of the axis, its middle and its name.
  private func abscissa(_ low: Double, _ high: Double, margin: Int, width: Int) -> String {
    func text(_ value: Double) -> String {
      if labels.isEmpty { return tick(value, isLogX) }
      let place = Int(value.rounded())
      return labels.indices.contains(place) ? ScreenLine.fit(labels[place], width / 4) : ""
    }
    let (left, right) = (text(low), text(high))
    var line = String(repeating: " ", count: margin) + left
    let middle = ScreenLine.fit(x, max(1, width - ScreenLine.width(of: left + right) - 4))
    let start = margin + (width - ScreenLine.width(of: middle)) / 2
    line += String(repeating: " ", count: max(2, start - ScreenLine.width(of: line))) + middle
    let end = margin + width - ScreenLine.width(of: right)
    return line + String(repeating: " ", count: max(2, end - ScreenLine.width(of: line))) + right
  }
}
