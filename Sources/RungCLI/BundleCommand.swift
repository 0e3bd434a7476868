import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungExec
import RungLedger
import RungStore
import RungTrace

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle",
    abstract: "Pack everything that a figure was made from, so that a stranger can make it again.",
    discussion: """
      The pipeline files, scripts, lock files and source data of exactly this figure, the records of its making and the \
      results on the way, as they were then. `rung unbundle` makes a project of it on any machine. The file is a tar \
      archive compressed by zstd.
      """)

  @Argument(help: "The figure, or a step instance.", completion: .file())
  var file: String

  @OptionGroup var project: ProjectOptions

  @Option(name: [.short, .long], help: ArgumentHelp("The bundle to write.", valueName: "file"), completion: .file())
  var output: String?

  @Flag(name: .long, help: "Leave the results out: whoever opens the bundle makes all of them again.")
  var sourcesOnly = false

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let traced = try TracedFile(project)
    let trace = try traced.trace(file)
    let target = output ?? Self.name(trace.subject)
    guard access(target, F_OK) != 0 else {
      throw RequestError(message: "'\(target)' is there already", hints: ["name another file with -o"])
    }
    let root = traced.root
    let maker = BundleMaker(trace: trace, store: traced.store, version: Rung.version) { path, limit in
      try? FileReplacement.bytes(of: path.absolute(in: root), atMost: limit)
    }
    let report: BundleMaker.Report
    do {
      report = try maker.write(to: target, sourcesOnly: sourcesOnly)
    } catch {
      if error.isMachineFault { throw error }
      throw RequestError(message: error.message, hints: error.hints)
    }
    let manifest = report.manifest
    if json {
      Console.print(
        JSON.object([
          .init("bundle", .string(target)), .init("files", .int(manifest.files.count)),
          .init("objects", .int(manifest.objects.count)), .init("records", .int(manifest.records.count)),
          .init("gone", .int(report.gone)), .init("subject", .digest(manifest.subject.digest)),
        ]).pretty)
      return
    }
    let results = sourcesOnly ? "without results" : "\(manifest.objects.count) objects"
    Console.print("\(target): \(manifest.files.count) files, \(manifest.records.count) records, \(results)")
    if report.gone > 0 {
      Console.print(
        "\(report.gone) results are not in the cache any more; they are made again where the bundle is opened")
    }
  }

  // `figure.svg` gives `figure.rung.tar.zst`; an instance its step's name.
  private static func name(_ subject: Trace.Subject) -> String {
    let last = subject.file.split(separator: "/").last.map(String.init) ?? "figure"
    let stem = last.prefix { $0 != "[" && $0 != "." }
    return "\(stem.isEmpty ? "figure" : stem).rung.tar.zst"
  }
}

struct UnbundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unbundle",
    abstract: "Make a project of a bundle, to look at a figure's making and to make it again.")

  @Argument(help: "The bundle.", completion: .file())
  var bundle: String

  @Argument(help: "The new folder; named after the bundle when left out.", completion: .directory)
  var folder: String?

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let target = folder ?? Self.name(bundle)
    let report: BundleOpener.Report
    do {
      report = try BundleOpener.open(bundle, as: target) { try? removeTree($0) }
    } catch {
      if error.isMachineFault { throw error }
      throw RequestError(message: error.message, hints: error.hints)
    }
    let manifest = report.manifest
    let words = manifest.arguments.map(Self.quoted)
    let subject = manifest.subject
    if json {
      Console.print(
        JSON.object([
          .init("folder", .string(target)), .init("files", .int(manifest.files.count)),
          .init("objects", .int(manifest.objects.count)), .init("records", .int(report.records)),
          .init("run", .array((["rung", "run"] + manifest.arguments).map { .string($0) })),
          .init("subject", .digest(manifest.subject.digest)),
        ]).pretty)
      return
    }
    Console.print("\(target): \(manifest.files.count) files, \(report.records) records")
    Console.print(WhyText.printable("of \(subject.instance), its output '\(subject.output)', \(subject.digest)"))
    Console.print("to make it again:  cd \(Self.quoted(target)) && rung run \(words.joined(separator: " "))")
    Console.print("to compare it:     rung verify \(words.joined(separator: " ")) --rerun")
  }

  // For a shell: the words come from the bundle.
  private static func quoted(_ word: String) -> String {
    let printable = WhyText.printable(word)
    let isPlain =
      !printable.isEmpty
      && printable.utf8.allSatisfy { byte in
        switch byte {
        case 48...57, 65...90, 97...122: true
        default: "_./=:,@%+-".utf8.contains(byte)
        }
      }
    return isPlain ? printable : "'" + printable.replacing("'", with: "'\\''") + "'"
  }

  private static func name(_ bundle: String) -> String {
    let last = bundle.split(separator: "/").last.map(String.init) ?? "figure"
    let stem = last.prefix { $0 != "." }
    return stem.isEmpty ? "figure" : String(stem)
  }
}
