import RungCore
import RungDatabase

extension Database {
  /// Writes all changes; called inside a transaction.
  func apply(_ changes: LedgerChanges) throws(LedgerError) {
    for action in changes.actions {
      try run(
        """
        INSERT INTO action VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (key, project_set, system_set) DO UPDATE SET
        watch = excluded.watch, made = excluded.made, record = excluded.record, outputs = excluded.outputs
        """,
        [
          .digest(action.key), .set(action.observed.project), .set(action.observed.system), .text(action.watch),
          .int(action.made), .digest(action.record), .blob(ActionRow.encode(action.outputs)),
        ])
    }
    for row in changes.records {
      try run(
        "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
          .digest(row.record), .text(row.project), .text(row.instance), .text(row.pipeline), .text(row.step),
          .digest(row.key), .text(row.run), .text(row.outcome), .int(row.started), .int(row.duration),
        ])
    }
    for row in changes.outputs {
      try run(
        "INSERT INTO output VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [.digest(row.digest), .digest(row.record), .text(row.name)])
    }
    for entry in changes.history {
      try run(
        "INSERT INTO history VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)",
        [
          .text(entry.project), .text(entry.instance), .text(entry.run), .digest(entry.key), .optional(entry.record),
          .text(entry.outcome), .int(entry.at),
        ])
      try run(
        """
        INSERT INTO latest VALUES (?, ?, last_insert_rowid())
        ON CONFLICT DO UPDATE SET sequence = excluded.sequence
        """, [.text(entry.project), .text(entry.instance)])
    }
    for removal in changes.statRemovals {
      try run("DELETE FROM stat WHERE project = ? AND path = ?", [.text(removal.project), .text(removal.path)])
    }
    for stat in changes.stats {
      let entry = stat.entry
      try run(
        "INSERT OR REPLACE INTO stat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
          .text(stat.project), .text(entry.path), .int(Int64(bitPattern: entry.device)),
          .int(Int64(bitPattern: entry.inode)), .int(entry.size), .int(entry.modified), .int(entry.changed),
          .int(Int64(entry.mode)), .digest(entry.digest), .int(entry.hashedAt),
        ])
    }
    for sample in changes.durations {
      // A mean in which the last eight samples count most, so that it follows a step that has become slower.
      try run(
        """
        INSERT INTO duration VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET
        nanoseconds = nanoseconds + (excluded.nanoseconds - nanoseconds) / min(samples + 1, 8), samples = samples + 1
        """, [.text(sample.project), .text(sample.step), .int(max(0, sample.nanoseconds))])
    }
    for row in changes.runs {
      try run(
        "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
          .text(row.id), .text(row.project), .int(row.started), .optional(row.finished), .text(row.arguments),
          .int(row.ran), .int(row.unchanged), .int(row.restored), .int(row.failed), .int(row.skipped),
          .optional(row.commit), .optional(row.dirty.map { $0 ? 1 : 0 }), .optional(row.record),
        ])
    }
    for row in changes.published {
      try run(
        "INSERT OR REPLACE INTO published VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
          .text(row.project), .text(row.path), .digest(row.digest), .text(row.instance), .text(row.output),
          .digest(row.record), .optional(row.copy),
        ])
    }
    for probe in changes.probes {
      try run("INSERT OR REPLACE INTO probe VALUES (?, ?)", [.text(probe.name), .text(probe.text)])
    }
    try applyKeeping(changes)
    try applyAudit(changes)
  }

  // What was verified and accepted.
  private func applyAudit(_ changes: LedgerChanges) throws(LedgerError) {
    for row in changes.verifications {
      try run(
        "INSERT INTO verification VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [
          .digest(row.digest), .digest(row.record), .text(row.instance), .digest(row.key), .text(row.host),
          .int(row.at), .text(row.verdict),
        ])
    }
    for row in changes.acceptances {
      try run(
        """
        INSERT INTO acceptance VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        revoked = coalesce(excluded.revoked, revoked)
        """,
        [
          .digest(row.digest), .text(row.project), .text(row.instance), .digest(row.key), .digest(row.record),
          .int(row.at), .optional(row.revoked),
        ])
    }
  }

  // What decides how long results are kept.
  private func applyKeeping(_ changes: LedgerChanges) throws(LedgerError) {
    for pin in changes.pins {
      try run(
        "INSERT OR REPLACE INTO pin VALUES (?, ?, ?, ?)",
        [.text(pin.run), .text(pin.project), .int(pin.at), .optional(pin.because)])
    }
    for name in changes.unpins { try run("DELETE FROM pin WHERE run = ?", [.text(name)]) }
    for use in changes.uses {
      // Two runs at once may write in either order.
      try run(
        "INSERT INTO used VALUES (?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
        [.digest(use.record), .int(use.at)])
    }
    for row in changes.collected {
      try run("INSERT OR REPLACE INTO collected VALUES (?, ?)", [.digest(row.record), .int(row.at)])
    }
    for row in changes.displaced {
      try run(
        "INSERT OR REPLACE INTO displaced VALUES (?, ?, ?, ?, ?)",
        [.digest(row.digest), .text(row.project), .text(row.path), .int(row.isTree ? 1 : 0), .int(row.at)])
    }
  }
}
