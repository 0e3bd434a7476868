import RungCore

/// What ran when beside what, as a drawing: a row for each slot, a colour for each step, the critical path outlined.
struct TimelineSection {
  private let run: RunValues
  private let slots: [Int]
  private let critical: [Int]

  private static let width = 960.0
  private static let left = 8.0
  // As many colours as the style sheet has.
  private static let colours = 8

  init(_ run: RunValues, slots: [Int], critical: [Int]) {
    self.run = run
    self.slots = slots
    self.critical = critical
  }

  // The later of the end of the run and that of its last execution, in nanoseconds after its start.
  private var end: Int64 {
    max(1, run.executions.map(\.end).max() ?? 1)
  }

  func add(to out: inout HTML) {
    let rows = (slots.max() ?? 0) + 1
    let row = rows > 24 ? 8.0 : rows > 8 ? 14.0 : 22.0
    let height = Double(rows) * row + 30
    let steps = StepTotal.of(run).map(\.step)
    let colours = Dictionary(
      steps.enumerated().map { ($1, $0 % Self.colours) }, uniquingKeysWith: { first, _ in first })
    let scale = (Self.width - 2 * Self.left) / Double(end)
    out.element("section", .id("timeline"), .label("Timeline")) { out in
      out.element("h2", text: "Timeline")
      out.element(
        "p", .class("note"),
        text: "A row for each slot, which records do not name: each execution is in the first that was free. "
          + "The critical path is outlined.")
      out.element("div", .class("timeline"), .tab(0), .role("region"), .label("Timeline, scrolls sideways")) { out in
        let label =
          "\(counted(run.executions.count, "execution")) of \(counted(steps.count, "step")) on \(counted(rows, "slot")) in \(TimeSpan(nanoseconds: end))"
        out.element(
          "svg", .class("bars"), .viewBox(Self.width, height), .role("img"), .label(label),
          .data("data-row", Fixed.text(row, digits: 1)), .data("data-end", Fixed.text(Double(end) / 1e9, digits: 6))
        ) { out in
          grid(height, scale, &out)
          // One path for each step: thousands of elements would be slow to lay out.
          for (number, step) in steps.enumerated() {
            var path = ""
            for (index, execution) in run.executions.enumerated() where execution.step == step {
              path += bar(execution, slots[index], row, scale)
            }
            out.element("path", .class("step-\(number % Self.colours)"), .geometry("d", path)) { _ in }
          }
          let outline = critical.map { bar(run.executions[$0], slots[$0], row, scale) }.joined()
          out.element("path", .class("critical"), .geometry("d", outline)) { _ in }
          let failed = run.executions.indices.filter { run.executions[$0].outcome != "succeeded" }
          if !failed.isEmpty {
            let path = failed.map { bar(run.executions[$0], slots[$0], row, scale) }.joined()
            out.element("path", .class("failed"), .geometry("d", path)) { _ in }
          }
        }
      }
      out.element("p", .class("hover"), .id("timeline-hover"), .live) { $0.text(" ") }
      out.element("ul", .class("legend")) { out in
        for step in steps.prefix(24) {
          out.element("li") { out in
            out.element("span", .class("key step-\(colours[step] ?? 0)"), .isHiddenFromReaders) { _ in }
            out.text(step)
          }
        }
        if steps.count > 24 { out.element("li", text: "and \(steps.count - 24) more") }
      }
    }
  }

  private func grid(_ height: Double, _ scale: Double, _ out: inout HTML) {
    let step = Self.roundTime(Double(end) / 1e9 / 6)
    for tick in stride(from: 0, through: Double(end) / 1e9, by: step) {
      let x = Self.left + tick * 1e9 * scale
      out.element(
        "path", .class("grid"), .geometry("d", "M\(Fixed.text(x, digits: 1)) 0V\(Fixed.text(height - 22, digits: 1))")
      ) { _ in }
      out.element(
        "text", .number("x", x), .number("y", height - 8), .anchor(tick == 0 ? "start" : "middle"),
        text: "\(TimeSpan(nanoseconds: Int64(tick * 1e9)))")
    }
  }

  // The next time that people count in, in seconds.
  private static func roundTime(_ seconds: Double) -> Double {
    let steps = [
      0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800,
    ]
    return steps.first { $0 >= seconds } ?? (seconds / 3600).rounded(.up) * 3600
  }

  private func bar(_ execution: RunValues.Execution, _ slot: Int, _ row: Double, _ scale: Double) -> String {
    let x = Self.left + Double(max(0, execution.start)) * scale
    let width = max(0.7, Double(execution.duration) * scale - 0.4)
    return
      "M\(Fixed.text(x, digits: 1)) \(Fixed.text(Double(slot) * row + 2, digits: 1))h\(Fixed.text(width, digits: 1))v\(Fixed.text(row - 4, digits: 1))h-\(Fixed.text(width, digits: 1))z"
  }
}
