import RungCore
import RungModel

extension BuildGraph {
  /// Expands the steps of pipelines over their axes and joins them by their references.
  ///
  /// Axes of the same name meet by the labels of their values: a step that lacks an axis of what it uses collects, any
  /// other takes the instance with the same labels. Throws when an instance needs one that does not exist (left out by
  /// `exclude`), or when a step has more than 10,000,000 instances.
  public init(_ pipelines: [Pipeline]) throws(Diagnostics) {
    var builder = GraphBuilder(pipelines: pipelines)
    try builder.build()
    self.init(
      pipelines: pipelines, steps: builder.steps, collections: builder.collections,
      instanceCount: builder.instanceCount, stepOrder: builder.order, open: builder.open)
  }
}

private struct GraphBuilder {
  let pipelines: [Pipeline]
  var steps: [PlannedStep] = []
  var collections: [BuildGraph.Collection] = []
  var instanceCount = 0
  var order: [Int] = []
  var open: [OpenStep] = []

  private var indexOfStep: [String: Int] = [:]
  private var groups: [GroupKey: [UInt64: Int32]] = [:]
  private var problems: [Diagnostic] = []

  // Which collections of an output exist already, by the axes that consumers share with its producer.
  private struct GroupKey: Hashable {
    let producer: Int
    let output: Int
    let form: BuildGraph.CollectedForm
    let shared: [Int]
  }

  init(pipelines: [Pipeline]) { self.pipelines = pipelines }

  mutating func build() throws(Diagnostics) {
    var declared: [(pipeline: Int, step: Step)] = []
    let unknown = unknownAxes()
    for (index, pipeline) in pipelines.enumerated() {
      for step in pipeline.steps {
        if let axes = unknown["\(pipeline.name)/\(step.name)"] {
          open.append(OpenStep(path: "\(pipeline.name)/\(step.name)", pipeline: pipeline.name, axes: axes))
          continue
        }
        indexOfStep["\(pipeline.name)/\(step.name)"] = declared.count
        declared.append((index, step))
      }
    }
    for (pipeline, step) in declared { expand(step, in: pipeline) }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    for index in steps.indices { bind(index) }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    sortSteps()
  }

  // For each step that waits for values of dynamic axes, itself or through what it uses, those axes.
  private func unknownAxes() -> [String: [OpenStep.UnknownAxis]] {
    guard pipelines.contains(where: { $0.axes.contains { !$0.isKnown } }) else { return [:] }
    var result: [String: [OpenStep.UnknownAxis]] = [:]
    // What uses an open step is open, too: as often as anything changes.
    var changed = true
    while changed {
      changed = false
      for pipeline in pipelines {
        for step in pipeline.steps {
          let path = "\(pipeline.name)/\(step.name)"
          var axes = pipeline.axes.filter { !$0.isKnown && step.over.contains($0.name) }.compactMap { axis in
            axis.origin.map { OpenStep.UnknownAxis(pipeline: pipeline.name, name: axis.name, origin: $0) }
          }
          let origins = pipeline.axes.filter { step.over.contains($0.name) }.compactMap(\.origin?.output)
          for used in step.command.outputs + origins {
            for axis in result["\(used.pipeline)/\(used.step)"] ?? [] where !axes.contains(axis) { axes.append(axis) }
          }
          if !axes.isEmpty, axes.count > result[path]?.count ?? 0 {
            result[path] = axes
            changed = true
          }
        }
      }
    }
    return result
  }

  // MARK: instances

  private mutating func expand(_ step: Step, in pipelineIndex: Int) {
    let pipeline = pipelines[pipelineIndex]
    var axes: [Axis] = []
    for name in step.over {
      guard let axis = pipeline.axes.first(where: { $0.name == name }) else {
        problems.append(
          Diagnostic(.error, "step '\(step.name)' runs over an unknown axis '\(name)'", at: step.location))
        return
      }
      axes.append(axis)
    }
    if let loop = step.loop {
      axes.append(
        Axis(
          name: Loop.axis, values: (1...loop.atMost).map { AxisValue(label: "\($0)", value: .int($0)) },
          location: step.location))
    }
    let product = axes.reduce(1.0) { $0 * Double($1.values.count) }
    guard product <= 10_000_000 else {
      problems.append(
        Diagnostic(
          .error, "step '\(step.name)' would have \(Int(product)) instances", at: step.location,
          notes: [
            "the limit is 10,000,000; run over fewer axes, or cut them with 'exclude' (each round of a loop counts)"
          ]))
      return
    }
    var coordinates: [Int32] = []
    coordinates.reserveCapacity(Int(product) * axes.count)
    var count = 0
    var current = [Int32](repeating: 0, count: axes.count)
    let excludes = step.exclude.map { rule in
      rule.compactMap { name, label in step.over.firstIndex(of: name).map { (axis: $0, label: label) } }
    }
    // An odometer: the last axis turns fastest.
    while true {
      let excluded = excludes.contains { rule in
        rule.allSatisfy { axes[$0.axis].values[Int(current[$0.axis])].label == $0.label }
      }
      if !excluded {
        coordinates.append(contentsOf: current)
        count += 1
      }
      var axis = axes.count - 1
      while axis >= 0 {
        current[axis] += 1
        if Int(current[axis]) < axes[axis].values.count { break }
        current[axis] = 0
        axis -= 1
      }
      if axis < 0 { break }
    }
    var present: Set<[Int32]> = step.include.isEmpty ? [] : Set(coordinates.chunks(of: axes.count))
    for combination in step.include {
      var extra: [Int32] = []
      for axis in axes.indices.prefix(step.over.count) {
        guard let value = combination[axes[axis].name] else { continue }
        if let known = axes[axis].values.firstIndex(where: { $0.label == value.label }) {
          extra.append(Int32(known))
        } else {
          extra.append(Int32(axes[axis].values.count))
          axes[axis].values.append(value)
        }
      }
      guard extra.count == step.over.count else { continue }
      // An added combination of a loop has all its rounds.
      for round in 0..<(step.loop?.atMost ?? 1) {
        let one = step.loop == nil ? extra : extra + [Int32(round)]
        guard present.insert(one).inserted else { continue }
        coordinates.append(contentsOf: one)
        count += 1
      }
    }
    if count == 0 {
      problems.append(
        Diagnostic(.error, "step '\(step.name)' has no instances: 'exclude' leaves out all", at: step.location))
    }
    steps.append(
      PlannedStep(
        pipeline: pipelineIndex, path: "\(pipeline.name)/\(step.name)", step: step, axes: axes, first: instanceCount,
        count: count, coordinates: coordinates, bindings: []))
    instanceCount += count
  }

  // MARK: references

  private mutating func bind(_ index: Int) {
    let consumer = steps[index]
    var bindings: [Binding] = []
    var references = consumer.step.command.outputs
    if let loop = consumer.step.loop {
      // A round begins when it is known whether the one before was the last.
      let output = StepOutput(
        pipeline: pipelines[consumer.pipeline].name, step: consumer.step.name, output: loop.output,
        source: "\(Loop.previous).\(loop.output)")
      if !references.contains(output) { references.append(output) }
    }
    for axis in consumer.axes {
      guard let origin = axis.origin else { continue }
      references.append(
        StepOutput(
          pipeline: origin.output.pipeline, step: origin.output.step, output: origin.output.output,
          source: "from \(origin.output.source)"))
    }
    for reference in references {
      if bindings.contains(where: { $0.reference == reference }) { continue }
      guard let producer = indexOfStep["\(reference.pipeline)/\(reference.step)"],
        let output = steps[producer].step.outputs.firstIndex(where: { $0.name == reference.output })
      else {
        problems.append(
          Diagnostic(
            .error, "step '\(consumer.step.name)' refers to an unknown output '\(reference.source)'",
            at: consumer.step.location))
        continue
      }
      if producer == index {
        let sources = (0..<consumer.count).map { local in
          consumer.round(of: local) == 1 ? Int32(-1) : Int32(consumer.first + local - 1)
        }
        bindings.append(Binding(reference: reference, producer: producer, output: output, resolution: .single(sources)))
        continue
      }
      bindings.append(resolve(reference, producer: producer, output: output, for: consumer))
    }
    steps[index] = PlannedStep(
      pipeline: consumer.pipeline, path: consumer.path, step: consumer.step, axes: consumer.axes,
      first: consumer.first, count: consumer.count, coordinates: consumer.coordinates, bindings: bindings)
  }

  private mutating func resolve(
    _ reference: StepOutput, producer: Int, output: Int, for consumer: PlannedStep
  ) -> Binding {
    let source = steps[producer]
    // The producer's axes that the consumer has too, and how the consumer's values map to the producer's.
    var shared: [Int] = []
    var consumerAxis: [Int] = []
    var translation: [[Int32]] = []
    for (axis, declared) in source.outerAxes.enumerated() {
      guard let own = consumer.axes.firstIndex(where: { $0.name == declared.name }) else { continue }
      shared.append(axis)
      consumerAxis.append(own)
      var byLabel: [String: Int32] = [:]
      for (index, value) in declared.values.enumerated() { byLabel[value.label] = Int32(index) }
      translation.append(consumer.axes[own].values.map { byLabel[$0.label] ?? -1 })
    }
    let collects = shared.count < source.outerAxes.count || reference.form != .automatic
    let form: BuildGraph.CollectedForm =
      switch reference.form {
      case .table: .table
      case .files: .files
      case .summary: .summary
      case .automatic: source.step.outputs[output].path.source.hasSuffix(".json") ? .table : .files
      }
    if form == .summary, !source.outerAxes.contains(where: { $0.isReplicate }) {
      problems.append(
        Diagnostic(
          .error, "'\(reference.source)' is a summary of replicates, and '\(source.step.name)' runs over none",
          at: consumer.step.location,
          notes: ["declare an axis such as 'seed: {replicates: 10}' and put it into its 'over'; or use ':table'"]))
    }
    let lookup: [UInt64: Int32]
    if collects {
      lookup = collectionsOf(GroupKey(producer: producer, output: output, form: form, shared: shared))
    } else {
      lookup = Dictionary(
        (0..<source.count).filter(source.isLast).map { local in
          (key(of: local, in: source, axes: shared), Int32(source.first + local))
        },
        uniquingKeysWith: { first, _ in first })
    }
    var found = [Int32](repeating: 0, count: consumer.count)
    for instance in 0..<consumer.count {
      var key: UInt64 = 0
      var missing = false
      for (position, axis) in shared.enumerated() {
        let own = Int(consumer.coordinates[instance * consumer.axes.count + consumerAxis[position]])
        let value = translation[position][own]
        if value < 0 { missing = true }
        key = key &* UInt64(source.axes[axis].values.count) &+ UInt64(max(0, value))
      }
      if !missing, let target = lookup[key] {
        found[instance] = target
      } else {
        problems.append(
          Diagnostic(
            .error,
            "\(consumer.path)\(consumer.suffix(of: instance)) needs '\(reference.source)' of an instance that does not exist",
            at: consumer.step.location,
            notes: ["'\(source.step.name)' has no instance with the same axis values; see its 'exclude' and 'include'"])
        )
        break
      }
    }
    return Binding(
      reference: reference, producer: producer, output: output,
      resolution: collects ? .collected(found) : .single(found))
  }

  private func key(of instance: Int, in step: PlannedStep, axes: [Int]) -> UInt64 {
    var key: UInt64 = 0
    for axis in axes {
      key =
        key &* UInt64(step.axes[axis].values.count)
        &+ UInt64(step.coordinates[instance * step.axes.count + axis])
    }
    return key
  }

  private mutating func collectionsOf(_ group: GroupKey) -> [UInt64: Int32] {
    if let known = groups[group] { return known }
    let source = steps[group.producer]
    var members: [UInt64: [Int32]] = [:]
    var keys: [UInt64] = []
    for instance in 0..<source.count where source.isLast(instance) {
      let key = key(of: instance, in: source, axes: group.shared)
      if members[key] == nil { keys.append(key) }
      members[key, default: []].append(Int32(source.first + instance))
    }
    var result: [UInt64: Int32] = [:]
    for key in keys {
      result[key] = Int32(collections.count)
      collections.append(
        BuildGraph.Collection(
          producer: group.producer, output: group.output, form: group.form, members: members[key] ?? []))
    }
    groups[group] = result
    return result
  }

  // Depth first; the model has already refused cycles.
  private mutating func sortSteps() {
    var seen = [Bool](repeating: false, count: steps.count)
    for start in steps.indices where !seen[start] {
      var stack: [(step: Int, next: Int)] = [(start, 0)]
      seen[start] = true
      while let top = stack.last {
        let bindings = steps[top.step].bindings
        if top.next < bindings.count {
          stack[stack.count - 1].next += 1
          let producer = bindings[top.next].producer
          if !seen[producer] {
            seen[producer] = true
            stack.append((producer, 0))
          }
        } else {
          order.append(top.step)
          stack.removeLast()
        }
      }
    }
  }
}

extension Array {
  fileprivate func chunks(of size: Int) -> [[Element]] {
    guard size > 0 else { return [] }
    return stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
