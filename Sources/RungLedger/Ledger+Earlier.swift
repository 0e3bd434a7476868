import RungCore
import RungDatabase

// What results held before: asked only for large files, whose earlier versions the store compares with new ones.
extension Ledger {
  /// The outputs of the last results of an instance that the action cache still knows, the latest first; at most `limit`.
  public func lastOutputs(
    project: String, instance: String, limit: Int
  ) throws(LedgerError) -> [[ActionOutput]] {
    try rows(
      """
      SELECT action.outputs FROM history JOIN action ON action.key = history.key AND action.record = history.record
      WHERE history.project = ? AND history.instance = ? ORDER BY history.sequence DESC LIMIT ?
      """, .text(project), .text(instance), .int(Int64(max(0, limit))), map: Self.outputs)
  }

  /// The same of those instances of a step (`pipeline/step`) to which something happened last, one for each.
  public func lastOutputs(project: String, step: String, limit: Int) throws(LedgerError) -> [[ActionOutput]] {
    // A few more are looked at than are wanted, since what happened last may have been a failure.
    try rows(
      """
      SELECT action.outputs FROM (\(Self.latestOfStep) LIMIT 16) JOIN history USING (sequence)
      JOIN action ON action.key = history.key AND action.record = history.record ORDER BY sequence DESC LIMIT ?
      """, .text(project), .text(step), .text(step + "["), .text(step + "\\"), .int(Int64(max(0, limit))),
      map: Self.outputs)
  }

  /// The record of what became of an instance last, or else of the instance of its step to which something happened
  /// last; nil when there is none.
  public func lastRecord(project: String, instance: String, step: String) throws(LedgerError) -> Digest? {
    let own = try rows(
      """
      SELECT record FROM history WHERE project = ? AND instance = ? AND record IS NOT NULL
      ORDER BY sequence DESC LIMIT 1
      """, .text(project), .text(instance)
    ) { row throws(LedgerError) in try row.digest(0) }.first
    if let own { return own }
    return try rows(
      """
      SELECT record FROM (\(Self.latestOfStep) LIMIT 16) JOIN history USING (sequence)
      WHERE record IS NOT NULL ORDER BY sequence DESC LIMIT 1
      """, .text(project), .text(step), .text(step + "["), .text(step + "\\")
    ) { row throws(LedgerError) in try row.digest(0) }.first
  }

  // An instance is the step's name alone, or that and `[…]`; the byte after `[` is the backslash. The table has one row
  // for each instance: this does not grow with the history.
  private static let latestOfStep = """
    SELECT sequence FROM latest WHERE project = ? AND (instance = ? OR (instance >= ? AND instance < ?))
    ORDER BY sequence DESC
    """

  private static func outputs(_ row: Row) throws(LedgerError) -> [ActionOutput] {
    guard let outputs = ActionRow.decode(row.blob(0)) else {
      throw .damagedFile(row.path, row.title, "an action's outputs")
    }
    return outputs
  }
}
