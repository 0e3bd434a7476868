import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungTrace

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show the record of what a step did when it last ran.",
    discussion: "For several instances, a line each; name one for everything that is known of it.")

  @Argument(help: "The step, instance or published file.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false)
    let instances = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let views = instances.compactMap { instance in
      session.lastRecord(of: instance).map {
        RecordView(digest: $0.digest, record: $0.record, store: session.store, ledger: session.ledger)
      }
    }
    guard !views.isEmpty else {
      throw RequestError(message: "'\(step)' has not run yet", hints: ["`rung run '\(step)'` runs it"])
    }
    if json {
      Console.print((instances.count == 1 ? views[0].json : .array(views.map(\.json))).pretty)
    } else if instances.count == 1 {
      let width = Console.isTerminal(STDOUT_FILENO) ? min(120, Console.size(STDOUT_FILENO).columns) : 80
      Console.print(views[0].text(width: width), terminator: "")
    } else {
      var table = TextTable(header: ["instance", "outcome", "time", "memory", "started"], numeric: [2, 3])
      for record in views.map(\.record) {
        table.add([
          record.instance, record.outcome.rawValue, "\(TimeSpan(nanoseconds: record.duration))",
          "\(ByteCount(bytes: record.peakMemory))", WhenText.text(record.started),
        ])
      }
      Console.print(table.text)
    }
  }
}
