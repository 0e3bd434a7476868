import RungCore
import RungReport

/// The steps of a trace as a drawing, an inline SVG: makers to the left, or above where there are many layers.
struct StepDiagram {
  private let groups: [StepGroup]
  private let graph: LayeredGraph
  private let file: String
  // The steps that read many outputs of another at once.
  private var gathering: Set<LayeredGraph.Edge> = []
  private let maker: Int?

  private static let box = (width: 176.0, height: 54.0)
  private static let gap = (along: 64.0, across: 22.0)
  // More layers than these would not fit beside each other on a page.
  private static let mostBeside = 5

  init(_ groups: [StepGroup], file: String, maker: Int?) {
    self.groups = groups
    self.file = file
    self.maker = maker
    let numbers = Dictionary(groups.enumerated().map { ($1.step, $0) }, uniquingKeysWith: { first, _ in first })
    var edges: [LayeredGraph.Edge] = []
    for (index, group) in groups.enumerated() {
      for input in group.inputs.keys {
        switch input.origin {
        case .project: continue
        case .step(let step, _): if let from = numbers[step] { edges.append(.init(from: from, to: index)) }
        case .collection(let step, _, _):
          guard let from = numbers[step] else { continue }
          edges.append(.init(from: from, to: index))
          gathering.insert(.init(from: from, to: index))
        }
      }
    }
    if let maker { edges.append(.init(from: maker, to: groups.count)) }
    graph = LayeredGraph(count: groups.count + (maker == nil ? 0 : 1), edges: edges)
    self.edges = Set(edges.filter { $0.from < $0.to }).sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }

  private let edges: [LayeredGraph.Edge]

  private var isBeside: Bool { graph.layerCount <= Self.mostBeside }

  // The middle of a place.
  private func point(layer: Int, place: Double) -> (x: Double, y: Double) {
    if isBeside {
      return (
        Self.box.width / 2 + 2 + Double(layer) * (Self.box.width + Self.gap.along),
        2 + place * (Self.box.height + Self.gap.across)
      )
    }
    return (
      2 + place * (Self.box.width + Self.gap.across),
      Self.box.height / 2 + 2 + Double(layer) * (Self.box.height + Self.gap.along * 0.6)
    )
  }

  var svg: String {
    let last = point(layer: graph.layerCount - 1, place: graph.width)
    let width = isBeside ? last.x + Self.box.width / 2 + 2 : last.x + 2
    let height = isBeside ? last.y + 2 : last.y + Self.box.height / 2 + 2
    var out = HTMLText()
    out.raw(
      "<svg class=\"graph\" viewBox=\"0 0 \(Self.text(width)) \(Self.text(height))\" width=\"\(Self.text(width))\""
        + " height=\"\(Self.text(height))\" role=\"img\" aria-label=\"The steps and how they depend on each other\">\n")
    for edge in edges { draw(edge, &out) }
    for node in graph.layers.indices { draw(node, &out) }
    out.raw("</svg>\n")
    return out.text
  }

  private func draw(_ edge: LayeredGraph.Edge, _ out: inout HTMLText) {
    let bends = graph.bends[edge] ?? []
    let start = point(layer: graph.layers[edge.from], place: graph.places[edge.from])
    let end = point(layer: graph.layers[edge.to], place: graph.places[edge.to])
    var points = [
      isBeside ? (x: start.x + Self.box.width / 2, y: start.y) : (x: start.x, y: start.y + Self.box.height / 2)
    ]
    for (offset, place) in bends.enumerated() {
      points.append(point(layer: graph.layers[edge.from] + 1 + offset, place: place))
    }
    // Room for the head of the arrow.
    points.append(
      isBeside ? (x: end.x - Self.box.width / 2 - 7, y: end.y) : (x: end.x, y: end.y - Self.box.height / 2 - 7))
    var path = "M\(Self.text(points[0].x)) \(Self.text(points[0].y))"
    for index in 1..<points.count {
      let (a, b) = (points[index - 1], points[index])
      if isBeside {
        let middle = Self.text((a.x + b.x) / 2)
        path += "C\(middle) \(Self.text(a.y)) \(middle) \(Self.text(b.y)) \(Self.text(b.x)) \(Self.text(b.y))"
      } else {
        let middle = Self.text((a.y + b.y) / 2)
        path += "C\(Self.text(a.x)) \(middle) \(Self.text(b.x)) \(middle) \(Self.text(b.x)) \(Self.text(b.y))"
      }
    }
    let kind = gathering.contains(edge) ? "edge many" : "edge"
    out.raw("<path class=\"\(kind)\" d=\"\(path)\"/>\n")
    guard let tip = points.last else { return }
    let (x, y) = (Self.text(tip.x), Self.text(tip.y))
    out.raw("<path class=\"head\" d=\"M\(x) \(y)" + (isBeside ? "m0 -4l7 4l-7 4z" : "m-4 0l4 7l4 -7z") + "\"/>\n")
  }

  private func draw(_ node: Int, _ out: inout HTMLText) {
    let middle = point(layer: graph.layers[node], place: graph.places[node])
    let (left, top) = (middle.x - Self.box.width / 2, middle.y - Self.box.height / 2)
    let isFile = node == groups.count
    let lines = isFile ? [Self.lastName(file)] : Self.lines(groups[node])
    out.raw("<g class=\"\(isFile ? "file" : "step")\">")
    out.element("title", "", isFile ? file : groups[node].step)
    out.raw(
      "<rect x=\"\(Self.text(left))\" y=\"\(Self.text(top))\" width=\"\(Self.text(Self.box.width))\""
        + " height=\"\(Self.text(Self.box.height))\" rx=\"\(isFile ? 27 : 7)\"/>")
    for (index, line) in lines.enumerated() {
      let y = middle.y + 4 + (Double(index) - Double(lines.count - 1) / 2) * 16
      out.element(
        "text", "x=\"\(Self.text(middle.x))\" y=\"\(Self.text(y))\"\(index == 0 ? "" : " class=\"note\"")",
        Self.cut(line, index == 0 ? 23 : 27))
    }
    out.raw("</g>\n")
  }

  private static func lines(_ group: StepGroup) -> [String] {
    let name = lastName(group.step) + (group.instances.count > 1 ? " × \(group.instances.count)" : "")
    let axes = group.axes.keys.map { axis in "\(axis) × \(group.axes[axis].count)" }.joined(separator: ", ")
    return axes.isEmpty || group.instances.count == 1 ? [name] : [name, axes]
  }

  private static func lastName(_ path: String) -> String { String(path.split(separator: "/").last ?? path[...]) }

  private static func cut(_ text: String, _ most: Int) -> String {
    text.count <= most ? text : "\(text.prefix(most - 1))…"
  }

  // A decimal with at most one digit behind the point.
  private static func text(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
  }
}
