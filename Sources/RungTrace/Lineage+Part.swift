import RungCore
import RungLedger

extension Lineage {
  /// The lineage of some of its executions, without reading anything again: what is not on their way is left out. Gaps
  /// that belong to no execution stay.
  public func part(from records: [Digest]) -> Lineage {
    var wanted: Set<Digest> = []
    var gathered: Set<Digest> = []
    var stack = records
    while let next = stack.popLast() {
      guard wanted.insert(next).inserted, let execution = execution(next) else { continue }
      for input in execution.record.inputs {
        switch input.source {
        case .project, .files: break
        case .step(_, _, let maker): if !wanted.contains(maker) { stack.append(maker) }
        case .collection(let digest, _):
          guard gathered.insert(digest).inserted, let collection = collections[digest] else { continue }
          for member in collection.members where !wanted.contains(member.record) { stack.append(member.record) }
        }
      }
    }
    let executions = executions.filter { wanted.contains($0.digest) }
    let names = Set(executions.map(\.record.instance))
    return Lineage(
      roots: records, executions: executions, collections: collections.filter { gathered.contains($0.key) },
      observed: observed.part(of: executions),
      incomplete: incomplete.filter { $0.neededBy.map(names.contains) ?? true },
      gone: gone)
  }
}
