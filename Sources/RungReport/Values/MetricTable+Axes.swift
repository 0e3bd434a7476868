extension MetricTable {
  /// The axes that a first look is over.
  struct View: Hashable {
    /// The one that charts run along.
    var along: Int
    /// The one that has a line for each of its values; nil for none.
    var by: Int?
  }

  // More lines cannot be told apart.
  private static let mostLines = 8

  /// Along the axis with the most numbers for values, else with the most values; by the one with the most values of the
  /// others that is small enough. Replicates are never a first look. Nil when no axis has several values.
  var view: View? {
    let candidates = axes.indices.filter { !axes[$0].isReplicate && axes[$0].labels.count > 1 }
    func size(_ axis: Int) -> Int { axes[axis].labels.count }
    let numeric = candidates.filter { axes[$0].numbers != nil && size($0) > 2 }
    guard let along = (numeric.isEmpty ? candidates : numeric).max(by: { (size($0), $1) < (size($1), $0) }) else {
      return nil
    }
    let others = candidates.filter { $0 != along && size($0) <= Self.mostLines }
    return View(along: along, by: others.max { (size($0), $1) < (size($1), $0) })
  }
}
