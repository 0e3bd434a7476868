import RungCore

/// The numbers of a pipeline's instances: small charts, a chart to choose, a table that the script shows in pages.
struct MeasurementsSection {
  private let steps: [StepValues]

  // Small charts are for a first look; the chart below them shows every number.
  private static let mostCharts = 6

  init(_ pipeline: PipelineValues) {
    steps = Array(
      pipeline.steps.filter { $0.isOwn && ($0.table?.count ?? 0) > 0 }.prefix(PipelinePage.mostSteps))
  }

  func add(to out: inout HTML) {
    out.line()
    out.element("section", .id("measurements"), .label("Measurements")) { out in
      out.element("h2", text: "Measurements")
      guard !steps.isEmpty else {
        out.element("p", .class("note"), text: "No instances yet.")
        return
      }
      out.element("div", .class("controls")) { out in
        out.element("label", .forControl("step-choice"), text: "Step")
        out.element("select", .id("step-choice")) { out in
          for step in steps {
            out.element("option", .value(step.id), text: "\(step.name) (\(grouped(step.table?.count ?? 0)))")
          }
        }
      }
      for step in steps { charts(step, &out) }
      out.element("div", .id("explorer")) { _ in }
      out.element("div", .id("instances")) { _ in }
      out.element("noscript") {
        $0.element("p", .class("note"), text: "The table of instances needs JavaScript; `rung show` prints it.")
      }
      out.data(id: "measurements-data", Self.data(steps))
    }
  }

  private func charts(_ step: StepValues, _ out: inout HTML) {
    guard let table = step.table else { return }
    out.element("div", .class("charts"), .data("data-charts", step.id)) { out in
      if let view = table.view {
        if let by = view.by { legend(table.axes[by], &out) }
        for column in table.columns.prefix(Self.mostCharts) {
          let chart = LineChart(table, column: column, over: view)
          guard chart.isWorthDrawing else { continue }
          out.element("figure", .class("small")) { out in
            out.element("figcaption", text: column.name)
            chart.add(to: &out, name: column.name)
          }
        }
      }
      for sentence in table.leftOut { out.element("p", .class("note"), text: sentence) }
    }
  }

  private func legend(_ axis: MetricTable.AxisColumn, _ out: inout HTML) {
    out.element("ul", .class("legend")) { out in
      out.element("li", text: axis.name)
      for (index, label) in axis.labels.enumerated() {
        out.element("li") { out in
          out.element("span", .class("key series-\(index % 8)"), .isHiddenFromReaders) { _ in }
          out.text(label)
        }
      }
    }
  }

  // Written by hand: a tree of values for 10,000 rows would take longer than all else on the page.
  static func data(_ steps: [StepValues]) -> [UInt8] {
    var out: [UInt8] = Array("[".utf8)
    func quote(_ text: String) { out += JSON.string(text).compactBytes }
    func list<T>(_ items: some Collection<T>, _ each: (T) -> Void) {
      out.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { out.append(UInt8(ascii: ",")) }
        each(item)
      }
      out.append(UInt8(ascii: "]"))
    }
    for (index, step) in steps.enumerated() {
      guard let table = step.table else { continue }
      if index > 0 { out += ",\n".utf8 }
      out += "{\"id\":".utf8
      quote(step.id)
      out += ",\"name\":".utf8
      quote(step.name)
      out += ",\"path\":".utf8
      quote(step.path)
      out += ",\"axes\":".utf8
      list(table.axes) { axis in
        out += "{\"name\":".utf8
        quote(axis.name)
        out += ",\"replicate\":\(axis.isReplicate),\"labels\":".utf8
        list(axis.labels, quote)
        out.append(UInt8(ascii: "}"))
      }
      out += ",\"along\":\(table.view.map { "\($0.along)" } ?? "null")".utf8
      out += ",\"by\":\(table.view?.by.map { "\($0)" } ?? "null")".utf8
      out += ",\"places\":".utf8
      // Most tables are a whole grid in its order, and all in one state: then the script can tell.
      if table.isGrid { out += "null".utf8 } else { list(table.places) { out += "\($0)".utf8 } }
      out += ",\"count\":\(table.count),\"states\":".utf8
      if let first = table.states.first, table.states.allSatisfy({ $0 == first }) {
        out += "\(first.rawValue)".utf8
      } else {
        list(table.states) { out += "\($0.rawValue)".utf8 }
      }
      out += ",\"seconds\":".utf8
      list(table.seconds) { out += Fixed.json($0).utf8 }
      out += ",\"columns\":".utf8
      list(table.columns) { column in
        out += "{\"name\":".utf8
        quote(column.name)
        out += ",\"values\":".utf8
        list(column.values) { out += Fixed.json($0).utf8 }
        out.append(UInt8(ascii: "}"))
      }
      out.append(UInt8(ascii: "}"))
    }
    out.append(UInt8(ascii: "]"))
    return out
  }
}
