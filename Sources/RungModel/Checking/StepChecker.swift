import RungCore

/// Turns drafts into steps: resolves their texts, checks their files, and gathers what has to be compared across steps.
struct StepChecker {
  /// Which step needs which.
  private(set) var edges: [CycleCheck.Edge] = []
  private let names: TemplateResolver.Names
  private let ids: [String: Int]
  private let mistakes: Mistakes
  private var files: FileChecks
  private var outputs: OutputChecks
  private var inputs: Set<RelativePath> = []
  /// Takes a file that is read, though not by a step, so that nothing is published over it.
  mutating func protect(_ path: RelativePath) { inputs.insert(path) }

  private var published: [(template: Template, step: Step, pipeline: PipelineDraft, node: YAMLNode, use: Use?)] = []

  init(names: TemplateResolver.Names, ids: [String: Int], files: ProjectFiles, mistakes: Mistakes) {
    self.names = names
    self.ids = ids
    self.mistakes = mistakes
    self.files = FileChecks(files: files, mistakes: mistakes)
    outputs = OutputChecks(files: files, mistakes: mistakes)
  }

  /// The step, with every text resolved.
  mutating func finish(_ draft: StepDraft, in pipeline: PipelineDraft) -> Step {
    var resolver = TemplateResolver(pipeline: pipeline, names: names, mistakes: mistakes)
    var step = draft.step
    switch draft.run {
    case .shell(let node): step.command = .shell(resolver.template(node, of: draft, in: .command), draft.shell)
    case .arguments(let nodes):
      step.command = .arguments(nodes.map { resolver.template($0, of: draft, in: .command) })
    case nil: break
    }
    checkLoop(draft, step)
    for (name, node, form, key) in draft.inputs {
      let template = resolver.template(node, of: draft, in: .declaration)
      let form = form ?? Self.form(of: template)
      if template.references.isEmpty, !TemplatePiece.hasPlaceholder(node.text ?? "") {
        let text = template.segments.map { if case .literal(let text) = $0 { text } else { "" } }.joined()
        let found = files.check(text, form: form, base: node.source.folder, at: node)
        if let found { inputs.insert(found) }
      }
      step.inputs.append(
        Input(name: name, path: template, form: form, base: node.source.folder, location: key.location))
    }
    var places: [(output: Output, node: YAMLNode)] = []
    for declared in draft.outputs {
      var output = declared.output
      output.path = resolver.template(declared.path, of: draft, in: .declaration)
      if Self.dropSlash(&output.path) { output.isDirectory = true }
      if let publish = declared.publish {
        var template = resolver.template(publish, of: draft, in: .declaration)
        _ = Self.dropSlash(&template)
        output.publish = template
      }
      places.append((output, declared.path))
      step.outputs.append(output)
    }
    outputs.checkPaths(places, in: pipeline)
    for (output, declared) in zip(step.outputs, draft.outputs) {
      guard let template = output.publish, let node = declared.publish else { continue }
      published.append((template, step, pipeline, node, draft.use))
    }
    for (name, value) in draft.variables {
      step.variables.append(
        Variable(name: name, value: value.map { resolver.template($0, of: draft, in: .declaration) }))
    }
    note(resolver, from: "\(pipeline.name)/\(step.name)")
    return step
  }

  /// Where a dynamic axis takes its values from: an output of a step with one instance, which needs none of the steps that
  /// run over the axis.
  mutating func checkOrigin(
    _ origin: AxisOrigin, of key: YAMLNode, in pipeline: PipelineDraft, maker: StepDraft?, users: [String]
  ) {
    var reader = ClaimReader(pipeline: pipeline, names: names, mistakes: mistakes)
    guard reader.output(origin.output.source, at: key) != nil else { return }
    if let maker, !maker.step.over.isEmpty {
      mistakes.error(
        "an axis takes its values from a step with one instance, and '\(maker.step.name)' runs over \(maker.step.over.joined(separator: ", "))",
        at: key, notes: ["let a step that runs over nothing write the list"])
    }
    if let maker, let output = maker.outputs.first(where: { $0.output.name == origin.output.output }),
      output.output.recompute
    {
      mistakes.error(
        "the axis takes its values from \(origin.output.source), so that this output must be kept", at: key,
        notes: ["take the output's 'recompute: true' away"])
    }
    guard let to = ids["\(origin.output.pipeline)/\(origin.output.step)"] else { return }
    for user in users {
      guard let from = ids["\(pipeline.name)/\(user)"] else { continue }
      let placeholder = Placeholder(names: [origin.output.step, origin.output.output], source: origin.output.source)
      edges.append(CycleCheck.Edge(from: from, to: to, node: key, placeholder: placeholder))
    }
  }

  // Rounds that differ in nothing would all give the same.
  private func checkLoop(_ draft: StepDraft, _ step: Step) {
    guard step.loop != nil, !draft.isIncomplete, draft.run != nil else { return }
    // One that is misspelt is told where it stands.
    let isMisspelt = step.command.templates.contains { $0.source.contains("{\(Loop.previous).") }
    let moves =
      isMisspelt
      || step.command.templates.flatMap(\.references).contains { reference in
        switch reference {
        case .step(let output): output.source.hasPrefix("\(Loop.previous).")
        case .axis(Loop.axis, _): true
        default: false
        }
      }
    if !moves {
      mistakes.error(
        "every round of '\(step.name)' would be the same: its command uses nothing of the round before", at: draft.key,
        notes: ["use {previous.OUTPUT}, or {round}, the number of the round"])
    }
  }

  /// The step that judges a pipeline's claims.
  mutating func judging(_ pipeline: PipelineDraft) -> Step {
    var reader = ClaimReader(pipeline: pipeline, names: names, mistakes: mistakes)
    let claims = reader.read(pipeline.claims)
    if let from = ids["\(pipeline.name)/\(Step.claims)"] {
      for (output, node) in reader.uses {
        guard let to = ids["\(output.pipeline)/\(output.step)"] else { continue }
        let placeholder = Placeholder(names: [output.step, output.output], source: output.source)
        edges.append(CycleCheck.Edge(from: from, to: to, node: node, placeholder: placeholder))
      }
    }
    return Step.judging(claims)
  }

  /// Compares published places, when every step's inputs are known.
  mutating func checkPublished() {
    for (template, step, pipeline, node, use) in published {
      mistakes.blaming(use) {
        outputs.checkPublished(template, of: step, in: pipeline, at: node, inputs: inputs)
      }
    }
  }

  private mutating func note(_ resolver: TemplateResolver, from name: String) {
    guard let from = ids[name] else { return }
    for (output, node, placeholder) in resolver.uses {
      guard let to = ids["\(output.pipeline)/\(output.step)"] else { continue }
      edges.append(CycleCheck.Edge(from: from, to: to, node: node, placeholder: placeholder))
    }
  }

  private static func form(of template: Template) -> Input.Form {
    for case .literal(let text) in template.segments where Glob.isPattern(text) { return .glob }
    return .path
  }

  // Removes a trailing slash, which says that a path is a folder's. Returns whether there was one.
  private static func dropSlash(_ template: inout Template) -> Bool {
    guard case .literal(let text) = template.segments.last, text.hasSuffix("/"),
      text.count > 1 || template.segments.count > 1
    else { return false }
    let rest = text.dropLast()
    template.segments.removeLast()
    if !rest.isEmpty { template.segments.append(.literal(String(rest))) }
    return true
  }
}

extension TemplatePiece {
  /// Whether a text holds a placeholder, known or not.
  static func hasPlaceholder(_ text: String) -> Bool {
    pieces(of: text).contains { if case .placeholder = $0 { true } else { false } }
  }
}
