import ArgumentParser
import Glibc
import RungCore
import RungEngine
import RungLedger
import RungModel
import RungStore
import RungTrace

struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Look after the cache.",
    subcommands: [
      CacheStat.self, CacheCheck.self, CacheRepair.self, CacheCat.self, CachePin.self, CacheUnpin.self,
      CacheRebuildIndex.self, CachePush.self, CachePull.self, CacheSync.self,
    ])
}

extension ProjectOptions {
  /// The cache of the project, without looking at its pipelines: it can be looked after when they are broken.
  func cachePath() throws -> (cache: String, projectName: String) {
    let (root, _) = try root()
    let settings = (try? Project.load(root: root, files: Self.files(root)))?.settings ?? ProjectSettings()
    let cache = Session.cachePath(root: root, settings: settings, variables: callerVariables())
    return (cache, (cache + "/").hasPrefix(root + "/") ? "." : root)
  }
}

struct CacheStat: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "stat", abstract: "Show what the cache holds.")

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let objects = try store.statistics()
    let index = try Ledger(path: "\(cache)/index.sqlite", durable: true).statistics()
    if json {
      let json: JSON = [
        "path": .string(cache), "objects": .int(objects.objects), "records": .int(objects.records),
        "plain_bytes": .int(objects.plainBytes), "stored_bytes": .int(objects.storedBytes),
        "packs": .int(objects.packs), "dead_bytes": .int(objects.deadBytes),
        "quarantined": .int(objects.quarantined), "actions": .int(index.actions), "runs": .int(index.runs),
      ]
      Console.print(json.pretty)
      return
    }
    Console.print("cache        \(cache)")
    Console.print("objects      \(objects.objects), \(ByteCount(bytes: objects.plainBytes))")
    let dead = objects.deadBytes > 0 ? ", \(ByteCount(bytes: objects.deadBytes)) of it unused" : ""
    Console.print("stored as    \(ByteCount(bytes: objects.storedBytes))\(dead)")
    Console.print("records      \(objects.records)")
    Console.print("results      \(index.actions) known actions, \(index.runs) runs")
    if objects.quarantined > 0 { Console.print("quarantined  \(objects.quarantined) damaged objects") }
  }
}

struct CacheCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read every object and record and compare it with its digest.",
    discussion: """
      Damaged ones are set aside in the cache's quarantine; the next run makes them again. Exit code 3 when there are \
      any.

      Results that the index knows but whose record or bytes are not there are told as well. They are no damage: a run \
      makes those again that it needs.
      """)

  @OptionGroup var project: ProjectOptions

  @Option(
    help: ArgumentHelp(
      "Check only so much, chosen at random: a share (5%), a size (10GB) or a time (10min).", valueName: "sample"))
  var sample: String?

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let scope = try CheckSample.scope(sample)
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let showsProgress = !json && Console.isTerminal(STDERR_FILENO)
    let report = try store.check(scope) { done, of in
      if showsProgress, done % 500 == 0 { Console.write("\rchecked \(done) of \(of)\u{1B}[K", to: STDERR_FILENO) }
    }
    if showsProgress { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    var problems = try ledger.check()
    var gone: [GoneResult] = []
    var collected = 0
    do throws(LedgerError) {
      let freed = try ledger.collected()
      gone = try GoneResult.all(in: store, ledger)
      let lost = gone.count
      // Without its record it was not only collected.
      gone.removeAll { freed.contains($0.record) && !$0.missing.contains($0.record) }
      collected = lost - gone.count
    } catch {
      problems.append(error.message)
    }
    if json {
      let json: JSON = [
        "checked": .int(report.checked), "bytes": .int(report.bytes),
        "damaged": .array(report.damaged.map(\.json)), "gone": .array(gone.map(\.json)),
        "collected": .int(collected), "strangers": .array(report.strangers.map { .string($0) }),
        "index": .array(problems.map { .string($0) }), "sound": .bool(report.isSound && problems.isEmpty),
      ]
      Console.print(json.pretty)
    } else {
      for damage in report.damaged { Console.print("damaged: \(damage.error.message)") }
      for name in report.strangers { Console.print("not Rung's: \(name)") }
      for problem in problems { Console.print("index: \(problem)") }
      for line in GoneResult.text(gone, ledger) { Console.print(line) }
      if collected > 0 {
        Console.print(
          "collected: \(collected == 1 ? "1 result was" : "\(collected) results were") freed on purpose (`rung gc`, or outputs that are `recompute: true`)"
        )
      }
      let state = report.isSound && problems.isEmpty ? Style.output.green("sound") : Style.output.red("not sound")
      Console.print("\(state): \(report.checked) checked, \(ByteCount(bytes: report.bytes))")
      if !report.isSound && !store.isReadOnly {
        Console.print("damaged objects are in \(cache)/quarantine; `rung run` makes them again")
      }
      if !problems.isEmpty { Console.print("`rung cache rebuild-index` makes the index anew") }
    }
    if !report.isSound || !problems.isEmpty { throw ExitNow(code: ExitStatus.machineFailed) }
  }
}

struct CacheCat: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "cat", abstract: "Print the bytes of an object.")

  @Argument(help: "The digest, or at least its first six digits.")
  var digest: String

  @OptionGroup var project: ProjectOptions

  func run() throws {
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let text = digest.hasPrefix(Digest.prefix) ? String(digest.dropFirst(Digest.prefix.count)) : digest
    let found = store.digests(withPrefix: text)
    guard found.count <= 1 else {
      throw RequestError(
        message: "'\(digest)' could be any of \(found.count) objects",
        hints: found.prefix(5).map { $0.description })
    }
    guard let object = found.first else {
      let isShort = text.utf8.count < 6
      throw RequestError(
        message: "no object is called '\(digest)'",
        hints: isShort ? ["a digest is told by its first six digits or more"] : [])
    }
    let bytes = try store.read(object, limit: 1 << 40)
    Console.flush()
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = write(1, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno != EINTR { return }
        rest = rest.dropFirst(max(0, count))
      }
    }
  }
}

struct CacheRebuildIndex: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild-index",
    abstract: "Make the index anew from the records.",
    discussion: """
      The index only makes things fast: what index.sqlite has is in the records too, and what objects.sqlite has is in \
      the packs.
      """)

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (cache, projectName) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let path = "\(cache)/index.sqlite"
    let ledger: Ledger
    do throws(LedgerError) {
      ledger = try Ledger(path: path, durable: true)
    } catch {
      guard error.code == .damaged else { throw error }
      let kept = try Ledger.setAside(path: path)
      if !json {
        Console.print("the damaged index is kept as \(kept)")
        Console.print("which runs were pinned is not known any more; `rung cache pin` pins them again")
      }
      ledger = try Ledger(path: path, durable: true)
    }
    let lost = try store.rebuildIndex()
    let report = try IndexRebuilder.rebuild(store: store, ledger: ledger, project: projectName)
    if json {
      let json: JSON = [
        "records": .int(report.records), "actions": .int(report.actions),
        "damaged": .array((lost.map(\.message) + report.damaged).map { .string($0) }),
      ]
      Console.print(json.pretty)
    } else {
      Console.print("the index is rebuilt: \(report.records) records, \(report.actions) actions")
      for problem in lost.map(\.message) + report.damaged { Console.print("damaged: \(problem)") }
    }
  }
}
