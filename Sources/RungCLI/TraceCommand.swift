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
    let file = try TracedFile(project)
    if !dot, let document = try file.document(self.file) {
      return Console.print(json ? document.json.pretty + "\n" : document.text(width: width), terminator: "")
    }
    let trace = try file.trace(self.file)
    if json {
      Console.print(trace.json.pretty)
    } else if dot {
      Console.print(trace.dot, terminator: "")
    } else {
      Console.print(trace.text(width: width), terminator: "")
    }
  }

  private var width: Int { Console.isTerminal(STDOUT_FILENO) ? min(120, Console.size(STDOUT_FILENO).columns) : 80 }
}
