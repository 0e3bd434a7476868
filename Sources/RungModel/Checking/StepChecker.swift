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
