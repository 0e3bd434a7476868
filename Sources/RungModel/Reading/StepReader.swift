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
    if let loop = fields.key("repeat") {
      mistakes.error("loops ('repeat') are not supported yet by this version", at: loop)
    }
    draft.step.kind = fields.text("kind")
    readAxes(fields, into: &draft)
    readRun(fields, into: &draft)
    readInputs(fields, into: &draft)
    readOutputs(fields, into: &draft)
    readVariables(fields, into: &draft)
    if fields.key("environment") != nil {
      draft.step.environment = fields["environment"].flatMap(readEnvironment)
    } else {
      draft.step.environment = environment.flatMap(readEnvironment)
    }
    readResources(fields, into: &draft)
    if let timeout = fields["timeout"], let text = mistakes.text(timeout, for: "timeout") {
      draft.step.timeout = TimeSpan(text)
      if draft.step.timeout == nil || draft.step.timeout?.nanoseconds == 0 {
        mistakes.error("'\(text)' is no length of time", at: timeout, notes: ["write it like 30 s, 5 min or 1.5 h"])
      }
    }
    draft.step.retries = fields.int("retries", in: 0...1000) ?? 0
    draft.step.network = fields.bool("network") ?? false
    draft.step.watch = fields.word("watch", as: WatchLevel.self)
    draft.step.deterministic = fields.bool("deterministic") ?? true
    for item in fields.list("keep") ?? [] {
      guard let text = mistakes.text(item, for: "keep") else { continue }
      if let path = RelativePath(text), !path.text.isEmpty {
        draft.step.keep.append(path)
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
