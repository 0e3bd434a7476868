import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungReport

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write the project as a web site: figures, claims, steps, provenance, runs.",
    discussion: """
      Nothing runs; the site shows what is known now. It needs no server and loads nothing from elsewhere: open its \
      index.html. The same project gives the same bytes but for the time of writing, which is SOURCE_DATE_EPOCH where \
      that is set.
      """)

  @Argument(help: ArgumentHelp("What to report on; everything without it.", valueName: "target"))
  var targets: [String] = []

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp(
      "The folder to write, new or an earlier report; 'report' in the project without it.", valueName: "folder"),
    completion: .directory)
  var output: String?

  @Option(
    name: .long,
    help: ArgumentHelp("The title of the report; the name of the project's folder without it.", valueName: "words"))
  var title: String?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false)
    // Before the work of gathering: what cannot be written is said at once.
    let folder = try ReportFolder(output ?? "\(session.project.root)/report")
    let chosen = try session.targets.instances(ProjectOptions.targets(targets, in: session), from: place)
    let survey = try session.survey(chosen)
    defer { session.remember() }
    var gathering = try ReportGathering(session: session, survey: survey, chosen: chosen)
    let site = try gathering.site(title: title, written: Self.now())
    let pages = site.pages()
    var bytes = 0
    try folder.write { write in
      for page in pages {
        try write(page.path, page.bytes)
        bytes += page.bytes.count
      }
      for picture in gathering.pictures {
        let content = try session.store.read(picture.digest, limit: ReportGathering.largestPicture)
        try write(picture.file, content)
        bytes += content.count
      }
    }
    if json {
      Console.print(
        JSON.object([
          .init("report", .string("\(folder.path)/index.html")), .init("pages", .int(pages.count)),
          .init("pictures", .int(gathering.pictures.count)), .init("bytes", .int(bytes)),
        ]).pretty)
    } else {
      Console.print("\(folder.path)/index.html")
    }
  }

  // In nanoseconds since 1970.
  private static func now() throws -> Int64 {
    if let text = getenv("SOURCE_DATE_EPOCH").map({ String(cString: $0) }), !text.isEmpty {
      guard let seconds = Int64(text), (0...253_402_300_799).contains(seconds) else {
        throw RequestError(message: "SOURCE_DATE_EPOCH is '\(text)'", hints: ["it is a number of seconds since 1970"])
      }
      return seconds * 1_000_000_000
    }
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
