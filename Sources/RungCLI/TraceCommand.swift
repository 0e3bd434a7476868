import ArgumentParser
import RungCore
import RungTrace

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace",
    abstract: "Take a file back to everything that made it.",
    discussion: """
      The file is known by its content, wherever it lies and whatever its name. Lists every step on its path with its \
      command, parameters and environment, and every source with its digest; says how far the steps were watched.

      With --source the other way: every published file and latest result that a source is behind.
      """)

  @Argument(help: "A file, or a step instance.", completion: .file())
  var file: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  @Flag(name: .long, help: "Print a graph for Graphviz: rung trace --dot FILE | dot -Tsvg.")
  var dot = false

  @Flag(name: .long, help: "Print a page for a browser, with the figure in it: rung trace --html FILE > page.html.")
  var html = false

  @Flag(name: .long, help: "Tell what was made from FILE, which is a source, instead of what made it.")
  var source = false

  func validate() throws {
    if [json, dot, html].count(where: { $0 }) > 1 {
      throw ValidationError("--json, --dot and --html exclude each other")
    }
    if source && (dot || html) { throw ValidationError("--source has no --dot and no --html") }
  }

  func run() throws {
    if source { return try printImpact() }
    let traced = try TracedFile(project)
    if !dot, !html, let document = try traced.document(file) {
      return Console.print(
        json ? document.json.pretty + "\n" : document.text(width: Console.textWidth), terminator: "")
    }
    let trace = try traced.trace(file)
    if json {
      Console.print(trace.json.pretty)
    } else if dot {
      Console.print(trace.dot, terminator: "")
    } else if html {
      Console.print(trace.html(store: traced.store), terminator: "")
    } else {
      Console.print(trace.text(width: Console.textWidth), terminator: "")
    }
  }

  private func printImpact() throws {
    let asking = try Asking(project)
    let finder = ImpactFinder(
      store: asking.store, ledger: asking.ledger, project: asking.project, root: asking.root)
    let impact = try asking.request { () throws(TraceError) in try finder.impact(ofFileAt: file) }
    if json {
      Console.print(impact.json.pretty)
    } else {
      Console.print(impact.text(width: Console.textWidth), terminator: "")
    }
  }
}
