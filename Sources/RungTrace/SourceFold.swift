import RungCore

/// Sources as they are shown to people: many files of one kind in one folder are one line.
enum SourceFold {
  /// A source by itself.
  case one(Lineage.Source)
  /// Files such as `data/*.csv`, either all declared or all only observed, and the steps that read any of them.
  case many(pattern: String, count: Int, usedBy: [String], observed: Bool)

  // As many files of a kind in a folder as are still listed one by one.
  private static let most = 12

  static func folds(_ sources: [Lineage.Source]) -> [SourceFold] {
    var readers: [Pattern: (count: Int, steps: Set<String>)] = [:]
    for source in sources {
      readers[pattern(source), default: (0, [])].count += 1
      readers[pattern(source), default: (0, [])].steps.formUnion(source.usedBy)
    }
    var shown: Set<Pattern> = []
    return sources.compactMap { source in
      let pattern = pattern(source)
      guard let all = readers[pattern], all.count > most else { return .one(source) }
      guard shown.insert(pattern).inserted else { return nil }
      return .many(
        pattern: pattern.text, count: all.count, usedBy: all.steps.sorted(), observed: pattern.isObserved)
    }
  }

  private struct Pattern: Hashable {
    let text: String
    let isObserved: Bool
  }

  private static func pattern(_ source: Lineage.Source) -> Pattern {
    Pattern(text: pattern(of: source), isObserved: source.observed)
  }

  /// The pattern that stands for a source and its like: `data/*.csv`.
  static func pattern(of source: Lineage.Source) -> String {
    guard let path = RelativePath(source.path), source.kind != .lock else { return source.path }
    let parts = path.name.split(separator: ".")
    let folder = path.parent.text.isEmpty ? "" : path.parent.text + "/"
    return folder + "*" + (parts.count > 1 ? ".\(parts.last ?? "")" : "")
  }
}
