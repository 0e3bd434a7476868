import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungLedger
import RungStore
import RungTrace

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Take a file back to everything that made it.",
    discussion: """
      The file is known by its content, wherever it lies and whatever its name. Lists every step on its path with its \
      command, parameters and environment, and every source with its digest; says how far the steps were watched.
      """)

  @Argument(help: "A file, or a step instance.", completion: .file())
  var file: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  @Flag(name: .long, help: "Print a graph for Graphviz: rung trace --dot FILE | dot -Tsvg.")
  var dot = false

  func validate() throws {
    if json && dot { throw ValidationError("--json and --dot exclude each other") }
  }

  func run() throws {
    let (root, _) = try project.root()
    let (cache, name) = try project.cachePath()
    try MissingIndex.rebuild(cache, root: root)
    let store = try ObjectStore(path: cache)
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    let tracer = Tracer(store: store, ledger: ledger, project: name, root: root)
    let trace: Trace
    do {
      trace =
        access(file, F_OK) == 0 ? try tracer.trace(fileAt: file) : try tracer.trace(record: try record(of: file))
    } catch let error as TraceError {
      if error.code == .cache { throw error }
      throw RequestError(message: error.message, hints: error.notes)
    }
    if json {
      Console.print(trace.json.pretty)
    } else if dot {
      Console.print(trace.dot, terminator: "")
    } else {
      let width = Console.isTerminal(STDOUT_FILENO) ? min(120, Console.size(STDOUT_FILENO).columns) : 80
      Console.print(trace.text(width: width), terminator: "")
    }
  }

  // What the instance of that name has now: a name is as good as a file.
  private func record(of name: String) throws -> Digest {
    guard let (session, place) = try? project.open(ingesting: false) else {
      throw RequestError(message: "there is no file '\(name)'")
    }
    guard let instances = try? session.targets.instances(ProjectOptions.targets([name], in: session), from: place)
    else {
      throw RequestError(message: "there is no file and no step called '\(name)'")
    }
    guard instances.count == 1 else {
      throw RequestError(
        message: "'\(name)' has \(instances.count) instances",
        hints: ["name one of them, for example '\(session.graph.name(of: instances[0]))'"])
    }
    guard let last = session.lastRecord(of: instances[0]), !last.record.outputs.isEmpty else {
      throw RequestError(message: "'\(name)' has no result yet", hints: ["`rung run '\(name)'` makes it"])
    }
    return last.digest
  }
}
