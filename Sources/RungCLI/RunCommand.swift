import ArgumentParser
import Glibc
import RungCore
import RungEngine

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Bring targets up to date: run what changed, take the rest from the cache.",
    discussion: """
      Without targets, everything in the project. Exit code 0 when all is up to date, 1 when a step failed, 2 when a \
      pipeline file or the request is wrong, 3 when the machine failed, 130 when interrupted (Ctrl-C once stops politely, \
      twice at once).
      """)

  @Argument(help: ArgumentHelp("What to bring up to date.", valueName: "target"))
  var targets: [String] = []

  @OptionGroup var project: ProjectOptions

  @OptionGroup var watch: WatchOption

  @Option(
    name: [.customShort("j", allowingJoined: true), .long],
    help: ArgumentHelp("Run this many processors' worth of steps at a time.", valueName: "n"))
  var jobs: Int?

  @Flag(name: [.short, .long], help: "After a failure, still run what does not depend on it.")
  var keepGoing = false

  @Flag(name: [.short, .long], help: "Run the targets although their results are known.")
  var force = false

  @Flag(name: [.customShort("n"), .long], help: "Say what would run and why, and run nothing.")
  var dryRun = false

  @Flag(name: [.short, .long], help: "Say nothing unless something goes wrong.")
  var quiet = false

  @Flag(name: .long, help: "One JSON event a line, for programs.")
  var json = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs wants a number of at least 1, not \(jobs)") }
  }

  func run() throws {
    if dryRun {
      try PlanCommand.show(targets: targets, project: project, watch: watch, force: force, json: json, verbose: false)
      return
    }
    let request = try project.quietRequest(targets: targets, watch: try watch.level())
    // A program that reads events is told of every instance.
    if !force, !json, let quiet = request?.recall() { return tell(quiet) }
    let (session, place) = try project.open(ingesting: true, watch: try watch.level())
    var options = RunOptions(
      targets: try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place))
    options.jobs = jobs
    options.keepGoing = keepGoing
    options.force = force
    options.arguments = CommandLine.arguments

    let view = view { session.expectedWork(options.targets) }
    // Before any thread is started, so that all inherit it.
    Signals.block()
    let engine = try RunEngine(session: session, options: options, version: Rung.version) { view.observe($0) }
    Signals.watch(engine.interrupter)
    view.begin()
    let summary = engine.run()
    view.end()
    if let request { engine.remember(request) }
    if let fault = summary.fault {
      if !json { Console.complain("\(Style.errors.red("error:")) \(fault)") }
      throw ExitNow(code: ExitStatus.machineFailed)
    }
    if summary.interrupted { throw ExitNow(code: ExitStatus.interrupted) }
    if summary.failed > 0 { throw ExitNow(code: ExitStatus.stepFailed) }
    if summary.unpublished > 0 { throw ExitNow(code: ExitStatus.machineFailed) }
  }

  private func view(_ expected: () -> [String: (count: Int, each: Double?)]) -> any RunView {
    if json { return JSONRunView() }
    if !quiet && Console.isTerminal(STDERR_FILENO) { return LiveRunView(expected: expected()) }
    return PlainRunView(quiet: quiet)
  }

  private func tell(_ quiet: QuietRequest.Quiet) {
    var summary = RunSummary(run: "")
    summary.unchanged = quiet.instances
    summary.duration = quiet.duration
    let view = PlainRunView(quiet: self.quiet)
    if let notice = quiet.notice { view.observe(.warning(notice)) }
    view.observe(.finished(summary))
  }
}

/// SIGINT, SIGTERM and SIGHUP become calls on a thread of their own; SIGPIPE is ignored, so that a run outlives the
/// reader of its output.
enum Signals {
  private static var wanted: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
    return set
  }

  static func block() {
    var set = wanted
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  static func watch(_ interrupter: RunEngine.Interrupter) {
    startThread {
      var set = wanted
      var received: Int32 = 0
      while sigwait(&set, &received) == 0 { interrupter.interrupt() }
    }
  }
}
