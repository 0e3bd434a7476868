import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungLedger
import RungTrace

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that results are what they are said to be; with --rerun, by making them again.",
    discussion: """
      Without --rerun, everything on the way to the targets is read and hashed again: records, results, sources, published \
      copies. With it, every step is executed again from its roots, away from the cache, and its outputs are compared: bit \
      by bit, or within the tolerance that the pipeline declares. The verdicts are kept; `show`, `trace` and `gc` tell of \
      them. Exit code 0 when all is as it was, 1 when something differs.
      """)

  @Argument(help: ArgumentHelp("What to verify; everything without it.", valueName: "target"))
  var targets: [String] = []

  @OptionGroup var project: ProjectOptions

  @OptionGroup var watch: WatchOption

  @Flag(name: .long, help: "Execute the steps again and compare what comes out.")
  var rerun = false

  @Option(
    name: .long, help: ArgumentHelp("With --rerun: so many times, each under other circumstances.", valueName: "n"))
  var times = 1

  @Option(
    name: [.customShort("j", allowingJoined: true), .long],
    help: ArgumentHelp("With --rerun: run this many processors' worth of steps at a time.", valueName: "n"))
  var jobs: Int?

  @Flag(name: [.short, .long], help: "Say nothing unless something differs.")
  var quiet = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs wants a number of at least 1, not \(jobs)") }
    if times < 1 { throw ValidationError("--times wants a number of at least 1, not \(times)") }
    if !rerun, times > 1 || jobs != nil { throw ValidationError("--times and --jobs go with --rerun") }
  }

  func run() throws {
    let (session, place) = try project.open(ingesting: rerun, watch: try watch.level())
    let chosen = try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place)
    let survey = try session.survey(chosen)
    defer { session.remember() }
    try requireUpToDate(session, survey)
    if rerun { try runAgain(session, chosen, survey) } else { try check(session, chosen, survey) }
  }

  private func requireUpToDate(_ session: Session, _ survey: Survey) throws {
    let open = survey.standing.indices.filter {
      survey.standing[$0] == .wouldRun || survey.standing[$0] == .undecided
    }
    guard let first = open.first else { return }
    let name = session.graph.name(of: first)
    throw RequestError(
      message: open.count == 1
        ? "\(name) is not up to date, so there is nothing to verify"
        : "\(open.count) instances are not up to date, \(name) among them, so there is nothing to verify",
      hints: [
        "`rung run \(targets.joined(separator: " "))` brings them up to date; `rung why '\(name)'` says what changed"
      ])
  }

  // MARK: by reading

  private func check(_ session: Session, _ chosen: [Int], _ survey: Survey) throws {
    let records = chosen.compactMap { session.resultRecord(of: $0) }
    let lineage = Lineage.of(records: records, store: session.store)
    let report = Inspection.of(lineage, store: session.store)
    let unpublished = session.changedCopies(survey)
    if json {
      let copies: JSON = .array(unpublished.map { .string($0) })
      Console.print(JSON.object((report.json.members ?? []) + [.init("changed_copies", copies)]).pretty)
    } else {
      let style = Style.output
      for problem in report.problems { Console.print("\(style.red("damaged")) \(problem)") }
      for path in unpublished { Console.print("\(style.red("changed")) \(path) is not what was published there") }
      if !quiet || !report.problems.isEmpty { Console.print(report.sentence) }
    }
    if !report.problems.isEmpty || !unpublished.isEmpty { throw ExitNow(code: ExitStatus.stepFailed) }
  }

  // MARK: by doing it again

  private func runAgain(_ session: Session, _ chosen: [Int], _ survey: Survey) throws {
    let view: any RunView =
      if json || quiet {
        QuietRunView()
      } else if Console.isTerminal(STDERR_FILENO) {
        LiveRunView(RunPicture.Step.all(session, chosen))
      } else {
        PlainRunView(quiet: false)
      }
    Signals.block()
    let again = Rerun(session: session, jobs: jobs, version: Rung.version) { view.observe($0) }
    Signals.watch(again.interrupter)
    var findings: [Rerun.Finding] = []
    var unjudged: Set<String> = []
    var fault: String?
    for repetition in 1...times where !again.wasInterrupted && fault == nil {
      view.begin()
      defer { view.end() }
      let outcome = try again.repeatAll(chosen, survey, repetition: repetition)
      try again.keep(outcome.findings)
      findings += outcome.findings
      unjudged.formUnion(outcome.unjudged)
      fault = outcome.fault
    }
    let text = VerifyText(findings: findings, times: times, unjudged: unjudged.sorted())
    if json { Console.print(text.json.pretty) } else { Console.print(text.text(quiet: quiet), terminator: "") }
    if let fault {
      Console.complain("\(Style.errors.red("error:")) \(fault)")
      throw ExitNow(code: ExitStatus.machineFailed)
    }
    if again.wasInterrupted { throw ExitNow(code: ExitStatus.interrupted) }
    if text.differs { throw ExitNow(code: ExitStatus.stepFailed) }
  }
}

/// Shows nothing of a run.
final class QuietRunView: RunView {
  func observe(_ event: RunEvent) {}
}
