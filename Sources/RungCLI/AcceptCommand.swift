import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungLedger

struct AcceptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept",
    abstract: "Say that a change does not matter, so that old results stand.",
    discussion: """
      For a comment that was edited, a variable that was renamed, a harmless library upgrade. What changed is written down \
      with your name, the time and the reason, and is seen in why, status, trace and exports; only just this change is \
      accepted, and the next one makes the step run again. --revoke takes it back. What the changed version reads and the old one did not is not known, \
      unless it is run.
      """)

  @Argument(help: "The step or instance that would run.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @Option(name: .long, help: ArgumentHelp("Why the change does not matter.", valueName: "reason"))
  var because: String?

  @Option(
    name: .long,
    help: ArgumentHelp("First run this many of the instances, chosen at random, and compare.", valueName: "n"))
  var check: Int?

  @Flag(name: .long, help: "Take back what was accepted for the step.")
  var revoke = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func validate() throws {
    if let check, check < 1 { throw ValidationError("--check wants a number of at least 1, not \(check)") }
    if revoke, because != nil || check != nil { throw ValidationError("--revoke goes alone") }
    if !revoke, because?.contains(where: { !$0.isWhitespace }) != true {
      throw ValidationError("--because wants the reason why the change does not matter")
    }
  }

  func run() throws {
    let (session, place) = try project.open(ingesting: true)
    let chosen = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    if revoke { try takeBack(session, chosen) } else { try accept(session, chosen) }
  }

  // MARK: accept

  private func accept(_ session: Session, _ chosen: [Int]) throws {
    let survey = try session.survey(chosen)
    defer { session.remember() }
    var found: [Session.Acceptable] = []
    var refusals: [(name: String, why: Session.Refusal)] = []
    for instance in chosen {
      switch try session.acceptable(instance, survey) {
      case .success(let acceptable): found.append(acceptable)
      case .failure(.upToDate): break
      case .failure(let why): refusals.append((session.graph.name(of: instance), why))
      }
    }
    if let first = refusals.first {
      throw RequestError(message: "\(first.name) \(Self.words(first.why))", hints: Self.hints(first.why, step))
    }
    guard !found.isEmpty else {
      throw RequestError(message: "'\(step)' is up to date: there is no change to accept")
    }
    var support: [Digest] = []
    if let check { support = try compare(session, found, check) }
    let who = Self.author(session.host.name)
    let acceptances = found.map { item in
      var acceptance = item.acceptance
      acceptance.because = because ?? ""
      acceptance.who = who
      acceptance.support = support
      acceptance.version = Rung.version
      return acceptance
    }
    tell(try session.accept(acceptances))
  }

  private func tell(_ acceptances: [Acceptance]) {
    if json {
      Console.print(
        JSON.object([
          .init("accepted", .array(acceptances.map(\.json)))
        ]).pretty)
      return
    }
    let style = Style.output
    var told: Set<[Acceptance.Change]> = []
    for acceptance in acceptances where told.insert(acceptance.changes).inserted {
      for change in acceptance.changes { Console.print("accepted: \(AcceptanceText.sentence(change))") }
    }
    let count = acceptances.count
    Console.print(
      "\(count) \(count == 1 ? "result stands" : "results stand"), in the name of \(acceptances[0].who); "
        + style.dim("`rung accept --revoke \(step)` takes that back"))
  }

  // Executes some of them as they are now; what differs ends the command.
  private func compare(_ session: Session, _ found: [Session.Acceptable], _ count: Int) throws -> [Digest] {
    let sample = found.shuffled().prefix(count)
    let view: any RunView = json ? QuietRunView() : PlainRunView(quiet: false)
    Signals.block()
    let again = Rerun(session: session, jobs: nil, version: Rung.version) { view.observe($0) }
    Signals.watch(again.interrupter)
    let outcome = try again.check(Array(sample))
    let findings = outcome.findings
    if let fault = outcome.fault {
      throw RequestError(message: fault, hints: ["nothing was accepted"], code: ExitStatus.machineFailed)
    }
    if again.wasInterrupted { throw ExitNow(code: ExitStatus.interrupted) }
    let text = VerifyText(findings: findings, times: 1)
    guard findings.count == sample.count, !text.differs else {
      Console.complain(text.text(quiet: false))
      throw RequestError(
        message: "the change matters: nothing was accepted",
        hints: ["`rung run '\(step)'` makes the results that belong to it"], code: ExitStatus.stepFailed)
    }
    return try again.keep(findings)
  }

  private static func author(_ host: String) -> String {
    let name = userName(getuid()) ?? "uid \(getuid())"
    return "\(name)@\(host)"
  }

  private static func words(_ why: Session.Refusal) -> String {
    switch why {
    case .upToDate: "is up to date"
    case .neverRan: "has no result yet that could stand"
    case .undecided: "waits for a step before it that would run"
    case .otherOutputs: "declares other outputs than its result has"
    case .unchanged: "has not changed: its last attempt failed, or its bytes are not in the cache any more"
    case .gone: "has a result whose bytes, or what it was seen to read, are not in the cache any more"
    case .watch: "has a result that was watched less closely than is asked for now"
    }
  }

  private static func hints(_ why: Session.Refusal, _ step: String) -> [String] {
    why == .undecided
      ? ["`rung why '\(step)'` names that step: accept its change first, or run it"]
      : ["`rung run '\(step)'` makes one"]
  }

  // MARK: revoke

  private func takeBack(_ session: Session, _ chosen: [Int]) throws {
    let names = Set(chosen.map(session.graph.name(of:)))
    let rows = try session.ledger.acceptances().filter {
      $0.revoked == nil && $0.project == session.projectName && names.contains($0.instance)
    }
    guard !rows.isEmpty else { throw RequestError(message: "nothing is accepted for '\(step)'") }
    try session.revoke(rows, who: Self.author(session.host.name))
    if json {
      Console.print(JSON.object([.init("revoked", .array(rows.map { .digest($0.digest) }))]).pretty)
    } else {
      Console.print(
        "\(rows.count) \(rows.count == 1 ? "acceptance is" : "acceptances are") taken back; the records of them stay")
    }
  }
}

/// The words for what was accepted.
enum AcceptanceText {
  /// One change as a sentence.
  static func sentence(_ change: Acceptance.Change) -> String {
    WhyText.sentence(
      .init(
        field: change.kind, name: change.name, old: change.old, new: change.new, oldDigest: change.oldDigest,
        newDigest: change.newDigest))
  }

  /// An acceptance in a line.
  static func line(_ acceptance: Acceptance) -> String {
    "accepted by \(acceptance.who), \(WhenText.text(acceptance.at)): \(WhyText.printable(acceptance.because))"
  }
}
