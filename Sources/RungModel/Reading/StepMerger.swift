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

  /// A step's mapping.
  struct Merged {
    var node: YAMLNode
    /// The environment that the step falls back to.
    var environment: YAMLNode?
    /// What it uses, if it does.
    var use: Use?
  }

  /// The mapping of a step; nil after a mistake in `uses`.
  func merged(pipeline: Int, step: YAMLNode.Entry) -> Merged? { merged(pipeline: pipeline, step: step, trail: []) }

  private func merged(pipeline: Int, step: YAMLNode.Entry, trail: [Link]) -> Merged? {
    let draft = pipelines[pipeline]
    var merged = Merged(node: step.value, environment: draft.environment)
    if let entry = step.value.entries?.first(where: { $0.name == "uses" }), !entry.value.isNull {
      let name = "\(draft.name)/\(step.name)"
      if let start = trail.firstIndex(where: { $0.name == name }) {
        recursion(Array(trail[start...]))
        return nil
      }
      guard trail.count < Self.depthLimit else {
        mistakes.error("'uses' goes through more than \(Self.depthLimit) steps", at: entry.value)
        return nil
      }
      guard let (basePipeline, baseStep) = find(entry.value, from: pipeline),
        let base = self.merged(
          pipeline: basePipeline, step: baseStep, trail: trail + [Link(name: name, node: entry.value)])
      else { return nil }
      merged.use = Use(
        pipeline: draft.name, step: step.name, base: (pipelines[basePipeline].name, baseStep.name), key: entry.key,
        text: entry.value.text ?? "",
        regions: [region(of: baseStep, in: basePipeline, from: pipeline)] + (base.use?.regions ?? []),
        own: region(of: step, in: pipeline, from: pipeline))
      merged.node.content = .mapping((step.value.entries ?? []).filter { $0.name != "uses" })
      merged.node = Self.merge(merged.node, over: base.node)
      merged.environment = merged.environment ?? base.environment
    }
    if let defaults = draft.defaults { merged.node = Self.merge(merged.node, over: defaults) }
    return merged
  }

  // Another file as a whole, because its defaults come along; in the same file the used step alone.
  private func region(of base: YAMLNode.Entry, in pipeline: Int, from user: Int) -> Use.Region {
    let file = pipelines[pipeline].file.text
    if pipeline != user { return Use.Region(file: file, span: nil) }
    let (key, value) = (base.key, base.value)
    return Use.Region(file: file, span: ((key.line, key.column), (value.endLine, value.endColumn)))
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
