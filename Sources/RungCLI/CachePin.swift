import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungLedger

struct CachePin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin",
    abstract: "Keep what runs have made, whatever is collected; without RUN, list the pinned runs.",
    discussion: """
      A pin keeps the results that the project's steps had when that run ended, and all that they were made from, until \
      `rung cache unpin`. It does not bring back what is gone.

      RUN is a run's name, the beginning of one, or `last`. `rung show STEP` tells the run that made a result.
      """)

  @Argument(help: ArgumentHelp("The runs to pin.", valueName: "run"))
  var runs: [String] = []

  @Option(help: ArgumentHelp("Why they are kept; the list of pins shows it.", valueName: "text"))
  var because: String?

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs: all pins.")
  var json = false

  func validate() throws {
    if runs.isEmpty, because != nil { throw ValidationError("--because wants a run to pin") }
  }

  func run() throws {
    let (cache, projectName) = try project.cachePath()
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    if !runs.isEmpty {
      let names = try runs.map { try RunNames.resolve($0, ledger, project: projectName) }
      try Pins.change(cache) {
        let owners = try names.map { name in
          try ledger.runs(withPrefix: name).first { $0.run == name }?.project ?? projectName
        }
        var changes = LedgerChanges()
        changes.pins = zip(names, owners).map { name, owner in
          PinRow(run: name, project: owner, at: Pins.now(), because: because)
        }
        try ledger.commit(changes)
      }
      if !json { for name in names { Console.print("pinned \(name)") } }
    }
    let pins = try ledger.pins()
    if json {
      Console.print(Pins.json(pins).pretty)
    } else if runs.isEmpty {
      Pins.list(pins)
    }
  }
}

struct CacheUnpin: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpin", abstract: "Let what pinned runs have made be collected again.")

  @Argument(help: ArgumentHelp("The runs to unpin.", valueName: "run"))
  var runs: [String]

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs: the pins that are left.")
  var json = false

  func run() throws {
    let (cache, _) = try project.cachePath()
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    let pinned = try ledger.pins().map(\.run)
    var changes = LedgerChanges()
    changes.unpins = try runs.map { text in
      let found = pinned.contains(text) ? [text] : pinned.filter { $0.hasPrefix(text) }
      if let only = found.first, found.count == 1 { return only }
      throw RequestError(
        message: found.isEmpty ? "no pinned run is called '\(text)'" : "'\(text)' could be any of \(found.count) runs",
        hints: pinned.isEmpty ? ["no run is pinned"] : ["pinned are \(pinned.prefix(5).joined(separator: ", "))"])
    }
    try Pins.change(cache) { try ledger.commit(changes) }
    if json {
      Console.print(Pins.json(try ledger.pins()).pretty)
    } else {
      for name in changes.unpins { Console.print("unpinned \(name)") }
    }
  }
}

private enum Pins {
  /// Not while somebody collects: what is pinned meanwhile might be freed.
  static func change(_ cache: String, _ body: () throws -> Void) throws {
    let lock = try CollectionLock(cache: cache) {
      Console.complain("another rung collects in this cache; waiting for it")
    }
    defer { lock.release() }
    try body()
  }

  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  static func list(_ pins: [PinRow]) {
    if pins.isEmpty {
      Console.print("no run is pinned")
      return
    }
    var table = TextTable(header: ["run", "pinned", "because"])
    for pin in pins { table.add([pin.run, WhenText.text(pin.at), pin.because ?? ""]) }
    Console.print(table.text)
  }

  static func json(_ pins: [PinRow]) -> JSON {
    [
      "pins": .array(
        pins.map {
          [
            "run": .string($0.run), "project": .string($0.project), "at_ns": .int($0.at),
            "because": .optional($0.because),
          ]
        })
    ]
  }
}
