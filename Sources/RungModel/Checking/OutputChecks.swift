import RungCore

/// Where outputs go: each to a place of its own, inside the workspace and inside the project.
struct OutputChecks {
  let files: ProjectFiles
  let mistakes: Mistakes
  private var published: [RelativePath: Published] = [:]
  private var folders: [RelativePath: Published] = [:]

  /// PATH_MAX of Linux, in bytes.
  static let longestPath = 4096

  private struct Published {
    var step: String
    var node: YAMLNode
  }

  init(files: ProjectFiles, mistakes: Mistakes) {
    self.files = files
    self.mistakes = mistakes
  }

  /// A template with its parameters filled in and its axes left in braces.
  static func filled(_ template: Template, parameters: PipelineDraft) -> String {
    template.segments.map { segment in
      switch segment {
      case .literal(let text): return text
      case .reference(.parameter(let name, let path)):
        var value = parameters.parameter(name) ?? .null
        for member in path { value = value[member] ?? .null }
        return value.string ?? value.compact
      case .reference(let reference): return "{\(reference.source)}"
      }
    }.joined()
  }

  /// Checks that the outputs of one step lie apart, inside its workspace.
  func checkPaths(_ outputs: [(output: Output, node: YAMLNode)], in pipeline: PipelineDraft) {
    var places: [RelativePath: String] = [:]
    var sound: [(path: RelativePath, name: String, node: YAMLNode)] = []
    for (output, node) in outputs {
      let text = Self.filled(output.path, parameters: pipeline)
      guard text.utf8.count <= Self.longestPath else {
        mistakes.error("the path is longer than \(Self.longestPath) bytes", at: node)
        continue
      }
      guard let path = RelativePath(text), !path.text.isEmpty else {
        mistakes.error(
          text.isEmpty ? "the path is empty" : "the output '\(text)' lies outside the workspace", at: node,
          notes: ["write a path inside the workspace; 'publish' says where a copy goes in the project"])
        continue
      }
      if let other = places[path] {
        mistakes.error("the outputs '\(other)' and '\(output.name)' have the same path '\(path)'", at: node)
        continue
      }
      places[path] = output.name
      sound.append((path, output.name, node))
    }
    for (path, name, node) in sound {
      var folder = path.parent
      while !folder.text.isEmpty {
        if let other = places[folder] {
          mistakes.error("the output '\(name)' lies inside the output '\(other)' (\(folder))", at: node)
        }
        folder = folder.parent
      }
    }
  }

  /// Checks one published place against all seen so far. `inputs` are the project's own files.
  mutating func checkPublished(
    _ template: Template, of step: Step, in pipeline: PipelineDraft, at node: YAMLNode, inputs: Set<RelativePath>
  ) {
    let text = Self.filled(template, parameters: pipeline)
    guard text.utf8.count <= Self.longestPath else {
      mistakes.error("the path is longer than \(Self.longestPath) bytes", at: node)
      return
    }
    guard let path = RelativePath(text, in: pipeline.folder), path != pipeline.folder, !path.text.isEmpty else {
      mistakes.error("the place '\(text)' lies outside the project", at: node)
      return
    }
    guard files.staysInside(path) else {
      mistakes.error("\(path) leads out of the project through a symbolic link", at: node)
      return
    }
    if inputs.contains(path) {
      mistakes.error(
        "publishing to \(path) would overwrite a file that the project reads", at: node,
        notes: ["a step that wants this output refers to it by its name: {\(step.name).OUTPUT}"])
      return
    }
    checkAxes(template, text, of: step, in: pipeline, at: node)
    let entry = Published(step: "\(pipeline.name)/\(step.name)", node: node)
    if let other = published[path] {
      mistakes.error(
        "\(path) is published twice", at: node, notes: ["first by \(other.step) at \(other.node.location)"])
      return
    }
    if let inner = folders[path] {
      mistakes.error(
        "\(path) holds another published output", at: node,
        notes: ["of \(inner.step) at \(inner.node.location)"])
    }
    published[path] = entry
    var folder = path.parent
    while !folder.text.isEmpty {
      if let outer = published[folder] {
        mistakes.error(
          "\(path) lies inside another published output", at: node,
          notes: ["of \(outer.step) at \(outer.node.location)"])
      }
      if folders[folder] == nil { folders[folder] = entry }
      folder = folder.parent
    }
  }

  // Instances must not share a place: each axis with more than one value has to be in it, by its label or by fields
  // that tell its values apart.
  private func checkAxes(
    _ template: Template, _ text: String, of step: Step, in pipeline: PipelineDraft, at node: YAMLNode
  ) {
    for name in step.over {
      guard case .some(.some(let axis)) = pipeline.axis(name), axis.values.count > 1 else { continue }
      var fields: [String] = []
      var isNamed = false
      for case .axis(name, let field) in template.references {
        if let field { fields.append(field) } else { isNamed = true }
      }
      if isNamed { continue }
      let distinct = Set(axis.values.map { value in fields.map { value.value[$0] ?? .null } }).count
      if !fields.isEmpty, distinct == axis.values.count { continue }
      mistakes.error(
        "every value of the axis '\(name)' would be published to the same place '\(text)'", at: node,
        notes: ["put {\(name)} into the path"])
    }
  }
}
