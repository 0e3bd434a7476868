import RungCore
import RungModel

/// What a user asks for: pipelines, steps, instances, patterns of those, published files.
public struct Targets: Sendable {
  private let graph: BuildGraph
  /// For each published file's path, from the project's root, the instance that makes it.
  private let published: [String: BuildGraph.NodeID]

  /// Targets of a graph. `published` maps published paths, from the project's root, to the instances that make them.
  public init(_ graph: BuildGraph, published: [String: BuildGraph.NodeID]) {
    self.graph = graph
    self.published = published
  }

  /// The instances that the texts name, in the order of the graph; all when there are no texts.
  ///
  /// A text is `pipeline`, `pipeline/step`, `pipeline/step[axis=value,…]` (axes that are left out match all their
  /// values), any of these with `*` and `?`, a step's name alone where it is unique, or the path of a published file
  /// (from the project's root, or from `folder`, the caller's place in the project). Throws for a text that names
  /// nothing, with the nearest name.
  public func instances(_ texts: [String], from folder: RelativePath = .root) throws(Diagnostics) -> [BuildGraph.NodeID]
  {
    guard !texts.isEmpty else { return Array(0..<graph.instanceCount) }
    var chosen: Set<BuildGraph.NodeID> = []
    var problems: [Diagnostic] = []
    for text in texts {
      let found = match(text, from: folder)
      if found.isEmpty, waiting([text]).isEmpty { problems.append(unknown(text)) }
      chosen.formUnion(found)
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return chosen.sorted()
  }

  /// The steps among those that the texts name whose instances are not known yet; all of them for no texts.
  public func waiting(_ texts: [String]) -> [OpenStep] {
    guard !texts.isEmpty else { return graph.open }
    let globs = texts.map { text in
      var pattern = String(text.prefix { $0 != "[" })
      while pattern.hasSuffix("/") { pattern.removeLast() }
      return (text: pattern, glob: Glob(pattern))
    }
    return graph.open.filter { step in
      globs.contains { text, glob in
        glob.matches(step.path) || glob.matches(step.pipeline) || step.path == "\(step.pipeline)/\(text)"
      }
    }
  }

  /// The instances that the texts name by their steps or by themselves, and not only as part of a pipeline.
  public func named(_ texts: [String], from folder: RelativePath = .root) -> Set<BuildGraph.NodeID> {
    let pipelines = Set(graph.pipelines.map(\.name))
    return Set(
      texts.lazy.filter { text in
        let glob = Glob(text.hasSuffix("/") ? String(text.dropLast()) : text)
        return !pipelines.contains(where: glob.matches)
      }.flatMap { match($0, from: folder) })
  }

  /// The chosen instances and everything that they need: a flag for each node of the graph.
  public func closure(of instances: [BuildGraph.NodeID]) -> [Bool] {
    var needed = [Bool](repeating: false, count: graph.nodeCount)
    var stack = instances
    while let node = stack.popLast() {
      guard !needed[node] else { continue }
      needed[node] = true
      stack.append(contentsOf: graph.dependencies(of: node).filter { !needed[$0] })
    }
    return needed
  }

  private func match(_ text: String, from folder: RelativePath) -> [BuildGraph.NodeID] {
    for base in [RelativePath.root, folder] {
      if let path = RelativePath(text, in: base), let instance = published[path.text] { return [instance] }
    }
    var pattern = text
    var selectors: [(axis: String, label: Glob)] = []
    if let bracket = text.firstIndex(of: "["), text.hasSuffix("]") {
      pattern = String(text[..<bracket])
      for part in text[text.index(after: bracket)...].dropLast().split(separator: ",") {
        guard let equals = part.firstIndex(of: "=") else { return [] }
        selectors.append((String(part[..<equals]), Glob(String(part[part.index(after: equals)...]))))
      }
    }
    while pattern.hasSuffix("/") { pattern.removeLast() }
    let steps = stepsMatching(pattern)
    return steps.flatMap { instances(of: graph.steps[$0], selectors) }
  }

  private func stepsMatching(_ pattern: String) -> [Int] {
    let glob = Glob(pattern)
    let bySteps = graph.steps.indices.filter { glob.matches(graph.steps[$0].path) }
    if !bySteps.isEmpty { return bySteps }
    let byPipeline = graph.steps.indices.filter { glob.matches(graph.pipelines[graph.steps[$0].pipeline].name) }
    if !byPipeline.isEmpty { return byPipeline }
    let byName = graph.steps.indices.filter { graph.steps[$0].step.name == pattern }
    return byName.count == 1 ? byName : []
  }

  private func instances(
    of step: PlannedStep, _ selectors: [(axis: String, label: Glob)]
  ) -> [BuildGraph.NodeID] {
    var tests: [(axis: Int, label: Glob)] = []
    for selector in selectors {
      guard let axis = step.axes.firstIndex(where: { $0.name == selector.axis }) else { return [] }
      tests.append((axis, selector.label))
    }
    return (0..<step.count).filter { instance in
      tests.allSatisfy { $0.label.matches(step.value(axis: $0.axis, of: instance).label) }
    }.map { step.first + $0 }
  }

  private func unknown(_ text: String) -> Diagnostic {
    let name = String(text.prefix { $0 != "[" })
    let sameName = graph.steps.filter { $0.step.name == name }
    if sameName.count > 1 {
      return Diagnostic(
        .error, "'\(text)' could be any of \(sameName.map { "'\($0.path)'" }.joined(separator: ", "))",
        notes: ["say which pipeline's step is meant"])
    }
    if let step = graph.steps.first(where: { $0.path == name || $0.step.name == name }), text != name {
      let axes = step.axes.map(\.name)
      let note =
        axes.isEmpty
        ? "'\(step.path)' runs over no axes: it has the one instance '\(step.path)'"
        : "its axes are \(axes.joined(separator: ", ")); for example '\(graph.name(of: step.first))'"
      return Diagnostic(.error, "no instance of '\(step.path)' matches '\(text)'", notes: [note])
    }
    let names =
      graph.pipelines.map(\.name) + graph.steps.map(\.path) + graph.steps.map(\.step.name) + published.keys.sorted()
    var notes: [String] = []
    if let near = nearest(name, among: names) { notes.append("did you mean '\(near)'?") }
    if graph.pipelines.isEmpty {
      notes.append("there is no pipeline in this project; `rung init` makes a first one")
    } else if notes.isEmpty {
      notes.append("the pipelines are \(graph.pipelines.map(\.name).joined(separator: ", "))")
    }
    return Diagnostic(.error, "nothing is called '\(text)'", notes: notes)
  }
}
