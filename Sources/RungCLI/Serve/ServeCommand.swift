import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungExec
import RungServe

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Show the report in the browser, and what runs now as it goes.",
    discussion: """
      Listens on this machine only, at an address with a secret in it, and changes nothing. Runs are followed whoever \
      started them, now or later. Ends with Ctrl-C.
      """)

  @Option(help: ArgumentHelp("The port to listen on; any that is free without it.", valueName: "number"))
  var port: Int = 0

  @Option(
    name: .long,
    help: ArgumentHelp("The title of the report; the name of the project's folder without it.", valueName: "words"))
  var title: String?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs: the address.")
  var json = false

  // What is asked of a run has at most so many points, or bytes.
  private static let mostPoints = 600
  private static let mostLog = 1 << 20

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port wants a number up to 65535, not \(port)") }
  }

  func run() throws {
    // What is wrong with the project is said now, not in the browser.
    let (session, _) = try project.open(ingesting: false)
    let options = project
    let pages = SitePages(title: title) { try options.open(ingesting: false).session }
    let hub = LiveHub(cache: session.cache, project: session.projectName)
    Signals.block()
    let server: LoopbackServer
    do throws(LoopbackServer.Problem) {
      server = try LoopbackServer(port: port) { Self.reply($0, pages, hub) }
    } catch {
      throw RequestError(message: error.description, hints: ["take another --port, or none"])
    }
    let telling = hub.start(server)
    if json {
      Console.print(JSON.object([.init("address", .string(server.address)), .init("port", .int(server.port))]).compact)
    } else {
      Console.print(server.address)
      Console.complain("  Ctrl-C ends it")
    }
    Console.flush()
    Signals.wait()
    hub.stop()
    telling.join()
    server.close()
  }

  private static func reply(_ request: Request, _ pages: SitePages, _ hub: LiveHub) -> Reply {
    switch request.path {
    case "events": return .events(channel: LiveHub.channel)
    case "course": return .answer(course(request.query["instance"] ?? "", hub))
    case "log": return .answer(log(request.query["instance"] ?? "", hub))
    default: return .answer(pages.answer(request.path))
    }
  }

  // What a running instance has said of itself so far.
  private static func course(_ instance: String, _ hub: LiveHub) -> Answer {
    guard let workspace = hub.workspace(of: instance) else { return .text(404, "'\(instance)' does not run now") }
    let bytes = read(Workspace.events(of: workspace), atMost: StepEvents.largest)
    let series = StepEvents.series(of: bytes).prefix(20).map { series -> JSON in
      let every = max(1, series.points.count / mostPoints)
      let points = series.points.enumerated().filter { $0.offset % every == 0 }.map { point -> JSON in
        .array([.double(point.element.x), .double(point.element.y)])
      }
      return ["name": .string(series.name), "over": .optional(series.over), "points": .array(points)]
    }
    return Answer(
      type: "application/json", body: JSON.object([.init("series", .array(Array(series)))]).compactBytes)
  }

  // What it has printed so far; the end of it, if that is long. As text, whatever it holds.
  private static func log(_ instance: String, _ hub: LiveHub) -> Answer {
    guard let workspace = hub.workspace(of: instance) else { return .text(404, "'\(instance)' does not run now") }
    let bytes = read(Workspace.log(of: workspace), atMost: mostLog, fromEnd: true)
    let text = String(decoding: bytes, as: UTF8.self)
    return Answer(type: "text/plain; charset=utf-8", body: Array(LogText.plain(text).utf8))
  }

  private static func read(_ path: String, atMost most: Int, fromEnd: Bool = false) -> [UInt8] {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return [] }
    let size = Int(status.st_size)
    let start = fromEnd ? max(0, size - most) : 0
    return [UInt8](unsafeUninitializedCapacity: min(size - start, most)) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, buffer.count, off_t(start)))
    }
  }
}

/// The text of a log without what steers a terminal.
enum LogText {
  /// Line feeds and tabs stay; other control characters are left out.
  static func plain(_ text: String) -> String {
    var result = ""
    result.unicodeScalars.append(
      contentsOf: text.unicodeScalars.filter {
        $0 == "\n" || $0 == "\t" || ($0.value >= 0x20 && !(0x7f...0x9f).contains($0.value))
      })
    return result
  }
}
