import RungCore
import RungLedger
import RungPlan

/// What is up to date and what would run, without running anything.
public struct Survey: Sendable {
  /// How an instance stands.
  public enum Standing: Hashable, Sendable {
    /// Not asked about.
    case unneeded
    /// Its result is in the cache.
    case current
    /// Its key is known and has no result: it would run.
    case wouldRun
    /// Something that it needs would run; whether it runs depends on what comes out.
    case undecided
  }

  /// For each instance how it stands.
  public let standing: [Standing]
  /// Instances that would run because they were asked to, whatever is known of them.
  public let forced: Set<BuildGraph.NodeID>
  // Tells it from other surveys of its session.
  let number: Int

  /// Rounds of loops that had ended before: up to date, and nothing of their own.
  public let settled: Set<BuildGraph.NodeID>

  /// How many instances stand so.
  public func count(_ wanted: Standing) -> Int {
    standing.count { $0 == wanted } - (wanted == .current ? settled.count : 0)
  }
}

extension Session {
  /// Looks at everything that the targets need. Writes nothing but what was learnt of files, through `remember()`.
  ///
  /// Throws `Diagnostics` when an input cannot be read.
  public func survey(_ targets: [BuildGraph.NodeID], forced: Bool = false) throws -> Survey {
    let needed = self.targets.closure(of: targets)
    try freeze(needed)
    let force = forced ? Set(targets) : []
    var standing = [Survey.Standing](repeating: .unneeded, count: graph.instanceCount)
    var openCollections = [Bool?](repeating: nil, count: graph.collections.count)
    for instance in graph.instanceOrder where needed[instance] {
      let step = graph.step(of: instance)
      let local = instance - step.first
      let isOpen = step.bindings.contains { binding in
        if let source = binding.source(of: local) { return standing[source] != .current }
        guard let index = binding.collection(of: local) else { return false }
        if let known = openCollections[index] { return known }
        let open = graph.collections[index].members.contains { standing[Int($0)] != .current }
        openCollections[index] = open
        return open
      }
      if isOpen {
        standing[instance] = .undecided
        continue
      }
      if let settled = settled(instance) {
        resolver.value.learn(instance, settled)
        standing[instance] = .current
        continue
      }
      let key = try resolver.value.key(of: instance)
      if !force.contains(instance), let result = try lookUp(key, of: instance), !isGone(instance, result, needed) {
        resolver.value.learn(instance, result)
        standing[instance] = .current
      } else {
        standing[instance] = .wouldRun
      }
    }
    findLost(&standing)
    surveys += 1
    let settled = graph.steps.lazy.filter { $0.step.loop != nil }.flatMap { $0.first..<($0.first + $0.count) }
      .filter { standing[$0] == .current && self.isSettled($0) }
    return Survey(standing: standing, forced: force, number: surveys, settled: Set(settled))
  }

  // Bytes that are gone are made again when something that runs needs them.
  private func findLost(_ standing: inout [Survey.Standing]) {
    var seen = [Survey.Standing?](repeating: nil, count: graph.collections.count)
    for index in graph.stepOrder.reversed() {
      let step = graph.steps[index]
      // The last first: rounds of a loop need those before them.
      for local in (0..<step.count).reversed() {
        let own = standing[step.first + local]
        guard own == .wouldRun || own == .undecided else { continue }
        for binding in step.bindings {
          if let source = binding.source(of: local) {
            mark(source, binding.output, own, &standing)
          } else if let collection = binding.collection(of: local) {
            if seen[collection] == .wouldRun || seen[collection] == own { continue }
            seen[collection] = own
            for member in graph.collections[collection].members { mark(Int(member), binding.output, own, &standing) }
          }
        }
      }
    }
  }

  private func mark(
    _ maker: BuildGraph.NodeID, _ output: Int, _ user: Survey.Standing, _ standing: inout [Survey.Standing]
  ) {
    guard let known = resolver.value.output(output, of: maker), standing[maker] != .wouldRun, !holds(known) else {
      return
    }
    standing[maker] = user
  }

  /// Whether bytes are missing that a user would look for: those of results that nothing else reads, or that are
  /// published. The bytes of others are looked for when they are needed.
  func isGone(_ instance: BuildGraph.NodeID, _ result: KnownResult, _ needed: [Bool]) -> Bool {
    let isLeaf = !graph.dependents(of: instance).contains { needed[Int($0)] }
    let step = graph.step(of: instance)
    guard isLeaf || step.step.outputs.contains(where: { $0.publish != nil }) else { return false }
    return wanted(result.outputs, of: instance).contains { !store.contains($0.digest) }
  }

  /// Those of an instance's outputs whose bytes a user would look for.
  func wanted(_ outputs: [ActionOutput], of instance: BuildGraph.NodeID) -> [ActionOutput] {
    if asked.contains(instance) { return outputs }
    let passing = graph.step(of: instance).step.passing
    return passing.isEmpty ? outputs : outputs.filter { !passing.contains($0.name) }
  }

  /// The published files of surveyed instances (or of just one) that are missing or differ, by path.
  public func unpublished(_ survey: Survey, of instance: BuildGraph.NodeID? = nil) -> [String] {
    published.filter { path, place in
      guard instance == nil || place.instance == instance, survey.standing[place.instance] == .current,
        let relative = RelativePath(path),
        let output = resolver.value.output(place.output, of: place.instance)
      else { return false }
      return copy(of: output, at: relative) == nil
    }.keys.sorted()
  }
}
