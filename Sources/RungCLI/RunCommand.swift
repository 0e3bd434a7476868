import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungModel
import RungPlan
import Synchronization

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

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Who executes steps that do not say: local (this machine), or slurm (workers in jobs of a cluster).",
      valueName: "who"))
  var executor: String?

  @Flag(name: [.short, .long], help: "After a failure, still run what does not depend on it.")
  var keepGoing = false

  @Flag(name: [.short, .long], help: "Run the targets although their results are known.")
  var force = false

  @Flag(name: [.customShort("n"), .long], help: "Say what would run and why, and run nothing.")
  var dryRun = false

  @Flag(name: .customLong("no-remote"), help: "Leave remote caches alone: take nothing from them, give them nothing.")
  var noRemote = false

  @Flag(name: [.short, .long], help: "Say nothing unless something goes wrong.")
  var quiet = false

  @Flag(name: .long, help: "One JSON event a line, for programs.")
  var json = false

  func validate() throws {
    if let executor, ExecutorKind(rawValue: executor) == nil {
      let kinds = ExecutorKind.allCases.map(\.rawValue).joined(separator: " or ")
      throw ValidationError("--executor wants \(kinds), not '\(executor)'")
    }
    if let jobs, jobs < 1 { throw ValidationError("--jobs wants a number of at least 1, not \(jobs)") }
  }

  func run() throws {
    if dryRun {
      try PlanCommand.show(
        targets: targets, project: project, watch: watch, force: force, json: json, verbose: false,
        executor: executor.flatMap(ExecutorKind.init(rawValue:)))
      return
    }
    let request = try project.quietRequest(targets: targets, watch: try watch.level())
    // A program that reads events is told of every instance.
    if !force, !json, let quiet = request?.recall() { return tell(quiet) }
    let (opened, place) = try project.open(ingesting: true, watch: try watch.level(), filling: false)
    // Before any thread is started, so that all inherit it.
    Signals.block()
    if let kind = executor.flatMap(ExecutorKind.init(rawValue:)) { opened.executor = kind }
    let remotes = noRemote ? nil : ProjectRemotes.forRun(opened)
    let fleet = RunFleet()
    defer { fleet.close() }
    var stages = RunStages(texts: ProjectOptions.targets(targets, in: opened), place: place, session: opened)
    while let producers = try stages.advance() {
      let before = stages.tally
      let summary = try run(stages.session, producers, stages: &stages, fleet, isLast: false, remotes)
      guard summary.isGood else { return try end(before.total(summary)) }
    }
    let chosen = try stages.session.targets.instances(stages.texts, from: place)
    stages.session.asked = stages.session.targets.named(targets, from: place)
    let before = stages.tally
    let summary = try run(stages.session, chosen, stages: &stages, fleet, isLast: true, remotes, remembering: request)
    try end(before.total(summary))
  }

  private func run(
    _ session: Session, _ targets: [BuildGraph.NodeID], stages: inout RunStages, _ fleet: RunFleet, isLast: Bool,
    _ remotes: RemoteCaches?, remembering request: QuietRequest? = nil
  ) throws -> RunSummary {
    var options = RunOptions(targets: targets)
    options.jobs = jobs
    options.keepGoing = keepGoing
    options.force = force && isLast
    options.arguments = CommandLine.arguments
    options.remotes = remotes
    let steps = RunPicture.Step.all(session, options.targets)
    let view = BothViews(
      first: view(steps), second: RunJournal(cache: session.cache, project: session.projectName, steps: steps))
    let tally = stages.tally
    let executor = try fleet.executor(for: session, options.targets) { view.observe(.warning($0)) }
    let engine = try RunEngine(session: session, options: options, fleet: executor, version: Rung.version) { event in
      // One end for all stages.
      guard case .finished(let summary) = event else { return view.observe(event) }
      if isLast || !summary.isGood { view.observe(.finished(tally.total(summary))) }
    }
    Signals.watch(engine.interrupter)
    view.begin()
    let summary = engine.run()
    // Workers end while the last results are shown; a run that was interrupted takes its jobs with it.
    if isLast || !summary.isGood { fleet.close() }
    view.end()
    if isLast, summary.isGood { pass(engine) }
    if isLast, let request { engine.remember(request) }
    stages.add(summary)
    return summary
  }

  // Frees what is made again when something reads it. That it could not be freed takes nothing away from the run.
  private func pass(_ engine: RunEngine) {
    do {
      try engine.pass()
    } catch {
      Console.complain(
        "\(Style.errors.yellow("warning:")) what is declared 'recompute: true' is still stored: \(error)")
    }
  }

  private func end(_ summary: RunSummary) throws {
    if let fault = summary.fault {
      if !json { Console.complain("\(Style.errors.red("error:")) \(fault)") }
      throw ExitNow(code: ExitStatus.machineFailed)
    }
    if summary.interrupted { throw ExitNow(code: ExitStatus.interrupted) }
    if summary.failed > 0 { throw ExitNow(code: ExitStatus.stepFailed) }
    if summary.unpublished > 0 { throw ExitNow(code: ExitStatus.machineFailed) }
  }

  private func view(_ steps: [RunPicture.Step]) -> any RunView {
    if json { return JSONRunView() }
    if !quiet && Console.isTerminal(STDERR_FILENO) { return LiveRunView(steps) }
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

  /// Blocks until one of them comes. `block` must have been called before any thread was started.
  static func wait() {
    var set = wanted
    var received: Int32 = 0
    while sigwait(&set, &received) != 0 {}
  }

  // What is running now.
  private static let current = Mutex<RunEngine.Interrupter?>(nil)

  /// Lets signals interrupt this run, and no longer an earlier one.
  static func watch(_ interrupter: RunEngine.Interrupter) {
    let isFirst = current.withLock { current in
      defer { current = interrupter }
      return current == nil
    }
    guard isFirst else { return }
    startThread {
      var set = wanted
      var received: Int32 = 0
      while sigwait(&set, &received) == 0 { current.withLock { $0 }?.interrupt() }
    }
  }
}
