import RungCore
import RungLedger
import RungModel

extension Trace {
  /// The trace for people, in lines of at most `width` characters but for words that are longer. Sweeps are folded: the
  /// length grows with the number of steps, not of instances. Ends with a line break.
  public func text(width: Int = 80) -> String {
    var out = TextLayout(width: width)
    let groups = StepGroup.groups(of: lineage)
    let sources = lineage.sources
    let root = lineage.execution(subject.record)?.record
    header(root, &out)
    gaps(&out)
    let total = TimeSpan(nanoseconds: groups.reduce(0) { $0 + $1.duration })
    out.space()
    out.paragraph(
      "Steps: \(groups.count), with \(counted(lineage.executions.count, "execution")) that took \(total) in all")
    let commit = root.map(StepGroup.commit)
    let watch = lineage.watch
    var observed: [String: [String]] = [:]
    for source in sources where source.observed {
      for step in source.usedBy { observed[step, default: []].append(source.path) }
    }
    for group in groups {
      out.space()
      Self.step(
        group, commit: commit, host: root?.host, weakest: watch, observed: observed[group.step] ?? [], &out)
      for line in audit.lines(ofStep: group.records) { out.field(line.label, line.text, indent: 4, column: 18) }
    }
    show(sources, &out)
    machinery(&out)
    return out.text
  }

  private func header(_ root: Record?, _ out: inout TextLayout) {
    out.line(subject.file)
    // Without a label, so that it fits into 80 columns.
    out.line(subject.digest.description, indent: 2)
    out.field("output", "'\(subject.output)' of \(subject.instance)")
    if lineage.gone.contains(subject.digest) { out.field("gone", "its bytes are no longer in the cache") }
    if let root, root.instance != subject.instance { out.field("", "executed as \(root.instance), which is the same") }
    if subject.stamp != nil {
      out.field("stamped", "unedited; the digest is that of the file without its stamp")
    }
    if let place = subject.publishedAt, place != subject.file { out.field("published", place) }
    if let root {
      out.field("made", "\(UTCTime(nanoseconds: root.started).text) on \(root.host), run \(root.run)")
      out.field("commit", StepGroup.commit(of: root))
    }
    out.field("confirmed", confirmation)
    for (index, line) in watchLines.enumerated() { out.field(index == 0 ? "watched" : "", line) }
    let others = subject.alsoMadeBy.map { other -> String in
      "\(other.instance) (\(other.output), \(UTCTime(nanoseconds: other.started).text), record \(other.record.short))"
    }
    for (index, other) in others.prefix(3).enumerated() { out.field(index == 0 ? "also by" : "", other) }
    if others.count > 3 { out.field("", "and \(others.count - 3) more") }
  }

  // How much of what is behind the file came out the same when it was done again; empty when nothing was.
  private var confirmation: String {
    let tried = lineage.executions.compactMap { audit.confirmations[$0.digest] }
    if tried.isEmpty { return "" }
    let all = lineage.executions.count
    let confirmed = tried.count { $0.isConfirmed }
    let different = tried.count { $0.different > 0 }
    let text = confirmed == all ? "all \(all) executions" : "\(confirmed) of \(all) executions"
    return "\(text) came out the same when they were done again"
      + (different > 0 ? "; \(different) did not" : "")
  }

  private func gaps(_ out: inout TextLayout) {
    if lineage.isComplete { return }
    out.space()
    out.paragraph("INCOMPLETE: \(counted(lineage.incomplete.count, "thing")) on the way to this file cannot be known")
    for gap in lineage.incomplete.prefix(8) {
      out.paragraph((gap.neededBy.map { "\($0): " } ?? "") + gap.message, indent: 2)
    }
    if lineage.incomplete.count > 8 { out.line("and \(lineage.incomplete.count - 8) more", indent: 2) }
  }

  // `observed`: the files of the project that the step read without declaring them.
  private static func step(
    _ group: StepGroup, commit: String?, host: String?, weakest: Lineage.Watch?, observed: [String],
    _ out: inout TextLayout
  ) {
    func field(_ label: String, _ value: String) { out.field(label, value, indent: 4, column: 18) }
    var title = group.step
    if group.instances.count > 1 { title += " × \(group.instances.count)" }
    if !group.axesText.isEmpty { title += "  \(group.axesText)" }
    if !group.kinds.items.isEmpty { title += "  (\(group.kinds.items.joined(separator: ", ")))" }
    out.paragraph(title, indent: 2)
    if group.executions > group.instances.count {
      field("executions", "\(group.executions): some instances were made more than once")
    }
    for command in group.commands.items.prefix(3) { field("command", command) }
    if group.commands.items.count > 3 { field("", "and \(group.commands.items.count - 3) other commands") }
    field("parameters", assignments(group.parameters))
    field("variables", assignments(group.variables))
    var label = "inputs"
    for input in group.inputs.keys {
      for line in lines(input, group) {
        field(label, line)
        label = ""
      }
    }
    field("observed", listed(observed, limit: 4))
    for environment in group.environments.items {
      field("environment", "\(environment.version), \(environment.lockPath) (\(environment.identity.short))")
    }
    for program in group.programs.items.prefix(3) { field("program", "\(program.path) \(program.digest.short)") }
    field("outputs", listed(group.outputs.items, limit: 6))
    if group.goneCount > 0 {
      field(
        "gone",
        group.goneCount == group.outputCount
          ? "their bytes are no longer in the cache"
          : "the bytes of \(group.goneCount) of \(group.outputCount) are no longer in the cache")
    }
    field("watched", watchText(group, weakest: weakest))
    let time = TimeSpan(nanoseconds: group.duration)
    let each = TimeSpan(nanoseconds: group.duration / Int64(max(1, group.executions)))
    field("took", group.executions > 1 ? "\(time) in all, \(each) each" : "\(time)")
    // Only what differs from the header.
    if group.commits.items != [commit].compactMap({ $0 }) { field("commit", listed(group.commits.items, limit: 3)) }
    if group.hosts.items != [host].compactMap({ $0 }) { field("host", listed(group.hosts.items, limit: 3)) }
  }

  private static func assignments(_ values: Grouped<String, String>) -> String {
    values.keys.map { name in
      let all = values[name]
      return "\(name)=" + (all.count == 1 ? all[0] : "{\(listed(all, limit: 4))}")
    }.joined(separator: ", ")
  }

  private static func lines(_ input: StepGroup.Input, _ group: StepGroup) -> [String] {
    let name = input.name.isEmpty ? "" : "\(input.name): "
    switch input.origin {
    case .project:
      let files = group.inputs[input]
      var lines = files.prefix(3).map { "\(name)\($0.path) \($0.digest.short)" }
      if files.count > 3 { lines.append("\(name)and \(files.count - 3) more files") }
      return lines
    case .step(let step, let output): return ["\(name)'\(output)' of \(step)"]
    case .collection(let step, let output, let form):
      return ["\(name)'\(output)' of \(step) × \(group.members[input, default: 0]) (\(form))"]
    }
  }

  private func show(_ sources: [Lineage.Source], _ out: inout TextLayout) {
    let observed = sources.count { $0.observed }
    out.space()
    out.line("Sources: \(sources.count)" + (observed > 0 ? ", \(observed) of them observed and not declared" : ""))
    for fold in SourceFold.folds(sources) {
      switch fold {
      case .one(let source):
        let kind: String? =
          switch source.kind {
          case .file: nil
          case .executable: "executable"
          case .tree: "folder"
          case .lock: "lock file"
          }
        let notes = [kind, source.observed ? "observed" : nil].compactMap { $0 }
        let note = notes.isEmpty ? "" : "  (\(notes.joined(separator: ", ")))"
        out.line("\(source.digest.short)  \(source.path)\(note)", indent: 2)
      case .many(let pattern, let count, _, let isObserved):
        let note = "\(count) files\(isObserved ? ", observed" : ""); --json lists them"
        out.line("\(String(repeating: "·", count: 12))  \(pattern)  (\(note))", indent: 2)
      }
    }
    guard lineage.systemFiles > 0 else { return }
    let folders = lineage.observed.systemFolders
    let places = folders.prefix(4).map { "\($0.folder) (\($0.count))" }.joined(separator: ", ")
    out.paragraph(
      "and \(counted(lineage.systemFiles, "file")) of the system, in \(places)"
        + (folders.count > 4 ? " and \(counted(folders.count - 4, "other folder"))" : ""), indent: 2)
  }

  // What the commands ran with, besides the project's own files.
  private func machinery(_ out: inout TextLayout) {
    let environments = lineage.environments.map(\.environment)
    if !environments.isEmpty {
      out.space()
      out.line("Environments: \(environments.count)")
      for environment in environments {
        out.line("\(environment.identity.short)  \(environment.version) on \(environment.platform)", indent: 2)
        out.line("\(environment.interpreterDigest?.short ?? "not hashed  ")  \(environment.interpreter)", indent: 16)
        out.line("\(environment.lock.short)  \(environment.lockPath)", indent: 16)
      }
    }
    let programs = lineage.programs.map(\.program)
    if !programs.isEmpty {
      out.space()
      out.line("Programs: \(programs.count)")
      for program in programs { out.line("\(program.digest.short)  \(program.path)", indent: 2) }
    }
  }
}
