import ArgumentParser
import RungCore
import RungEngine
import RungPlan

struct CachePush: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push",
    abstract: "Give results to remote caches, with all that they were made from.",
    discussion: """
      The results that are up to date, of the targets and of what they need. They are signed with the key called 'default' \
      (`rung key new` makes it). What is there already is not sent again, so that a push which was cut off goes on where \
      it ended. Exit code 0 when all that can be given is there, 2 when the request is wrong, 3 when a remote or the cache \
      failed.
      """)

  @OptionGroup var options: TransferOptions

  @Flag(name: .long, help: "Every result that the cache knows, also of earlier times.")
  var all = false

  func run() throws {
    let (session, targets, caches) = try options.open()
    let report = try Self.push(session, targets, caches, all: all, options)
    if options.json { Console.print(JSON.object([.init("remotes", .array(report.json))]).pretty) }
    if report.hasFailed { throw ExitNow(code: ExitStatus.machineFailed) }
  }

  /// What came of it, told already unless programs are to read it.
  struct Outcome {
    var json: [JSON] = []
    var hasFailed = false
  }

  /// Also what `rung cache sync` does.
  static func push(
    _ session: Session, _ targets: [BuildGraph.NodeID], _ caches: RemoteCaches, all: Bool, _ options: TransferOptions
  ) throws -> Outcome {
    let remotes = options.remote == nil ? caches.remotes.filter(\.pushes) : caches.remotes
    guard !remotes.isEmpty else {
      throw RequestError(
        message: "nothing is given to the remotes of this project: each says 'push: false'",
        hints: ["--remote NAME gives results to it all the same"])
    }
    guard caches.canSign else {
      throw RequestError(
        message: "results cannot be given to others without a key to sign them with",
        hints: ["`rung key new` makes one"])
    }
    let survey = all ? nil : try session.survey(targets)
    let items = try survey.map(session.resultsToGive) ?? session.allResults()
    session.remember()
    var outcome = Outcome()
    for remote in remotes {
      if options.dryRun {
        let missing = try RemotePush.missing(items, at: remote, caches)
        outcome.json.append([
          "remote": .string(remote.name), "would_push": .array(missing.map { .string($0) }),
          "known": .int(items.count - missing.count),
        ])
        if !options.json {
          for name in missing { Console.print("would give \(name)") }
          Console.print("\(remote.name): \(missing.count) to give, \(items.count - missing.count) there already")
        }
        continue
      }
      let line = TransferLine(json: options.json)
      let report = RemotePush.push(items, to: remote, from: session.store, caches) { now in
        line.show("\(remote.name): \(now.done) of \(now.of) results, \(ByteCount(bytes: now.bytes))")
      }
      line.clear()
      outcome.hasFailed = outcome.hasFailed || report.problem != nil
      outcome.json.append(json(remote, report))
      if !options.json { tell(remote, report, of: items.count) }
    }
    return outcome
  }

  private static func json(_ remote: RemoteCache, _ report: RemotePush.Report) -> JSON {
    [
      "remote": .string(remote.name), "pushed": .array(report.pushed.map { .string($0) }), "known": .int(report.known),
      "gone": .array(report.gone.map { ["instance": .string($0.instance), "reason": .string($0.reason)] }),
      "objects": .int(report.objects), "bytes": .int(report.bytes), "problem": .optional(report.problem),
    ]
  }

  private static func tell(_ remote: RemoteCache, _ report: RemotePush.Report, of count: Int) {
    let style = Style.errors
    for (_, reason) in report.gone.prefix(10) { Console.complain("\(style.yellow("not given:")) \(reason)") }
    if report.gone.count > 10 { Console.complain("not given: \(report.gone.count - 10) more") }
    Console.print(
      "\(remote.name): \(report.pushed.count) given, \(report.known) there already; \(report.objects) objects, \(ByteCount(bytes: report.bytes)) sent"
    )
    guard let problem = report.problem else { return }
    let left = count - report.pushed.count - report.known - report.gone.count
    Console.complain("\(style.red("error:")) \(problem)")
    Console.complain("  \(left) results are not given yet; the same command goes on from here")
  }
}
