/// Charts of what the instances of a step told of while they ran.
struct CoursesBlock {
  let courses: [CourseValues]

  func add(to out: inout HTML) {
    guard !courses.isEmpty else { return }
    out.element("p", .class("label"), text: "As it went")
    var labels: [String] = []
    for course in courses { for line in course.lines where !labels.contains(line.label) { labels.append(line.label) } }
    if labels.count > 1 {
      out.element("ul", .class("legend")) { out in
        for (index, label) in labels.enumerated() {
          out.element("li") { out in
            out.element("span", .class("key series-\(index % 8)"), .isHiddenFromReaders) { _ in }
            out.text(label)
          }
        }
      }
    }
    out.element("div", .class("charts")) { out in
      for course in courses {
        let chart = LineChart(
          axis: course.over,
          lines: labels.map { label in
            let points = course.lines.first { $0.label == label }?.points ?? []
            return LineChart.Line(
              label: label,
              points: points.filter { $0.x.isFinite && $0.y.isFinite }.sorted { $0.x < $1.x }.map {
                LineChart.Point(x: $0.x, label: Fixed.short($0.x), mean: $0.y, low: $0.y, high: $0.y, count: 1)
              })
          })
        guard chart.isWorthDrawing else { continue }
        out.element("figure", .class("small")) { out in
          out.element("figcaption", text: course.metric)
          chart.add(to: &out, name: course.metric)
        }
      }
    }
  }
}
