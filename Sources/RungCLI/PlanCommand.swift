import ArgumentParser
import RungCore
import RungEngine
import RungModel
import RungPlan

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what would run and why, without running anything.",
    discussion: """
      What depends on a step that would run is 'undecided': if that step's outputs come out as before, nothing after it \
      runs.
      """)

  @Argument(help: ArgumentHelp("What to look at; everything without it.", valueName: "target"))
  var targets: [String] = []

  @OptionGroup var project: ProjectOptions

  @OptionGroup var watch: WatchOption

  @Flag(name: [.short, .long], help: "Name every step instance.")
  var verbose = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    try Self.show(targets: targets, project: project, watch: watch, force: false, json: json, verbose: verbose)
  }

  /// Also what `rung run --dry-run` does.
  static func show(
    targets: [String], project: ProjectOptions, watch: WatchOption, force: Bool, json: Bool, verbose: Bool,
    executor: ExecutorKind? = nil
  ) throws {
    let (session, place) = try project.open(ingesting: false, watch: try watch.level())
    if let executor { session.executor = executor }
    let chosen = try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place)
    session.asked = session.targets.named(targets, from: place)
    let survey = try session.survey(chosen, forced: force)
    defer { session.remember() }
    let unpublished = session.unpublished(survey)
    let forced = force ? Set(chosen) : []
    let open = session.targets.waiting(ProjectOptions.targets(targets, in: session))
    let preview = FleetPreview(session, survey)
    if json {
      try printJSON(session, survey, unpublished, forced, open, preview)
    } else {
      try printText(session, survey, unpublished, forced, open, verbose: verbose)
      for line in preview?.lines ?? [] { Console.print(line) }
    }
  }

  private static func why(
    _ session: Session, _ instance: BuildGraph.NodeID, _ survey: Survey, _ forced: Set<BuildGraph.NodeID>
  ) throws -> [Why.Explained] {
    if forced.contains(instance) { return [Why.Explained(reason: Reason(field: "force"))] }
    return try session.why(instance, survey).reasons
  }

  private static func printJSON(
    _ session: Session, _ survey: Survey, _ unpublished: [String], _ forced: Set<BuildGraph.NodeID>,
    _ open: [OpenStep], _ preview: FleetPreview?
  ) throws {
    var steps: [JSON] = []
    for instance in session.graph.instanceOrder {
      let standing = survey.standing[instance]
      guard standing != .unneeded, standing != .current else { continue }
      let reasons = try why(session, instance, survey, forced)
      steps.append([
        "instance": .string(session.graph.name(of: instance)), "standing": .string(WhyText.word(standing)),
        "reasons": .array(reasons.map(WhyText.json)),
      ])
    }
    let json: JSON = [
      "would_run": .int(survey.count(.wouldRun)), "undecided": .int(survey.count(.undecided)),
      "current": .int(survey.count(.current)), "would_restore": .array(unpublished.map { .string($0) }),
      "steps": .array(steps), "open": .array(open.map(OpenText.json)), "submissions": preview?.json ?? [],
    ]
    Console.print(json.pretty)
  }

  private static func printText(
    _ session: Session, _ survey: Survey, _ unpublished: [String], _ forced: Set<BuildGraph.NodeID>,
    _ open: [OpenStep], verbose: Bool
  ) throws {
    let style = Style.output
    let durations = session.expectedDurations()
    var seconds = 0.0
    for index in session.graph.stepOrder {
      let step = session.graph.steps[index]
      for standing in [Survey.Standing.wouldRun, .undecided] {
        let instances = (step.first..<(step.first + step.count)).filter { survey.standing[$0] == standing }
        guard !instances.isEmpty else { continue }
        seconds += Double(instances.count) * durations[index]
        let verb = standing == .wouldRun ? style.green("would run") : style.yellow("undecided")
        if verbose {
          for instance in instances {
            Console.print("\(verb)  \(session.graph.name(of: instance))")
            for line in WhyText.lines(try why(session, instance, survey, forced), style) { Console.print("  " + line) }
          }
        } else {
          let name = instances.count == 1 ? session.graph.name(of: instances[0]) : step.path
          let rounds = standing == .undecided && step.step.loop != nil ? " rounds that it may need" : ""
          let count = instances.count == 1 ? "" : style.dim(" × \(instances.count)\(rounds)")
          Console.print("\(verb)  \(name)\(count)")
          // The reasons of the first stand for the others; `why` tells them apart.
          for line in WhyText.lines(try why(session, instances[0], survey, forced), style) {
            Console.print("  " + line)
          }
        }
      }
    }
    for path in unpublished { Console.print("\(style.cyan("would restore"))  \(path)") }
    for step in open { Console.print("\(style.yellow("not known "))  \(OpenText.line(step))") }
    let run = survey.count(.wouldRun)
    let undecided = survey.count(.undecided)
    let current = survey.count(.current)
    if run + undecided == 0 && unpublished.isEmpty && open.isEmpty {
      Console.print("\(style.green("nothing to do:")) \(current) up to date")
    } else {
      let time = TimeSpan(nanoseconds: Int64(seconds * 1e9))
      let estimate = run + undecided > 0 ? style.dim(", at most about \(time) of work") : ""
      let more = open.isEmpty ? "" : ", and at least \(open.count) more"
      Console.print(
        "\(run) would run, \(undecided) undecided, \(current) up to date\(more)\(estimate)")
    }
  }
}

/// Words for steps whose instances are not known yet.
enum OpenText {
  static func line(_ step: OpenStep) -> String {
    let axes = step.axes.map { "'\($0.name)' comes from \($0.origin.text)" }.joined(separator: ", ")
    return "\(step.path): how many instances there are is not known; \(axes)"
  }

  static func json(_ step: OpenStep) -> JSON {
    [
      "step": .string(step.path),
      "axes": .array(
        step.axes.map {
          ["pipeline": .string($0.pipeline), "axis": .string($0.name), "from": .string($0.origin.text)]
        }),
    ]
  }
}
