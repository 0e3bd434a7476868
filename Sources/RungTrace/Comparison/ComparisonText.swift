import RungCore

/// The parts of a comparison as lines.
struct ComparisonText {
  private(set) var lines: [Comparison.Line] = []
  let width: Int

  // As many lines of one diff, and files with a diff, as are shown.
  private static let mostDiff = 40
  private static let mostFiles = 20
  private static let mostRows = 3

  init(width: Int) { self.width = max(40, width) }

  mutating func line(_ text: String, _ role: Comparison.Line.Role = .plain) {
    lines.append(.init(text: TextLayout.printable(text), role: role))
  }

  mutating func space() { line("") }

  mutating func paragraph(_ words: String, indent: Int) {
    var layout = TextLayout(width: width)
    layout.paragraph(words, indent: indent)
    for part in layout.text.split(separator: "\n") { line(String(part)) }
  }

  private mutating func heading(_ text: String) {
    space()
    line(text, .heading)
  }

  mutating func header(_ old: ResultSet, _ new: ResultSet) {
    line("--- \(Self.title(old))", .old)
    line("+++ \(Self.title(new))", .new)
  }

  private static func title(_ set: ResultSet) -> String {
    var parts: [String] = []
    switch set.kind {
    case .run: parts.append("run \(set.name)")
    case .revision: parts.append("commit \(set.name), run \(set.run ?? "")")
    case .record, .file, .instance: parts.append(set.name)
    }
    if set.records.count == 1, let record = set.records.first { parts.append("record \(record.short)") }
    if set.records.count > 1, set.kind == .instance { parts.append(counted(set.records.count, "result")) }
    if let started = set.started { parts.append(UTCTime(nanoseconds: started).text) }
    if set.kind != .revision, let commit = set.commit { parts.append("commit \(commit.prefix(12))") }
    if set.dirty == true { parts.append("uncommitted changes") }
    return parts.joined(separator: ", ")
  }

  mutating func gaps(_ gaps: [Lineage.Gap]) {
    if gaps.isEmpty { return }
    space()
    paragraph("INCOMPLETE: \(counted(gaps.count, "thing")) cannot be known, and may hide a difference", indent: 0)
    for gap in gaps.prefix(5) { paragraph((gap.neededBy.map { "\($0): " } ?? "") + gap.message, indent: 2) }
  }

  // MARK: what went in

  mutating func settings(_ settings: [Comparison.Setting]) {
    func part(_ title: String, _ kinds: Set<Comparison.Setting.Kind>) {
      let mine = settings.filter { kinds.contains($0.kind) }
      if mine.isEmpty { return }
      heading(title)
      for setting in mine.prefix(Self.mostFiles) { show(setting) }
      if mine.count > Self.mostFiles { line("  and \(mine.count - Self.mostFiles) more; --json lists them") }
    }
    part("Parameters", [.parameter])
    part("Commands", [.command])
    part("Surroundings", [.variable, .interpreter, .platform, .program, .watch, .network, .host])
  }

  private mutating func show(_ setting: Comparison.Setting) {
    let where_ = Self.place(setting)
    let name =
      setting.kind == .parameter || setting.kind == .variable
      ? setting.name : setting.name.isEmpty ? setting.kind.rawValue : "\(setting.kind.rawValue) \(setting.name)"
    if setting.kind == .command {
      line("  \(where_)")
      for text in (setting.old ?? "").split(separator: "\n") { line("    - \(text)", .old) }
      for text in (setting.new ?? "").split(separator: "\n") { line("    + \(text)", .new) }
      return
    }
    let change = "\(name): \(setting.old ?? "(none)") → \(setting.new ?? "(none)")"
    let whole = "  \(change)  \(where_)"
    if whole.count <= width {
      line(whole)
    } else {
      paragraph(change, indent: 2)
      paragraph(where_, indent: 6)
    }
  }

  private static func place(_ setting: Comparison.Setting) -> String {
    let steps = listed(setting.steps, limit: 4)
    return setting.instances > 1 ? "\(steps) (\(setting.instances) instances)" : steps
  }

  mutating func packages(_ packages: [Comparison.PackageChange]) {
    for (lock, mine) in Dictionary(grouping: packages, by: \.lock).sorted(by: { $0.key < $1.key }) {
      heading("Packages of \(lock)")
      let column = min(30, mine.map(\.name.count).max() ?? 0)
      for package in mine {
        let name = package.name + String(repeating: " ", count: max(0, column - package.name.count))
        line("  \(name)  \(Self.version(package.old)) → \(Self.version(package.new))")
      }
    }
  }

  private static func version(_ text: String?) -> String {
    guard let text else { return "(none)" }
    return text.isEmpty ? "any" : text
  }

  mutating func files(_ files: [Comparison.FileChange]) {
    if files.isEmpty { return }
    heading("Sources")
    for file in files.prefix(Self.mostFiles) { show(file) }
    if files.count > Self.mostFiles { line("  and \(files.count - Self.mostFiles) more; --json lists them") }
  }

  private mutating func show(_ file: Comparison.FileChange) {
    var notes = [listed(file.usedBy, limit: 4)]
    if file.observed { notes.append("observed, not declared") }
    if file.old.isEmpty { notes.append("was not read before") }
    if file.new.isEmpty { notes.append("is not read any more") }
    line("  \(file.path)  (\(notes.joined(separator: "; ")))")
    if let members = file.members {
      for (mark, role, paths) in [
        ("+", Comparison.Line.Role.new, members.added), ("-", .old, members.removed), ("~", .plain, members.changed),
      ] {
        for path in paths.prefix(Self.mostRows) { line("    \(mark) \(path)", role) }
        if paths.count > Self.mostRows { line("    \(mark) and \(paths.count - Self.mostRows) more", role) }
      }
      return
    }
    guard let diff = file.diff, !diff.isEmpty else {
      if !file.old.isEmpty { line("    - \(Self.contents(file.old, file.oldSize))", .old) }
      if !file.new.isEmpty { line("    + \(Self.contents(file.new, file.newSize))", .new) }
      return
    }
    for text in diff.prefix(Self.mostDiff) {
      line("    \(text)", text.hasPrefix("+") ? .new : text.hasPrefix("-") ? .old : .plain)
    }
    if diff.count > Self.mostDiff { line("    and \(diff.count - Self.mostDiff) more lines; --json has them") }
  }

  private static func contents(_ digests: [Digest], _ size: Int64?) -> String {
    digests.prefix(3).map(\.short).joined(separator: ", ") + (digests.count > 3 ? " and \(digests.count - 3) more" : "")
      + (size.map { " (\(ByteCount(bytes: $0)))" } ?? "")
  }

  mutating func instances(_ instances: [Comparison.InstanceChange]) {
    if instances.isEmpty { return }
    heading("Instances")
    func list(_ title: String, _ names: [String]) {
      if !names.isEmpty { paragraph("\(title): \(names.count), \(listed(names, limit: 4))", indent: 2) }
    }
    list("only before", instances.filter { $0.new == nil }.map(\.instance))
    list("only after", instances.filter { $0.old == nil }.map(\.instance))
    let others = instances.filter { $0.old != nil && $0.new != nil }
    for (ending, mine) in Dictionary(grouping: others, by: { "\($0.old ?? "") → \($0.new ?? "")" }).sorted(by: {
      $0.key < $1.key
    }) {
      list(ending, mine.map(\.instance))
    }
  }

  // MARK: what came out

  mutating func metrics(_ metrics: [Comparison.Metric]) {
    if metrics.isEmpty { return }
    heading("Numbers")
    for ((step, output), mine) in groups(metrics) {
      line("  '\(output)' of \(step)")
      for metric in mine.prefix(Self.mostFiles) { show(metric) }
      if mine.count > Self.mostFiles { line("    and \(mine.count - Self.mostFiles) more; --json lists them") }
    }
  }

  private func groups(_ metrics: [Comparison.Metric]) -> [((String, String), [Comparison.Metric])] {
    var result: [((String, String), [Comparison.Metric])] = []
    for metric in metrics {
      if let last = result.last, last.0 == (metric.step, metric.output) {
        result[result.count - 1].1.append(metric)
      } else {
        result.append(((metric.step, metric.output), [metric]))
      }
    }
    return result
  }

  private mutating func show(_ metric: Comparison.Metric) {
    if metric.changes.count == 1, metric.instances == 1, let only = metric.changes.first {
      row(only.path, only)
      return
    }
    let changed = Set(metric.changes.map(\.instance)).count
    let many = metric.changes.count > changed ? ", \(metric.changes.count) numbers" : ""
    line("    \(metric.path)  differs in \(changed) of \(metric.instances)\(many)")
    for change in metric.changes.prefix(Self.mostRows) {
      let axes = change.instance.drop { $0 != "[" }
      let name = (axes.isEmpty ? "" : String(axes)) + (metric.path.contains("*") ? " \(change.path)" : "")
      row("  \(name)", change)
    }
  }

  private mutating func row(_ name: String, _ change: Comparison.NumberChange) {
    let values = "\(NumberText.number(change.old)) → \(NumberText.number(change.new))"
    var difference = ""
    if let absolute = change.absolute { difference = "\(absolute < 0 ? "" : "+")\(NumberText.number(absolute))" }
    if let relative = change.relative { difference += " (\(relative < 0 ? "" : "+")\(NumberText.percent(relative)))" }
    let left = "    \(name)" + String(repeating: " ", count: max(0, 24 - name.count))
    let middle = values + String(repeating: " ", count: max(0, 24 - values.count))
    line("\(left)  \(middle)  \(difference)".trimmingEnd)
  }

  mutating func outputs(_ outputs: [Comparison.OutputChange]) {
    let figures = outputs.filter(\.isFigure)
    if !figures.isEmpty {
      heading("Figures")
      for figure in figures.prefix(Self.mostFiles) {
        let sizes = "\(Self.size(figure.oldSize)) → \(Self.size(figure.newSize))"
        line("  \(figure.path) of \(figure.instance) differs  (\(sizes))")
      }
      if figures.count > Self.mostFiles { line("  and \(figures.count - Self.mostFiles) more; --json lists them") }
    }
    let others = outputs.filter { !$0.isFigure && !$0.isMeasured }
    if others.isEmpty { return }
    heading("Other outputs")
    for (name, mine) in Dictionary(grouping: others, by: { "'\($0.output)' of \($0.step)" }).sorted(by: {
      $0.key < $1.key
    }) {
      if let only = mine.first, mine.count == 1 {
        line(
          "  '\(only.output)' of \(only.instance) differs  (\(Self.size(only.oldSize)) → \(Self.size(only.newSize)))")
      } else {
        line("  \(name) differs in \(mine.count) instances")
      }
    }
  }

  private static func size(_ bytes: Int64?) -> String { bytes.map { "\(ByteCount(bytes: $0))" } ?? "(none)" }
}

extension String {
  // Without blanks at the end.
  fileprivate var trimmingEnd: String {
    var text = Substring(self)
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
