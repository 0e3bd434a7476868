import RungClaims

/// A number of a table over one of its axes, a line for each value of another; all else is taken together: the mean as a
/// line, its 95 % interval as a band. Inline SVG.
struct LineChart {
  /// A place on the axis.
  struct Point: Hashable {
    let x: Double
    let label: String
    let mean: Double
    let low: Double
    let high: Double
    let count: Int
  }

  /// One line.
  struct Line: Hashable {
    /// Empty where there is one line only.
    let label: String
    /// In the order of the axis.
    let points: [Point]
  }

  let lines: [Line]
  private let axis: String
  private let isNumeric: Bool
  private static let size = (width: 264.0, height: 150.0)
  private static let margin = (left: 46.0, right: 10.0, top: 8.0, bottom: 30.0)

  /// The column `column` of a table over its axes. Rows without a number are left out.
  init(_ table: MetricTable, column: MetricTable.Column, over view: MetricTable.View) {
    let declared = table.axes[view.along]
    let numbers = declared.numbers
    isNumeric = numbers != nil
    axis = declared.name
    let names = view.by.map { table.axes[$0].labels } ?? [""]
    var groups = [[[Double]]](
      repeating: [[Double]](repeating: [], count: declared.labels.count), count: names.count)
    for row in 0..<table.count where column.values[row].isFinite {
      groups[view.by.map { table.place(row, $0) } ?? 0][table.place(row, view.along)].append(column.values[row])
    }
    lines = zip(names, groups).compactMap { name, groups in
      let points = groups.indices.filter { !groups[$0].isEmpty }.map { index in
        let estimate = Estimate(of: groups[index])
        return Point(
          x: numbers?[index] ?? Double(index), label: declared.labels[index], mean: estimate.value,
          low: estimate.interval?.lowerBound ?? estimate.value, high: estimate.interval?.upperBound ?? estimate.value,
          count: estimate.count)
      }.sorted { $0.x < $1.x }
      return points.isEmpty ? nil : Line(label: name, points: points)
    }
  }

  /// Lines that are known, over numbers.
  init(axis: String, lines: [Line]) {
    self.axis = axis
    self.lines = lines
    isNumeric = true
  }

  private var points: [Point] { lines.flatMap(\.points) }

  /// Whether there is anything that a line could show.
  var isWorthDrawing: Bool { lines.contains { $0.points.count > 1 } }

  /// What the chart shows, in words.
  func words(_ name: String) -> String {
    guard let low = points.min(by: { $0.mean < $1.mean }), let high = points.max(by: { $0.mean < $1.mean }) else {
      return "\(name): no numbers"
    }
    let count = lines.count > 1 ? ", \(lines.count) lines" : ""
    return "\(name) over \(axis)\(count): least \(Fixed.short(low.mean)) at \(low.label), "
      + "most \(Fixed.short(high.mean)) at \(high.label)"
  }

  func add(to out: inout HTML, name: String) {
    let box = Self.size
    let margin = Self.margin
    let right = box.width - margin.right
    let x = Scale(points.map(\.x), from: margin.left, to: right, decades: isNumeric ? 1.3 : .infinity)
    let y = Scale(shown, from: box.height - margin.bottom, to: margin.top, decades: 2)
    out.element(
      "svg", .class("chart"), .viewBox(box.width, box.height), .role("img"), .label(words(name))
    ) { out in
      for tick in y.ticks {
        let grid = "M\(Self.place(margin.left, y(tick)))H\(Fixed.text(right, digits: 1))"
        out.element("path", .class("grid"), .geometry("d", grid)) { _ in }
        out.element(
          "text", .number("x", margin.left - 6), .number("y", y(tick) + 3.5), .anchor("end"), text: Fixed.tick(tick))
      }
      for (at, label) in xTicks(x) {
        out.element(
          "text", .number("x", at), .number("y", box.height - margin.bottom + 13), .anchor("middle"), text: label)
      }
      out.element(
        "text", .class("axis"), .number("x", (margin.left + right) / 2), .number("y", box.height - 3),
        .anchor("middle"), text: axis)
      for (index, line) in lines.enumerated() { draw(line, "series-\(index % 8)", x, y, &out) }
    }
  }

  // A band that reaches below zero must not keep means of many sizes from a logarithmic scale.
  private var shown: [Double] {
    let isPositive = points.allSatisfy { $0.mean > 0 }
    return points.flatMap { [isPositive ? max($0.low, $0.mean / 2) : $0.low, $0.mean, $0.high] }
  }

  private func draw(_ line: Line, _ style: String, _ x: Scale, _ y: Scale, _ out: inout HTML) {
    func level(_ value: Double) -> Double { y(max(y.low, min(y.high, value))) }
    if line.points.count > 1 {
      let up = line.points.map { Self.place(x($0.x), level($0.high)) }
      let down = line.points.reversed().map { Self.place(x($0.x), level($0.low)) }
      let band = "M\((up + down).joined(separator: "L"))z"
      out.element("path", .class("band \(style)"), .geometry("d", band)) { _ in }
      let way = line.points.map { Self.place(x($0.x), y($0.mean)) }
      out.element("path", .class("line \(style)"), .geometry("d", "M\(way.joined(separator: "L"))")) { _ in }
    }
    for point in line.points.count <= 40 ? line.points : [] {
      out.element(
        "circle", .class("dot \(style)"), .number("cx", x(point.x)), .number("cy", y(point.mean)), .number("r", 2.2)
      ) { _ in }
    }
  }

  private static func place(_ x: Double, _ y: Double) -> String {
    "\(Fixed.text(x, digits: 1)) \(Fixed.text(y, digits: 1))"
  }

  private func xTicks(_ x: Scale) -> [(Double, String)] {
    if isNumeric { return x.ticks.map { (x($0), Fixed.tick($0)) } }
    var labels: [Double: String] = [:]
    for point in points { labels[point.x] = point.label }
    let sorted = labels.sorted { $0.key < $1.key }
    let step = max(1, (sorted.count + 4) / 5)
    return stride(from: 0, to: sorted.count, by: step).map {
      (x(sorted[$0].key), GraphDrawing.fit(sorted[$0].value, 9))
    }
  }
}
