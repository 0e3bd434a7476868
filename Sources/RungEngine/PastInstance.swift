import Glibc
import RungCore
import RungLedger
import RungModel
import RungStore

/// What became of one instance last, found without the project's files: in one of 100,000 steps it takes longer to read what
/// they declare than to look into the ledger.
public struct PastInstance {
  /// Where its objects are.
  public let store: ObjectStore
  /// Where it was found.
  public let ledger: Ledger
  /// The digest of the record.
  public let digest: Digest
  /// The record.
  public let record: Record

  /// Finds an instance by its whole name; nil when the ledger has none of that name, when the name could also mean the
  /// instances of a step, or when there is no record of what became of it last. Then the project has to be asked.
  public static func find(
    _ name: String, root: String, settings: ProjectSettings, variables: [String: String]
  ) throws -> PastInstance? {
    let cache = Session.cachePath(root: root, settings: settings, variables: variables)
    let path = "\(cache)/index.sqlite"
    guard name.contains("/"), access(path, F_OK) == 0 else { return nil }
    let ledger = try Ledger(path: path, durable: true)
    let project = Session.projectName(root: root, cache: cache)
    guard let last = try ledger.history(project: project, instance: name).first, let digest = last.record,
      try name.hasSuffix("]") || !ledger.hasInstances(ofStep: name, project: project)
    else { return nil }
    let store = try ObjectStore(path: cache)
    guard let bytes = try? store.readRecord(digest), let record = Record(bytes: bytes) else { return nil }
    return PastInstance(store: store, ledger: ledger, digest: digest, record: record)
  }
}
