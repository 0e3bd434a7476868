import RungCore
import RungLedger
import RungPlan

// Outputs that are made again when something reads them (`recompute: true`).
extension RunEngine {
  /// Frees the bytes of such outputs, when the run has ended well and nobody asked for them by name. Their results stay:
  /// what was made from them is up to date without them.
  ///
  /// Throws when the cache cannot be collected now; then nothing is lost but room.
  public func pass() throws {
    var outputs: [String: Set<String>] = [:]
    for (instance, fate) in fates where fate == .ran || fate == .unchanged {
      let passing = session.graph.step(of: instance).step.passing
      guard !passing.isEmpty, !session.asked.contains(instance),
        let result = session.resolver.value.results[instance]
      else { continue }
      let stored = result.outputs.filter { passing.contains($0.name) && session.store.contains($0.digest) }
      if !stored.isEmpty { outputs[session.graph.name(of: instance)] = Set(stored.map(\.name)) }
    }
    guard !outputs.isEmpty else { return }
    try Collector(store: session.store, ledger: session.ledger, cache: session.cache).pass(
      outputs, of: session.projectName)
  }

  // Whether the bytes of what an instance made are gone because they were meant to.
  func isPassing(_ instance: BuildGraph.NodeID) -> Bool {
    guard let result = session.resolver.value.results[instance] else { return false }
    let passing = session.graph.step(of: instance).step.passing
    return result.outputs.allSatisfy { passing.contains($0.name) || session.holds($0) }
  }
}
