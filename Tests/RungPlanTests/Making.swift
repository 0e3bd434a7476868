import RungCore
import RungModel
import RungPlan

/// Short ways to make pipelines as values.
func pipeline(named name: String = "x", parameters: [(String, JSON)] = [], axes: [Axis] = [], _ steps: [Step])
  -> Pipeline
{
  Pipeline(
    name: name, file: .root, folder: .root, parameters: parameters.map { Parameter(name: $0.0, value: $0.1) },
    axes: axes, steps: steps)
}

func axis(_ name: String, _ values: [String]) -> Axis {
  Axis(name: name, values: values.map { AxisValue(label: $0, value: .string($0)) })
}

/// A step that uses outputs `o` of others, given as `step`, `pipeline/step`, `step:files` or `step:table`.
func step(
  _ name: String, over: [String] = [], uses: [String] = [], output: String = "o.json",
  exclude: [[String: String]] = [], include: [[String: AxisValue]] = [], resources: Resources = Resources()
) -> Step {
  var segments: [Template.Segment] = [.literal("run \(name)")]
  for use in uses {
    let parts = use.split(separator: ":").map(String.init)
    let path = parts[0].split(separator: "/").map(String.init)
    let form = parts.count > 1 ? StepOutput.Form(rawValue: parts[1]) ?? .automatic : .automatic
    segments.append(.literal(" "))
    segments.append(
      .reference(
        .step(
          StepOutput(
            pipeline: path.count > 1 ? path[0] : "x", step: path[path.count - 1], output: "o", form: form,
            source: parts[0] + ".o" + (parts.count > 1 ? ":\(parts[1])" : "")))))
  }
  return Step(
    name: name, over: over, exclude: exclude, include: include, command: .shell(Template(segments: segments), .sh),
    outputs: [Output(name: "o", path: Template(literal: output))], resources: resources)
}

func numbers(_ count: Int) -> [String] { (0..<count).map(String.init) }

/// What `body` throws, as text for people.
func mistakes(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch {
    return "\(error)"
  }
}

extension BuildGraph {
  func node(_ name: String) -> Int? { (0..<instanceCount).first { self.name(of: $0) == name } }

  /// The names of the instances that an instance needs; those of a collection in brackets.
  func needs(_ name: String) -> [String] {
    guard let node = node(name) else { return ["?"] }
    return dependencies(of: node).map { needed in
      needed < instanceCount
        ? self.name(of: needed) : "(" + dependencies(of: needed).map(self.name(of:)).joined(separator: " ") + ")"
    }
  }
}
