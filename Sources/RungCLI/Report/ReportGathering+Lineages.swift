import RungCore
import RungEngine
import RungLedger
import RungReport
import RungTrace

extension ReportGathering {
  /// A lineage for each execution that published something; `runs` are those that have pages.
  mutating func lineages(_ things: [ReportThing], runs: Set<String>) -> [LineageValues] {
    var order: [Digest] = []
    var byRecord: [Digest: [ReportThing]] = [:]
    for thing in things {
      if byRecord[thing.record] == nil { order.append(thing.record) }
      byRecord[thing.record, default: []].append(thing)
    }
    return order.map { lineage(of: $0, byRecord[$0] ?? [], runs) }
  }

  private mutating func lineage(of digest: Digest, _ things: [ReportThing], _ runs: Set<String>) -> LineageValues {
    let part = lineage.part(from: [digest])
    let root = part.execution(digest)?.record
    let instance = things.first.map { session.graph.name(of: $0.instance) } ?? root?.instance ?? ""
    let pipeline = things.first.map { session.graph.pipelines[session.graph.step(of: $0.instance).pipeline].name } ?? ""
    var values = LineageValues(pipeline: pipeline, instance: instance, record: digest.description)
    for thing in things {
      switch thing.kind {
      case .figure(let figure): values.figures.append(figure)
      case .file(let file): values.files.append(file)
      }
    }
    let main = things.first { if case .figure = $0.kind { true } else { false } } ?? things.first
    let subject = Trace.Subject(
      file: main?.path ?? instance, digest: main?.digest ?? digest, instance: instance, output: main?.output ?? "",
      record: digest, publishedAt: main?.path, alsoMadeBy: [])
    let trace = Trace(subject: subject, lineage: part, audit: audit)
    values.text = trace.text(width: 100)
    values.watch = trace.watchLines
    values.gaps = part.incomplete.map { gap in (gap.neededBy.map { "\($0): " } ?? "") + gap.message }
    values.facts = [
      NamedText("Output", "\(subject.output) of \(instance)"), NamedText("Content", subject.digest.description),
    ]
    if let root {
      values.facts += [
        NamedText("Made", ReportWords.when(root.started)), NamedText("Took", "\(TimeSpan(nanoseconds: root.duration))"),
        NamedText("Host", root.host), NamedText("Commit", StepGroup.commit(of: root)),
        NamedText("Record", digest.description),
      ]
      if runs.contains(root.run) { values.run = root.run }
    }
    steps(of: part, &values)
    values.machinery = Self.machinery(part)
    return values
  }

  private mutating func steps(of part: Lineage, _ values: inout LineageValues) {
    let groups = StepGroup.groups(of: part)
    let places = Dictionary(groups.enumerated().map { ($1.step, $0) }, uniquingKeysWith: { first, _ in first })
    let sources = part.sources
    let byStep = Self.byStep(sources)
    // As pages have them, by path and content.
    var references: [TextReference] = []
    for source in sources { references.append(texts.source(source.path, source.digest, session)) }
    for (index, group) in groups.enumerated() {
      var step = LineageValues.Step(
        path: group.step, instances: group.axesText, kind: group.kinds.items.first, executions: group.executions)
      step.facts = facts(group)
      step.commands = group.commands.items.map { PlainText.cut($0, Self.longestCommand) }
      step.sources = (byStep[group.step] ?? []).map { texts.source($0.path, $0.digest, session) }
      step.logs = logs(group, part)
      step.verified = verified(group)
      values.steps.append(step)
      for input in group.inputs.keys {
        switch input.origin {
        case .project: continue
        case .step(let maker, _): values.uses += use(places[maker], index, gathers: false)
        case .collection(let maker, _, _): values.uses += use(places[maker], index, gathers: true)
        }
      }
    }
    values.sources = zip(sources, references).map { source, reference in
      let kind: String? =
        switch source.kind {
        case .file: nil
        case .executable: "executable"
        case .tree: "folder"
        case .lock: "lock file"
        }
      return LineageValues.Source(
        reference: reference, notes: [kind, source.observed ? "observed, not declared" : nil].compactMap { $0 },
        usedBy: source.usedBy)
    }
  }

  // A round of a loop uses the one before it: no arrow.
  private func use(_ maker: Int?, _ user: Int, gathers: Bool) -> [StepUse] {
    guard let maker, maker != user else { return [] }
    return [StepUse(maker: maker, user: user, gathers: gathers)]
  }

  private func facts(_ group: StepGroup) -> [NamedText] {
    func some(_ items: [String]) -> String {
      items.prefix(4).joined(separator: ", ") + (items.count > 4 ? " and \(items.count - 4) more" : "")
    }
    func values(_ grouped: Grouped<String, String>) -> String {
      grouped.keys.map { name in
        let all = grouped[name]
        return "\(name) = \(all.count == 1 ? all[0] : "{\(some(all))}")"
      }.joined(separator: "\n")
    }
    let all = TimeSpan(nanoseconds: group.duration)
    let each = TimeSpan(nanoseconds: group.duration / Int64(max(1, group.executions)))
    var facts = [
      NamedText("Parameters", values(group.parameters)), NamedText("Variables", values(group.variables)),
      NamedText("Took", group.executions > 1 ? "\(all) in all, \(each) each" : "\(all)"),
      NamedText("Makes", some(group.outputs.items)),
      NamedText(
        "Watched",
        "\(group.watch.rawValue)\(some(group.traceProblems.items).isEmpty ? "" : "; \(some(group.traceProblems.items))")"
      ),
    ]
    for line in audit.lines(ofStep: group.records) {
      facts.append(NamedText(line.label.prefix(1).uppercased() + line.label.dropFirst(), line.text))
    }
    facts += [
      NamedText("Host", some(group.hosts.items)), NamedText("Commit", some(group.commits.items)),
      NamedText(
        "Environment", some(group.environments.items.map { "\($0.version) on \($0.platform), \($0.lockPath)" })),
      NamedText("Program", some(group.programs.items.map(\.path))),
    ]
    return facts.filter { !$0.text.isEmpty }
  }

  // The first few that printed something, each content once.
  private mutating func logs(_ group: StepGroup, _ part: Lineage) -> [TextReference] {
    var seen: Set<Digest> = []
    var references: [TextReference] = []
    for digest in group.records where references.count < 3 {
      guard let record = part.execution(digest)?.record, let log = record.log, seen.insert(log).inserted else {
        continue
      }
      references.append(texts.log(record.instance, log, session, notes: []))
    }
    return references
  }

  private func verified(_ group: StepGroup) -> String? {
    let tried = group.records.compactMap { audit.confirmations[$0] }
    if tried.isEmpty { return nil }
    if tried.contains(where: { $0.different > 0 }) { return "different" }
    let confirmed = tried.count { $0.isConfirmed }
    return confirmed == group.records.count ? "same again" : "\(confirmed) of \(group.records.count) same again"
  }

  private static func machinery(_ part: Lineage) -> [NamedText] {
    let environments = part.environments.map { used in
      NamedText(
        "\(used.environment.version)",
        "\(used.environment.platform), \(used.environment.interpreter), \(used.environment.lockPath)")
    }
    let programs = part.programs.map { NamedText($0.program.name, "\($0.program.path) \($0.program.digest.short)") }
    var all = environments + programs
    if part.systemFiles > 0 { all.append(NamedText("System", "\(part.systemFiles) files were observed to be read")) }
    return all
  }
}

/// Words that several parts of a report need.
enum ReportWords {
  /// `2026-11-23 22:51:07 UTC`: the same on every machine.
  static func when(_ nanoseconds: Int64) -> String { UTCTime(nanoseconds: nanoseconds).text }

  /// The command line of a run as it was typed, from the list of its words.
  static func command(_ arguments: String) -> String {
    guard var words = (try? JSON(parsing: Array(arguments.utf8)))?.array?.compactMap(\.string), !words.isEmpty else {
      return arguments
    }
    words[0] = words[0].split(separator: "/").last.map(String.init) ?? words[0]
    return words.map { word in
      let isPlain =
        !word.isEmpty
        && word.utf8.allSatisfy {
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:@%+".utf8.contains($0)
        }
      return isPlain ? word : "'\(word.replacing("'", with: "'\\''"))'"
    }.joined(separator: " ")
  }
}
