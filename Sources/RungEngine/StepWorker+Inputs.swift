import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

// What a step needs is put in its place before it runs.
extension StepWorker {
  // The bytes that the key names, in the store: so that the step gets them and nothing else.
  func keepSources(_ work: StepWork) throws(WorkProblem) {
    do throws(StoreError) {
      for source in keptSources.contains(work.sourcesKey) ? [] : work.sources where !isKept(source.content) {
        let absolute = source.path.absolute(in: root)
        var options = PutOptions()
        if source.content.size >= StepTask.large {
          options.earlier = earlier.ofSource(source, instance: work.name, step: work.stepPath)
        }
        let now: Digest =
          switch source.content {
          case .file: try store.put(fileAt: absolute, followLinks: true, options: options).digest
          case .tree: try store.putTree(at: absolute, options: options).digest
          }
        guard now == source.content.digest else {
          throw StoreError(.missing, "\(source.path) was changed while the run was going on; run again")
        }
      }
      if keptSources.insert(work.sourcesKey) {
        if let environment = work.environment { _ = try store.put(environment.lockBytes) }
        for listing in work.listings { _ = try store.put(listing) }
      }
      for input in work.collections { _ = try store.put(input.collection.bytes) }
    } catch {
      throw WorkProblem(message: error.message, isMachineFault: error.code != .missing)
    }
  }

  func isKept(_ content: SourceFiles.Content) -> Bool {
    switch content {
    case .file(let digest, _, _): store.contains(digest)
    case .tree(let digest, _): store.holdsTree(digest)
    }
  }

  func lostMakers(_ work: StepWork) -> [BuildGraph.NodeID] {
    var lost: Set<BuildGraph.NodeID> = []
    for file in work.upstream where !store.holds(file.output) { lost.insert(file.maker) }
    for input in work.collections {
      for member in input.members where !store.holds(member.output) { lost.insert(member.maker) }
    }
    return lost.sorted()
  }

  func build(_ work: StepWork) throws(WorkProblem) {
    guard let environment = work.environment, !environments.isBuilt(environment.python) else { return }
    do throws(EnvironmentError) {
      try environments.build(environment.python, lock: environment.lockBytes) { notify(.environment($0)) }
    } catch {
      throw WorkProblem(message: "\(error)", isMachineFault: error.isMachineFault)
    }
  }

  // Gives the step what earlier attempts under its key have kept; how many there were.
  func handKept(_ work: StepWork, _ task: StepTask) throws(WorkProblem) -> Int {
    guard !work.step.keep.isEmpty else { return 0 }
    if task.startsAnew { kept.drop(work.key.digest) }
    do throws(ExecError) {
      let before = try kept.hand(work.key.digest, work.step.keep, to: task.workspace)
      if before > 0 { notify(.resuming(instance: work.name, attempts: before)) }
      return before
    } catch {
      throw WorkProblem(message: "\(error)", isMachineFault: true)
    }
  }

  func task(for work: StepWork) throws(WorkProblem) -> StepTask {
    var staging = Staging(folder: "\(workspaces.path)/layers")
    for source in work.sources { staging.add(source) }
    for file in work.upstream {
      let staged = StagedFile(path: file.path, content: Self.content(of: file.output))
      staging.add(staged, size: file.output.size, isShared: file.isShared)
    }
    for input in work.collections { try stage(input, into: &staging) }
    for path in work.blanks { staging.add(StagedFile(path: path, content: .bytes([]))) }
    var secrets: [(name: String, value: String)] = []
    for name in work.step.secrets {
      guard let value = getenv(name) else {
        throw WorkProblem(
          message: "the secret \(name) is not set; set it in the environment that rung is started from")
      }
      secrets.append((name, String(cString: value)))
    }
    let workspace = workspaces.take()
    var task = StepTask(
      instance: work.name, workspace: workspace, program: work.command,
      variables: StepVariables.all(
        path: work.path, cpus: work.step.resources.cpus, gpus: work.gpus,
        environmentFolder: work.environment?.python.folder,
        declared: work.variables + secrets),
      files: staging.files, outputs: work.outputs, timeout: work.step.timeout,
      grace: work.step.grace ?? StepTask.standardGrace,
      layers: staging.layers(named: work.sourcesKey, isShared: work.sharesSources, workspace: workspace),
      confinement: work.confinement,
      surroundings: work.surroundings, gpus: work.gpus, kept: work.step.keep, variation: variation,
      earlier: { [earlier, name = work.name, step = work.stepPath] output in
        earlier.ofOutput(output, instance: name, step: step)
      })
    task.key = work.key.digest
    task.resources = work.step.resources
    task.startsAnew = work.cause == "forced" && work.attempt == 1
    return task
  }

  static func content(of output: ActionOutput) -> StagedFile.Content {
    switch output.kind {
    case .tree: .tree(output.digest)
    case .file: .object(output.digest, executable: false)
    case .executable: .object(output.digest, executable: true)
    }
  }

  func stage(_ input: StepWork.CollectedInput, into staging: inout Staging) throws(WorkProblem) {
    switch input.form {
    case .table:
      var table = CollectedTable(axes: input.axes, outputName: input.collection.output)
      try forEachMember(of: input) { table.add(values: $0, axes: input.axes, json: $1) }
      staging.add(StagedFile(path: input.path, content: .bytes(Array(table.csv.utf8))))
    case .summary:
      var table = SummaryTable(axes: input.axes)
      try forEachMember(of: input) { table.add(values: $0, json: $1) }
      do throws(SummaryTable.Problem) {
        staging.add(StagedFile(path: input.path, content: .bytes(Array(try table.csv().utf8))))
      } catch {
        throw WorkProblem(message: "{\(input.name)} cannot become a summary: \(error.message)")
      }
    case .files:
      let columns = input.axes.flatMap { $0.fields.isEmpty ? [$0.name] : $0.fields }
      var index = CollectedTable.line(columns + ["path"])
      for (member, entry) in zip(input.members, input.collection.members) {
        let place = entry.labels.isEmpty ? member.fileName : "\(entry.labels)/\(member.fileName)"
        guard let path = input.path.appending(place) else { continue }
        staging.add(
          StagedFile(path: path, content: Self.content(of: member.output)), size: member.output.size,
          isShared: input.isShared)
        var cells: [String] = []
        for (axis, value) in zip(input.axes, member.values) {
          cells +=
            axis.fields.isEmpty
            ? [Substitution.text(of: value.value)] : axis.fields.map { Substitution.text(of: value.value[$0] ?? .null) }
        }
        index += CollectedTable.line(cells + [place])
      }
      if let path = input.path.appending("index.csv") {
        staging.add(StagedFile(path: path, content: .bytes(Array(index.utf8))))
      }
    }
  }

  func forEachMember(
    of input: StepWork.CollectedInput, _ body: (_ values: [AxisValue], _ json: JSON) -> Void
  ) throws(WorkProblem) {
    for (member, entry) in zip(input.members, input.collection.members) {
      do {
        body(member.values, try JSON(parsing: try store.read(member.output.digest, limit: 64 << 20)))
      } catch let error as JSON.ParseError {
        throw WorkProblem(
          message:
            "the output '\(input.collection.output)' of \(entry.instance) cannot become a row of a table: \(error)")
      } catch {
        throw WorkProblem(message: "\(error)", isMachineFault: true)
      }
    }
  }
}
