import ArgumentParser
import RungCore
import RungEngine
import RungPlan

/// What `rung cache push`, `pull` and `sync` are asked.
struct TransferOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("Whose results; everything in the project without it.", valueName: "target"))
  var targets: [String] = []

  @OptionGroup var project: ProjectOptions

  @Option(help: ArgumentHelp("Only this remote: its name in rung.yaml, or an address.", valueName: "name"))
  var remote: String?

  @Flag(name: [.customShort("n"), .long], help: "Say what would be done, and do nothing.")
  var dryRun = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  /// The project, the instances that were asked for, and the remotes.
  func open() throws -> (session: Session, targets: [BuildGraph.NodeID], caches: RemoteCaches) {
    let (session, place) = try project.open(ingesting: false)
    let caches = try ProjectRemotes.chosen(session, only: remote)
    let chosen = try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place)
    session.asked = session.targets.named(targets, from: place)
    return (session, chosen, caches)
  }
}

/// A line that is written over and over, for a person at a terminal.
struct TransferLine {
  private let isShown: Bool

  init(json: Bool) { isShown = !json && Console.isTerminal(2) }

  func show(_ text: String) {
    if isShown { Console.write("\r\(text)\u{1B}[K", to: 2) }
  }

  func clear() {
    if isShown { Console.write("\r\u{1B}[K", to: 2) }
  }
}
