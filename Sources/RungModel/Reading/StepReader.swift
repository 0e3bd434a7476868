import RungCore

/// Reads a step: its mapping, with defaults and `uses` already merged in.
struct StepReader {
  let pipeline: PipelineDraft
  let settings: ProjectSettings
  let files: ProjectFiles
  let mistakes: Mistakes

  /// The draft, with what could be read of it.
  func read(key: YAMLNode, value node: YAMLNode, environment: YAMLNode?) -> StepDraft {
    let name = key.text ?? ""
    let empty = Step(name: name, command: .arguments([]), outputs: [], location: key.location)
    var draft = StepDraft(step: empty, key: key)
    guard let fields = Fields(node, known: Keys.step, for: "step '\(name)'", mistakes: mistakes) else {
      draft.isIncomplete = true
      return draft
    }
    draft.step.kind = fields.text("kind")
    readAxes(fields, into: &draft)
    readRun(fields, into: &draft)
    readInputs(fields, into: &draft)
    readOutputs(fields, into: &draft)
    readVariables(fields, into: &draft)
    readLoop(fields, into: &draft)
    if fields.key("environment") != nil {
      draft.step.environment = fields["environment"].flatMap(readEnvironment)
    } else {
      draft.step.environment = environment.flatMap(readEnvironment)
    }
    readResources(fields, into: &draft)
    draft.step.timeout = fields.time("timeout")
    draft.step.grace = fields.time("grace")
    draft.step.executor = fields.word("executor", as: ExecutorKind.self)
    draft.step.retries = fields.int("retries", in: 0...1000) ?? 0
    draft.step.network = fields.bool("network") ?? false
    draft.step.watch = fields.word("watch", as: WatchLevel.self)
    draft.step.deterministic = fields.bool("deterministic") ?? true
    for item in fields.list("keep") ?? [] {
      guard let text = mistakes.text(item, for: "keep") else { continue }
      if let path = RelativePath(text), !path.text.isEmpty {
        draft.step.keep.append(path)
        if let output = draft.outputs.first(where: { RelativePath($0.path.text ?? "") == path }) {
          mistakes.error(
            "'\(text)' is kept between attempts and cannot be the output '\(output.output.name)' as well", at: item,
            notes: ["keep a checkpoint under another name, and write the result when it is complete"])
        }
      } else {
        mistakes.error("'\(text)' lies outside the workspace", at: item, notes: ["keep files by paths inside it"])
      }
    }
    return draft
  }

  private func readAxes(_ fields: Fields, into draft: inout StepDraft) {
    for item in fields.list("over") ?? [] {
      guard let name = mistakes.text(item, for: "over") else { continue }
      if draft.step.over.contains(name) {
        mistakes.error("the axis '\(name)' is here twice", at: item)
      } else if pipeline.axis(name) != nil || pipeline.isIncomplete {
        draft.step.over.append(name)
      } else {
        mistakes.error(
          "there is no axis '\(name)'", at: item, name: name, among: pipeline.axes.map(\.name), of: "axes")
        // Kept, so that {name} in the command is not a second mistake.
        draft.step.over.append(name)
      }
    }
    for item in fields.list("exclude") ?? [] {
      if let combination = combination(item, for: "exclude", draft) {
        draft.step.exclude.append(combination.mapValues(\.label))
      }
    }
    for item in fields.list("include") ?? [] {
      guard let combination = combination(item, for: "include", draft) else { continue }
      for axis in draft.step.over where combination[axis] == nil && item[axis] == nil {
        mistakes.error("'include' needs a value for the axis '\(axis)'", at: item)
      }
      draft.step.include.append(combination)
    }
  }

  private func combination(_ node: YAMLNode, for key: String, _ draft: StepDraft) -> [String: AxisValue]? {
    guard let entries = node.entries, !entries.isEmpty else {
      mistakes.expected("a mapping of axes to values", for: key, found: node)
      return nil
    }
    let reader = AxisReader(files: files, mistakes: mistakes)
    var combination: [String: AxisValue] = [:]
    for entry in entries {
      guard draft.step.over.contains(entry.name) else {
        mistakes.error(
          "the step does not run over '\(entry.name)'", at: entry.key, name: entry.name, among: draft.step.over,
          of: "it runs over")
        continue
      }
      guard case .some(.some(let axis)) = pipeline.axis(entry.name) else { continue }
      if let origin = axis.origin {
        mistakes.error(
          "the values of the axis '\(entry.name)' come from \(origin.text) and are not known yet", at: entry.key)
        continue
      }
      if let text = entry.value.text, let known = axis.values.first(where: { $0.label == text }) {
        combination[entry.name] = known
      } else if key == "exclude",
        pipeline.declared[entry.name]?.values.contains(where: { $0.label == entry.value.text })
          == true
      {
        // A profile took this value away: nothing is left to exclude.
        return nil
      } else if key == "exclude" {
        let text = entry.value.text ?? entry.value.described
        mistakes.error(
          "axis '\(entry.name)' has no value '\(text)'", at: entry.value, name: text,
          among: axis.values.prefix(1000).map(\.label), of: "its values are")
      } else if let added = reader.added(entry.value, axis: entry.name, fields: axis.fields) {
        if let problem = Names.problem(label: added.label) {
          mistakes.error("the value '\(added.label)' cannot name an instance: \(problem)", at: entry.value)
        }
        combination[entry.name] = added
      }
    }
    return combination.isEmpty ? nil : combination
  }

  private func readRun(_ fields: Fields, into draft: inout StepDraft) {
    if let shell = fields.word("shell", as: Shell.self) { draft.shell = shell }
    guard let run = fields["run"] else {
      guard fields.lacks("run") else { return }
      mistakes.error(
        "step '\(draft.step.name)' has no 'run'", at: draft.key, notes: ["say what it runs: 'run: COMMAND'"])
      return
    }
    switch run.content {
    case .scalar(let text, _):
      if text.allSatisfy(\.isWhitespace) {
        mistakes.error("'run' is empty", at: run)
      } else {
        draft.run = .shell(run)
      }
    case .sequence(let items):
      if let shell = fields.key("shell") {
        mistakes.error("a list for 'run' uses no shell", at: shell, notes: ["remove 'shell', or make 'run' a text"])
      }
      if items.isEmpty { mistakes.error("'run' is empty", at: run) }
      draft.run = .arguments(items.filter { mistakes.text($0, for: "run") != nil })
    case .mapping: mistakes.expected("a text or a list of texts", for: "run", found: run)
    }
  }

  private func readLoop(_ fields: Fields, into draft: inout StepDraft) {
    guard let node = fields["repeat"],
      let parts = Fields(node, known: Keys.loop, for: "'repeat'", mistakes: mistakes)
    else { return }
    // What refers to the rounds is no mistake of its own when they cannot be read.
    defer { if draft.step.loop == nil { draft.isIncomplete = true } }
    guard let until = parts["until"], let limit = parts["at_most"] else {
      if parts.lacks("until") || parts.lacks("at_most") {
        mistakes.error(
          "a loop needs 'until' and 'at_most'", at: node,
          notes: ["repeat: {until: \"{out.state}#/converged\", at_most: 30}"])
      }
      return
    }
    let count = mistakes.int(limit, for: "at_most", in: 1...100_000)
    guard let text = mistakes.text(until, for: "until") else { return }
    let halves = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let pieces = TemplatePiece.pieces(of: halves[0])
    guard halves.count == 2, let place = JSONPointer(halves[1]), pieces.count == 1,
      case .placeholder(let placeholder) = pieces[0], placeholder.names.count == 2, placeholder.names[0] == "out"
    else {
      mistakes.error(
        "'until' names a place in an output of the step, not '\(text)'", at: until,
        notes: ["write \"{out.NAME}#/POINTER\": the loop ends when the value there is true"])
      return
    }
    let names = draft.outputs.map(\.output.name)
    guard draft.isIncomplete || names.contains(placeholder.names[1]) else {
      mistakes.error(
        "the step has no output '\(placeholder.names[1])'", at: until, name: placeholder.names[1], among: names,
        of: "outputs")
      return
    }
    if let output = draft.outputs.first(where: { $0.output.name == placeholder.names[1] }), output.output.recompute {
      mistakes.error(
        "the output '\(output.output.name)' says whether the loop has ended, so that it must be kept", at: until,
        notes: ["take its 'recompute: true' away"])
      return
    }
    if draft.step.over.contains(Loop.axis) {
      mistakes.error(
        "the axis '\(Loop.axis)' counts the rounds of a loop", at: node, notes: ["give the other axis another name"])
      return
    }
    guard let count else { return }
    draft.step.loop = Loop(output: placeholder.names[1], place: place, atMost: count)
  }

  private func readVariables(_ fields: Fields, into draft: inout StepDraft) {
    for entry in fields.mapping("env") ?? [] {
      guard isVariable(entry.key) else { continue }
      if entry.value.isNull {
        draft.variables.append((entry.name, nil))
      } else if mistakes.text(entry.value, for: entry.name) != nil {
        draft.variables.append((entry.name, entry.value))
      }
    }
    for item in fields.list("secrets") ?? [] {
      guard let name = mistakes.text(item, for: "secrets"), isVariable(item) else { continue }
      if draft.variables.contains(where: { $0.name == name }) || draft.step.secrets.contains(name) {
        mistakes.error("the variable '\(name)' is declared twice", at: item, notes: ["keep it in one place"])
      } else {
        draft.step.secrets.append(name)
      }
    }
  }

  private func isVariable(_ node: YAMLNode) -> Bool {
    let name = node.text ?? ""
    if Names.isName(name), !name.contains("-") { return true }
    mistakes.error("'\(name)' cannot name an environment variable", at: node)
    return false
  }

  private func readResources(_ fields: Fields, into draft: inout StepDraft) {
    let names = Keys.resources + settings.pools.keys.sorted()
    guard let node = fields["resources"],
      let parts = Fields(node, known: names, for: "'resources' (pools are declared in rung.yaml)", mistakes: mistakes)
    else { return }
    draft.step.resources.cpus = parts.int("cpus", in: 1...65536) ?? 1
    draft.step.resources.memory = parts.memory("memory")
    draft.step.resources.gpus = parts.int("gpus", in: 0...1024) ?? 0
    for (pool, size) in settings.pools {
      guard let wanted = parts.int(pool, in: 0...1_000_000) else { continue }
      if wanted > size, let value = node[pool] {
        mistakes.error("the pool '\(pool)' has \(size), not \(wanted)", at: value, notes: ["see 'pools' in rung.yaml"])
      }
      draft.step.resources.pools[pool] = wanted
    }
  }
}
