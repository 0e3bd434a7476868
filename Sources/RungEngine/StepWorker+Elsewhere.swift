import RungCore
import RungExec
import RungLedger
import RungPlan

// A step that a worker on another machine executes: what it needs is put into the store here, and what came of it is
// recorded here.
extension StepWorker {
  func performElsewhere(
    _ work: StepWork, _ task: StepTask, _ elsewhere: any RemoteStepExecutor, stop: StopSignal
  ) -> StepWork.Ending {
    // Nobody will use it.
    workspaces.giveBack(task.workspace)
    let result = elsewhere.execute(task, stop: stop) { [notify] workspace in
      notify(
        .stepStarted(instance: work.name, step: work.stepPath, attempt: work.attempt, workspace: workspace))
    }
    if case .notStarted = result.end {
      let lost = lostMakers(work)
      guard lost.isEmpty else { return StepWork.Ending(outcome: .inputsLost(lost)) }
    }
    var ending = finish(work, result, after: result.attemptsBefore)
    ending.isElsewhere = result.place != nil
    if !work.step.keep.isEmpty, case .succeeded = ending.outcome { kept.drop(work.key.digest) }
    return ending
  }
}
