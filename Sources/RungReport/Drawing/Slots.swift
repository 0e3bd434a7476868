/// Which of several executions at a time ran beside which: records do not say on which slot, so each gets the first that
/// is free.
public enum Slots {
  /// For each execution the number of its slot, from 0. Executions in the order in which they started.
  public static func of(_ executions: [RunValues.Execution]) -> [Int] {
    // When each slot is free again, in nanoseconds.
    var free: [Int64] = []
    return executions.map { execution in
      // Starts and ends are read from different clocks: a microsecond of overlap is none.
      if let slot = free.firstIndex(where: { $0 <= execution.start &+ 1_000_000 }) {
        free[slot] = execution.end
        return slot
      }
      free.append(execution.end)
      return free.count - 1
    }
  }
}

/// What a run had to wait for.
public enum CriticalPath {
  /// The executions, first to last, each of which began after the one before it had ended and needed it; the last is the
  /// one that ended last. Nothing could have been done sooner on any number of processors without making one of these
  /// shorter.
  public static func of(_ executions: [RunValues.Execution]) -> [Int] {
    guard var at = executions.indices.max(by: { executions[$0].end < executions[$1].end }) else { return [] }
    var path = [at]
    var seen: Set<Int> = [at]
    // The one that ended last of those that it needed.
    while let before = executions[at].needs.filter({ executions.indices.contains($0) })
      .max(by: { executions[$0].end < executions[$1].end }), seen.insert(before).inserted
    {
      path.append(before)
      at = before
    }
    return path.reversed()
  }
}
