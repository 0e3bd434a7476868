import RungCore
import RungLedger

/// A result that came from a remote and is in the store, whole.
struct FetchedResult: Sendable {
  let key: Digest
  let record: Digest
  let outputs: [ActionOutput]
  /// Who signed it, for people.
  let signedBy: String
  /// The run that made it, elsewhere.
  var run: String { execution.run }
  private let execution: Record
  private let lineage: [(digest: Digest, record: Record)]

  init(_ offer: ResultPuller.Offer, _ outputs: [ActionOutput], lineage: [(digest: Digest, record: Record)]) {
    key = offer.key
    record = offer.digest
    self.outputs = outputs
    signedBy = offer.signature.by
    execution = offer.record
    self.lineage = lineage
  }

  /// The rows with which the ledger knows it like one that was made here. What lies behind it is known as records, with
  /// their outputs; none of them is a result here, since its bytes did not come along.
  func changes(project: String) -> LedgerChanges {
    var changes = LedgerChanges()
    for (digest, record) in [(record, execution)] + lineage.map({ ($0.digest, $0.record) }) {
      changes.records.append(
        RecordRow(
          record: digest, project: project, instance: record.instance, pipeline: record.pipeline, step: record.step,
          key: record.key, run: record.run, outcome: record.outcome.rawValue, started: record.started,
          duration: record.duration))
      changes.outputs += record.outputs.map { OutputRow(digest: $0.digest, record: digest, name: $0.name) }
    }
    changes.actions = [
      ActionRow(
        key: key, observed: execution.observed, watch: execution.watch, made: execution.started, record: record,
        outputs: outputs)
    ]
    changes.durations = [
      .init(project: project, step: "\(execution.pipeline)/\(execution.step)", nanoseconds: execution.duration)
    ]
    return changes
  }
}
