import RungCore

extension Trace {
  /// How far what is behind the file was watched, for people: a line for each thing to know.
  public var watchLines: [String] {
    guard let watch = lineage.watch else { return [] }
    let all = Set(lineage.executions.map(\.step)).count
    func blamed(_ steps: [String]) -> String {
      steps.count < all ? ": \(listed(steps, limit: 4))" : all > 1 ? ": all steps" : ""
    }
    var lines = ["\(watch.level.rawValue): \(Self.meaning(of: watch))"]
    if watch.steps.count < all { lines.append("weakest: \(listed(watch.steps, limit: 4))") }
    switch watch.trace {
    case .complete: lines.append("trace complete")
    case .incomplete, .off: lines.append("trace \(watch.trace.rawValue)\(blamed(watch.traceSteps))")
    }
    lines += watch.traceProblems.prefix(3)
    if watch.traceProblems.count > 3 { lines.append("and \(watch.traceProblems.count - 3) other problems") }
    if watch.network { lines.append("with network\(blamed(watch.networkSteps))") }
    return lines
  }

  // Never more than what holds for every step.
  private static func meaning(of watch: Lineage.Watch) -> String {
    switch (watch.level, watch.trace) {
    case (.declared, _): "only what the steps declare is known"
    case (.traced, .complete): "every file of the project that the steps opened is known"
    case (.traced, .incomplete): "files of the project that the steps opened are known, but not all of them"
    case (.traced, .off): "what some of the steps opened was not recorded"
    case (.strict, _): "the steps could read only what they declare"
    }
  }

  /// What is to be said of how a step was watched: what differs from the weakest on the way; empty when nothing does.
  static func watchText(_ group: StepGroup, weakest: Lineage.Watch?) -> String {
    var parts: [String] = []
    if group.watch != weakest?.level { parts.append(group.watch.rawValue) }
    if group.trace != weakest?.trace { parts.append("trace \(group.trace.rawValue)") }
    return parts.joined(separator: ", ")
  }
}
