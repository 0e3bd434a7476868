import RungCore

extension OutputHistory {
  /// The history for people, in lines of at most `width` characters but for words that are longer. With `metric`, a JSON
  /// pointer, a line for each value that it had.
  public func text(metric: String? = nil, width: Int = 80) -> String {
    var out = TextLayout(width: width)
    let instances = Set(entries.map(\.instance))
    if let only = instances.first, instances.count == 1 { out.line(only) }
    if let metric {
      table(metric, naming: instances.count > 1, &out)
    } else {
      for (index, entry) in entries.enumerated() {
        if index > 0 || instances.count == 1 { out.space() }
        Self.show(entry, naming: instances.count > 1, &out)
      }
    }
    if isCut { out.line("and older ones; -n shows more") }
    return out.text
  }

  private static func when(_ entry: Entry) -> String { UTCTime(nanoseconds: entry.at).text }

  private static func show(_ entry: Entry, naming: Bool, _ out: inout TextLayout) {
    let name = naming ? "  \(entry.instance)" : ""
    out.line("\(when(entry))  \(entry.outcome)\(name)")
    out.field("run", entry.run + (entry.host.map { " on \($0)" } ?? ""))
    if let commit = entry.commit {
      out.field("commit", "\(commit.prefix(12))\(entry.dirty == true ? ", with uncommitted changes" : "")")
    }
    if let record = entry.record { out.field("record", record.short) }
    if let problem = entry.problem { out.field("problem", problem) }
    for value in entry.outputs {
      var notes = ["\(ByteCount(bytes: value.size))"]
      if value.isUnchanged { notes.append("as before") }
      if value.isGone { notes.append("no longer in the cache") }
      out.field(value.name, "\(value.digest.short)  (\(notes.joined(separator: ", ")))")
      guard let numbers = value.numbers, !numbers.isEmpty else { continue }
      let shown = numbers.prefix(5).map { "\($0.path) \($0.text)" }.joined(separator: ", ")
      out.field("", shown + (numbers.count > 5 ? " and \(numbers.count - 5) more" : ""))
    }
    for (index, change) in entry.changes.prefix(8).enumerated() {
      out.field(index == 0 ? "because" : "", sentence(change))
    }
    if entry.changes.count > 8 { out.field("", "and \(entry.changes.count - 8) other changes") }
  }

  private static func sentence(_ change: FieldChange) -> String {
    let what = change.name.isEmpty ? "the \(change.field)" : "\(change.field) \(change.name)"
    switch change.field {
    case "record": return "nothing was known of it before"
    case "rerun": return "it was made again from the same"
    case "observed": return "\(change.name), which it was seen to use, changed"
    default: break
    }
    if let members = change.members {
      let parts = [(members.added, "new"), (members.removed, "gone"), (members.changed, "changed")]
        .filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
      return "\(what) changed: \(parts.joined(separator: ", "))"
    }
    func short(_ text: String) -> String {
      if let digest = Digest(text) { return digest.short }
      return text.count > 200 ? "\(text.prefix(200))…" : text
    }
    switch (change.old, change.new) {
    case (nil, let new?): return "\(what) is new: \(short(new))"
    case (let old?, nil): return "\(what) is gone; it was \(short(old))"
    case (let old?, let new?) where old != new: return "\(what) changed: \(short(old)) → \(short(new))"
    default: return "\(what) changed"
    }
  }

  private func table(_ metric: String, naming: Bool, _ out: inout TextLayout) {
    var rows: [[String]] = []
    for entry in entries {
      let found = entry.outputs.lazy.compactMap { value in
        value.numbers?.first { $0.path == metric }
      }.first
      let value: String
      if let found {
        value = found.text
      } else if entry.outputs.contains(where: \.isGone) {
        value = "(gone)"
      } else {
        value = entry.outputs.isEmpty ? "(\(entry.outcome))" : "(none)"
      }
      rows.append(
        [Self.when(entry), value, entry.record?.short ?? "", entry.run] + (naming ? [entry.instance] : []))
    }
    let column = rows.map { $0[1].count }.max() ?? 0
    for row in rows {
      let padding = String(repeating: " ", count: column - row[1].count)
      out.line(([row[0], padding + row[1]] + row[2...]).joined(separator: "  "))
    }
  }
}
