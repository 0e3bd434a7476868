import ArgumentParser
import RungCore
import RungTrace

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List every value that an output had: when, by which run, and from what.",
    discussion: """
      Newest first, failures too. Each entry says what differed in what went in, and the numbers in outputs that are \
      JSON; --metric follows one of them: rung history figure --output summary --metric /peak_width
      """)

  @Argument(help: "A step, an instance, or a file that a step made.", completion: .file())
  var target: String

  @Option(help: ArgumentHelp("Only this output.", valueName: "name"))
  var output: String?

  @Option(help: ArgumentHelp("One number over time, by its JSON pointer, such as /peak_width.", valueName: "pointer"))
  var metric: String?

  @Option(
    name: .customShort("n"),
    help: ArgumentHelp("At most so many entries; 20 unless said, with --json all.", valueName: "count"))
  var count: Int?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func validate() throws {
    if let count, count < 1 { throw ValidationError("-n wants a number from 1 on") }
    if let metric, !metric.isEmpty, !metric.hasPrefix("/") {
      throw ValidationError("--metric wants a JSON pointer, which begins with a slash: /\(metric)")
    }
  }

  func run() throws {
    let asking = try Asking(project)
    let history = try asking.request { () throws(TraceError) in
      let instances = try asking.finder.instances(target)
      guard let first = instances.first else {
        throw TraceError(
          .unknownName, "'\(target)' is no step, instance or file that anything is known of",
          notes: ["`rung status` lists the steps"])
      }
      // All instances of a step have its name in common.
      let name = instances.count == 1 ? first : String(first.prefix { $0 != "[" })
      return try OutputHistory.of(
        name, output: output, limit: count ?? (json ? .max : 20), store: asking.store, ledger: asking.ledger,
        project: asking.project)
    }
    if let output, !history.entries.contains(where: { $0.outputs.contains { $0.name == output } }) {
      throw RequestError(message: "'\(target)' has never had an output '\(output)'")
    }
    if json {
      Console.print(history.json(target: target).pretty)
    } else {
      Console.print(history.text(metric: metric, width: Console.textWidth), terminator: "")
    }
  }
}
