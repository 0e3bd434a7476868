import RungCore
import RungLedger
import RungModel
import RungStore
import Synchronization

/// The record of a run, written when the first thing that it executed is recorded: a run that finds nothing to do leaves
/// none.
final class RunNote: Sendable {
  private let store: ObjectStore
  private let project: Project
  private let write: @Sendable ([RunRecord.Declaration]) -> RunRecord
  private let answer = Mutex<Digest?>(nil)

  /// `write` makes the record when it is needed; it is told the declarations, which are objects of the store then.
  init(store: ObjectStore, project: Project, _ write: @escaping @Sendable ([RunRecord.Declaration]) -> RunRecord) {
    self.store = store
    self.project = project
    self.write = write
  }

  /// The record's name, when it was needed.
  var digest: Digest? { answer.withLock { $0 } }

  /// The record's name; the record is staged in the store, durable with the next flush.
  func record() throws(StoreError) -> Digest {
    try answer.withLock { answer throws(StoreError) in
      if let answer { return answer }
      var declarations: [RunRecord.Declaration] = []
      for file in project.declarations {
        let digest = try store.put(file.bytes).digest
        declarations.append(RunRecord.Declaration(path: file.path.text, digest: digest))
      }
      let digest = try store.putRecord(write(declarations).bytes)
      answer = digest
      return digest
    }
  }
}

extension RunRecord.Overrides {
  /// The overrides as they were typed.
  init(_ overrides: RungModel.Overrides) {
    self.init(
      profile: overrides.profile, set: overrides.parameters.map { "\($0.name)=\($0.value)" },
      over: overrides.axes.map { "\($0.name)=\($0.values.joined(separator: ","))" })
  }
}
