import RungCore
import RungModel
import RungPlan

/// What is known of the dynamic axes that steps wait for.
public enum AxisFilling {
  /// The project with the values of some of them.
  case filled(Project)
  /// None of them is known before these instances have run.
  case waits([BuildGraph.NodeID])
}

extension Session {
  /// Looks up the values of the dynamic axes that open steps wait for: those that come from results that are up to date.
  ///
  /// Throws `Diagnostics` when what a step gave cannot be the values of an axis.
  public func fill(_ steps: [OpenStep]) throws -> AxisFilling {
    var makers: [OpenStep.UnknownAxis: BuildGraph.NodeID] = [:]
    for axis in steps.flatMap(\.axes) where makers[axis] == nil {
      let path = "\(axis.origin.output.pipeline)/\(axis.origin.output.step)"
      // One that is open itself comes later.
      guard let planned = graph.steps.first(where: { $0.path == path }) else { continue }
      makers[axis] = planned.first + planned.count - 1
    }
    let survey = try survey(Array(Set(makers.values)).sorted())
    var filled = project
    var isFilled = false
    for (axis, maker) in makers where survey.standing[maker] == .current {
      let outputs = graph.step(of: maker).step.outputs
      guard let index = outputs.firstIndex(where: { $0.name == axis.origin.output.output }),
        let output = resolver.value.output(index, of: maker),
        let bytes = try? store.read(output.digest, limit: 64 << 20),
        let place = filled.pipelines.firstIndex(where: { $0.name == axis.pipeline }),
        let own = filled.pipelines[place].axes.firstIndex(where: { $0.name == axis.name })
      else { continue }
      let declared = filled.pipelines[place].axes[own]
      guard let document = try? JSON(parsing: bytes) else {
        throw Diagnostics(
          "the axis '\(axis.name)' takes its values from \(axis.origin.text), and that output is no JSON",
          at: declared.location)
      }
      filled.pipelines[place].axes[own].values = try axis.origin.values(in: document, axis: declared)
      isFilled = true
    }
    return isFilled ? .filled(filled) : .waits(Array(Set(makers.values)).sorted())
  }
}
