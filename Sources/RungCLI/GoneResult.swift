import RungCore
import RungLedger
import RungStore

/// A result that the index promises and the cache no longer has.
struct GoneResult {
  /// The record of its execution.
  let record: Digest
  /// What is not there: the record first, when it is among it, then objects: outputs and observed sets.
  let missing: [Digest]

  /// Compares the whole index with the disk.
  static func all(in store: ObjectStore, _ ledger: Ledger) throws(LedgerError) -> [GoneResult] {
    var objects = MissingObjects(in: store)
    var result: [GoneResult] = []
    try ledger.forEachAction { action in
      var missing: Set<Digest> = []
      for output in action.outputs {
        missing.formUnion(objects.missing(of: output.digest, isTree: output.kind == .tree))
      }
      // Without its sets nobody can tell whether it is still the result.
      for set in [action.observed.project, action.observed.system].compactMap({ $0 }) {
        missing.formUnion(objects.missing(of: set, isTree: false))
      }
      let record = store.hasRecord(action.record) ? [] : [action.record]
      if !missing.isEmpty || !record.isEmpty {
        result.append(GoneResult(record: action.record, missing: record + missing.sorted()))
      }
    }
    return result
  }

  /// What programs are told.
  var json: JSON { ["record": .digest(record), "missing": .array(missing.map { .digest($0) })] }

  /// What people are told: how many, and a few examples.
  static func text(_ gone: [GoneResult], _ ledger: Ledger) -> [String] {
    if gone.isEmpty { return [] }
    let subject = gone.count == 1 ? "1 result lacks its" : "\(gone.count) results lack their"
    var lines = ["gone: \(subject) record or bytes; `rung run` makes those again that it needs"]
    for result in gone.prefix(5) {
      let instance = (try? ledger.row(ofRecord: result.record))?.instance ?? "a result"
      var lacks = result.missing.prefix(2).map { digest in
        digest == result.record ? "its record \(digest.hex.prefix(12))" : "object \(digest.hex.prefix(12))"
      }
      if result.missing.count > 2 { lacks.append("\(result.missing.count - 2) more") }
      lines.append("  \(instance) lacks \(lacks.joined(separator: ", "))")
    }
    if gone.count > 5 { lines.append("  and \(gone.count - 5) more; --json lists them all") }
    return lines
  }
}

extension CheckReport.Damage {
  /// What programs are told.
  var json: JSON { ["digest": .digest(digest), "record": .bool(isRecord), "problem": .string(error.message)] }
}
