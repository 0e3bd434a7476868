import ArgumentParser
import RungCore
import RungEngine
import RungPlan

struct CachePull: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Take the results that targets need from remote caches, and run nothing.",
    discussion: """
      Results count when they are signed with a key of one's own or one that `trust` in rung.yaml names. Exit code 0 when \
      everything is there, 1 when results were not found, 2 when the request is wrong, 3 when a remote or the cache failed.
      """)

  @OptionGroup var options: TransferOptions

  func run() throws {
    let report = try Self.pull(options)
    if options.json { Console.print(Self.json(report).pretty) }
    Console.flush()
    if report.problem != nil { throw ExitNow(code: ExitStatus.machineFailed) }
    if !report.missing.isEmpty || report.undecided > 0 { throw ExitNow(code: ExitStatus.stepFailed) }
  }

  /// Also what `rung cache sync` does; told already unless programs are to read it.
  static func pull(_ options: TransferOptions) throws -> RemotePull.Report {
    var total = RemotePull.Report()
    var isFirst = true
    while true {
      let (session, targets, caches) = try options.open()
      let line = TransferLine(json: options.json)
      let before = total.fetched.count
      var pull = RemotePull(session, caches) { fetched, asked in
        line.show("\(before + fetched) results taken, \(asked) asked for")
      }
      let report = try pull.pull(targets, isDry: options.dryRun)
      line.clear()
      session.remember()
      total.fetched += report.fetched
      total.missing = report.missing
      total.undecided = report.undecided
      total.problem = total.problem ?? report.problem
      total.warnings += report.warnings.filter { !total.warnings.contains($0) }
      if isFirst { total.known = report.known }
      isFirst = false
      // With what has come more of the project may be known.
      if session.graph.open.isEmpty || report.fetched.isEmpty || options.dryRun { break }
    }
    if !options.json { tell(total, isDry: options.dryRun) }
    return total
  }

  private static func tell(_ report: RemotePull.Report, isDry: Bool) {
    let style = Style.errors
    for warning in report.warnings { Console.complain("\(style.yellow("warning:")) \(warning)") }
    for name in report.missing.prefix(20) { Console.print("not found  \(name)") }
    if report.missing.count > 20 { Console.print("not found  \(report.missing.count - 20) more") }
    var parts = ["\(report.fetched.count) \(isDry ? "could be taken" : "taken")", "\(report.known) there already"]
    if !report.missing.isEmpty { parts.append("\(report.missing.count) not found") }
    if report.undecided > 0 { parts.append("\(report.undecided) that depend on them") }
    Console.print(parts.joined(separator: ", "))
    if let problem = report.problem { Console.complain("\(style.red("error:")) \(problem)") }
  }

  static func json(_ report: RemotePull.Report) -> JSON {
    [
      "fetched": .array(report.fetched.map { ["instance": .string($0.instance), "remote": .string($0.remote)] }),
      "known": .int(report.known), "missing": .array(report.missing.map { .string($0) }),
      "undecided": .int(report.undecided), "warnings": .array(report.warnings.map { .string($0) }),
      "problem": .optional(report.problem),
    ]
  }
}

struct CacheSync: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Take from remote caches what they have, then give them what they lack.",
    discussion: """
      `rung cache pull`, then `rung cache push`. Exit code 0 when the remotes did what they were asked, found or not, 2 when \
      the request is wrong, 3 when a remote or the cache failed.
      """)

  @OptionGroup var options: TransferOptions

  @Flag(name: .long, help: "Give every result that the cache knows, also of earlier times.")
  var all = false

  func run() throws {
    let pulled = try CachePull.pull(options)
    let (session, targets, caches) = try options.open()
    let pushed = try CachePush.push(session, targets, caches, all: all, options)
    if options.json {
      Console.print(JSON.object([.init("pull", CachePull.json(pulled)), .init("push", .array(pushed.json))]).pretty)
    }
    if pulled.problem != nil || pushed.hasFailed { throw ExitNow(code: ExitStatus.machineFailed) }
  }
}
