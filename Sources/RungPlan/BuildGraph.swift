import RungCore
import RungModel

/// Every step instance of a project and what each needs, as flat arrays.
///
/// Nodes are numbered densely: first the instances (`0 ..< instanceCount`, those of a step next to each other), then the
/// collections. A collection is the set of instances that a reference gathers; it is a node of its own, so that 3,000
/// consumers of 3,000 instances share one set of 3,000 edges instead of having nine million.
public struct BuildGraph: Sendable {
  /// The number of a node.
  public typealias NodeID = Int

  /// The pipelines, in the order of the project.
  public let pipelines: [Pipeline]
  /// All steps of all pipelines.
  public let steps: [PlannedStep]
  /// All collections; the node of collection `i` is `instanceCount + i`.
  public let collections: [Collection]
  /// How many instances there are.
  public let instanceCount: Int
  /// For each instance the index of its step.
  public let stepOfInstance: [Int32]
  /// The steps such that each comes after those it uses.
  public let stepOrder: [Int]

  /// Steps that cannot be expanded yet, since they run over dynamic axes whose values are unknown, or use such steps.
  public let open: [OpenStep]

  private let dependentOffsets: [Int32]
  private let dependentTargets: [Int32]
  /// For each node how many nodes it needs.
  public let dependencyCounts: [Int32]

  /// How many nodes there are: instances and collections.
  public var nodeCount: Int { instanceCount + collections.count }

  /// The instances that a reference gathers.
  public struct Collection: Sendable {
    /// The index of the step that makes them.
    public let producer: Int
    /// Which of its outputs.
    public let output: Int
    /// A table, a summary of replicates or a directory of files.
    public let form: CollectedForm
    /// In the order of the producer's instances.
    public let members: [Int32]
  }

  /// What a collection becomes in a workspace.
  public enum CollectedForm: String, Sendable {
    /// One CSV table of JSON outputs.
    case table
    /// One CSV table of what the replicates of JSON outputs have in common.
    case summary
    /// A directory with `index.csv` and the files.
    case files

    /// Whether it is one file.
    public var isTable: Bool { self != .files }
  }

  init(
    pipelines: [Pipeline], steps: [PlannedStep], collections: [Collection], instanceCount: Int, stepOrder: [Int],
    open: [OpenStep] = []
  ) {
    self.open = open
    self.pipelines = pipelines
    self.steps = steps
    self.collections = collections
    self.instanceCount = instanceCount
    self.stepOrder = stepOrder
    var owner: [Int32] = []
    owner.reserveCapacity(instanceCount)
    for (index, step) in steps.enumerated() { owner.append(contentsOf: repeatElement(Int32(index), count: step.count)) }
    stepOfInstance = owner

    // Edges in compressed rows: count, prefix sums, fill.
    let nodes = instanceCount + collections.count
    var counts = [Int32](repeating: 0, count: nodes)
    var offsets = [Int32](repeating: 0, count: nodes + 1)
    func eachEdge(_ body: (_ from: Int, _ to: Int) -> Void) {
      for step in steps {
        for binding in step.bindings {
          for instance in 0..<step.count {
            let node = binding.node(of: instance, instanceCount)
            if node >= 0 { body(node, step.first + instance) }
          }
        }
      }
      for (index, collection) in collections.enumerated() {
        for member in collection.members { body(Int(member), instanceCount + index) }
      }
    }
    eachEdge { from, to in
      offsets[from + 1] += 1
      counts[to] += 1
    }
    for node in 0..<nodes { offsets[node + 1] += offsets[node] }
    var next = offsets
    var targets = [Int32](repeating: 0, count: Int(offsets[nodes]))
    eachEdge { from, to in
      targets[Int(next[from])] = Int32(to)
      next[from] += 1
    }
    dependencyCounts = counts
    dependentOffsets = offsets
    dependentTargets = targets
  }

  /// The nodes that need `node`, each as often as it needs it.
  public func dependents(of node: NodeID) -> ArraySlice<Int32> {
    dependentTargets[Int(dependentOffsets[node])..<Int(dependentOffsets[node + 1])]
  }

  /// The nodes that `node` needs, each as often as it needs it.
  public func dependencies(of node: NodeID) -> [NodeID] {
    guard node < instanceCount else { return collections[node - instanceCount].members.map(Int.init) }
    // In place: a copy of the step would cost more than all the rest.
    let index = Int(stepOfInstance[node])
    let local = node - steps[index].first
    return steps[index].bindings.map { $0.node(of: local, instanceCount) }.filter { $0 >= 0 }
  }

  /// The step of an instance.
  public func step(of instance: NodeID) -> PlannedStep { steps[Int(stepOfInstance[instance])] }

  /// `pipeline/step[axis=value,…]`, without brackets for a step that runs over nothing.
  public func name(of instance: NodeID) -> String {
    let step = self.step(of: instance)
    return step.path + step.suffix(of: instance - step.first)
  }

  /// The instances in an order in which each comes after those it needs.
  public var instanceOrder: some Sequence<NodeID> {
    stepOrder.lazy.flatMap { index in steps[index].first..<(steps[index].first + steps[index].count) }
  }
}

/// A step with its instances.
public struct PlannedStep: Sendable {
  /// The index of the pipeline in the graph.
  public let pipeline: Int
  /// `pipeline/step`.
  public let path: String
  /// What was declared.
  public let step: Step
  /// For each axis in `step.over`: its declaration with the values that instances use (those that `include` adds last).
  /// For a loop one more, that of its rounds.
  public let axes: [Axis]
  /// The number of the first instance; the others follow.
  public let first: Int
  /// How many instances there are.
  public let count: Int
  // For each instance an index into the values of each axis, flat.
  let coordinates: [Int32]
  /// One for each distinct output of another step that the command refers to.
  public let bindings: [Binding]

  /// The value of an axis for an instance (both counted within the step).
  public func value(axis: Int, of instance: Int) -> AxisValue {
    axes[axis].values[Int(coordinates[instance * axes.count + axis])]
  }

  /// The axes without that of the rounds of a loop: those by which others know what the step gives.
  public var outerAxes: ArraySlice<Axis> { step.loop == nil ? axes[...] : axes.dropLast() }

  /// The number of the round of an instance (counted within the step), from 1; nil for a step that is no loop.
  public func round(of instance: Int) -> Int? {
    step.loop == nil ? nil : Int(coordinates[instance * axes.count + axes.count - 1]) + 1
  }

  /// Whether others use an instance (counted within the step): of a loop the last round that there may be.
  public func isLast(_ instance: Int) -> Bool {
    guard let loop = step.loop else { return true }
    return round(of: instance) == loop.atMost
  }

  /// Axis names and labels of an instance without the round of a loop.
  public func outerLabels(of instance: Int) -> [(axis: String, label: String)] {
    outerAxes.indices.map { (axes[$0].name, value(axis: $0, of: instance).label) }
  }

  /// `[width=200,seed=3]`, or nothing for a step without axes.
  public func suffix(of instance: Int) -> String {
    guard !axes.isEmpty else { return "" }
    var text = "["
    for axis in axes.indices {
      if axis > 0 { text += "," }
      text += axes[axis].name
      text += "="
      text += value(axis: axis, of: instance).label
    }
    return text + "]"
  }

  /// Axis names and labels of an instance, in the order of `over`.
  public func labels(of instance: Int) -> [(axis: String, label: String)] {
    axes.indices.map { (axes[$0].name, value(axis: $0, of: instance).label) }
  }
}

/// How a reference to another step's output is met, for each instance.
public struct Binding: Sendable {
  /// The reference.
  public let reference: StepOutput
  /// The index of the step that makes the output.
  public let producer: Int
  /// The index of the output in that step.
  public let output: Int
  let resolution: Resolution

  enum Resolution: Sendable {
    // For each instance of the consumer the instance that it takes the output from; -1 in the first round of a loop, which
    // has none before it.
    case single([Int32])
    // For each instance of the consumer the collection.
    case collected([Int32])
  }

  /// The collection that an instance (counted within its step) uses; nil when it takes the output of one instance.
  public func collection(of instance: Int) -> Int? {
    if case .collected(let sets) = resolution { return Int(sets[instance]) }
    return nil
  }

  /// The instance that an instance (counted within its step) takes the output from; nil when it takes a collection.
  public func source(of instance: Int) -> Int? {
    if case .single(let sources) = resolution, sources[instance] >= 0 { return Int(sources[instance]) }
    return nil
  }

  /// Whether it gives the values of a dynamic axis: no input of the step, but where its instances come from.
  public var isOrigin: Bool { reference.source.hasPrefix("from ") }

  /// Whether it is the output of the round before.
  public var isPrevious: Bool { reference.source.hasPrefix("\(Loop.previous).") }

  // Negative for none.
  func node(of instance: Int, _ instanceCount: Int) -> Int {
    switch resolution {
    case .single(let sources): Int(sources[instance])
    case .collected(let sets): instanceCount + Int(sets[instance])
    }
  }
}
