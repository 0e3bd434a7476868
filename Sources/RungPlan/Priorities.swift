extension BuildGraph {
  /// For each node the length, in the unit of the durations, of the longest path that begins with it.
  ///
  /// - Parameter durations: for each step how long one instance is expected to take.
  public func remainingPaths(durations: [Double]) -> [Double] {
    var longest = [Double](repeating: 0, count: nodeCount)
    // Dependents before what they depend on: steps backwards; a collection lies between its members and its users.
    let collectionsOfProducer = Dictionary(grouping: collections.indices) { collections[$0].producer }
    for index in stepOrder.reversed() {
      for collection in collectionsOfProducer[index] ?? [] {
        let node = instanceCount + collection
        longest[node] = dependents(of: node).reduce(0) { max($0, longest[Int($1)]) }
      }
      let step = steps[index]
      for node in step.first..<(step.first + step.count) {
        longest[node] = durations[index] + dependents(of: node).reduce(0) { max($0, longest[Int($1)]) }
      }
    }
    return longest
  }
}
