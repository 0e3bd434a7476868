import RungCore

extension Project {
  /// Loads rung.yaml and every pipelines/*/pipeline.yaml, applies the profile and the overrides, and checks everything.
  ///
  /// Throws all mistakes at once, in the order of file, line and column. A project without rung.yaml has the default
  /// settings; one without pipelines is empty. Neither is an error.
  public static func load(
    root: String, files: ProjectFiles, overrides: Overrides = Overrides()
  ) throws(Diagnostics) -> Project {
    var loader = ProjectLoader(files: files, overrides: overrides)
    let (settings, pipelines) = loader.load()
    guard loader.mistakes.errors.isEmpty else { throw Diagnostics(loader.mistakes.all) }
    let contents = loader.memory.contents.withLock { $0 }
    var project = Project(
      root: root, settings: settings, pipelines: pipelines, warnings: Diagnostics(loader.mistakes.warnings).items,
      declarations: contents.map { Project.Declaration(path: $0.key, bytes: $0.value) }
        .sorted { $0.path.text < $1.path.text },
      overrides: overrides)
    project.sightings.missing = loader.memory.missing.withLock { $0 }
    project.sightings.listings = loader.memory.listings.withLock { $0 }
    project.sightings.kinds = loader.memory.kinds.withLock { $0 }
    return project
  }

  /// The settings alone, as a project's files say them; nil when there is a mistake in them, which `load` will tell.
  public static func settings(_ files: ProjectFiles) -> ProjectSettings? {
    let loader = ProjectLoader(files: files, overrides: Overrides())
    let settings = loader.readSettings()
    return loader.mistakes.errors.isEmpty ? settings : nil
  }
}

/// The order in which a project is read: names first, then what they name, then what refers to them.
struct ProjectLoader {
  let files: ProjectFiles
  let overrides: Overrides
  let mistakes = Mistakes()
  let memory = FileMemory()
  // A file could not be read: what seems to be missing may be in it.
  private var isIncomplete = false

  init(files: ProjectFiles, overrides: Overrides) {
    self.files = files.remembering(in: memory)
    self.overrides = overrides
  }

  mutating func load() -> (ProjectSettings, [Pipeline]) {
    let settings = readSettings()
    var drafts = readPipelines()
    let reader = OverrideReader(mistakes: mistakes, overrides: overrides, isIncomplete: isIncomplete)
    reader.checkProfile(drafts)
    reader.setParameters(&drafts)
    var steps = readSteps(of: drafts, settings)
    reader.cutAxes(&drafts, steps: &steps)
    let resolved = resolve(steps, of: drafts)
    mistakes.settle()
    let pipelines = zip(drafts, resolved).map { draft, steps in
      Pipeline(
        name: draft.name, about: draft.about, file: draft.file, folder: draft.folder, parameters: draft.parameters,
        axes: draft.axes.compactMap(\.axis), steps: steps)
    }
    return (settings, pipelines.sorted { $0.name < $1.name })
  }

  private func parse(_ path: RelativePath) -> YAMLNode?? {
    let bytes: [UInt8]?
    do { bytes = try files.read(path, SourceText.sizeLimit) } catch {
      mistakes.error("\(path) cannot be read: \(error)")
      return .some(nil)
    }
    guard let bytes else { return nil }
    let source = SourceText.read(name: path.text, folder: path.parent, bytes: bytes, mistakes: mistakes)
    return .some(source.flatMap { YAMLParser.parse($0, mistakes: mistakes) })
  }

  func readSettings() -> ProjectSettings {
    guard let path = RelativePath("rung.yaml"), case .some(.some(let root)) = parse(path) else {
      return ProjectSettings()
    }
    return SettingsReader(mistakes: mistakes).read(root)
  }

  private mutating func readPipelines() -> [PipelineDraft] {
    let reader = PipelineReader(files: files, mistakes: mistakes, overrides: overrides)
    var drafts: [PipelineDraft] = []
    guard let top = RelativePath("pipelines") else { return [] }
    for name in files.list(top) where !name.hasPrefix(".") {
      guard let folder = top.appending(name), let file = folder.appending("pipeline.yaml") else { continue }
      guard let parsed = parse(file) else {
        if let other = folder.appending("pipeline.yml"), files.kind(other) == .file {
          mistakes.error("\(other) is not read", notes: ["rename it to pipeline.yaml"])
        }
        continue
      }
      guard let root = parsed, let draft = reader.read(root, file: file) else {
        isIncomplete = true
        continue
      }
      if let first = drafts.first(where: { $0.name == draft.name }) {
        mistakes.error(
          "there are two pipelines '\(draft.name)'", at: draft.nameNode,
          notes: ["the other is at \(first.nameNode.location)"])
        continue
      }
      drafts.append(draft)
    }
    return drafts
  }

  private func readSteps(of drafts: [PipelineDraft], _ settings: ProjectSettings) -> [[StepDraft]] {
    let merger = StepMerger(drafts, isIncomplete: isIncomplete, mistakes: mistakes)
    return drafts.enumerated().map { index, draft in
      let reader = StepReader(pipeline: draft, settings: settings, files: files, mistakes: mistakes)
      return draft.steps.map { entry in
        guard let merged = merger.merged(pipeline: index, step: entry) else {
          let empty = Step(name: entry.name, command: .arguments([]), outputs: [], location: entry.key.location)
          var broken = StepDraft(step: empty, key: entry.key)
          broken.isIncomplete = true
          return broken
        }
        return mistakes.blaming(merged.use) {
          var step = reader.read(key: entry.key, value: merged.node, environment: merged.environment)
          step.use = merged.use
          if let watch = overrides.watch { step.step.watch = watch }
          return step
        }
      }
    }
  }

  private func resolve(_ steps: [[StepDraft]], of drafts: [PipelineDraft]) -> [[Step]] {
    var outputs: [String: [String: [String]?]] = [:]
    var folders: Set<String> = []
    var ids: [String: Int] = [:]
    var names: [String] = []
    for (draft, steps) in zip(drafts, steps) {
      var known: [String: [String]?] = [:]
      for step in steps {
        known[step.step.name] = .some(step.isIncomplete ? nil : step.outputs.map(\.output.name))
        for output in step.outputs where output.isFolder {
          folders.insert("\(draft.name)/\(step.step.name).\(output.output.name)")
        }
        ids["\(draft.name)/\(step.step.name)"] = names.count
        names.append("\(draft.name)/\(step.step.name)")
      }
      if !draft.claims.isEmpty {
        known[Step.claims] = .some([Step.verdicts])
        ids["\(draft.name)/\(Step.claims)"] = names.count
        names.append("\(draft.name)/\(Step.claims)")
      }
      outputs[draft.name] = known
    }
    var checker = StepChecker(
      names: TemplateResolver.Names(outputs: outputs, folders: folders, isIncomplete: isIncomplete), ids: ids,
      files: files, mistakes: mistakes)
    for draft in drafts { checker.protect(draft.file) }
    if let settings = RelativePath("rung.yaml") { checker.protect(settings) }
    let resolved = zip(drafts, steps).map { draft, steps in
      let own = steps.map { step in mistakes.blaming(step.use) { checker.finish(step, in: draft) } }
      return draft.claims.isEmpty ? own : own + [checker.judging(draft)]
    }
    for (index, draft) in drafts.enumerated() {
      for (_, axis, key) in draft.axes {
        guard let axis, let origin = axis.origin else { continue }
        let users = steps[index].filter { $0.step.over.contains(axis.name) }
        let makers = drafts.firstIndex { $0.name == origin.output.pipeline }.map { steps[$0] } ?? []
        checker.checkOrigin(
          origin, of: key, in: draft, maker: makers.first { $0.step.name == origin.output.step },
          users: users.map(\.step.name))
      }
    }
    CycleCheck.check(names: names, edges: checker.edges, mistakes: mistakes)
    checker.checkPublished()
    return resolved
  }
}
