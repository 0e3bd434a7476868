import ArgumentParser
import RungCore
import RungEngine
import RungLedger

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log",
    abstract: "Print what a step printed when it last ran.",
    discussion:
      "For several instances, each under a line with its name. Control characters are shown as they are only in a pipe."
  )

  @Argument(help: "The step, instance or published file.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false)
    let instances = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let found = instances.compactMap { instance in
      session.lastRecord(of: instance).map { (name: session.graph.name(of: instance), $0.digest, $0.record) }
    }
    guard !found.isEmpty else {
      throw RequestError(message: "'\(step)' has not run yet", hints: ["`rung run \(step)` runs it"])
    }
    var answers: [JSON] = []
    for (index, (name, digest, record)) in found.enumerated() {
      let bytes = try record.log.map { try session.store.read($0, limit: 1 << 30) } ?? []
      if json {
        answers.append([
          "instance": .string(name), "record": .digest(digest), "outcome": .string(record.outcome.rawValue),
          "log": .string(String(decoding: bytes, as: UTF8.self)),
        ])
        continue
      }
      if found.count > 1 { Console.print("\(index > 0 ? "\n" : "")==> \(name) (\(record.outcome.rawValue)) <==") }
      Console.flush()
      let text = String(decoding: bytes, as: UTF8.self)
      Console.write(Console.isTerminal(1) ? Self.tame(text) : text, to: 1)
      if !bytes.isEmpty, bytes.last != 10 { Console.write("\n", to: 1) }
    }
    if json { Console.print(JSON.array(answers).pretty) }
  }

  // Line breaks and tabs stay; anything else that could steer the terminal does not.
  private static func tame(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { WhyText.printable(String($0)) }
      .joined(separator: "\n")
  }
}
