/// A binary heap of nodes: the largest priority first, among equals the smallest number, so that a run is repeatable.
struct ReadyQueue: Sendable {
  private var heap: [(node: Int, priority: Double)] = []

  mutating func push(_ node: Int, _ priority: Double) {
    heap.append((node, priority))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard before(child, parent) else { break }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> Int? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      var parent = 0
      while true {
        var best = parent
        for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && before(child, best) { best = child }
        if best == parent { break }
        heap.swapAt(best, parent)
        parent = best
      }
    }
    return top.node
  }

  private func before(_ a: Int, _ b: Int) -> Bool {
    heap[a].priority > heap[b].priority || (heap[a].priority == heap[b].priority && heap[a].node < heap[b].node)
  }
}
