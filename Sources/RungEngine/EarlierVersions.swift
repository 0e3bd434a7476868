import RungCore
import RungExec
import RungLedger
import RungStore
import Synchronization

/// What large outputs and sources were before, so that the store can keep what versions have in common once. Asked by
/// workers, and only about what is large; an answer is a hint, and where the ledger cannot be read there is none.
final class EarlierVersions: Sendable {
  private let ledger: Ledger
  private let store: ObjectStore
  private let project: String
  // By step: the last outputs made in this run, the newest first. The ledger may not have them yet.
  private let made = Mutex<[String: [[ActionOutput]]]>([:])

  /// More are not worth comparing with.
  private static let most = 2

  init(ledger: Ledger, store: ObjectStore, project: String) {
    self.ledger = ledger
    self.store = store
    self.project = project
  }

  /// Remembers what a step has just made.
  func note(_ outputs: [ActionOutput], of step: String) {
    guard outputs.contains(where: { $0.size >= StepTask.large }) else { return }
    made.withLock { made in
      made[step] = Array(([outputs] + made[step, default: []]).prefix(Self.most))
    }
  }

  /// Earlier versions of an output: of the instance's last result, else of the last results of its step.
  func ofOutput(_ output: ExpectedOutput, instance: String, step: String) -> [Digest] {
    if let own = try? ledger.lastOutputs(project: project, instance: instance, limit: 1),
      let digest = Self.digests(of: output, in: own).first
    {
      return [digest]
    }
    var results = made.withLock { $0[step] ?? [] }
    if results.count < Self.most {
      results += (try? ledger.lastOutputs(project: project, step: step, limit: Self.most)) ?? []
    }
    return Array(Self.digests(of: output, in: results).prefix(Self.most))
  }

  /// Earlier versions of a source: what the last record of the instance, or else of its step, says was at the path, and
  /// what the stat cache knew of it.
  func ofSource(_ source: StepWork.ProjectFile, instance: String, step: String) -> [Digest] {
    var found: [Digest] = []
    let isFolder = if case .tree = source.content { true } else { false }
    if let name = try? ledger.lastRecord(project: project, instance: instance, step: step),
      let bytes = try? store.readRecord(name), let record = Record(bytes: bytes)
    {
      for input in record.inputs where input.source == .project(path: source.path.text) {
        if (input.kind == "tree") == isFolder { found.append(input.digest) }
      }
    }
    if let before = source.before, !found.contains(before) { found.append(before) }
    return Array(found.prefix(Self.most))
  }

  private static func digests(of output: ExpectedOutput, in results: [[ActionOutput]]) -> [Digest] {
    var found: [Digest] = []
    for old in results.joined() where old.name == output.name && old.size >= StepTask.large {
      // A file that has become a folder has nothing to compare with.
      if (old.kind == .tree) == output.isDirectory, !found.contains(old.digest) { found.append(old.digest) }
    }
    return found
  }
}
