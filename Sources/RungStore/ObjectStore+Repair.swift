import Glibc
import RungCore

/// What a repair of the store found and did.
public struct RepairReport: Sendable {
  /// Objects and records that are sound and can be found.
  public var sound = 0
  /// Those that are not: set aside, or passed over in their pack. One for each name.
  public var damaged: [CheckReport.Damage] = []
  /// Files that a collector or a dead process had left, now removed.
  public var removed = 0
}

extension ObjectStore {
  /// Makes the index of packs anew from the packs. Returns what is damaged in them, one error for each; it is passed over.
  public func rebuildIndex() throws(StoreError) -> [StoreError] {
    try rebuildPackIndex().map { notSound($0.name, $0.place).error }
  }

  private func notSound(_ name: Name, _ place: PackPlace) -> CheckReport.Damage {
    let pack = "\(path)/\(PackFile.path(place.pack, name.kind))"
    return .init(
      digest: name.digest, isRecord: name.kind == .record,
      error: StoreError(
        .damaged, "\(name.title) is damaged, at byte \(place.offset) of \(pack); run again to make it anew"))
  }

  /// Puts right what can be put right without making results anew: the index of packs is made from the packs, what
  /// collectors left is removed, everything is read, and what is damaged is set aside so that its name is free. Nothing
  /// that can still be read is removed. Others may use the cache meanwhile.
  public func repair(progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }) throws(StoreError) -> RepairReport {
    _ = try writable()
    try flush()
    var report = RepairReport()
    if let trash = try openFolder("trash") {
      defer { fileSystem.close(trash) }
      report.removed = try fileSystem.list(trash, at: "\(path)/trash").count
    }
    try emptyTrash()
    let passedOver = try rebuildPackIndex()
    let check = try check(progress: progress)
    report.sound = check.checked
    report.damaged = check.damaged
    for (name, place) in passedOver {
      // A sound copy may lie elsewhere, or the check has told it already.
      if try isPresent(name) || report.damaged.contains(where: { $0.digest == name.digest }) { continue }
      report.damaged.append(notSound(name, place))
    }
    return report
  }
}
