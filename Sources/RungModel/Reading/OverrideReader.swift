import RungCore

/// Applies what the command line changes.
struct OverrideReader {
  let mistakes: Mistakes
  let overrides: Overrides
  /// A file could not be read: a name that is missing may be in it.
  let isIncomplete: Bool

  /// Checks the profile's name; the profile itself was applied where the pipeline was read.
  func checkProfile(_ pipelines: [PipelineDraft]) {
    guard let profile = overrides.profile, !isIncomplete else { return }
    let names = Set(pipelines.flatMap(\.profiles)).sorted()
    if !names.contains(profile) {
      mistakes.error(
        "--profile \(profile): no pipeline has a profile of this name",
        notes: [Mistakes.suggestion(profile, among: names, of: "profiles")].compactMap { $0 })
    }
  }

  /// `--set name=value`.
  func setParameters(_ pipelines: inout [PipelineDraft]) {
    for (name, text) in overrides.parameters {
      let option = "--set \(name)=\(text)"
      guard let value = value(text, option: option) else { continue }
      let (owner, rest) = split(name)
      let path = rest.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      var isKnown = false
      for index in pipelines.indices where owner == nil || pipelines[index].name == owner {
        guard let place = pipelines[index].parameters.firstIndex(where: { $0.name == path[0] }) else { continue }
        isKnown = true
        let old = pipelines[index].parameters[place].value
        guard let new = Self.replace(path.dropFirst(), in: old, by: value) else {
          mistakes.error(
            "\(option): the parameter '\(path[0])' has no member '\(path.dropFirst().joined(separator: "."))'",
            notes: [Mistakes.suggestion(path[path.count - 1], among: old.members?.map(\.name) ?? [], of: "members")]
              .compactMap { $0 })
          break
        }
        pipelines[index].parameters[place].value = new
        pipelines[index].parameters[place].location = nil
      }
      if !isKnown {
        unknown(option, owner, path[0], "parameter", pipelines) { $0.parameters.map(\.name) }
      }
    }
  }

  /// `--over axis=v1,v2`. A pipeline whose axis has none of the values keeps it whole, as long as others have them.
  func cutAxes(_ pipelines: inout [PipelineDraft], steps: inout [[StepDraft]]) {
    for (name, values) in overrides.axes {
      let option = "--over \(name)=\(values.joined(separator: ","))"
      let (owner, axisName) = split(name)
      let wanted = Set(values)
      var found: Set<String> = []
      var known: [(pipeline: String, labels: [String])] = []
      var isKnown = false
      for index in pipelines.indices where owner == nil || pipelines[index].name == owner {
        guard let place = pipelines[index].axes.firstIndex(where: { $0.name == axisName }) else { continue }
        isKnown = true
        guard var axis = pipelines[index].axes[place].axis else {
          found.formUnion(wanted)
          continue
        }
        if let origin = axis.origin {
          mistakes.error(
            "\(option): the values of the axis '\(axisName)' come from \(origin.text) and are not known yet",
            notes: ["cut the list that the step writes"])
          found.formUnion(wanted)
          continue
        }
        known.append((pipelines[index].name, axis.values.prefix(1000).map(\.label)))
        axis.values.removeAll { !wanted.contains($0.label) }
        found.formUnion(axis.values.map(\.label))
        if axis.values.isEmpty { continue }
        pipelines[index].axes[place].axis = axis
        for step in steps[index].indices {
          // Combinations that `include` adds are cut like the others.
          steps[index][step].step.include.removeAll { $0[axisName].map { !wanted.contains($0.label) } ?? false }
        }
      }
      if !isKnown {
        unknown(option, owner, axisName, "axis", pipelines) { $0.axes.map(\.name) }
        continue
      }
      for value in values where !found.contains(value) {
        mistakes.error("\(option): axis '\(axisName)' has no value '\(value)'", notes: Self.notes(value, known))
      }
    }
  }

  // What an axis has instead of a value, for each pipeline that has such an axis.
  private static func notes(_ value: String, _ known: [(pipeline: String, labels: [String])]) -> [String] {
    if known.count == 1 {
      return [Mistakes.suggestion(value, among: known[0].labels, of: "its values are")].compactMap { $0 }
    }
    let near = Mistakes.near(value, among: Set(known.flatMap(\.labels)).sorted())
    return (near.map { ["did you mean '\($0)'?"] } ?? [])
      + known.map { "in pipeline '\($0.pipeline)': \(Mistakes.listed($0.labels))" }
  }

  private func split(_ name: String) -> (owner: String?, name: String) {
    guard let slash = name.firstIndex(of: "/") else { return (nil, name) }
    return (String(name[..<slash]), String(name[name.index(after: slash)...]))
  }

  private func unknown(
    _ option: String, _ owner: String?, _ name: String, _ what: String, _ pipelines: [PipelineDraft],
    _ names: (PipelineDraft) -> [String]
  ) {
    if isIncomplete || pipelines.contains(where: \.isIncomplete) { return }
    if let owner, !pipelines.contains(where: { $0.name == owner }) {
      mistakes.error(
        "\(option): there is no pipeline '\(owner)'",
        notes: [Mistakes.suggestion(owner, among: pipelines.map(\.name), of: "pipelines")].compactMap { $0 })
      return
    }
    let owners = pipelines.filter { owner == nil || $0.name == owner }
    let plural = what == "axis" ? "axes" : "\(what)s"
    mistakes.error(
      "\(option): there is no \(what) '\(name)'",
      notes: [Mistakes.suggestion(name, among: Set(owners.flatMap(names)).sorted(), of: plural)].compactMap { $0 })
  }

  // A text that begins like a flow list, a flow mapping or a quoted text is read as YAML; anything else is one plain
  // scalar, so that `--set title=a: b` means what it says.
  private func value(_ text: String, option: String) -> JSON? {
    guard let first = text.first(where: { $0 != " " }), "[{\"'".contains(first) else { return YAMLNode.resolve(text) }
    let source = SourceText.read(name: option, folder: .root, bytes: Array(text.utf8), mistakes: mistakes)
    return source.flatMap { YAMLParser.parse($0, mistakes: mistakes) }?.json
  }

  private static func replace(_ path: ArraySlice<String>, in value: JSON, by new: JSON) -> JSON? {
    guard let name = path.first else { return new }
    guard var members = value.members, let index = members.firstIndex(where: { $0.name == name }),
      let inner = replace(path.dropFirst(), in: members[index].value, by: new)
    else { return nil }
    members[index] = JSON.Member(name, inner)
    return .object(members)
  }
}
