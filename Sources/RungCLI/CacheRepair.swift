import ArgumentParser
import Glibc
import RungCore
import RungLedger
import RungStore

struct CacheRepair: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repair",
    abstract: "Put right what can be put right in a damaged cache.",
    discussion: """
      Makes the index of packs anew, removes what collectors and killed processes left, reads everything, and sets aside \
      what is damaged, so that the next run makes it again. Nothing that can still be read is removed. Says which results \
      are affected; exit code 3 when there are any.
      """)

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let showsProgress = !json && Console.isTerminal(STDERR_FILENO)
    let report = try store.repair { done, of in
      if showsProgress, done % 500 == 0 { Console.write("\rread \(done) of \(of)\u{1B}[K", to: STDERR_FILENO) }
    }
    if showsProgress { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    let freed = try ledger.collected()
    let gone = try GoneResult.all(in: store, ledger).filter {
      !freed.contains($0.record) || $0.missing.contains($0.record)
    }
    if json {
      let json: JSON = [
        "sound": .int(report.sound), "removed": .int(report.removed),
        "damaged": .array(report.damaged.map(\.json)), "gone": .array(gone.map(\.json)),
      ]
      Console.print(json.pretty)
    } else {
      for damage in report.damaged { Console.print("damaged: \(damage.error.message)") }
      for line in GoneResult.text(gone, ledger) { Console.print(line) }
      let left = report.removed > 0 ? ", \(report.removed) left over by a collector removed" : ""
      Console.print("\(report.sound) objects and records are sound and indexed\(left)")
    }
    if !report.damaged.isEmpty { throw ExitNow(code: ExitStatus.machineFailed) }
  }
}
