import Glibc
import RungCore
import RungExec
import RungFormats
import RungLedger
import RungModel
import RungPlan
import RungStore

/// One execution of an instance, everything decided: a value that a worker thread carries out.
struct StepWork: Sendable {
  let instance: BuildGraph.NodeID
  let name: String
  let stepPath: String
  let attempt: Int
  /// What the history calls a success: `ran`, `forced`, `rebuilt`.
  let cause: String
  let key: ActionKey
  let step: Step
  let pipelineName: String
  let labels: [(axis: String, label: String)]
  let parameters: [JSON.Member]
  let program: Record.Program?
  let confinement: Confinement
  let surroundings: Surroundings
  let environment: WorkEnvironment?
  let command: Program
  /// The command for people and for the record: the text for a shell, or the arguments.
  let commandWords: [String]
  let variables: [(name: String, value: String)]
  let path: String
  let gpus: [String]
  let sources: [ProjectFile]
  /// Names the list of sources: equal keys, equal lists.
  let sourcesKey: Digest
  /// Whether other instances of the step have just the same sources.
  let sharesSources: Bool
  let listings: [[UInt8]]
  let upstream: [UpstreamFile]
  let collections: [CollectedInput]
  /// Files that are there and empty: what the first round of a loop finds of a round before.
  let blanks: [RelativePath]
  /// The number of the round; nil for a step that is no loop.
  let round: Int?
  let outputs: [ExpectedOutput]
  /// Whether Rung does it itself, with nothing but its declared inputs.
  var isBuiltIn: Bool { if case .claims = step.command { true } else { false } }

  let publish: [(output: String, path: RelativePath)]
  let inputs: [Record.Input]

  /// An environment to be built if it is not there.
  struct WorkEnvironment: Sendable {
    let python: PythonEnvironment
    let lockBytes: [UInt8]
    let record: Record.Environment
  }

  /// A file or folder of the project that goes into the workspace.
  struct ProjectFile: Sendable {
    let path: RelativePath
    let content: SourceFiles.Content
    /// What the stat cache knew of a large file before.
    let before: Digest?
  }

  /// An output of another instance that goes into the workspace.
  struct UpstreamFile: Sendable {
    let path: RelativePath
    let output: ActionOutput
    let maker: BuildGraph.NodeID
    /// Whether others read it, too.
    let isShared: Bool
  }

  /// Outputs of many instances that go into the workspace together.
  struct CollectedInput: Sendable {
    /// The reference, as it is written.
    let name: String
    let path: RelativePath
    let form: BuildGraph.CollectedForm
    let collection: RungLedger.Collection
    let axes: [Axis]
    let members: [(values: [AxisValue], output: ActionOutput, maker: BuildGraph.NodeID, fileName: String)]
    /// Whether others read it, too.
    let isShared: Bool
  }

  /// What came of it.
  struct Ending: Sendable {
    var outcome: Outcome
    var record: Digest?
    var changes = LedgerChanges()
    var outputs: [ActionOutput] = []
    var observed = Observed()
    var duration = TimeSpan(nanoseconds: 0)
    var events: [RunEvent] = []
  }

  /// How it ended.
  enum Outcome: Sendable {
    case succeeded
    case failed(StepFailure)
    /// Bytes that it needs are gone from the cache.
    case inputsLost([BuildGraph.NodeID])
    case interrupted
  }
}

/// Carries out step work: puts inputs in place, runs, records, publishes. Called on worker threads, many at a time.
struct StepWorker: Sendable {
  let root: String
  let store: ObjectStore
  let executor: any StepExecutor
  let environments: PythonEnvironments
  let workspaces: WorkspaceFolder
  let kept: KeptFiles
  let publisher: Publisher
  let keeper: ObservationKeeper
  let keptSources = KeptSources()
  let earlier: EarlierVersions
  let project: String
  let run: String
  let host: String
  let version: String
  let git: @Sendable () -> GitState?
  let note: RunNote
  let publishes: Bool
  let stamps: Bool
  let variation: Variation?
  let varied: VariedNotes
  let notify: @Sendable (RunEvent) -> Void

  /// Blocks until the work is done.
  func perform(_ work: StepWork, stop: StopSignal) -> StepWork.Ending {
    let ending = attempt(work, stop: stop, isLast: false)
    // Bytes that were damaged when they were read may be sound by now: the copy of a project file is taken anew, and
    // another step that reads the same result may have had it made again.
    if case .failed(let failure) = ending.outcome, failure.isMachineFault, failure.record == nil, !stop.isRequested {
      return attempt(work, stop: stop, isLast: true)
    }
    return ending
  }

  private func attempt(_ work: StepWork, stop: StopSignal, isLast: Bool) -> StepWork.Ending {
    // After a failure nothing is taken for granted.
    if isLast { keptSources.forget(work.sourcesKey) }
    do throws(WorkProblem) {
      try keepSources(work)
      let lost = lostMakers(work)
      guard lost.isEmpty else { return StepWork.Ending(outcome: .inputsLost(lost)) }
      if case .claims(let claims) = work.step.command {
        notify(.stepStarted(instance: work.name, step: work.stepPath, attempt: work.attempt, workspace: nil))
        let result = judge(claims, work)
        if case .notStarted(let reason) = result.end {
          let lost = lostMakers(work)
          guard lost.isEmpty else { return StepWork.Ending(outcome: .inputsLost(lost)) }
          throw WorkProblem(message: reason, isMachineFault: true)
        }
        return finish(work, result)
      }
      try build(work)
      let task = try self.task(for: work)
      let before = try handKept(work, task)
      notify(
        .stepStarted(instance: work.name, step: work.stepPath, attempt: work.attempt, workspace: task.workspace))
      let result = executor.execute(task, stop: stop)
      // Before anybody else gets the workspace.
      if !work.step.keep.isEmpty {
        if result.succeeded { kept.release(task.workspace) } else { kept.take(from: task.workspace) }
      }
      if variation != nil { varied.note(result.varied, of: work.name) }
      // A process that outlived its step may still write there: nobody else gets that folder.
      if result.leftProcesses, !task.confinement.processes {
        try? discardWorkspace(task.workspace)
      } else {
        workspaces.giveBack(task.workspace, keeping: result.mountPoints)
      }
      if case .notStarted(let reason) = result.end {
        // Damage is found when bytes are read; what was set aside then is missing now.
        let lost = lostMakers(work)
        guard lost.isEmpty else { return StepWork.Ending(outcome: .inputsLost(lost)) }
        if result.isMachineFault, !isLast { throw WorkProblem(message: reason, isMachineFault: true) }
      }
      let ending = finish(work, result, after: before)
      if !work.step.keep.isEmpty, case .succeeded = ending.outcome { kept.drop(work.key.digest) }
      return ending
    } catch {
      let lost = lostMakers(work)
      guard lost.isEmpty else { return StepWork.Ending(outcome: .inputsLost(lost)) }
      // What is the step's own fault is recorded like any other failure of it.
      if !error.isMachineFault {
        return finish(work, StepResult(end: .notStarted(error.message), startedAt: Clock.now()))
      }
      return StepWork.Ending(outcome: .failed(failure(work, error.message, isMachineFault: true)))
    }
  }

  private struct WorkProblem: Error {
    let message: String
    var isMachineFault = false
  }

  // MARK: before

  // The bytes that the key names, in the store: so that the step gets them and nothing else.
  private func keepSources(_ work: StepWork) throws(WorkProblem) {
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

  private func isKept(_ content: SourceFiles.Content) -> Bool {
    switch content {
    case .file(let digest, _, _): store.contains(digest)
    case .tree(let digest, _): store.holdsTree(digest)
    }
  }

  private func lostMakers(_ work: StepWork) -> [BuildGraph.NodeID] {
    var lost: Set<BuildGraph.NodeID> = []
    for file in work.upstream where !store.holds(file.output) { lost.insert(file.maker) }
    for input in work.collections {
      for member in input.members where !store.holds(member.output) { lost.insert(member.maker) }
    }
    return lost.sorted()
  }

  private func build(_ work: StepWork) throws(WorkProblem) {
    guard let environment = work.environment, !environments.isBuilt(environment.python) else { return }
    do throws(EnvironmentError) {
      try environments.build(environment.python, lock: environment.lockBytes) { notify(.environment($0)) }
    } catch {
      throw WorkProblem(message: "\(error)", isMachineFault: error.isMachineFault)
    }
  }

  // Gives the step what earlier attempts under its key have kept; how many there were.
  private func handKept(_ work: StepWork, _ task: StepTask) throws(WorkProblem) -> Int {
    guard !work.step.keep.isEmpty else { return 0 }
    if work.cause == "forced", work.attempt == 1 { kept.drop(work.key.digest) }
    do throws(ExecError) {
      let before = try kept.hand(work.key.digest, work.step.keep, to: task.workspace)
      if before > 0 { notify(.resuming(instance: work.name, attempts: before)) }
      return before
    } catch {
      throw WorkProblem(message: "\(error)", isMachineFault: true)
    }
  }

  private func task(for work: StepWork) throws(WorkProblem) -> StepTask {
    var staging = Staging(folder: "\(workspaces.path)/layers")
    for source in work.sources { staging.add(source) }
    for file in work.upstream {
      let staged = StagedFile(path: file.path, content: Self.content(of: file.output))
      staging.add(staged, size: file.output.size, isShared: file.isShared)
    }
    for input in work.collections { try stage(input, into: &staging) }
    for path in work.blanks { staging.add(StagedFile(path: path, content: .bytes([]))) }
    let workspace = workspaces.take()
    var secrets: [(name: String, value: String)] = []
    for name in work.step.secrets {
      guard let value = getenv(name) else {
        throw WorkProblem(
          message: "the secret \(name) is not set; set it in the environment that rung is started from")
      }
      secrets.append((name, String(cString: value)))
    }
    return StepTask(
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
  }

  private static func content(of output: ActionOutput) -> StagedFile.Content {
    switch output.kind {
    case .tree: .tree(output.digest)
    case .file: .object(output.digest, executable: false)
    case .executable: .object(output.digest, executable: true)
    }
  }

  private func stage(_ input: StepWork.CollectedInput, into staging: inout Staging) throws(WorkProblem) {
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

  private func forEachMember(
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

  // MARK: after

  private func finish(_ work: StepWork, _ given: StepResult, after before: Int = 0) -> StepWork.Ending {
    var result = given
    if result.succeeded, let problem = loopProblem(work, result) { result.problem = problem }
    let outputs = result.outputs.map { output in
      ActionOutput(
        name: output.name, kind: output.isDirectory ? .tree : output.executable ? .executable : .file,
        digest: output.digest, size: output.size)
    }
    var ending = StepWork.Ending(outcome: .succeeded, duration: result.duration)
    ending.outputs = outputs
    let record: Record
    let kept: ObservationKeeper.Kept
    do throws(StoreError) {
      kept = try keeper.keep(result.observation, outputs: Set(work.outputs.map(\.path.text)))
      record = self.record(work, result, outputs, kept, try note.record(), attempts: max(work.attempt, before + 1))
      ending.record = try store.putRecord(record.bytes)
      ending.observed = kept.observed
    } catch {
      return StepWork.Ending(outcome: .failed(failure(work, error.message, isMachineFault: true)))
    }
    if let digest = ending.record {
      ending.changes.records = [
        RecordRow(
          record: digest, project: project, instance: work.name, pipeline: work.pipelineName, step: work.step.name,
          key: work.key.digest, run: run, outcome: record.outcome.rawValue, started: record.started,
          duration: record.duration)
      ]
      ending.changes.history = [
        HistoryEntry(
          project: project, instance: work.name, sequence: 0, run: run, key: work.key.digest, record: digest,
          outcome: record.outcome == .succeeded ? work.cause : result.end == .stopped ? "interrupted" : "failed",
          at: Clock.now())
      ]
    }
    guard record.outcome == .succeeded, let digest = ending.record else {
      if result.end == .stopped {
        ending.outcome = .interrupted
      } else {
        var failure = failure(work, result, record: ending.record)
        if let problem = record.problem { failure.problem = problem }
        ending.outcome = .failed(failure)
      }
      return ending
    }
    ending.changes.actions = [
      ActionRow(
        key: work.key.digest, observed: kept.observed, watch: record.watch, made: record.started, record: digest,
        outputs: outputs)
    ]
    ending.changes.outputs = outputs.map { OutputRow(digest: $0.digest, record: digest, name: $0.name) }
    ending.changes.durations = [.init(project: project, step: work.stepPath, nanoseconds: result.duration.nanoseconds)]
    if result.eventsLeftOut > 0 {
      ending.events.append(
        .warning(
          "\(result.eventsLeftOut) lines that \(work.name) wrote to \(StepEvents.variable) are left out: a line is a JSON object such as {\"step\": 100, \"loss\": 0.31}"
        ))
    }
    if result.leftProcesses {
      ending.events.append(.warning("\(work.name) left processes behind; they were ended"))
    }
    for (name, path) in publishes ? work.publish : [] {
      guard let output = outputs.first(where: { $0.name == name }) else { continue }
      publish(output, to: path, work.name, record: digest, restored: false, &ending)
    }
    return ending
  }

  // A round must say whether the loop has ended, and the last one that may be must say that it has.
  private func loopProblem(_ work: StepWork, _ result: StepResult) -> String? {
    guard let loop = work.step.loop, let output = result.outputs.first(where: { $0.name == loop.output }) else {
      return nil
    }
    switch store.ending(of: loop, output.digest) {
    case .says(true): return nil
    case .says(false):
      guard work.round == loop.atMost else { return nil }
      return
        "the loop did not end: \(loop.condition) was false in each of its \(loop.atMost) rounds; let it have more ('at_most'), or look at \(loop.output) of the last"
    case .unclear(let why): return "the round does not say whether the loop has ended: \(why)"
    }
  }

  /// Writes a published copy. A problem becomes an event: the result itself is safe.
  func publish(
    _ output: ActionOutput, to path: RelativePath, _ instance: String, record: Digest, restored: Bool,
    _ ending: inout StepWork.Ending
  ) {
    do throws(Publisher.Problem) {
      let published = try publisher.publish(output, to: path, stamp: stamp(of: output, instance, record))
      if let kept = published.displaced {
        ending.events.append(
          .warning("\(path) had been changed by hand; what it held is kept: rung cache cat \(kept.digest.short)"))
        // No record names it: this is what keeps it from being collected.
        ending.changes.displaced.append(
          DisplacedRow(
            digest: kept.digest, isTree: kept.isTree, project: project, path: path.text, at: Clock.now()))
      }
      if let problem = published.problem { ending.events.append(.warning(problem)) }
      ending.events.append(.published(path: path.text, restored: restored))
      ending.changes.published.append(
        PublishedRow(
          project: project, path: path.text, digest: output.digest, instance: instance, output: output.name,
          record: record, copy: published.copy))
    } catch {
      ending.events.append(.notPublished(path: path.text, problem: error.message))
    }
  }

  // What a copy says of itself; nil where the project wants no stamps.
  private func stamp(of output: ActionOutput, _ instance: String, _ record: Digest) -> Stamp? {
    guard stamps else { return nil }
    let run = (try? store.readRecord(record)).flatMap(Record.init(bytes:))?.runRecord
    return Stamp(artifact: output.digest, record: record, run: run, instance: instance, output: output.name)
  }

  private func record(
    _ work: StepWork, _ result: StepResult, _ outputs: [ActionOutput], _ kept: ObservationKeeper.Kept,
    _ runRecord: Digest, attempts: Int
  ) -> Record {
    let state = git()
    var exit: Int?
    var signal: Int?
    var outcome = Record.Outcome.failed
    switch result.end {
    case .exited(let code):
      exit = Int(code)
      if result.succeeded { outcome = kept.changed.isEmpty ? .succeeded : .changed }
    case .signalled(let number): signal = Int(number)
    case .timedOut: outcome = .timedOut
    case .stopped: outcome = .interrupted
    case .notStarted: break
    }
    return Record(
      instance: work.name, pipeline: work.pipelineName, step: work.step.name, kind: work.step.kind,
      axes: work.labels.map { JSON.Member($0.axis, .string($0.label)) }, key: work.key.digest,
      fields: work.key.fields.map {
        Record.Field(kind: $0.kind.rawValue, name: $0.name, value: $0.value, digest: $0.digest)
      },
      outcome: outcome, exitCode: exit, signal: signal,
      problem: outcome == .succeeded ? nil : outcome == .changed ? Self.changed(kept.changed) : problem(work, result),
      command: work.commandWords, parameters: work.parameters, inputs: work.inputs,
      outputs: zip(outputs, result.outputs).map { output, produced in
        Record.Output(
          name: output.name, path: produced.path.text, kind: output.kind.name, digest: output.digest, size: output.size)
      },
      environment: work.environment?.record, program: work.program,
      variables: work.variables.map { JSON.Member($0.name, .string($0.value)) },
      watch: work.confinement.level.rawValue, network: work.confinement.network,
      view: work.isBuiltIn ? "rung" : work.confinement.view,
      trace: work.isBuiltIn
        ? "complete" : !result.observation.isRecorded ? "off" : kept.problems.isEmpty ? "complete" : "incomplete",
      traceProblems: kept.problems, observed: kept.observed, run: run, runRecord: runRecord, host: host,
      started: result.startedAt,
      duration: result.duration.nanoseconds,
      cpu: result.cpu.nanoseconds, peakMemory: result.peakMemory.bytes, attempts: attempts, commit: state?.commit,
      dirty: state?.dirty, log: result.log, events: result.events, version: version)
  }

  private static func changed(_ paths: [String]) -> String {
    let more = paths.count > 3 ? " and \(paths.count - 3) more files" : ""
    return
      "\(paths.prefix(3).joined(separator: ", "))\(more) changed while it ran, so that nobody can say what it read; "
      + "its result is not used. Run again"
  }

  private func problem(_ work: StepWork, _ result: StepResult) -> String {
    let what =
      switch result.end {
      case .exited(0): result.problem ?? "failed"
      case .exited(let code): "exit code \(code)"
      case .signalled(let number): "ended by signal \(number) (\(String(cString: strsignal(number))))"
      case .timedOut: "took longer than its timeout of \(work.step.timeout?.description ?? "?")"
      case .stopped: "stopped"
      case .notStarted(let reason): reason
      }
    guard work.confinement.level == .strict, result.end != .stopped else { return what }
    let advice = StrictAdvice(work, result, root: root)
    return advice.text.isEmpty ? what : "\(what). \(advice.text)"
  }

  private func failure(_ work: StepWork, _ result: StepResult, record: Digest?) -> StepFailure {
    var exit: Int?
    var signal: Int?
    if case .exited(let code) = result.end { exit = Int(code) }
    if case .signalled(let number) = result.end { signal = Int(number) }
    return StepFailure(
      instance: work.name, problem: problem(work, result), command: commandLine(work), tail: result.logTail,
      exitCode: exit, signal: signal, record: record, isMachineFault: result.isMachineFault)
  }

  private func failure(_ work: StepWork, _ problem: String, isMachineFault: Bool) -> StepFailure {
    StepFailure(
      instance: work.name, problem: problem, command: commandLine(work), tail: [], exitCode: nil, signal: nil,
      record: nil, isMachineFault: isMachineFault)
  }

  private func commandLine(_ work: StepWork) -> String {
    if case .shell(let text, _) = work.command { return text }
    return work.commandWords.map(Substitution.quoted).joined(separator: " ")
  }
}
