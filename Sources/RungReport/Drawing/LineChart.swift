import RungClaims

/// A number of a table over one of its axes, everything else as replicates: their mean as a line, its 95 % interval as a
/// band. Inline SVG.
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

  let points: [Point]
  private let axis: String
  private let isNumeric: Bool
  private static let size = (width: 264.0, height: 150.0)
  private static let margin = (left: 46.0, right: 10.0, top: 8.0, bottom: 30.0)

  /// The column `column` of a table over its axis `axis`. Rows without a number are left out.
  init(_ table: MetricTable, column: MetricTable.Column, axis: Int) {
    let declared = table.axes[axis]
    let numbers = declared.numbers
    isNumeric = numbers != nil
    self.axis = declared.name
    var groups = [[Double]](repeating: [], count: declared.labels.count)
    for row in 0..<table.count where column.values[row].isFinite {
      groups[table.place(row, axis)].append(column.values[row])
    }
    points = groups.indices.filter { !groups[$0].isEmpty }.map { index in
      let estimate = Estimate(of: groups[index])
      return Point(
        x: numbers?[index] ?? Double(index), label: declared.labels[index], mean: estimate.value,
        low: estimate.interval?.lowerBound ?? estimate.value, high: estimate.interval?.upperBound ?? estimate.value,
        count: estimate.count)
    }.sorted { $0.x < $1.x }
  }

  /// What the chart shows, in words.
  func words(_ name: String) -> String {
    guard let first = points.first, let last = points.last else { return "\(name): no numbers" }
    let low = points.min { $0.mean < $1.mean } ?? first
    let high = points.max { $0.mean < $1.mean } ?? first
    return "\(name) over \(axis): \(Fixed.short(first.mean)) at \(first.label), \(Fixed.short(last.mean)) at "
      + "\(last.label); least \(Fixed.short(low.mean)) at \(low.label), most \(Fixed.short(high.mean)) at \(high.label)"
  }

  func add(to out: inout HTML, name: String) {
    let box = Self.size
    let margin = Self.margin
    let x = Scale(
      points.map(\.x), from: margin.left, to: box.width - margin.right, decades: isNumeric ? 1.3 : .infinity)
    let means = points.map(\.mean)
    let isPositive = means.allSatisfy { $0 > 0 }
    // A band that reaches below zero must not keep means of many sizes from a logarithmic scale.
    let shown =
      isPositive
      ? means + points.flatMap { [max($0.low, $0.mean / 2), $0.high] } : points.flatMap { [$0.low, $0.high] }
    let y = Scale(shown, from: box.height - margin.bottom, to: margin.top, decades: 2)
    func place(_ h: Double, _ v: Double) -> String { "\(Fixed.text(h, digits: 1)) \(Fixed.text(v, digits: 1))" }
    func level(_ value: Double) -> Double { y(max(y.low, min(y.high, value))) }
    out.element(
      "svg", .class("chart"), .viewBox(box.width, box.height), .role("img"), .label(words(name))
    ) { out in
      for tick in y.ticks {
        let at = y(tick)
        out.element(
          "path", .class("grid"),
          .geometry("d", "M\(place(margin.left, at))H\(Fixed.text(box.width - margin.right, digits: 1))")
        ) { _ in }
        out.element(
          "text", .number("x", margin.left - 6), .number("y", at + 3.5), .anchor("end"), text: Fixed.tick(tick))
      }
      for (at, label) in xTicks(x) {
        out.element(
          "text", .number("x", at), .number("y", box.height - margin.bottom + 13), .anchor("middle"), text: label)
      }
      out.element(
        "text", .class("axis"), .number("x", (margin.left + box.width - margin.right) / 2),
        .number("y", box.height - 3), .anchor("middle"), text: axis)
      if points.count > 1 {
        let up = points.map { place(x($0.x), level($0.high)) }
        let down = points.reversed().map { place(x($0.x), level($0.low)) }
        out.element("path", .class("band"), .geometry("d", "M\((up + down).joined(separator: "L"))z")) { _ in }
        let line = points.map { place(x($0.x), y($0.mean)) }
        out.element("path", .class("line"), .geometry("d", "M\(line.joined(separator: "L"))")) { _ in }
      }
      for point in points.count <= 40 ? points : [] {
        out.element("circle", .class("dot"), .number("cx", x(point.x)), .number("cy", y(point.mean)), .number("r", 2.2))
        { _ in }
      }
    }
  }

  private func xTicks(_ x: Scale) -> [(Double, String)] {
    if isNumeric { return x.ticks.map { (x($0), Fixed.tick($0)) } }
    let step = max(1, (points.count + 4) / 5)
    return stride(from: 0, to: points.count, by: step).map { (x(points[$0].x), GraphDrawing.fit(points[$0].label, 9)) }
  }
}
