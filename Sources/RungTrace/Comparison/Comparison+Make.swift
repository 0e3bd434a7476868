import RungCore
import RungLedger
import RungStore

extension Comparison {
  /// Compares two sets of results, with everything that went into them. Reads their records, and of outputs those that
  /// differ and are made of numbers. Never fails: what cannot be read is in `incomplete`.
  public static func of(_ old: ResultSet, _ new: ResultSet, store: ObjectStore) -> Comparison {
    let before = Lineage.of(records: old.records, store: store)
    let after = Lineage.of(records: new.records, store: store)
    var pairing = Pairing(Results(before), Results(after))
    pairing.compare()
    let sources = SourceComparison(before, after, store)
    var numbers = NumberComparison(store: store)
    let outputs = pairing.outputs.map { numbers.add($0) }
    var gaps: Set<Lineage.Gap> = []
    return Comparison(
      old: old, new: new, paired: pairing.paired, identical: pairing.identical, unexplained: pairing.unexplained,
      settings: pairing.settings, files: sources.files, packages: sources.packages, instances: pairing.instances,
      metrics: numbers.metrics(instances: pairing.pairsByStep), outputs: outputs,
      incomplete: (before.incomplete + after.incomplete).filter { gaps.insert($0).inserted })
  }
}
