import RungCore

/// Looks up what placeholders stand for.
struct TemplateResolver {
  /// What texts of the project may refer to.
  struct Names {
    /// The outputs of each step; nil for a step that could not be read whole.
    var outputs: [String: [String: [String]?]]
    /// The outputs that are folders, as `pipeline/step.output`.
    var folders: Set<String>
    /// A file could not be read: a pipeline that is missing may be in it.
    var isIncomplete: Bool
  }

  /// Where a text stands, which decides what it may refer to.
  enum Place {
    /// `run`: everything.
    case command
    /// Paths and variables: parameters and axes.
    case declaration
  }

  let pipeline: PipelineDraft
  let names: Names
  let mistakes: Mistakes
  /// The outputs of other steps that were referred to, with their places.
  private(set) var uses: [(output: StepOutput, node: YAMLNode, placeholder: Placeholder)] = []

  init(pipeline: PipelineDraft, names: Names, mistakes: Mistakes) {
    self.pipeline = pipeline
    self.names = names
    self.mistakes = mistakes
  }

  /// The template of a scalar; what is wrong in it is recorded and stays as text.
  mutating func template(_ node: YAMLNode, of step: StepDraft, in place: Place) -> Template {
    var segments: [Template.Segment] = []
    for piece in TemplatePiece.pieces(of: node.text ?? "") {
      switch piece {
      case .literal(let text): segments.append(.literal(text))
      case .placeholder(let placeholder):
        guard let reference = resolve(placeholder, node, step, place) else {
          // Something has to stand there, or the path would look wrong for another reason.
          segments.append(.literal(placeholder.braced))
          continue
        }
        // A round that uses the one before it is no circle.
        if case .step(let output) = reference, placeholder.names[0] != Loop.previous || placeholder.pipeline != nil {
          uses.append((output, node, placeholder))
        }
        segments.append(.reference(reference))
      }
    }
    return Template(segments: segments)
  }

  private func resolve(
    _ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft, _ place: Place
  ) -> Reference? {
    let path = placeholder.names
    if place == .declaration, let reference = beyondDeclaration(placeholder, step) {
      mistake(
        "\(placeholder.braced) is \(reference); only parameters and axes can be used here", node, placeholder)
      return nil
    }
    if placeholder.pipeline != nil { return output(placeholder, node, step) }
    if path[0] == "out" { return ownOutput(placeholder, node, step) }
    if path[0] == Loop.previous { return previousOutput(placeholder, node, step) }
    if path == [Loop.axis], step.step.loop != nil { return .axis(Loop.axis, field: nil) }
    if let reference = plain(placeholder, node, step) {
      if let form = placeholder.form {
        mistake(
          "':\(form)' goes with the output of another step", node, placeholder,
          notes: ["for a literal text write {\(placeholder.braced)}"])
      }
      return reference.value
    }
    if path.count > 1, names.outputs[pipeline.name]?[path[0]] != nil { return output(placeholder, node, step) }
    if !pipeline.isIncomplete, !step.isIncomplete { unknown(placeholder, node, step, place) }
    return nil
  }

  // A parameter, an axis or an input. The outer nil: none of them. The inner nil: one of them, used wrongly.
  private func plain(_ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft) -> (value: Reference?, Void)? {
    let path = placeholder.names
    if path.count == 1, step.inputs.contains(where: { $0.name == path[0] }) { return (.input(path[0]), ()) }
    let isStep = path.count > 1 && names.outputs[pipeline.name]?[path[0]] != nil
    if let value = pipeline.parameter(path[0]), !isStep || value.members != nil {
      return (member(of: value, placeholder, node), ())
    }
    guard case .some(let found) = pipeline.axis(path[0]), !isStep || !(found?.fields ?? []).isEmpty else {
      // An axis that was named in `over` by mistake is told there.
      if path.count == 1, step.step.over.contains(path[0]) { return (.axis(path[0], field: nil), ()) }
      return nil
    }
    guard step.step.over.contains(path[0]) else {
      mistake(
        "the step does not run over the axis '\(path[0])'", node, placeholder,
        notes: ["add it: 'over: [\((step.step.over + [path[0]]).joined(separator: ", "))]'"])
      return (nil, ())
    }
    guard let axis = found else { return (.axis(path[0], field: path.count > 1 ? path[1] : nil), ()) }
    if path.count == 1 { return (.axis(path[0], field: nil), ()) }
    guard path.count == 2, axis.fields.contains(path[1]) else {
      let wanted = path[1...].joined(separator: ".")
      mistake(
        "axis '\(path[0])' has no field '\(wanted)'", node, placeholder,
        notes: [Mistakes.suggestion(wanted, among: axis.fields, of: "fields")].compactMap { $0 })
      return (nil, ())
    }
    return (.axis(path[0], field: path[1]), ())
  }

  private func member(of value: JSON, _ placeholder: Placeholder, _ node: YAMLNode) -> Reference? {
    var value = value
    let path = placeholder.names
    for (index, name) in path.enumerated().dropFirst() {
      let owner = path[..<index].joined(separator: ".")
      guard let next = value[name] else {
        mistake(
          "the parameter '\(owner)' has no member '\(name)'", node, placeholder,
          notes: [Mistakes.suggestion(name, among: value.members?.map(\.name) ?? [], of: "members")].compactMap { $0 })
        return nil
      }
      value = next
    }
    return .parameter(path[0], path: Array(path.dropFirst()))
  }

  private func ownOutput(_ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft) -> Reference? {
    let own = step.outputs.map(\.output.name)
    let path = placeholder.names
    if path.count == 2, own.contains(path[1]) {
      if let form = placeholder.form {
        mistake("':\(form)' goes with the output of another step", node, placeholder)
      }
      return .output(path[1])
    }
    if step.isIncomplete { return nil }
    let wanted = path.dropFirst().joined(separator: ".")
    mistake(
      wanted.isEmpty ? "{out} must say which output" : "the step has no output '\(wanted)'", node, placeholder,
      notes: [Mistakes.suggestion(wanted, among: own, of: "outputs")].compactMap { $0 })
    return nil
  }

  private func previousOutput(_ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft) -> Reference? {
    let own = step.outputs.map(\.output.name)
    let path = placeholder.names
    guard step.step.loop != nil else {
      if !step.isIncomplete {
        mistake(
          "\(placeholder.braced) is an output of the round before, and the step has no 'repeat'", node, placeholder,
          notes: ["add 'repeat: {until: \"{out.NAME}#/POINTER\", at_most: N}'"])
      }
      return nil
    }
    guard path.count == 2, own.contains(path[1]), placeholder.form == nil else {
      if step.isIncomplete { return nil }
      let wanted = path.dropFirst().joined(separator: ".")
      mistake(
        wanted.isEmpty
          ? "{previous} must say which output"
          : placeholder.form == nil ? "the step has no output '\(wanted)'" : "a round has one output, not a collection",
        node, placeholder, notes: [Mistakes.suggestion(wanted, among: own, of: "outputs")].compactMap { $0 })
      return nil
    }
    if step.outputs.contains(where: { $0.output.name == path[1] && $0.isFolder }) {
      mistake("a folder cannot be handed to the next round; make it a file", node, placeholder)
      return nil
    }
    return .step(
      StepOutput(pipeline: pipeline.name, step: step.step.name, output: path[1], source: placeholder.source))
  }

  private func output(_ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft) -> Reference? {
    let path = placeholder.names
    let owner = placeholder.pipeline ?? pipeline.name
    guard let steps = names.outputs[owner] else {
      if names.isIncomplete { return nil }
      mistake(
        "there is no pipeline '\(owner)'", node, placeholder,
        notes: [Mistakes.suggestion(owner, among: names.outputs.keys.sorted(), of: "pipelines")].compactMap { $0 })
      return nil
    }
    guard let outputs = steps[path[0]] else {
      mistake(
        "pipeline '\(owner)' has no step '\(path[0])'", node, placeholder,
        notes: [suggest(path[0], among: steps.keys.sorted(), of: "its steps are")].compactMap { $0 })
      return nil
    }
    let form = StepOutput.Form(rawValue: placeholder.form ?? "automatic")
    guard let form, placeholder.form != "automatic" else {
      mistake(
        "unknown form ':\(placeholder.form ?? "")'", node, placeholder,
        notes: [
          "':files' gives a folder of the files, ':table' one CSV table, ':summary' one of means over replicates"
        ])
      return nil
    }
    let wanted = path.dropFirst().joined(separator: ".")
    if let outputs, !outputs.contains(wanted) {
      mistake(
        wanted.isEmpty
          ? "'\(placeholder.source)' is a step; say which of its outputs"
          : "step '\(path[0])' has no output '\(wanted)'", node, placeholder,
        notes: [Mistakes.suggestion(wanted, among: outputs, of: "its outputs are")].compactMap { $0 })
      return nil
    }
    if form == .table || form == .summary, names.folders.contains("\(owner)/\(path[0]).\(wanted)") {
      mistake(
        "':\(form.rawValue)' needs a JSON file, but the output '\(wanted)' of step '\(path[0])' is a folder", node,
        placeholder,
        notes: ["':files' gives one folder that holds those of all instances"])
      return nil
    }
    return .step(
      StepOutput(pipeline: owner, step: path[0], output: wanted, form: form, source: placeholder.source))
  }

  // What a placeholder in a path or a variable is, if it is something that only commands may use.
  private func beyondDeclaration(_ placeholder: Placeholder, _ step: StepDraft) -> String? {
    let path = placeholder.names
    if placeholder.pipeline != nil { return "an output of another step" }
    if path[0] == "out" { return "an output" }
    if path[0] == Loop.previous { return "an output of the round before" }
    if pipeline.parameter(path[0]) != nil || pipeline.axis(path[0]) != nil { return nil }
    if path.count == 1, step.inputs.contains(where: { $0.name == path[0] }) { return "an input" }
    if path.count > 1, names.outputs[pipeline.name]?[path[0]] != nil { return "an output of another step" }
    return nil
  }

  private func unknown(_ placeholder: Placeholder, _ node: YAMLNode, _ step: StepDraft, _ place: Place) {
    let name = placeholder.names.joined(separator: ".")
    let steps = names.outputs[pipeline.name] ?? [:]
    var notes: [String] = []
    if let known = steps[name], let outputs = known {
      notes.append("'\(name)' is a step; write {\(name).\(outputs.first ?? "OUTPUT")} for its output")
    } else if place == .command, step.outputs.contains(where: { $0.output.name == name }) {
      notes.append("did you mean {out.\(name)}?")
    } else {
      var all = pipeline.parameters.map(\.name) + pipeline.axes.map(\.name)
      if place == .command {
        all += step.inputs.map(\.name).filter { !$0.isEmpty } + step.outputs.map { "out.\($0.output.name)" }
      }
      if let near = Mistakes.near(name, among: all) {
        notes.append("did you mean {\(near)}?")
      } else if placeholder.names.count > 1, mistakes.count < 200,
        let near = Mistakes.near(placeholder.names[0], among: steps.keys.sorted())
      {
        notes.append("did you mean {\(near).\(placeholder.names[1...].joined(separator: "."))}?")
      } else if !all.isEmpty {
        notes.append("names here: \(all.prefix(12).joined(separator: ", "))\(all.count > 12 ? ", …" : "")")
      }
    }
    if !mistakes.isTaken(node) { notes.append("for a literal text write {\(placeholder.braced)}") }
    mistake("there is no '\(name)'", node, placeholder, notes: notes)
  }

  // Looking for the nearest of many names is not worth it for the two hundredth mistake.
  private func suggest(_ name: String, among candidates: [String], of what: String) -> String? {
    mistakes.count < 200 ? Mistakes.suggestion(name, among: candidates, of: what) : nil
  }

  private func mistake(_ message: String, _ node: YAMLNode, _ placeholder: Placeholder, notes: [String] = []) {
    let place = mistakes.place(of: placeholder, in: node)
    mistakes.error(
      message, at: place, line: node.source.shownLine(place.line), length: placeholder.braced.unicodeScalars.count,
      notes: notes)
  }
}
