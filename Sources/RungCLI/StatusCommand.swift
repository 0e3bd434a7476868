import ArgumentParser
import RungCore
import RungEngine
import RungPlan

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far each step is up to date.")

  @Argument(help: ArgumentHelp("What to look at; everything without it.", valueName: "target"))
  var targets: [String] = []

  @OptionGroup var project: ProjectOptions

  @OptionGroup var watch: WatchOption

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false, watch: try watch.level())
    let chosen = try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place)
    let survey = try session.survey(chosen)
    defer { session.remember() }
    let unpublished = session.unpublished(survey)
    var rows: [StatusRow] = []
    for index in session.graph.stepOrder {
      let step = session.graph.steps[index]
      var row = StatusRow(step: step.path, kind: step.step.kind)
      for instance in step.first..<(step.first + step.count) where !survey.settled.contains(instance) {
        switch survey.standing[instance] {
        case .unneeded: continue
        case .current:
          row.current += 1
          if session.acceptance(of: instance) != nil { row.accepted += 1 }
        case .wouldRun: row.wouldRun += 1
        case .undecided: row.undecided += 1
        }
        if survey.standing[instance] != .current, session.lastOutcome(of: instance) == "failed" { row.failed += 1 }
      }
      if row.total > 0 { rows.append(row) }
    }
    let open = session.targets.waiting(ProjectOptions.targets(targets, in: session))
    if json { printJSON(rows, unpublished, open) } else { printText(rows, unpublished, open) }
  }

  private struct StatusRow {
    let step: String
    let kind: String?
    var current = 0
    var wouldRun = 0
    var undecided = 0
    var failed = 0
    // Of those that are up to date, the ones whose results stand because a change was accepted.
    var accepted = 0

    var total: Int { current + wouldRun + undecided }
  }

  private func printJSON(_ rows: [StatusRow], _ unpublished: [String], _ open: [OpenStep]) {
    let json: JSON = [
      "steps": .array(
        rows.map {
          [
            "step": .string($0.step), "kind": .optional($0.kind), "instances": .int($0.total),
            "current": .int($0.current), "would_run": .int($0.wouldRun), "undecided": .int($0.undecided),
            "failed": .int($0.failed), "accepted": .int($0.accepted),
          ]
        }),
      "would_restore": .array(unpublished.map { .string($0) }),
      "open": .array(open.map(OpenText.json)),
      "current": .bool(open.isEmpty && unpublished.isEmpty && rows.allSatisfy { $0.current == $0.total }),
    ]
    Console.print(json.pretty)
  }

  private func printText(_ rows: [StatusRow], _ unpublished: [String], _ open: [OpenStep]) {
    let style = Style.output
    var table = TextTable(
      header: ["step", "kind", "instances", "up to date", "would run", "undecided", "failed"], numeric: [2, 3, 4, 5, 6])
    func number(_ n: Int) -> String { n == 0 ? "·" : "\(n)" }
    for row in rows {
      table.add([
        row.step, row.kind ?? "", "\(row.total)", number(row.current), number(row.wouldRun), number(row.undecided),
        number(row.failed),
      ])
    }
    Console.print(table.text)
    for row in rows where row.accepted > 0 {
      Console.print(
        "\(style.yellow("accepted:")) \(row.accepted) of \(row.step), though something has changed (rung why \(row.step))"
      )
    }
    for path in unpublished { Console.print("\(style.yellow("missing or changed:")) \(path) (rung run restores it)") }
    for step in open { Console.print("\(style.yellow("not known:")) \(OpenText.line(step))") }
    if rows.allSatisfy({ $0.current == $0.total }) && open.isEmpty && unpublished.isEmpty {
      Console.print(style.green("everything is up to date"))
    }
  }
}
