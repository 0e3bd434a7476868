/// A graph of steps as inline SVG: boxes in layers, makers to the left, or above where there are many layers. Boxes are
/// links, in the order of the nodes, so that the keyboard goes from makers to users.
struct GraphDrawing {
  /// A box.
  struct Node {
    var title: String
    var note: String
    var link: Link
    /// What a reader hears, and sees under the pointer.
    var label: String
    /// A class of the style sheet.
    var style = ""
    /// How the instances behind it stand, as a bar at its foot.
    var counts: StateCounts?
    /// For the script: what the box opens.
    var opens: String?
  }

  private let nodes: [Node]
  private let edges: [LayeredGraph.Edge: Bool]
  private let graph: LayeredGraph
  private let label: String

  private static let box = (width: 184.0, height: 62.0)
  private static let gap = (along: 56.0, across: 20.0)
  /// Larger graphs would be a carpet, and take long to lay out.
  static let mostNodes = 150

  // More layers than these would be too small to read beside each other.
  private static let mostBeside = 6

  /// A drawing of nodes in an order in which makers come first; for `late` see `LayeredGraph`.
  init(_ nodes: [Node], uses: [StepUse], label: String, late: Range<Int> = 0..<0) {
    self.nodes = nodes
    self.label = label
    var edges: [LayeredGraph.Edge: Bool] = [:]
    for use in uses where use.maker < use.user {
      edges[LayeredGraph.Edge(from: use.maker, to: use.user), default: false] =
        edges[LayeredGraph.Edge(from: use.maker, to: use.user)] == true || use.gathers
    }
    self.edges = edges
    graph = LayeredGraph(count: nodes.count, edges: Array(edges.keys), late: late)
  }

  private var isBeside: Bool { graph.layerCount <= Self.mostBeside }

  private var size: (width: Double, height: Double) {
    let last = point(layer: graph.layerCount - 1, place: graph.width)
    return isBeside
      ? (last.x + Self.box.width / 2 + 4, last.y - Self.gap.across / 2 + 4)
      : (last.x - Self.gap.across / 2 + 4, last.y + Self.box.height / 2 + 4)
  }

  // The middle of a place.
  private func point(layer: Int, place: Double) -> (x: Double, y: Double) {
    if isBeside {
      return (
        4 + Self.box.width / 2 + Double(layer) * (Self.box.width + Self.gap.along),
        4 + place * (Self.box.height + Self.gap.across) - Self.gap.across / 2
      )
    }
    return (
      4 + place * (Self.box.width + Self.gap.across) - Self.gap.across / 2,
      4 + Self.box.height / 2 + Double(layer) * (Self.box.height + Self.gap.along * 0.8)
    )
  }

  /// The drawing in its frame, with the buttons that the script brings to life.
  func add(to out: inout HTML) {
    let size = size
    out.element("div", .class("graph-frame"), .data("data-graph", "")) { out in
      out.element("div", .class("graph-scroll")) { out in
        out.element(
          "svg", .class("graph"), .viewBox(size.width, size.height), .number("width", size.width),
          .number("height", size.height), .role("group"), .label(label)
        ) { out in
          for edge in edges.keys.sorted(by: { ($0.from, $0.to) < ($1.from, $1.to) }) {
            draw(edge, gathers: edges[edge] == true, &out)
          }
          for index in nodes.indices { draw(index, &out) }
        }
      }
    }
  }

  private func draw(_ edge: LayeredGraph.Edge, gathers: Bool, _ out: inout HTML) {
    var points: [(x: Double, y: Double)] = []
    let start = point(layer: graph.layers[edge.from], place: graph.places[edge.from])
    let end = point(layer: graph.layers[edge.to], place: graph.places[edge.to])
    func shifted(_ p: (x: Double, y: Double), _ sign: Double) -> (x: Double, y: Double) {
      isBeside ? (p.x + sign * Self.box.width / 2, p.y) : (p.x, p.y + sign * Self.box.height / 2)
    }
    points.append(shifted(start, 1))
    for (index, place) in (graph.bends[edge] ?? []).enumerated() {
      let middle = point(layer: graph.layers[edge.from] + 1 + index, place: place)
      points += [shifted(middle, -1), shifted(middle, 1)]
    }
    let tip = shifted(end, -1)
    points.append(isBeside ? (tip.x - 7, tip.y) : (tip.x, tip.y - 7))
    func text(_ p: (x: Double, y: Double)) -> String {
      "\(Fixed.text(p.x, digits: 1)) \(Fixed.text(p.y, digits: 1))"
    }
    var path = "M\(text(points[0]))"
    for (index, to) in points.enumerated().dropFirst() {
      let from = points[index - 1]
      // Straight through a layer, curved between layers.
      if index % 2 == 0 {
        path += "L\(text(to))"
      } else {
        let half = isBeside ? (to.x - from.x) / 2 : (to.y - from.y) / 2
        let first = isBeside ? (from.x + half, from.y) : (from.x, from.y + half)
        let second = isBeside ? (to.x - half, to.y) : (to.x, to.y - half)
        path += "C\(text(first)) \(text(second)) \(text(to))"
      }
    }
    out.element("path", .class(gathers ? "edge many" : "edge"), .geometry("d", path)) { _ in }
    let head =
      isBeside
      ? "M\(text((tip.x - 8, tip.y - 4)))L\(text(tip))L\(text((tip.x - 8, tip.y + 4)))z"
      : "M\(text((tip.x - 4, tip.y - 8)))L\(text(tip))L\(text((tip.x + 4, tip.y - 8)))z"
    out.element("path", .class("head"), .geometry("d", head)) { _ in }
  }

  private func draw(_ index: Int, _ out: inout HTML) {
    let node = nodes[index]
    let middle = point(layer: graph.layers[index], place: graph.places[index])
    let (left, top) = (middle.x - Self.box.width / 2, middle.y - Self.box.height / 2)
    var attributes: [Attribute] = [.class("node \(node.style)"), .href(node.link), .label(node.label)]
    if let opens = node.opens { attributes.append(.data("data-opens", opens)) }
    out.element("a", all: attributes) { out in
      out.element("title", text: node.label)
      out.element(
        "rect", .class("box"), .number("x", left), .number("y", top), .number("width", Self.box.width),
        .number("height", Self.box.height), .number("rx", 6)
      ) { _ in }
      let isShort = node.note.isEmpty
      out.element(
        "text", .number("x", left + 12), .number("y", top + (isShort ? 36 : 25)), .class("name"),
        text: Self.fit(node.title, 23))
      if !isShort {
        out.element(
          "text", .number("x", left + 12), .number("y", top + 42), .class("note"), text: Self.fit(node.note, 29))
      }
      bar(node, left, top, &out)
    }
  }

  private func bar(_ node: Node, _ left: Double, _ top: Double, _ out: inout HTML) {
    guard let counts = node.counts, counts.total > 0 else { return }
    let parts: [(InstanceState, Int)] = [
      (.current, counts.current), (.failed, counts.failed), (.wouldRun, max(0, counts.wouldRun - counts.failed)),
      (.undecided, counts.undecided),
    ]
    let length = Self.box.width - 24
    var x = left + 12
    for (state, count) in parts where count > 0 {
      let width = length * Double(min(count, counts.total)) / Double(counts.total)
      out.element(
        "rect", .class("bar \(state.style)"), .number("x", x), .number("y", top + 50), .number("width", width),
        .number("height", 4)
      ) { _ in }
      x += width
    }
  }

  // About so many characters have room; of a longer name the beginning and the end.
  static func fit(_ text: String, _ most: Int) -> String {
    guard text.count > most else { return text }
    let front = (most - 1) * 3 / 5
    return "\(text.prefix(front))…\(text.suffix(most - 1 - front))"
  }
}
