import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungTrace

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the record of what a step did when it last ran.",
    discussion: """
      For several instances, a line each; name one for everything that is known of it.

      --plot draws a number of the JSON outputs over an axis of the step: the means of replicates, and a series for each \
      value of the other axes. Of a single instance, and of numbers that steps tell while they run (RUNG_EVENTS), it draws \
      the course.
      """)

  @Argument(help: "The step, instance or published file.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  @Option(help: ArgumentHelp("Draw this number.", valueName: "metric"))
  var plot: String?

  @Option(help: ArgumentHelp("With --plot: the axis to draw it over.", valueName: "axis"))
  var along: String?

  @Option(help: ArgumentHelp("With --plot: make axes logarithmic.", valueName: "x|y|xy"))
  var log: LogAxes?

  enum LogAxes: String, ExpressibleByArgument, CaseIterable { case x, y, xy }

  func validate() throws {
    if plot == nil, along != nil || log != nil { throw ValidationError("--along and --log go with --plot METRIC") }
    if plot != nil, json { throw ValidationError("--plot draws for people; --json gives programs the numbers") }
  }

  func run() throws {
    if let plot {
      try draw(plot)
      return
    }
    if let past = try project.past(step) {
      show(RecordView(digest: past.digest, record: past.record, store: past.store, ledger: past.ledger))
      return
    }
    let (session, place) = try project.open(ingesting: false)
    let instances = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let views = instances.compactMap { instance in
      session.lastRecord(of: instance).map {
        RecordView(digest: $0.digest, record: $0.record, store: session.store, ledger: session.ledger)
      }
    }
    guard !views.isEmpty else {
      throw RequestError(message: "'\(step)' has not run yet", hints: ["`rung run '\(step)'` runs it"])
    }
    if instances.count == 1 {
      show(views[0])
    } else if json {
      Console.print(JSON.array(views.map(\.json)).pretty)
    } else {
      var table = TextTable(header: ["instance", "outcome", "time", "memory", "started"], numeric: [2, 3])
      for record in views.map(\.record) {
        table.add([
          record.instance, record.outcome.rawValue, "\(TimeSpan(nanoseconds: record.duration))",
          "\(ByteCount(bytes: record.peakMemory))", WhenText.text(record.started),
        ])
      }
      Console.print(table.text)
    }
  }

  private func draw(_ metric: String) throws {
    let (session, place) = try project.open(ingesting: false)
    let instances = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let plot = try ShowPlot(
      metric: metric, over: along, isLogX: log == .x || log == .xy, isLogY: log == .y || log == .xy
    )
    .plot(of: instances, session)
    let window = Console.isTerminal(STDOUT_FILENO) ? Console.size(STDOUT_FILENO) : (columns: 80, rows: 24)
    for line in plot.lines(columns: window.columns, rows: window.rows) { Console.print(line) }
  }

  private func show(_ view: RecordView) {
    if json {
      Console.print(view.json.pretty)
    } else {
      let width = Console.isTerminal(STDOUT_FILENO) ? min(120, Console.size(STDOUT_FILENO).columns) : 80
      Console.print(view.text(width: width), terminator: "")
    }
  }
}
