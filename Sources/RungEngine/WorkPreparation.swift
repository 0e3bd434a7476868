import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

extension Session {
  /// Everything that a worker needs to execute an instance whose key is known. Looks at nothing but what is known
  /// already; pure but for the memory of the resolver.
  func prepare(
    _ instance: BuildGraph.NodeID, key: ActionKey, attempt: Int, cause: String, gpus: [String]
  ) throws(Diagnostics) -> StepWork {
    let planned = graph.step(of: instance)
    let step = planned.step
    let local = instance - planned.first
    let pipeline = graph.pipelines[planned.pipeline]
    let context = try resolver.value.context(of: Int(graph.stepOfInstance[instance]))
    var values = Substitution(parameters: context.parameters, axes: resolver.value.axisValues(of: instance))
    let sources = try projectSources(of: instance)
    values.inputs = sources.paths
    var recorded = sources.recorded

    // The values of an axis come from its table: a source of the result, although only the values are in the key.
    for axis in planned.axes {
      guard let table = axis.table, let content = try? resolver.value.files.content(table) else { continue }
      recorded.append(
        Record.Input(
          name: "", path: table.text, kind: Self.kind(of: content), digest: content.digest,
          source: .project(path: table.text)))
    }

    var upstream: [StepWork.UpstreamFile] = []
    var collections: [StepWork.CollectedInput] = []
    var blanks: [RelativePath] = []
    for binding in planned.bindings {
      let name = binding.reference.source
      if binding.isOrigin {
        if let maker = binding.source(of: local), let output = resolver.value.output(binding.output, of: maker) {
          recorded.append(
            Record.Input(
              name: "", path: try resolver.value.fileName(binding.output, of: maker), kind: output.kind.name,
              digest: output.digest,
              source: .step(
                instance: graph.name(of: resolver.value.maker(of: maker)), output: output.name,
                record: resolver.value.results[maker]?.record ?? .empty)))
        }
        continue
      }
      if binding.isPrevious, binding.source(of: local) == nil, binding.collection(of: local) == nil {
        let text = try resolver.value.inputPath(binding, of: instance)
        values.steps[name] = text
        if let path = RelativePath(text) { blanks.append(path) }
      } else if let maker = binding.source(of: local), let output = resolver.value.output(binding.output, of: maker) {
        let text = try resolver.value.inputPath(binding, of: maker)
        values.steps[name] = text
        if let path = RelativePath(text) {
          upstream.append(.init(path: path, output: output, maker: maker, isShared: isShared(maker)))
        }
        recorded.append(
          Record.Input(
            name: name, path: text, kind: output.kind.name, digest: output.digest,
            source: .step(
              instance: graph.name(of: resolver.value.maker(of: maker)), output: output.name,
              record: resolver.value.results[maker]?.record ?? .empty)))
      } else if let index = binding.collection(of: local) {
        let collected = try collectedInput(binding, index)
        values.steps[name] = collected.path.text
        recorded.append(
          Record.Input(
            name: name, path: collected.path.text, kind: collected.form.isTable ? "table" : "tree",
            digest: collected.collection.contentDigest,
            source: .collection(members: Digest(of: collected.collection.bytes), form: collected.form.rawValue)))
        collections.append(collected)
      }
    }

    var outputs: [ExpectedOutput] = []
    var publish: [(output: String, path: RelativePath)] = []
    for output in step.outputs {
      let text = values.plain(output.path)
      guard let path = RelativePath(text), !path.text.isEmpty else {
        throw Diagnostics("the output '\(text)' lies outside the workspace", at: output.location)
      }
      values.outputs[output.name] = path.text
      outputs.append(
        ExpectedOutput(
          name: output.name, path: path, isDirectory: output.isDirectory, compression: Self.compression(of: output)))
      // Of a loop only what comes out in the end.
      if planned.isLast(local), let template = output.publish,
        let place = RelativePath(values.plain(template), in: output.base)
      {
        publish.append((output.name, place))
      }
    }

    let (command, words) = Self.command(of: step, values)
    let variables = step.variables.map { variable in
      (name: variable.name, value: variable.value.map(values.plain) ?? callerVariables[variable.name] ?? "")
    }
    return StepWork(
      instance: instance, name: graph.name(of: instance), stepPath: planned.path, attempt: attempt, cause: cause,
      key: key,
      step: step, pipelineName: pipeline.name, labels: planned.labels(of: local), parameters: context.usedParameters,
      program: context.program, confinement: confinement(ofStep: Int(graph.stepOfInstance[instance])),
      surroundings: surroundings(path: context.path, environment: context.environment?.folder),
      environment: context.environment.map { .init(python: $0.python, lockBytes: $0.lockBytes, record: $0.record) },
      command: command, commandWords: words, variables: variables, path: context.path, gpus: gpus,
      sources: sources.files,
      sourcesKey: sources.key, sharesSources: sources.isShared, listings: sources.listings, upstream: upstream,
      collections: collections, blanks: blanks, round: planned.round(of: local),
      outputs: outputs, publish: publish,
      inputs: recorded)
  }

  // Whether more than one instance reads what a node gives.
  private func isShared(_ node: BuildGraph.NodeID) -> Bool {
    let readers = graph.dependents(of: node)
    return readers.contains { $0 != readers.first }
  }

  /// The files of the project that an instance declares.
  struct ProjectSources {
    var files: [StepWork.ProjectFile] = []
    // Names the list of files, so that it need not be compared.
    var key = Digest.empty
    // Whether other instances of the step have just the same.
    var isShared = false
    var listings: [[UInt8]] = []
    var recorded: [Record.Input] = []
    // For each named input the paths in the workspace.
    var paths: [String: [String]] = [:]
  }

  // Formed once for all instances of a step, unless its inputs depend on axes.
  private func projectSources(of instance: BuildGraph.NodeID) throws(Diagnostics) -> ProjectSources {
    let step = Int(graph.stepOfInstance[instance])
    let isFixed = try resolver.value.context(of: step).inputs.allSatisfy { $0 != nil }
    if isFixed, let known = fixedSources[step] { return known }
    var made = try makeSources(of: instance)
    made.isShared = isFixed && graph.steps[step].count > 1
    if isFixed { fixedSources[step] = made }
    return made
  }

  private func makeSources(of instance: BuildGraph.NodeID) throws(Diagnostics) -> ProjectSources {
    var result = ProjectSources()
    var placed: Set<RelativePath> = []
    for (_, input) in try resolver.value.inputs(of: instance) {
      result.paths[input.name] = input.items.map(\.path.text)
      for item in input.items {
        if placed.insert(item.path).inserted {
          let before = resolver.value.files.replaced[item.path.text]
          result.files.append(.init(path: item.path, content: item.content, before: before))
        }
        // Many files are one line of the record, so that it does not grow with them.
        if input.isGlob, input.items.count > Self.mostListed { continue }
        result.recorded.append(
          Record.Input(
            name: input.name, path: item.path.text, kind: Self.kind(of: item.content), digest: item.content.digest,
            source: .project(path: item.path.text)))
      }
      guard let listing = input.listing else { continue }
      result.listings.append(listing.bytes)
      if input.items.count > Self.mostListed {
        result.recorded.append(
          Record.Input(name: input.name, path: input.shown, kind: "files", digest: listing.digest, source: .files))
      }
    }

    // What lies in a folder that is an input itself comes with the folder: both were seen in the same instant.
    let folders = result.files.filter { if case .tree = $0.content { true } else { false } }.map(\.path)
    result.files.removeAll { source in folders.contains { $0 != source.path && source.path.isInside($0) } }
    var hash = FramedHash(domain: "rung/sources/1")
    for file in result.files {
      hash.field("path", file.path.text)
      if case .file(_, _, true) = file.content { hash.field("kind", "executable") }
      hash.field("digest", file.content.digest)
    }
    result.key = hash.digest()
    return result
  }

  // Files of a glob that a record names one by one.
  private static let mostListed = 20

  private static func command(of step: Step, _ values: Substitution) -> (Program, [String]) {
    switch step.command {
    case .arguments(let list):
      let words = list.flatMap(values.arguments)
      return (.arguments(words), words)
    case .shell(let template, let shell):
      let text = values.shell(template)
      let line = text.hasSuffix("\n") ? String(text.dropLast()) : text
      if shell == .sh, let words = directArguments(of: line) { return (.arguments(words), words) }
      return (.shell(text: text, shell), [shell.rawValue, "-eu", "-c", text])
    case .claims(let claims):
      return (.arguments([]), ["rung", "claims"] + claims.map(\.name))
    }
  }

  private func collectedInput(_ binding: Binding, _ index: Int) throws(Diagnostics) -> StepWork.CollectedInput {
    let collection = graph.collections[index]
    let producer = graph.steps[collection.producer]
    var members: [(values: [AxisValue], output: ActionOutput, maker: BuildGraph.NodeID, fileName: String)] = []
    for member in collection.members {
      let maker = Int(member)
      guard let output = resolver.value.output(collection.output, of: maker) else { continue }
      let values = producer.outerAxes.indices.map { producer.value(axis: $0, of: maker - producer.first) }
      members.append((values, output, maker, try resolver.value.fileName(collection.output, of: maker)))
    }
    let text =
      switch collection.form {
      case .table: WorkspaceLayout.table(binding.reference)
      case .summary: WorkspaceLayout.summary(binding.reference)
      case .files: WorkspaceLayout.inputFolder(binding.reference)
      }
    return StepWork.CollectedInput(
      name: binding.reference.source, path: RelativePath(text) ?? .root, form: collection.form,
      collection: resolver.value.collection(index),
      axes: Array(producer.outerAxes), members: members,
      isShared: isShared(graph.instanceCount + index))
  }

  // The store's word for what the file says.
  private static func compression(of output: Output) -> Compression {
    switch output.compression {
    case .auto: .auto
    case .raw: .raw
    case .level(let level): .level(level)
    }
  }

  private static func kind(of content: SourceFiles.Content) -> String {
    switch content {
    case .file(_, _, let executable): executable ? "executable" : "file"
    case .tree: "tree"
    }
  }
}
