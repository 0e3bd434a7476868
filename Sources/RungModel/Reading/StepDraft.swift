import RungCore

/// A step with its texts not yet checked: their references can be looked up only when every step is known.
struct StepDraft {
  /// Everything but the templates.
  var step: Step
  var key: YAMLNode
  var run: Run?
  var shell: Shell = .sh
  var inputs: [(name: String, path: YAMLNode, form: Input.Form?, key: YAMLNode)] = []
  var outputs: [(output: Output, path: YAMLNode, publish: YAMLNode?, key: YAMLNode)] = []
  var variables: [(name: String, value: YAMLNode?)] = []
  /// Its inputs or outputs could not be read whole: an unknown name is no mistake of its own then.
  var isIncomplete = false

  /// The text or texts that it runs.
  enum Run {
    case shell(YAMLNode)
    case arguments([YAMLNode])
  }
}
