import RungCore
import RungFormats
import RungLedger
import RungModel
import RungPlan
import RungStore

// Copies of outputs go to their places in the project.
extension StepWorker {
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
  func stamp(of output: ActionOutput, _ instance: String, _ record: Digest) -> Stamp? {
    guard stamps else { return nil }
    let run = (try? store.readRecord(record)).flatMap(Record.init(bytes:))?.runRecord
    return Stamp(artifact: output.digest, record: record, run: run, instance: instance, output: output.name)
  }
}
