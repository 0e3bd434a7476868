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
    subcommands: [CacheStat.self, CacheCheck.self, CacheCat.self, CacheRebuildIndex.self])
}

extension ProjectOptions {
  /// The cache of the project, without looking at its pipelines: it can be looked after when they are broken.
  func cachePath() throws -> (cache: String, projectName: String) {
    let (root, _) = try root()
    let settings = (try? Project.load(root: root, files: .onDisk(root: root)))?.settings ?? ProjectSettings()
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
        "quarantined": .int(objects.quarantined), "actions": .int(index.actions), "runs": .int(index.runs),
      ]
      Console.print(json.pretty)
      return
    }
    Console.print("cache        \(cache)")
    Console.print("objects      \(objects.objects), \(ByteCount(bytes: objects.plainBytes))")
    Console.print("stored as    \(ByteCount(bytes: objects.storedBytes))")
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

  @Option(help: ArgumentHelp("Check only this share of the objects, chosen at random.", valueName: "0…1"))
  var sample: Double = 1

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func validate() throws {
    guard sample > 0, sample <= 1 else {
      throw ValidationError("--sample wants a share between 0 and 1, not \(sample)")
    }
  }

  func run() throws {
    let (cache, _) = try project.cachePath()
    let store = try ObjectStore(path: cache)
    let showsProgress = !json && Console.isTerminal(STDERR_FILENO)
    let report = try store.check(sample < 1 ? .share(sample) : .all) { done, of in
      if showsProgress, done % 500 == 0 { Console.write("\rchecked \(done) of \(of)\u{1B}[K", to: STDERR_FILENO) }
    }
    if showsProgress { Console.write("\r\u{1B}[K", to: STDERR_FILENO) }
    let ledger = try Ledger(path: "\(cache)/index.sqlite", durable: true)
    var problems = try ledger.check()
    var gone: [GoneResult] = []
    do throws(LedgerError) {
      gone = try GoneResult.all(in: store, ledger)
    } catch {
      problems.append(error.message)
    }
    if json {
      let json: JSON = [
        "checked": .int(report.checked), "bytes": .int(report.bytes),
        "damaged": .array(
          report.damaged.map {
            ["digest": .digest($0.digest), "record": .bool($0.isRecord), "problem": .string($0.error.message)]
          }),
        "gone": .array(
          gone.map { ["record": .digest($0.record), "missing": .array($0.missing.map { .digest($0) })] }),
        "strangers": .array(report.strangers.map { .string($0) }),
        "index": .array(problems.map { .string($0) }), "sound": .bool(report.isSound && problems.isEmpty),
      ]
      Console.print(json.pretty)
    } else {
      for damage in report.damaged { Console.print("damaged: \(damage.error.message)") }
      for name in report.strangers { Console.print("not Rung's: \(name)") }
      for problem in problems { Console.print("index: \(problem)") }
      for line in GoneResult.text(gone, ledger) { Console.print(line) }
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

/// A result that the index promises and the cache no longer has.
private struct GoneResult {
  /// The record of its execution.
  let record: Digest
  /// What is not there: the record first, when it is among it, then objects: outputs and observed sets.
  let missing: [Digest]

  /// Compares the whole index with the disk.
  static func all(in store: ObjectStore, _ ledger: Ledger) throws(LedgerError) -> [GoneResult] {
    var objects = MissingObjects(in: store)
    var result: [GoneResult] = []
    try ledger.forEachAction { action in
      var missing: Set<Digest> = []
      for output in action.outputs {
        missing.formUnion(objects.missing(of: output.digest, isTree: output.kind == .tree))
      }
      // Without its sets nobody can tell whether it is still the result.
      for set in [action.observed.project, action.observed.system].compactMap({ $0 }) {
        missing.formUnion(objects.missing(of: set, isTree: false))
      }
      let record = store.hasRecord(action.record) ? [] : [action.record]
      if !missing.isEmpty || !record.isEmpty {
        result.append(GoneResult(record: action.record, missing: record + missing.sorted()))
      }
    }
    return result
  }

  /// What people are told: how many, and a few examples.
  static func text(_ gone: [GoneResult], _ ledger: Ledger) -> [String] {
    if gone.isEmpty { return [] }
    let subject = gone.count == 1 ? "1 result lacks its" : "\(gone.count) results lack their"
    var lines = ["gone: \(subject) record or bytes; `rung run` makes those again that it needs"]
    for result in gone.prefix(5) {
      let instance = (try? ledger.row(ofRecord: result.record))?.instance ?? "a result"
      var lacks = result.missing.prefix(2).map { digest in
        digest == result.record ? "its record \(digest.hex.prefix(12))" : "object \(digest.hex.prefix(12))"
      }
      if result.missing.count > 2 { lacks.append("\(result.missing.count - 2) more") }
      lines.append("  \(instance) lacks \(lacks.joined(separator: ", "))")
    }
    if gone.count > 5 { lines.append("  and \(gone.count - 5) more; --json lists them all") }
    return lines
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
    discussion: "The index (index.sqlite) only makes things fast: everything in it is in the records too.")

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
      if !json { Console.print("the damaged index is kept as \(kept)") }
      ledger = try Ledger(path: path, durable: true)
    }
    let report = try IndexRebuilder.rebuild(store: store, ledger: ledger, project: projectName)
    if json {
      let json: JSON = [
        "records": .int(report.records), "actions": .int(report.actions),
        "damaged": .array(report.damaged.map { .string($0) }),
      ]
      Console.print(json.pretty)
    } else {
      Console.print("the index is rebuilt: \(report.records) records, \(report.actions) actions")
      for problem in report.damaged { Console.print("damaged: \(problem)") }
    }
  }
}
