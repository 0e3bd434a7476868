/// Places for the nodes of a directed graph without cycles: in layers, each edge from a lower to a higher one, with few
/// crossings. Small graphs only: the steps of a pipeline, of a trace.
public struct LayeredGraph: Sendable {
  /// An edge between two nodes, `from` the lower number.
  public struct Edge: Hashable, Sendable {
    /// Where it begins.
    public let from: Int
    /// Where it ends.
    public let to: Int

    /// An edge.
    public init(from: Int, to: Int) {
      self.from = from
      self.to = to
    }
  }

  /// The layer of each node; 0 for those that nothing leads to.
  public private(set) var layers: [Int]
  /// The place of each node within its layer, in units of one node, from 0 on.
  public private(set) var places: [Double]
  /// For each edge the places at which it crosses the layers between its ends, in order.
  public private(set) var bends: [Edge: [Double]] = [:]
  /// How many layers there are.
  public let layerCount: Int
  /// How many nodes' room the widest layer takes.
  public private(set) var width = 1.0

  // Nodes, then the points at which edges cross layers.
  private struct Item {
    var layer: Int
    var before: [Int] = []
    var after: [Int] = []
    // A bend takes less room than a node.
    var size = 1.0
    var place = 0.0
  }

  /// Places `count` nodes. Edges to a node with no higher number are left out: so no cycle can do harm. The nodes in `late`,
  /// to which nothing leads, go right before the first that uses them instead of into the first layer.
  public init(count: Int, edges all: [Edge], late: Range<Int> = 0..<0) {
    let edges = Set(all.filter { $0.from < $0.to && $0.from >= 0 && $0.to < count }).sorted {
      ($0.from, $0.to) < ($1.from, $1.to)
    }
    var layers = [Int](repeating: 0, count: count)
    for edge in edges.sorted(by: { $0.to < $1.to }) { layers[edge.to] = max(layers[edge.to], layers[edge.from] + 1) }
    for node in late.clamped(to: 0..<count) {
      let users = edges.filter { $0.from == node }.map { layers[$0.to] }
      layers[node] = max(layers[node], (users.min() ?? 1) - 1)
    }
    self.layers = layers
    layerCount = (layers.max() ?? 0) + 1
    var items = layers.map { Item(layer: $0) }
    var bendItems: [Edge: [Int]] = [:]
    for edge in edges {
      var last = edge.from
      // A graph of many layers could have far more bends than nodes; then edges go straight.
      let span = layers[edge.from] + 1..<layers[edge.to]
      if items.count + span.count <= 4 * count + 400 {
        for layer in span {
          items.append(Item(layer: layer, before: [last], size: 0.25))
          items[last].after.append(items.count - 1)
          bendItems[edge, default: []].append(items.count - 1)
          last = items.count - 1
        }
        items[last].after.append(edge.to)
        items[edge.to].before.append(last)
      }
    }
    Self.order(&items, layerCount: layerCount)
    places = items.prefix(count).map(\.place)
    bends = bendItems.mapValues { $0.map { items[$0].place } }
    width = max(1, items.map { $0.place + $0.size / 2 }.max() ?? 1)
  }

  // Each layer sorted by where its neighbours are, some times up and down; then packed around the middle.
  private static func order(_ items: inout [Item], layerCount: Int) {
    var rows = [[Int]](repeating: [], count: layerCount)
    for index in items.indices { rows[items[index].layer].append(index) }
    func pack(_ row: [Int]) {
      var at = 0.0
      for index in row {
        items[index].place = at + items[index].size / 2
        at += items[index].size
      }
      for index in row { items[index].place -= at / 2 }
    }
    for row in rows { pack(row) }
    for sweep in 0..<8 {
      let isDown = sweep % 2 == 0
      for layer in isDown ? Array(rows.indices) : rows.indices.reversed() {
        let keys = rows[layer].enumerated().map { offset, index -> (key: Double, offset: Int, index: Int) in
          let neighbours = isDown ? items[index].before : items[index].after
          let sum = neighbours.reduce(0.0) { $0 + items[$1].place }
          return (neighbours.isEmpty ? items[index].place : sum / Double(neighbours.count), offset, index)
        }
        rows[layer] = keys.sorted { ($0.key, $0.offset) < ($1.key, $1.offset) }.map(\.index)
        pack(rows[layer])
      }
    }
    let least = items.map { $0.place - $0.size / 2 }.min() ?? 0
    for index in items.indices { items[index].place -= least }
  }
}
