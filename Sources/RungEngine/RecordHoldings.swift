import RungCore
import RungLedger
import RungStore

/// What records refer to that is kept as long as they are, for ever: all that they name but what steps made.
///
/// These are sources of the project, which nobody can make again; what was printed; and what the records are not
/// understood without (lists of files, collections, observed sets).
struct RecordHoldings {
  /// Objects, files among them.
  private(set) var objects: Set<Digest> = []
  /// Folders, by the digests of their manifests.
  private(set) var trees: Set<Digest> = []
  /// The records of each collection's members.
  private(set) var members: [Digest: [Digest]] = [:]

  private let store: ObjectStore
  // Far more than a list of a million files takes, in bytes.
  private static let largest: Int64 = 1 << 30

  init(store: ObjectStore) { self.store = store }

  /// Takes in what one record names. Throws when something that it has to look into cannot be read at the moment; what
  /// is lost for good names nothing.
  mutating func add(_ record: Record) throws(StoreError) {
    objects.formUnion([record.log, record.events].compactMap(\.self))
    if let environment = record.environment { objects.insert(environment.lock) }
    if let program = record.program { objects.insert(program.digest) }
    for input in record.inputs {
      switch input.source {
      case .project:
        if input.kind == ActionOutput.Kind.tree.name {
          trees.insert(input.digest)
        } else {
          objects.insert(input.digest)
        }
      case .files:
        guard objects.insert(input.digest).inserted, let listing = try read(input.digest, FileListing.init(bytes:))
        else { continue }
        objects.formUnion(listing.files.map(\.digest))
      case .step: break
      case .collection(let digest, _):
        guard objects.insert(digest).inserted,
          let collection = try read(digest, RungLedger.Collection.init(bytes:))
        else { continue }
        members[digest] = Set(collection.members.map(\.record)).sorted()
      }
    }
    if let system = record.observed.system { objects.insert(system) }
    if let project = record.observed.project, objects.insert(project).inserted,
      let set = try read(project, ObservedSet.init(bytes:))
    {
      for entry in set.entries where entry.kind == .file || entry.kind == .executable {
        if let digest = entry.digest { objects.insert(digest) }
      }
    }
  }

  /// Takes in what the record of a run names: the files that declared its steps.
  mutating func add(_ run: RunRecord) { objects.formUnion(run.declarations.map(\.digest)) }

  /// Takes in what an acceptance names: the contents before and after.
  mutating func add(_ acceptance: Acceptance) {
    for change in acceptance.changes { objects.formUnion([change.oldDigest, change.newDigest].compactMap { $0 }) }
  }

  private func read<T>(_ digest: Digest, _ decode: ([UInt8]) -> T?) throws(StoreError) -> T? {
    do {
      return decode(try store.read(digest, limit: Self.largest))
    } catch {
      if error.code == .missing || error.code == .damaged { return nil }
      throw error
    }
  }
}
