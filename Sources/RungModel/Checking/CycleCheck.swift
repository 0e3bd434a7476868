import RungCore

/// Finds steps that need themselves.
struct CycleCheck {
  /// One step needs another.
  struct Edge {
    var from: Int
    var to: Int
    var node: YAMLNode
    var placeholder: Placeholder
  }

  /// Records each cycle that a walk over the steps meets, with its path. `names` are the steps as `pipeline/step`.
  static func check(names: [String], edges: [Edge], mistakes: Mistakes) {
    var outgoing = [[Int]](repeating: [], count: names.count)
    for (index, edge) in edges.enumerated() { outgoing[edge.from].append(index) }
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: names.count)
    // An own stack: a chain of steps may be longer than a thread's.
    for root in names.indices where states[root] == .new {
      var stack: [(step: Int, next: Int, via: Int)] = [(root, 0, -1)]
      states[root] = .open
      while let top = stack.last {
        guard top.next < outgoing[top.step].count else {
          states[top.step] = .done
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].next += 1
        let index = outgoing[top.step][top.next]
        let edge = edges[index]
        switch states[edge.to] {
        case .done: break
        case .new:
          states[edge.to] = .open
          stack.append((edge.to, 0, index))
        case .open:
          let start = stack.firstIndex { $0.step == edge.to } ?? 0
          let path = stack[start...].map { names[$0.step] } + [names[edge.to]]
          report(path, edge, mistakes)
        }
      }
    }
  }

  private static func report(_ path: [String], _ edge: Edge, _ mistakes: Mistakes) {
    let place = mistakes.place(of: edge.placeholder, in: edge.node)
    // Within one pipeline its name says nothing.
    let owners = Set(path.map { $0.split(separator: "/").first ?? "" })
    let shown = owners.count == 1 ? path.map { String($0.split(separator: "/").last ?? "") } : path
    var notes = ["each needs the next: cut the circle at one of them"]
    if path.count == 2 { notes = ["{out.\(edge.placeholder.names.last ?? "")} is what this step itself writes"] }
    mistakes.error(
      "steps need each other in a circle: \(shown.joined(separator: " → "))", at: place,
      line: edge.node.source.shownLine(place.line), length: edge.placeholder.braced.unicodeScalars.count, notes: notes)
  }
}
