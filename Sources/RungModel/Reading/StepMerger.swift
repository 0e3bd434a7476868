import RungCore

/// A step's whole mapping: what `uses` takes from another step, with this step's keys over it and its file's defaults
/// under it.
struct StepMerger {
  let pipelines: [PipelineDraft]
  let mistakes: Mistakes
  /// A file could not be read: a pipeline that is missing may be in it.
  let isIncomplete: Bool
  private let pipelineIndex: [String: Int]
  private let stepIndex: [[String: Int]]

  /// How many steps may stand on each other's shoulders.
  private static let depthLimit = 100

  /// A step on the way through `uses`.
  private struct Link {
    var name: String
    var node: YAMLNode
  }

  init(_ pipelines: [PipelineDraft], isIncomplete: Bool, mistakes: Mistakes) {
    self.pipelines = pipelines
    self.mistakes = mistakes
    self.isIncomplete = isIncomplete
    pipelineIndex = Dictionary(pipelines.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    stepIndex = pipelines.map {
      Dictionary($0.steps.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    }
  }

  /// The mapping of a step and the environment it falls back to; nil after a mistake in `uses`.
  func merged(pipeline: Int, step: YAMLNode.Entry) -> (node: YAMLNode, environment: YAMLNode?)? {
    merged(pipeline: pipeline, step: step, trail: [])
  }

  private func merged(pipeline: Int, step: YAMLNode.Entry, trail: [Link]) -> (node: YAMLNode, environment: YAMLNode?)? {
    let draft = pipelines[pipeline]
    var node = step.value
    var environment = draft.environment
    if let uses = node["uses"], !uses.isNull {
      let name = "\(draft.name)/\(step.name)"
      if let start = trail.firstIndex(where: { $0.name == name }) {
        recursion(Array(trail[start...]))
        return nil
      }
      guard trail.count < Self.depthLimit else {
        mistakes.error("'uses' goes through more than \(Self.depthLimit) steps", at: uses)
        return nil
      }
      guard let (basePipeline, baseStep) = find(uses, from: pipeline),
        let base = merged(
          pipeline: basePipeline, step: baseStep, trail: trail + [Link(name: name, node: uses)])
      else { return nil }
      node.content = .mapping((node.entries ?? []).filter { $0.name != "uses" })
      node = Self.merge(node, over: base.node)
      environment = environment ?? base.environment
    }
    if let defaults = draft.defaults { node = Self.merge(node, over: defaults) }
    return (node, environment)
  }

  private func find(_ uses: YAMLNode, from pipeline: Int) -> (Int, YAMLNode.Entry)? {
    guard let text = mistakes.text(uses, for: "uses") else { return nil }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var index = pipeline
    if parts.count == 2 {
      guard let other = pipelineIndex[parts[0]] else {
        if isIncomplete { return nil }
        mistakes.error(
          "there is no pipeline '\(parts[0])'", at: uses, name: parts[0], among: pipelines.map(\.name),
          of: "pipelines")
        return nil
      }
      index = other
    } else if parts.count != 1 {
      mistakes.error("expected STEP or PIPELINE/STEP for 'uses', found '\(text)'", at: uses)
      return nil
    }
    let wanted = parts[parts.count - 1]
    guard let step = stepIndex[index][wanted] else {
      if pipelines[index].isIncomplete { return nil }
      mistakes.error(
        "pipeline '\(pipelines[index].name)' has no step '\(wanted)'", at: uses, name: wanted,
        among: pipelines[index].steps.map(\.name), of: "its steps are")
      return nil
    }
    return (index, pipelines[index].steps[step])
  }

  // Told once, from the first of the steps by name, wherever it was met.
  private func recursion(_ links: [Link]) {
    guard let first = links.indices.min(by: { links[$0].name < links[$1].name }) else { return }
    let turned = Array(links[first...] + links[..<first])
    let path = (turned.map(\.name) + [turned[0].name]).joined(separator: " → ")
    mistakes.error("'uses' goes round in a circle: \(path)", at: turned[0].node)
  }

  /// `node` over `base`: mappings merge, anything else replaces. An input replaces an input of its name as a whole.
  static func merge(_ node: YAMLNode, over base: YAMLNode, key: String = "") -> YAMLNode {
    guard let upper = node.entries, let lower = base.entries else { return node }
    var entries = lower
    var places = Dictionary(lower.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    for entry in upper {
      if let place = places[entry.name] {
        let value =
          key == "inputs" ? entry.value : merge(entry.value, over: entries[place].value, key: entry.name)
        entries[place] = YAMLNode.Entry(key: entry.key, value: value)
      } else {
        places[entry.name] = entries.count
        entries.append(entry)
      }
    }
    var result = node
    result.content = .mapping(entries)
    return result
  }
}
