import RungCore
import RungExec
import RungStore

/// Carries out step work: puts inputs in place, runs, records, publishes. Called on worker threads, many at a time.
struct StepWorker: Sendable {
  let root: String
  let store: ObjectStore
  let executor: any StepExecutor
  /// Executes the steps that are not for this machine; nil where all are.
  let elsewhere: (any RemoteStepExecutor)?
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

  func attempt(_ work: StepWork, stop: StopSignal, isLast: Bool) -> StepWork.Ending {
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
      if work.isElsewhere, let elsewhere { return performElsewhere(work, task, elsewhere, stop: stop) }
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

  struct WorkProblem: Error {
    let message: String
    var isMachineFault = false
  }
}
