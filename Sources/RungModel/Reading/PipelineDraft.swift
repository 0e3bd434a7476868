import RungCore

/// A pipeline file read so far that its names are known, and what they name is not yet checked.
struct PipelineDraft {
  var name: String
  var nameNode: YAMLNode
  var about: String?
  var file: RelativePath
  var folder: RelativePath
  var parameters: [Parameter] = []
  /// An axis whose declaration is wrong keeps its name, with nil.
  var axes: [(name: String, axis: Axis?, key: YAMLNode)] = []
  var environment: YAMLNode?
  var defaults: YAMLNode?
  var steps: [YAMLNode.Entry] = []
  /// What it claims.
  var claims: [YAMLNode.Entry] = []
  /// The axes as the file declares them, before profiles and the command line.
  var declared: [String: Axis] = [:]
  /// The names of its profiles.
  var profiles: [String] = []
  /// Names are missing because a part of the file could not be read: an unknown name is no mistake of its own then.
  var isIncomplete = false

  /// The axis of a name: nil when there is none, `.some(nil)` when its declaration is wrong.
  func axis(_ name: String) -> Axis?? { axes.first { $0.name == name }.map(\.axis) }

  /// The value of a parameter.
  func parameter(_ name: String) -> JSON? { parameters.first { $0.name == name }?.value }
}

/// Reads the top of a pipeline file.
struct PipelineReader {
  let files: ProjectFiles
  let mistakes: Mistakes
  let overrides: Overrides

  /// The draft; nil when the file holds no mapping or no name.
  func read(_ root: YAMLNode, file: RelativePath) -> PipelineDraft? {
    if root.isNull {
      mistakes.error(
        "\(file) is empty", at: root.location, line: root.source.line(1),
        notes: ["a pipeline needs at least 'pipeline: NAME' and 'steps:'"])
      return nil
    }
    guard let fields = Fields(root, known: Keys.pipeline, for: "the pipeline", mistakes: mistakes) else { return nil }
    var draft = PipelineDraft(name: file.parent.name, nameNode: root, file: file, folder: file.parent)
    if let node = fields["pipeline"] {
      draft.nameNode = node
      if let text = mistakes.text(node, for: "pipeline") {
        let plain = YAMLNode(
          content: .scalar(text, isPlain: false), source: node.source, line: node.line, column: node.column,
          endLine: node.endLine, endColumn: node.endColumn)
        if mistakes.checkName(plain, what: "a pipeline") { draft.name = text }
      }
    } else if fields.lacks("pipeline") {
      mistakes.error(
        "the pipeline has no name", at: root.location, line: root.source.line(root.line),
        notes: ["begin the file with 'pipeline: \(file.parent.name)'"])
    }
    draft.about = fields.text("about")
    draft.environment = fields["environment"]
    readParameters(fields, into: &draft)
    readAxes(fields, into: &draft)
    readProfiles(fields, into: &draft)
    readDefaults(fields, into: &draft)
    readSteps(fields, into: &draft)
    checkCollisions(draft)
    draft.claims = fields.mapping("claims") ?? []
    if !draft.claims.isEmpty, let step = draft.steps.first(where: { $0.name == Step.claims }) {
      mistakes.error(
        "'\(Step.claims)' is the step that judges the claims of the pipeline", at: step.key,
        notes: ["give this step another name"])
    }
    return draft
  }

  private func readParameters(_ fields: Fields, into draft: inout PipelineDraft) {
    guard let entries = fields.mapping("parameters") else {
      draft.isIncomplete = true
      return
    }
    for entry in entries {
      if !mistakes.checkName(entry.key, what: "a parameter") { continue }
      draft.parameters.append(Parameter(name: entry.name, value: entry.value.json, location: entry.key.location))
    }
  }

  private func readAxes(_ fields: Fields, into draft: inout PipelineDraft) {
    guard let entries = fields.mapping("axes") else {
      draft.isIncomplete = true
      return
    }
    let reader = AxisReader(files: files, mistakes: mistakes, pipeline: draft.name)
    for entry in entries {
      if !mistakes.checkName(entry.key, what: "an axis") { continue }
      let axis = reader.read(name: entry.name, key: entry.key, value: entry.value)
      draft.axes.append((entry.name, axis, entry.key))
      draft.declared[entry.name] = axis
    }
  }

  // Checks every profile and applies the one that was asked for.
  private func readProfiles(_ fields: Fields, into draft: inout PipelineDraft) {
    let reader = AxisReader(files: files, mistakes: mistakes, pipeline: draft.name)
    for profile in fields.mapping("profiles") ?? [] {
      guard mistakes.checkName(profile.key, what: "a profile") else { continue }
      draft.profiles.append(profile.name)
      guard !profile.value.isNull,
        let parts = Fields(profile.value, known: Keys.profile, for: "profile '\(profile.name)'", mistakes: mistakes)
      else { continue }
      let isWanted = profile.name == overrides.profile
      for entry in parts.mapping("parameters") ?? [] {
        guard let index = draft.parameters.firstIndex(where: { $0.name == entry.name }) else {
          if draft.isIncomplete { continue }
          mistakes.error(
            "there is no parameter '\(entry.name)'", at: entry.key, name: entry.name,
            among: draft.parameters.map(\.name), of: "parameters")
          continue
        }
        if isWanted {
          draft.parameters[index].value = entry.value.json
          draft.parameters[index].location = entry.key.location
        }
      }
      for entry in parts.mapping("axes") ?? [] {
        guard let index = draft.axes.firstIndex(where: { $0.name == entry.name }) else {
          if draft.isIncomplete { continue }
          mistakes.error(
            "there is no axis '\(entry.name)'", at: entry.key, name: entry.name, among: draft.axes.map(\.name),
            of: "axes")
          continue
        }
        let axis = reader.read(name: entry.name, key: entry.key, value: entry.value)
        if isWanted { draft.axes[index].axis = axis }
      }
    }
  }

  private func readDefaults(_ fields: Fields, into draft: inout PipelineDraft) {
    guard let node = fields["defaults"] else { return }
    guard let entries = node.entries else {
      mistakes.expected("a mapping", for: "defaults", found: node)
      return
    }
    let known = Keys.step.filter { !Keys.notForDefaults.contains($0) }
    var kept = node
    // What is unknown is said here, once, and not again for each step.
    for entry in entries where !known.contains(entry.name) {
      mistakes.error(
        "unknown key '\(entry.name)' in 'defaults'", at: entry.key, name: entry.name, among: known,
        of: "the keys here are")
    }
    kept.content = .mapping(entries.filter { known.contains($0.name) })
    draft.defaults = kept
  }

  private func readSteps(_ fields: Fields, into draft: inout PipelineDraft) {
    guard let entries = fields.mapping("steps") else {
      draft.isIncomplete = true
      return
    }
    if entries.isEmpty, fields.isMisspelt("steps") {
      draft.isIncomplete = true
    } else if entries.isEmpty {
      let place = fields.key("steps") ?? draft.nameNode
      mistakes.error("pipeline '\(draft.name)' has no steps", at: place, notes: ["add one under 'steps:'"])
    }
    for entry in entries {
      if mistakes.checkName(entry.key, what: "a step") { draft.steps.append(entry) }
    }
  }

  // `{a}` and `{a.b}` must have one meaning.
  private func checkCollisions(_ draft: PipelineDraft) {
    let parameters = Dictionary(draft.parameters.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
    for (name, _, key) in draft.axes {
      if parameters[name] != nil {
        mistakes.error(
          "'\(name)' is both a parameter and an axis", at: key,
          notes: ["{\(name)} would have two meanings: rename one of them"])
      }
    }
    let fields = Set(draft.axes.filter { !($0.axis?.fields ?? []).isEmpty }.map(\.name))
    for step in draft.steps {
      let other =
        parameters[step.name]?.value.members != nil ? "a parameter" : fields.contains(step.name) ? "an axis" : nil
      if let other {
        mistakes.error(
          "'\(step.name)' is both \(other) and a step", at: step.key,
          notes: ["{\(step.name).…} would have two meanings: rename one of them"])
      }
    }
  }
}
