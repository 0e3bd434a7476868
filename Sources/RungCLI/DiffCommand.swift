import ArgumentParser
import Glibc
import RungCore
import RungLedger
import RungStore
import RungTrace

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Tell how two results differ: what went in, and what came out.",
    discussion: """
      Each of A and B is a run (its name, the beginning of one, last, last~1, …), a figure or another file that a step \
      made, a step or an instance, NAME@N for its N-th result before the latest, a record or a content by its digest, or \
      a git revision, where it could be something else git:REV. One alone is compared with what was there before it.

      Exit code 0 also when something differs, unless --exit-code is given.
      """)

  @Argument(help: "What was, or what is compared with what was there before.", completion: .file())
  var a: String

  @Argument(help: "What is.", completion: .file())
  var b: String?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  @Flag(name: .long, help: "Exit with 1 when something differs.")
  var exitCode = false

  func run() throws {
    let asking = try Asking(project)
    let comparison = try asking.request { () throws(TraceError) in
      if let b { return Comparison.of(try asking.finder.find(a), try asking.finder.find(b), store: asking.store) }
      let new = try asking.finder.find(a)
      return Comparison.of(try asking.finder.before(new), new, store: asking.store)
    }
    if json {
      Console.print(comparison.json.pretty)
    } else {
      let style = Style.output
      for line in comparison.lines(width: Console.textWidth) {
        switch line.role {
        case .plain: Console.print(line.text)
        case .heading: Console.print(style.bold(line.text))
        case .old: Console.print(style.red(line.text))
        case .new: Console.print(style.green(line.text))
        }
      }
    }
    if exitCode && !comparison.isEmpty { throw ExitNow(code: ExitStatus.stepFailed) }
  }
}

/// A project's cache, opened to ask about what was.
struct Asking {
  let store: ObjectStore
  let ledger: Ledger
  /// How the ledger calls the project.
  let project: String
  let root: String

  init(_ options: ProjectOptions) throws {
    root = try options.root().root
    let (cache, name) = try options.cachePath()
    project = name
    try MissingIndex.rebuild(cache, root: root)
    store = try ObjectStore(path: cache)
    ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
  }

  /// Finds results by words, with the help of git.
  var finder: ResultFinder {
    let root = root
    return ResultFinder(store: store, ledger: ledger, project: project, root: root) {
      GitRevision.commit($0, in: root)
    }
  }

  /// Runs a question; what is wrong with it is the asker's, what is wrong with the cache is the machine's.
  func request<T>(_ body: () throws(TraceError) -> T) throws -> T {
    do throws(TraceError) {
      return try body()
    } catch {
      if error.code == .cache { throw error }
      throw RequestError(message: error.message, hints: error.notes)
    }
  }
}

extension Console {
  /// How many columns a text has: those of the terminal up to 120; 80 where there is none.
  static var textWidth: Int { isTerminal(STDOUT_FILENO) ? min(120, size(STDOUT_FILENO).columns) : 80 }
}
