import RungPlan

/// For each instance that is undecided the nearest ones upstream that would surely run, found for all instances in one
/// walk: 100,000 explanations must not walk the graph 100,000 times.
struct UpstreamRoots {
  /// Roots of one instance.
  struct Roots {
    /// By step, in the order of the graph; of each its instances, ascending.
    var steps: [(step: Int32, instances: [Int32])] = []
    /// There are more steps than are told.
    var more = false
  }

  // Nobody reads more, and a fan of explicit steps would have thousands.
  private static let mostSteps = 8

  private let graph: BuildGraph
  private let standing: [Survey.Standing]
  // For each node; nil where it has not been looked at.
  private var known: [Roots?]

  init(_ graph: BuildGraph, _ survey: Survey) {
    self.graph = graph
    standing = survey.standing
    known = Array(repeating: nil, count: graph.nodeCount)
    for instance in graph.instanceOrder where standing[instance] == .undecided {
      known[instance] = gather(graph.dependencies(of: instance))
    }
  }

  /// The roots of an undecided instance.
  func of(_ instance: BuildGraph.NodeID) -> Roots { known[instance] ?? Roots() }

  private mutating func gather(_ nodes: [BuildGraph.NodeID]) -> Roots {
    var result = Roots()
    var isFirst = true
    for node in nodes {
      if node < graph.instanceCount, standing[node] == .wouldRun {
        Self.add(Int32(node), of: graph.stepOfInstance[node], to: &result)
      } else if let other = roots(node) {
        // Many instances that need the same share one list.
        if isFirst { result = other } else { Self.merge(other, into: &result) }
      } else {
        continue
      }
      isFirst = false
    }
    return result
  }

  private mutating func roots(_ node: BuildGraph.NodeID) -> Roots? {
    if node >= graph.instanceCount, known[node] == nil {
      known[node] = gather(graph.dependencies(of: node))
    }
    return known[node]
  }

  private static func merge(_ other: Roots, into result: inout Roots) {
    if other.more { result.more = true }
    for (step, instances) in other.steps {
      guard let at = result.steps.firstIndex(where: { $0.step >= step }) else {
        append((step, instances), to: &result)
        continue
      }
      if result.steps[at].step != step {
        insert((step, instances), at, &result)
      } else if result.steps[at].instances != instances {
        result.steps[at].instances = union(result.steps[at].instances, instances)
      }
    }
  }

  private static func add(_ instance: Int32, of step: Int32, to result: inout Roots) {
    guard let at = result.steps.firstIndex(where: { $0.step >= step }) else {
      append((step, [instance]), to: &result)
      return
    }
    guard result.steps[at].step == step else {
      insert((step, [instance]), at, &result)
      return
    }
    guard let last = result.steps[at].instances.last, last >= instance else {
      result.steps[at].instances.append(instance)
      return
    }
    if last > instance { result.steps[at].instances = union(result.steps[at].instances, [instance]) }
  }

  private static func append(_ item: (step: Int32, instances: [Int32]), to result: inout Roots) {
    if result.steps.count < mostSteps { result.steps.append(item) } else { result.more = true }
  }

  private static func insert(_ item: (step: Int32, instances: [Int32]), _ at: Int, _ result: inout Roots) {
    result.steps.insert(item, at: at)
    if result.steps.count > mostSteps {
      result.steps.removeLast()
      result.more = true
    }
  }

  // Of two ascending lists.
  private static func union(_ a: [Int32], _ b: [Int32]) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(a.count + b.count)
    var i = 0
    var j = 0
    while i < a.count || j < b.count {
      if j == b.count || i < a.count && a[i] < b[j] {
        result.append(a[i])
        i += 1
      } else {
        if i < a.count && a[i] == b[j] { i += 1 }
        result.append(b[j])
        j += 1
      }
    }
    return result
  }
}

/// What explanations of one survey have in common.
final class Explanations {
  let survey: Int
  let roots: UpstreamRoots
  // Why instances that would run do, for those that wait for them.
  var futures: [BuildGraph.NodeID: [Why.Explained]] = [:]
  // Of each step what was last told of some of its instances.
  var ofSteps: [Int32: (instances: [Int32], reasons: [Why.Explained])] = [:]

  init(_ graph: BuildGraph, _ survey: Survey) {
    self.survey = survey.number
    roots = UpstreamRoots(graph, survey)
  }
}
