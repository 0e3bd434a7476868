import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan

// What is told of an execution: its record, and for people what went wrong.
extension StepWorker {
  func record(
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
      traceProblems: kept.problems, observed: kept.observed, run: run, runRecord: runRecord,
      host: result.place?.host ?? host, place: result.place.map(\.json),
      started: result.startedAt,
      duration: result.duration.nanoseconds,
      cpu: result.cpu.nanoseconds, peakMemory: result.peakMemory.bytes, attempts: attempts, commit: state?.commit,
      dirty: state?.dirty, log: result.log, events: result.events, version: version)
  }

  static func changed(_ paths: [String]) -> String {
    let more = paths.count > 3 ? " and \(paths.count - 3) more files" : ""
    return
      "\(paths.prefix(3).joined(separator: ", "))\(more) changed while it ran, so that nobody can say what it read; "
      + "its result is not used. Run again"
  }

  func problem(_ work: StepWork, _ result: StepResult) -> String {
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

  func failure(_ work: StepWork, _ result: StepResult, record: Digest?) -> StepFailure {
    var exit: Int?
    var signal: Int?
    if case .exited(let code) = result.end { exit = Int(code) }
    if case .signalled(let number) = result.end { signal = Int(number) }
    return StepFailure(
      instance: work.name, problem: problem(work, result), command: commandLine(work), tail: result.logTail,
      exitCode: exit, signal: signal, record: record, isMachineFault: result.isMachineFault)
  }

  func failure(_ work: StepWork, _ problem: String, isMachineFault: Bool) -> StepFailure {
    StepFailure(
      instance: work.name, problem: problem, command: commandLine(work), tail: [], exitCode: nil, signal: nil,
      record: nil, isMachineFault: isMachineFault)
  }

  func commandLine(_ work: StepWork) -> String {
    if case .shell(let text, _) = work.command { return text }
    return work.commandWords.map(Substitution.quoted).joined(separator: " ")
  }
}
