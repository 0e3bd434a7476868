import RungCore

// What a step reads and makes, and what it runs in.
extension StepReader {
  func readInputs(_ fields: Fields, into draft: inout StepDraft) {
    guard let inputs = fields["inputs"] else { return }
    if let items = inputs.items {
      for item in items { readInput(name: "", key: item, item, into: &draft) }
      return
    }
    guard let entries = fields.mapping("inputs") else {
      draft.isIncomplete = true
      return
    }
    for entry in entries {
      guard mistakes.checkName(entry.key, what: "an input") else { continue }
      if pipeline.parameter(entry.name) != nil || pipeline.axis(entry.name) != nil {
        let other = pipeline.parameter(entry.name) != nil ? "a parameter" : "an axis"
        mistakes.error(
          "'\(entry.name)' is both an input and \(other)", at: entry.key,
          notes: ["{\(entry.name)} would have two meanings: rename one of them"])
      }
      readInput(name: entry.name, key: entry.key, entry.value, into: &draft)
    }
  }

  private func readInput(name: String, key: YAMLNode, _ node: YAMLNode, into draft: inout StepDraft) {
    let what = name.isEmpty ? "inputs" : name
    var path = node
    var form: Input.Form?
    switch node.content {
    case .scalar: break
    case .sequence:
      mistakes.error(
        "an input is one path or one glob", at: node,
        notes: ["use a glob like 'data/{a,b}.csv', or a name for each file"])
      draft.isIncomplete = true
      return
    case .mapping:
      guard let parts = Fields(node, known: Keys.input, for: "'\(what)'", mistakes: mistakes) else { return }
      if let glob = parts["glob"], parts["path"] == nil {
        (path, form) = (glob, .glob)
      } else if let single = parts["path"], parts["glob"] == nil {
        (path, form) = (single, .path)
      } else {
        mistakes.error("an input needs 'path' or 'glob', one of them", at: node)
        draft.isIncomplete = true
        return
      }
    }
    guard mistakes.text(path, for: what) != nil else {
      draft.isIncomplete = true
      return
    }
    draft.inputs.append((name, path, form, key))
  }

  func readOutputs(_ fields: Fields, into draft: inout StepDraft) {
    guard let entries = fields.mapping("outputs") else {
      draft.isIncomplete = true
      return
    }
    if entries.isEmpty, fields.isMisspelt("outputs") {
      draft.isIncomplete = true
    } else if entries.isEmpty {
      mistakes.error(
        "step '\(draft.step.name)' has no outputs", at: draft.key,
        notes: ["name what it makes: 'outputs: {result: result.json}'"])
      draft.isIncomplete = true
    }
    for entry in entries {
      guard mistakes.checkName(entry.key, what: "an output") else {
        draft.isIncomplete = true
        continue
      }
      var output = Output(
        name: entry.name, path: Template(segments: []), base: pipeline.folder, location: entry.key.location)
      if entry.value.entries == nil {
        if mistakes.text(entry.value, for: entry.name) == nil {
          draft.isIncomplete = true
        } else {
          draft.outputs.append(StepDraft.OutputDraft(output: output, path: entry.value))
        }
        continue
      }
      guard let parts = Fields(entry.value, known: Keys.output, for: "output '\(entry.name)'", mistakes: mistakes)
      else { continue }
      output.isDirectory = parts.bool("directory") ?? false
      if let tolerance = parts["tolerance"],
        let bounds = Fields(tolerance, known: Keys.tolerance, for: "'tolerance'", mistakes: mistakes)
      {
        output.tolerance = Tolerance(absolute: bounds.double("absolute"), relative: bounds.double("relative"))
        if bounds.lacks("absolute"), bounds.lacks("relative") {
          mistakes.error("a tolerance needs 'absolute', 'relative' or both", at: tolerance)
        }
      }
      if let compression = parts["compression"] { output.compression = readCompression(compression) ?? .auto }
      output.recompute = parts.bool("recompute") ?? false
      if output.recompute, let node = parts["publish"] {
        mistakes.error(
          "the output '\(entry.name)' is published, so that it must be kept", at: node,
          notes: ["take away 'recompute: true' or 'publish'"])
      }
      guard let path = parts["path"] else {
        if parts.lacks("path") { mistakes.error("output '\(entry.name)' has no 'path'", at: entry.key) }
        draft.isIncomplete = true
        continue
      }
      var publish = parts["publish"]
      if let node = publish, mistakes.text(node, for: "publish") == nil { publish = nil }
      if mistakes.text(path, for: "path") == nil {
        draft.isIncomplete = true
      } else {
        draft.outputs.append(StepDraft.OutputDraft(output: output, path: path, publish: publish))
      }
    }
  }

  private func readCompression(_ node: YAMLNode) -> Output.Compression? {
    if case .number = node.json {
      return mistakes.int(node, for: "compression", in: Output.Compression.levels).map { .level($0) }
    }
    guard let text = mistakes.text(node, for: "compression") else { return nil }
    switch text {
    case "auto": return .auto
    case "raw": return .raw
    default:
      mistakes.error(
        "'\(text)' is no value for 'compression'", at: node, name: text, among: Keys.compression,
        of: "it may be a level from 1 to 19, or one of")
      return nil
    }
  }

  func readEnvironment(_ node: YAMLNode) -> EnvironmentSpec? {
    guard let fields = Fields(node, known: Keys.environment, for: "'environment'", mistakes: mistakes) else {
      return nil
    }
    guard let lock = fields["python"] else {
      if fields.lacks("python") {
        mistakes.error(
          "'environment' needs 'python'", at: node, notes: ["name the lock file: {python: requirements.lock}"])
      }
      return nil
    }
    guard let text = mistakes.text(lock, for: "python") else { return nil }
    guard let path = RelativePath(text, in: lock.source.folder), !path.text.isEmpty, files.staysInside(path) else {
      mistakes.error("'\(text)' lies outside the project", at: lock)
      return nil
    }
    if files.kind(path) != .file, !files.isLeftOut(path.text) {
      mistakes.error(
        "there is no lock file \(path)", at: lock,
        notes: [FileChecks.suggestion(for: path, files: files)].compactMap { $0 })
    }
    return EnvironmentSpec(pythonLock: path, interpreter: fields.text("interpreter"), location: node.location)
  }
}
