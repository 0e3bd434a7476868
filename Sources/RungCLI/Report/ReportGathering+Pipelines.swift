import RungCore
import RungEngine
import RungLedger
import RungModel
import RungPlan
import RungReport
import RungTrace

extension ReportGathering {
  // In characters; nobody reads more, and pages must stay light whatever a file holds.
  private static let longestAbout = 40_000
  private static let longestText = 4_000
  static let longestCommand = 20_000

  /// What is said of a pipeline, with the things that it publishes.
  mutating func pipeline(_ index: Int, _ things: [ReportThing]) throws -> PipelineValues {
    let pipeline = session.graph.pipelines[index]
    var values = PipelineValues(
      name: pipeline.name, about: pipeline.about.map { PlainText.cut($0, Self.longestAbout) }, file: pipeline.file.text)
    values.parameters = pipeline.parameters.map {
      NamedText($0.name, PlainText.cut($0.value.string ?? $0.value.compact, Self.longestText))
    }
    values.axes = pipeline.axes.map { NamedText($0.name, Self.words($0)) }
    values.notes = session.graph.open.filter { $0.pipeline == pipeline.name }.map(OpenText.line)
    for thing in things where session.graph.step(of: thing.instance).pipeline == index {
      switch thing.kind {
      case .figure(let figure): values.figures.append(figure)
      case .file(let file): values.files.append(file)
      }
    }
    try steps(of: index, &values)
    claims(of: pipeline.name, &values)

    var own: [Digest] = []
    for step in session.graph.steps where step.pipeline == index {
      own += records[step.first..<(step.first + step.count)].compactMap { $0 }
    }
    let part = lineage.part(from: own)
    values.watch = part.watch?.level.rawValue
    values.lastRun = own.compactMap { lineage.execution($0)?.record }.map { $0.started &+ $0.duration }.max()
    return values
  }

  private static func words(_ axis: Axis) -> String {
    if axis.isReplicate { return "\(axis.values.count) replicates" }
    guard axis.isKnown else { return "not known yet: \(axis.origin?.text ?? "")" }
    return StepGroup.fold(axis.values.map(\.label)).replacing(",", with: ", ")
  }

  private func claims(of pipeline: String, _ values: inout PipelineValues) {
    for standing in session.standing(ofClaims: session.judging([pipeline]), survey) {
      values.claimsAreCurrent = standing.isCurrent || standing.record == nil
      values.claims += ClaimRow.rows(standing).map { row in
        let numbers = ClaimWords.numbers(row.verdict ?? .null)
        var note: String?
        if !row.isAsExpected, let verdict = row.verdict {
          note = ClaimWords.sentence(row.claim.name, verdict, says: nil)
        }
        let cells = (row.verdict?["cells"]?.array ?? []).map { cell in
          let numbers = ClaimWords.numbers(cell)
          return ClaimValues.Cell(
            place: ClaimWords.place(cell), predicted: numbers.predicted, measured: numbers.measured,
            verdict: cell["verdict"]?.string ?? "")
        }
        return ClaimValues(
          name: row.claim.name, says: row.claim.says.map { PlainText.cut($0, Self.longestText) },
          predicted: numbers.predicted, measured: numbers.measured,
          tolerance: row.verdict?["tolerance"]?.string ?? "", verdict: row.word,
          expected: row.claim.expectation.rawValue, note: note, cells: cells, record: row.record?.description)
      }
    }
  }

  // MARK: steps

  private mutating func steps(of pipeline: Int, _ values: inout PipelineValues) throws {
    let graph = session.graph
    let own = graph.stepOrder.filter { index in
      graph.steps[index].pipeline == pipeline && isSurveyed(graph.steps[index])
    }
    var places: [Int: Int] = [:]
    for index in own {
      places[index] = values.steps.count
      values.steps.append(try step(index))
    }
    for index in own {
      for binding in graph.steps[index].bindings where !binding.isPrevious {
        if places[binding.producer] == nil {
          let other = graph.steps[binding.producer]
          places[binding.producer] = values.steps.count
          values.steps.append(
            StepValues(
              path: other.path, pipeline: graph.pipelines[other.pipeline].name, name: other.step.name, isOwn: false,
              kind: other.step.kind, command: ""))
        }
        guard let maker = places[binding.producer], let user = places[index] else { continue }
        values.uses.append(
          StepUse(
            maker: maker, user: user,
            gathers: (0..<graph.steps[index].count).contains { binding.collection(of: $0) != nil }))
      }
    }
  }

  private func isSurveyed(_ step: PlannedStep) -> Bool {
    (step.first..<(step.first + step.count)).contains { survey.standing[$0] != .unneeded }
  }

  private mutating func step(_ index: Int) throws -> StepValues {
    let planned = session.graph.steps[index]
    var values = StepValues(
      path: planned.path, pipeline: session.graph.pipelines[planned.pipeline].name, name: planned.step.name,
      isOwn: true, kind: planned.step.kind, command: Self.command(planned.step.command))
    values.axes = planned.axes.map { ($0.name, $0.values.count) }
    values.outputs = planned.step.outputs.map(\.name)
    let rows = (planned.first..<(planned.first + planned.count)).filter {
      survey.standing[$0] != .unneeded && !survey.settled.contains($0)
    }
    let states = rows.map(state)
    for (row, state) in zip(rows, states) {
      switch survey.standing[row] {
      case .unneeded: break
      case .current: values.counts.current += 1
      case .wouldRun: values.counts.wouldRun += 1
      case .undecided: values.counts.undecided += 1
      }
      if state == .failed { values.counts.failed += 1 }
      if let record = record(row) { values.duration &+= record.duration }
    }
    values.table = table(planned, rows, states)
    sources(of: planned, &values)
    logs(of: rows, states, &values)
    values.courses = courses(of: planned, rows)
    return values
  }

  func record(_ instance: BuildGraph.NodeID) -> Record? {
    records[instance].flatMap { lineage.execution($0)?.record }
  }

  private func state(_ instance: BuildGraph.NodeID) -> InstanceState {
    switch survey.standing[instance] {
    case .current, .unneeded: .current
    case .wouldRun: session.lastOutcome(of: instance) == "failed" ? .failed : .wouldRun
    case .undecided: session.lastOutcome(of: instance) == "failed" ? .failed : .undecided
    }
  }

  private static func command(_ command: Command) -> String {
    switch command {
    case .shell(let text, _): PlainText.cut(text.source, longestCommand)
    case .arguments(let words): PlainText.cut(words.map(\.source).joined(separator: " "), longestCommand)
    case .claims: ""
    }
  }

  // Results that were made from older versions of a file name those, too.
  private mutating func sources(of planned: PlannedStep, _ values: inout StepValues) {
    for source in sourcesByStep[planned.path] ?? [] {
      values.sources.append(texts.source(source.path, source.digest, session))
    }
  }

  private mutating func logs(of rows: [BuildGraph.NodeID], _ states: [InstanceState], _ values: inout StepValues) {
    let failed = zip(rows, states).filter { $0.1 == .failed }.map(\.0).prefix(5)
    let first = rows.first { record($0)?.log != nil }
    for row in Array(failed) + (failed.isEmpty ? [first].compactMap { $0 } : []) {
      guard let record = record(row), let log = record.log else { continue }
      let notes = record.problem.map { ["It ended as '\(record.outcome.rawValue)': \($0)"] } ?? []
      values.logs.append(texts.log(record.instance, log, session, notes: notes))
    }
  }
}
