import RungCore

/// A step with its texts not yet checked: their references can be looked up only when every step is known.
struct StepDraft {
  /// Everything but the templates.
  var step: Step
  var key: YAMLNode
  var run: Run?
  var shell: Shell = .sh
  var inputs: [(name: String, path: YAMLNode, form: Input.Form?, key: YAMLNode)] = []
  var outputs: [OutputDraft] = []
  var variables: [(name: String, value: YAMLNode?)] = []
  /// What it uses, if it does.
  var use: Use?
  /// Its inputs or outputs could not be read whole: an unknown name is no mistake of its own then.
  var isIncomplete = false

  /// An output with its paths as written.
  struct OutputDraft {
    /// Everything but the paths.
    var output: Output
    var path: YAMLNode
    var publish: YAMLNode?

    /// Declared as a folder, by `directory: true` or by a slash at the end.
    var isFolder: Bool { output.isDirectory || (path.text ?? "").hasSuffix("/") }
  }

  /// The text or texts that it runs.
  enum Run {
    case shell(YAMLNode)
    case arguments([YAMLNode])
  }
}
