import RungCore

/// Holds an edited project against what it was.
struct EditCheck {
  /// The pipeline file that was edited.
  let file: RelativePath
  /// The step that got inputs.
  let step: String
  /// The inputs that it got.
  let added: [Input]

  /// What is different beyond the new inputs, as a sentence; nil when nothing is.
  func difference(_ old: Project, _ new: Project) -> String? {
    guard old.pipelines.map(\.name) == new.pipelines.map(\.name) else { return "the pipelines would be others" }
    guard old.settings == new.settings else { return "the settings would be others" }
    for (before, after) in zip(old.pipelines, new.pipelines) {
      guard before.steps.map(\.name) == after.steps.map(\.name) else {
        return "pipeline '\(before.name)' would have other steps"
      }
      var (a, b) = (before, after)
      (a.steps, b.steps) = ([], [])
      guard Self.bare(a) == Self.bare(b) else { return "pipeline '\(before.name)' would be another" }
      for (one, other) in zip(before.steps, after.steps) {
        var (one, other) = (Self.bare(one), Self.bare(other))
        if before.file == file, one.name == step {
          guard let rest = Self.without(added, other.inputs, expected: one.inputs) else {
            return "the inputs of step '\(step)' would not be those of before and the new ones"
          }
          one.inputs = rest
          other.inputs = rest
        }
        if one != other { return "step '\(before.name)/\(one.name)' would change, too" }
      }
    }
    return nil
  }

  /// Whether two texts of the file say the same but for the inputs of the step: also in what no step uses now.
  func saysTheSame(_ old: YAMLNode, _ new: YAMLNode) -> Bool {
    let path = ["steps", step, "inputs"]
    return Self.removing(path[...], from: old.json) == Self.removing(path[...], from: new.json)
  }

  // The inputs of before, if `inputs` are these and the new ones, each once.
  private static func without(_ added: [Input], _ inputs: [Input], expected: [Input]) -> [Input]? {
    var left = added
    var rest: [Input] = []
    for input in inputs {
      if rest.count < expected.count, input == expected[rest.count] {
        rest.append(input)
      } else if let index = left.firstIndex(of: input) {
        left.remove(at: index)
      } else {
        return nil
      }
    }
    return left.isEmpty && rest == expected ? rest : nil
  }

  private static func removing(_ path: ArraySlice<String>, from json: JSON) -> JSON {
    guard let name = path.first, let members = json.members else { return json }
    if path.count == 1 { return .object(members.filter { $0.name != name }) }
    return .object(
      members.map { $0.name == name ? JSON.Member(name, removing(path.dropFirst(), from: $0.value)) : $0 })
  }

  // Lines move when something is put in.
  private static func bare(_ pipeline: Pipeline) -> Pipeline {
    var pipeline = pipeline
    for index in pipeline.parameters.indices { pipeline.parameters[index].location = nil }
    for index in pipeline.axes.indices { pipeline.axes[index].location = nil }
    return pipeline
  }

  private static func bare(_ step: Step) -> Step {
    var step = step
    step.location = nil
    step.environment?.location = nil
    for index in step.inputs.indices { step.inputs[index].location = nil }
    for index in step.outputs.indices { step.outputs[index].location = nil }
    return step
  }
}
