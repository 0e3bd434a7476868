import ArgumentParser
import RungCore
import RungEngine
import RungLedger
import RungModel
import RungPlan
import RungStore

struct GCCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Free the bytes of results that nothing uses.",
    discussion: """
      Kept are, whatever is asked for: the results of pinned runs (see `rung cache pin`) with all that they were made \
      from, published files, every source file and log that a record names, and all records. So every figure can be \
      traced for ever; of what is freed, the trace says so, and `rung run` makes it again when something needs it.

      Kept too, as long as there is room: the latest result of each step instance that the project declares, what it was \
      made from, and what was of use lately. A result is of use when a run takes it, and as long as it is the latest.

      With --max-size more is dropped until the rest fits: what was used least recently first; of one day, first what is \
      not the latest result, then what takes the least time to make again for the bytes that it frees.
      """)

  @Option(
    help: ArgumentHelp("How long after its last use a result is kept, such as 12h or 90d.", valueName: "time"))
  var olderThan = "30d"

  @Option(help: ArgumentHelp("Drop more results until the objects take no more than this.", valueName: "size"))
  var maxSize: String?

  @Option(
    help: ArgumentHelp("Treat this run as pinned, this once; can be given several times.", valueName: "run"))
  var keepRun: [String] = []

  @Flag(name: .long, help: "Only say what would be freed.")
  var dryRun = false

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    guard let age = TimeSpan(olderThan) else {
      throw RequestError(
        message: "--older-than wants a time, not '\(olderThan)'", hints: ["for example 12h, 30d; 0 for no time at all"])
    }
    let size = try maxSize.map { text -> ByteCount in
      if let size = ByteCount(text) { return size }
      throw RequestError(message: "--max-size wants a size, not '\(text)'", hints: ["for example 500MB, 50GB, 1TiB"])
    }
    let (cache, projectName) = try project.cachePath()
    if try MissingIndex.rebuild(cache, root: try project.root().root) {
      throw RequestError(
        message: "nothing was collected: the index that knew which files were published and which runs pinned is gone",
        hints: ["`rung run` finds the published files again; then pin again what was pinned, and collect"])
    }
    if !dryRun { ObjectStore.releaseReserve(ofCache: cache) }
    let store = try ObjectStore(path: cache)
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    let graph = try declared()
    var request = Collector.Request(
      olderThan: age.nanoseconds, maxSize: size?.bytes,
      keepRuns: try keepRun.map { try RunNames.resolve($0, ledger, project: projectName) }, project: projectName,
      instances: graph.map { graph in Set((0..<graph.instanceCount).map(graph.name(of:))) })
    for step in graph?.steps ?? [] where !step.step.passing.isEmpty {
      for instance in step.first..<(step.first + step.count) {
        request.passing[graph?.name(of: instance) ?? ""] = step.step.passing
      }
    }
    let collector = Collector(store: store, ledger: ledger, cache: cache)
    let report =
      try dryRun
      ? collector.survey(request)
      : collector.collect(request) { Console.complain("another rung collects in this cache; waiting for it") }
    if json {
      Console.print(report.json(cache: cache).pretty)
    } else {
      Console.print(report.text(age: age), terminator: "")
    }
    for problem in report.unreadable.prefix(5) { Console.complain("\(Style.errors.yellow("warning:")) \(problem)") }
    if report.unreadable.count > 5 {
      Console.complain("  and \(report.unreadable.count - 5) more records; --json lists them")
    }
    if let size, !report.fits {
      Console.complain(
        "\(Style.errors.red("error:")) what must be kept takes \(ByteCount(bytes: report.keptBytes)), more than \(size)"
      )
      Console.complain("  `rung cache pin` lists the pinned runs; `rung cache unpin RUN` gives one up")
      throw ExitNow(code: ExitStatus.stepFailed)
    }
  }

  // What the project's files declare, without profile and overrides; nil when they cannot be read.
  private func declared() throws -> BuildGraph? {
    let (root, _) = try project.root()
    guard let loaded = try? Project.load(root: root, files: ProjectOptions.files(root)),
      let graph = try? BuildGraph(loaded.pipelines)
    else {
      Console.complain("the pipelines cannot be read: the latest result of every instance that ever was is kept")
      return nil
    }
    return graph
  }
}

/// How people name runs.
enum RunNames {
  /// The whole name of a run: itself, the beginning of only one, or `last`.
  static func resolve(_ text: String, _ ledger: Ledger, project: String) throws -> String {
    let newest = try ledger.runs(project: project, limit: 5).map(\.id)
    if text == "last" {
      if let run = newest.first { return run }
      throw RequestError(message: "nothing has run yet")
    }
    let found = Set(try ledger.runs(withPrefix: text).map(\.run))
    if found.contains(text) { return text }
    if let only = found.first, found.count == 1, !text.isEmpty { return only }
    if found.isEmpty {
      throw RequestError(
        message: "no run is called '\(text)'",
        hints: newest.isEmpty ? [] : ["the last ones are \(newest.joined(separator: ", "))"])
    }
    throw RequestError(
      message: "'\(text)' could be any of \(found.count) runs", hints: found.sorted().suffix(5).reversed())
  }
}
