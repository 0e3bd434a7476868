import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

/// A cache of its own for executions that are to know nothing of the project's: it begins empty, and is gone when the
/// value is.
///
/// Lies in the run folder of the project's cache, so that what a killed process leaves is swept by the next run.
final class Scratch {
  private let folder: WorkspaceFolder
  let session: Session

  /// A scratch cache for the same project, which is read anew but for its pipelines. Environments are those of
  /// `original`: they are named by what is in them, and building them may need a network.
  init(of original: Session) throws {
    folder = try WorkspaceFolder(under: "\(original.cache)/work")
    session = try Session(
      project: original.project, callerVariables: original.callerVariables, ingesting: true, durable: false,
      launcher: original.launcher, cache: folder.nextWorkspace(), hiding: original.cache,
      environmentsFolder: original.environmentsFolder)
  }

  /// Makes results known that the original cache has, so that they are taken instead of made. Throws when their bytes
  /// are gone.
  func plant(_ results: [KnownResult], from original: ObjectStore) throws {
    var changes = LedgerChanges()
    for result in results {
      for output in result.outputs { try copy(output, from: original) }
      let record = try original.readRecord(result.record)
      _ = try session.store.putRecord(record)
      // Claims of independence look at how results were made.
      if looksAtMaking { try copyMaking(record, from: original) }
      // Without observations and at the highest level: it counts whatever the files are.
      changes.actions.append(
        ActionRow(
          key: result.key, observed: Observed(), watch: WatchLevel.strict.rawValue, made: Clock.now(),
          record: result.record, outputs: result.outputs))
    }
    try session.store.flush()
    try session.ledger.commit(changes)
  }

  // Whether any step asks how a result came about.
  private var looksAtMaking: Bool {
    session.graph.steps.contains { step in
      guard case .claims(let claims) = step.step.command else { return false }
      return claims.contains { if case .independence = $0.test { true } else { false } }
    }
  }

  // What a record names of its inputs. What is gone from the original is missed by the claim that needs it.
  private func copyMaking(_ bytes: [UInt8], from original: ObjectStore) throws {
    guard let record = Record(bytes: bytes) else { return }
    var wanted = [record.observed.project, record.observed.system].compactMap { $0 }
    for input in record.inputs {
      switch input.source {
      case .collection(let members, _): wanted.append(members)
      case .files: wanted.append(input.digest)
      case .project, .step: break
      }
    }
    for digest in wanted where !session.store.contains(digest) {
      if let object = try? original.read(digest, limit: 1 << 28) { _ = try session.store.put(object) }
    }
  }

  private func copy(_ output: ActionOutput, from original: ObjectStore) throws {
    let place = folder.nextWorkspace()
    defer { try? removeTree(place) }
    switch output.kind {
    case .file, .executable:
      try original.restore(output.digest, to: place, executable: false)
      _ = try session.store.put(fileAt: place)
    case .tree:
      try original.restoreTree(output.digest, to: place)
      _ = try session.store.putTree(at: place)
    }
  }
}
