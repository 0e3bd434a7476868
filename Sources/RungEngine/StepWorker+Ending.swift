import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

// What came of a step becomes a record, and rows that make its result known.
extension StepWorker {
  func finish(_ work: StepWork, _ given: StepResult, after before: Int = 0) -> StepWork.Ending {
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
      kept =
        if let there = result.observed {
          ObservationKeeper.Kept(
            observed: Observed(project: there.project, system: there.system), problems: there.problems,
            changed: there.changed)
        } else {
          try keeper.keep(result.observation, outputs: Set(work.outputs.map(\.path.text)))
        }
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
  func loopProblem(_ work: StepWork, _ result: StepResult) -> String? {
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
}
