import ArgumentParser
import Glibc
import RungCore

/// The command `rung`.
public struct Rung: ParsableCommand {
  /// The version of the command and of what it writes into records.
  public static let version = "0.1.0"

  /// The verbs, in the order in which a newcomer meets them.
  public static let configuration = CommandConfiguration(
    commandName: "rung",
    abstract: "Build experiments: declare steps in a file, run them, rerun only what changed, trace every figure.",
    discussion: """
      A first project:   rung init && rung run
      What would run:    rung plan
      Why:               rung why STEP
      Where from:        rung trace FIGURE

      TARGETs are pipelines, pipeline/step, pipeline/step[axis=value,…], patterns of those, or published files.
      """,
    version: version,
    groupedSubcommands: [
      CommandGroup(name: "Run", subcommands: [RunCommand.self, PlanCommand.self, StatusCommand.self]),
      CommandGroup(
        name: "Ask",
        subcommands: [
          WhyCommand.self, ShowCommand.self, LogCommand.self, ClaimsCommand.self, TraceCommand.self, DiffCommand.self,
          HistoryCommand.self, ReportCommand.self, ServeCommand.self,
        ]),
      CommandGroup(
        name: "Audit",
        subcommands: [
          VerifyCommand.self, AcceptCommand.self, ExportCommand.self, BundleCommand.self, UnbundleCommand.self,
        ]),
      CommandGroup(
        name: "Keep",
        subcommands: [
          AdoptCommand.self, CacheCommand.self, GCCommand.self, KeyCommand.self, InitCommand.self, DoctorCommand.self,
          CompletionsCommand.self, ServeStdioCommand.self,
        ]),
    ])

  /// For the argument parser.
  public init() {}

  /// Runs the command line of this process and gives its exit code.
  public static func execute() -> Int32 {
    do {
      var command = try parseAsRoot()
      try command.run()
      Console.flush()
      return ExitStatus.success
    } catch  where isRequestForText(error) {
      Console.print(fullMessage(for: error))
      Console.flush()
      return ExitStatus.success
    } catch let error where isParserError(error) {
      if let unknown = unknownVerb(CommandLine.arguments.dropFirst()) { return Failures.report(unknown) }
      Console.complain(fullMessage(for: error))
      return ExitStatus.badRequest
    } catch {
      Console.flush()
      return Failures.report(error)
    }
  }

  // The parser would call a misspelt verb an unexpected argument.
  private static func unknownVerb(_ words: ArraySlice<String>) -> RequestError? {
    var command: any ParsableCommand.Type = Rung.self
    for word in words {
      let verbs = command.configuration.subcommands
      guard !word.hasPrefix("-"), word != "help", !verbs.isEmpty else { return nil }
      guard let next = verbs.first(where: { $0.configuration.commandName == word }) else {
        let near = nearest(word, among: verbs.compactMap { $0.configuration.commandName })
        let place = command == Rung.self ? "rung" : "rung \(command.configuration.commandName ?? "")"
        return RequestError(
          message: "\(place) has no verb '\(word)'",
          hints: [near.map { "did you mean '\($0)'?" } ?? "`\(place) --help` lists the verbs"])
      }
      command = next
    }
    return nil
  }

  // `--help`, `--version` and completion scripts come as errors that end well.
  private static func isRequestForText(_ error: any Error) -> Bool {
    isParserError(error) && exitCode(for: error) == .success
  }

  // The parser's own errors are private types: told apart by the codes that it gives them.
  private static func isParserError(_ error: any Error) -> Bool {
    let code = exitCode(for: error)
    return code == .success || code == .validationFailure
  }
}
