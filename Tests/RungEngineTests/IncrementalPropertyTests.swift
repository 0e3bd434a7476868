import Glibc
import RungCore
import RungEngine
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore
import Synchronization
import Testing

/// Incremental equals clean: random DAGs and random edits, judged by a naive model and by runs from scratch.
///
/// RUNG_SEED chooses the stories, RUNG_CASES how many edits are checked (8 to a story).
@Suite struct IncrementalPropertyTests {
  static let seed = getenv("RUNG_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_123
  static let cases = getenv("RUNG_CASES").flatMap { Int(String(cString: $0)) } ?? 1000
  static let editsPerStory = 8

  @Test(arguments: 0..<2)
  func incrementalEqualsClean(half: Int) throws {
    let stories = (Self.cases / Self.editsPerStory + 1) / 2
    for number in 0..<stories {
      let seed = Self.seed &+ UInt64(number * 2 + half)
      var random = Seeded(seed)
      let experiment = Experiment(&random)
      let edits = (0..<Self.editsPerStory).map { _ in Edit.random(&random) }
      guard let failure = Self.check(experiment, edits) else { continue }
      let (shorter, reason) = Self.shrink(experiment, edits, failure)
      Issue.record(
        """
        RUNG_SEED=\(seed) RUNG_CASES=8 fails: \(reason)
        after the edits \(shorter)
        of
        \(experiment.yaml)
        \(experiment.scripts)
        """)
      return
    }
  }

  // Leaves out edits as long as the story still fails.
  private static func shrink(_ experiment: Experiment, _ edits: [Edit], _ failure: String) -> ([Edit], String) {
    var edits = edits
    var failure = failure
    var index = edits.count - 1
    while index >= 0 {
      var fewer = edits
      fewer.remove(at: index)
      if let still = check(experiment, fewer) { (edits, failure) = (fewer, still) }
      index -= 1
    }
    return (edits, failure)
  }

  /// Nil when all is well, else what is not.
  private static func check(_ experiment: Experiment, _ edits: [Edit]) -> String? {
    do {
      var story = Story(experiment)
      if let problem = try story.runAndCompare() { return "first run: \(problem)" }
      for (number, edit) in edits.enumerated() {
        story.apply(edit)
        if let problem = try story.runAndCompare() { return "edit \(number), \(edit): \(problem)" }
      }
      return nil
    } catch {
      return "error: \(error)"
    }
  }
}

/// One project going through edits, with the oracle beside it.
private struct Story {
  private let lab = Lab()
  private var experiment: Experiment
  private var before: [Experiment] = []
  private var oracle = Oracle()
  private var onDisk: [String: String] = [:]

  init(_ experiment: Experiment) {
    self.experiment = experiment
    writeFiles()
  }

  private mutating func writeFiles() {
    let files = experiment.files
    for (path, text) in files where onDisk[path] != text { lab.write(path, text) }
    for path in onDisk.keys where files[path] == nil { lab.remove(path) }
    onDisk = files
  }

  mutating func apply(_ edit: Edit) {
    var random = Seeded(edit.seed)
    switch edit.kind {
    case .undo: experiment = before.popLast() ?? experiment
    case .touch: lab.touchAll()
    case .deleteObject:
      var outputs: [(text: String, isDirectory: Bool)] = oracle.stored.sorted().map { ($0, false) }
      let directories = Set(experiment.steps.flatMap(\.outputs).filter(\.isDirectory).map(\.fileName))
      for index in outputs.indices {
        let words = outputs[index].text.split(separator: " ")
        outputs[index].isDirectory = words.count == 3 && directories.contains(String(words[1]))
      }
      for output in outputs.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)) {
        lab.removeObject(Oracle.digest(output.text, isDirectory: output.isDirectory))
        oracle.stored.remove(output.text)
      }
    case .deletePublished:
      guard let path = oracle.published.keys.sorted().randomElement(using: &random) else { return }
      lab.remove(path)
      oracle.published[path] = nil
    case .editPublished:
      guard let path = oracle.published.keys.sorted().randomElement(using: &random) else { return }
      lab.write(path, "by hand \(edit.seed)\n")
      oracle.published[path] = "by hand \(edit.seed)\n"
    default:
      before.append(experiment)
      edit.apply(to: &experiment)
    }
    writeFiles()
  }

  mutating func runAndCompare() throws -> String? {
    let plan = try lab.plan()
    let ran = try lab.run { $0.keepGoing = true }
    let expected = oracle.run(experiment)
    let names = ran.executed

    // Exactly what had to run, each key once.
    let failed = Set(names).filter { expected.failed.contains($0) }
    let keys = names.filter { !failed.contains($0) }.map { expected.keys[$0] ?? "?" }
    guard Set(keys).count == keys.count, Set(keys) == expected.executed, failed == expected.failed else {
      let missing = expected.executed.subtracting(keys).map { key in
        expected.keys.filter { $0.value == key }.keys.sorted()
      }
      let over = names.filter { !failed.contains($0) && !expected.executed.contains(expected.keys[$0] ?? "?") }
      return "executed \(names); not executed \(missing), failures \(expected.failed.sorted()); needless \(over)"
    }
    let restored = oracle.restoredNames.subtracting(names)
    let total = expected.instances.count
    let counts = [
      keys.count, total - keys.count - failed.count - expected.skipped.count, restored.count, failed.count,
      expected.skipped.count,
    ]
    guard ran.counts == counts else {
      return "counts \(ran.counts) instead of \(counts), restored \(restored.sorted())"
    }
    guard ran.summary.fault == nil else { return "fault \(ran.summary.fault ?? "")" }

    if let problem = checkPlan(plan, names, expected) { return problem }
    if let problem = try checkResults(expected, lab.session(ingesting: false), "incremental") { return problem }
    for (path, text) in oracle.published where lab.read(path) != text { return "\(path) is not as published" }
    for name in names {
      let told = Set(try lab.why(name).reasons)
      let wanted = failed.contains(name) ? ["failure \(name)"] : expected.reasons[name] ?? []
      // A key that several instances have is run by one of them; the oracle may think of another.
      guard told == wanted else { return "afterwards \(name) ran because of \(told.sorted()), not \(wanted.sorted())" }
    }

    let again = try lab.run { $0.keepGoing = true }
    guard again.executed == failed.sorted(), again.summary.restored == 0 else {
      return "a second run executes \(again.executed), restores \(again.summary.restored)"
    }
    return try fromScratch(expected)
  }

  private func checkPlan(_ plan: [String: Told], _ executed: [String], _ expected: Oracle.Expectation) -> String? {
    for name in executed where plan[name] == nil { return "\(name) was executed unannounced" }
    let surely = plan.filter { $0.value.standing == .wouldRun }
    let surelyNames = surely.keys.map { String($0.prefix { $0 != "[" }) }
    for (name, told) in plan {
      let reasons = Set(told.reasons)
      if told.standing == .wouldRun {
        let isExecuted = expected.failed.contains(name) || expected.executed.contains(expected.keys[name] ?? "")
        guard isExecuted else { return "\(name) was announced and did not run" }
        let wanted = expected.reasons[name] ?? []
        guard reasons == wanted else {
          return "\(name) would run because of \(reasons.sorted()), not \(wanted.sorted())"
        }
        continue
      }
      guard !reasons.isEmpty else { return "\(name) is undecided without a reason" }
      for reason in reasons where reason.hasPrefix("upstream ") {
        let source = String(reason.dropFirst(9))
        guard surely[source] != nil || surelyNames.contains(source) else { return "\(name): '\(reason)' would not run" }
      }
      let own = reasons.filter { !$0.hasPrefix("upstream ") && !$0.hasPrefix("object ") }
      // Of a step that is skipped the oracle has no fields.
      guard expected.keys[name] != nil else { continue }
      // Its result is known; only its bytes may have to be made again.
      if reasons == ["object \(name)"] { continue }
      let more = own.filter { !$0.hasPrefix("input s") }
      guard more == expected.ownReasons[name] ?? [] else {
        return "\(name): its own reasons are \(reasons.sorted()), not \((expected.ownReasons[name] ?? []).sorted())"
      }
    }
    return nil
  }

  private func checkResults(_ expected: Oracle.Expectation, _ session: Session, _ which: String) throws -> String? {
    let latest = try session.ledger.latest(project: session.projectName)
    for instance in expected.instances {
      guard let wanted = expected.results[instance.name] else {
        if expected.failed.contains(instance.name), latest[instance.name]?.outcome != "failed" {
          return "\(which): \(instance.name) should have failed"
        }
        continue
      }
      guard let entry = latest[instance.name], let row = try session.ledger.action(forKey: entry.key) else {
        return "\(which): \(instance.name) has no result"
      }
      let found = Dictionary(row.outputs.map { ($0.name, $0.digest) }) { a, _ in a }
      guard found == wanted else { return "\(which): the outputs of \(instance.name) are wrong" }
    }
    return nil
  }

  // The same project with an empty cache.
  private func fromScratch(_ expected: Oracle.Expectation) throws -> String? {
    lab.variables["RUNG_CACHE"] = "\(lab.root)/scratch"
    defer {
      lab.variables["RUNG_CACHE"] = nil
      try? discardWorkspace("\(lab.root)/scratch")
    }
    let session = try lab.session()
    let ran = try lab.run(in: session) { $0.keepGoing = true }
    let keys = Set(expected.keys.filter { expected.results[$0.key] != nil }.values)
    guard ran.summary.ran == keys.count, ran.summary.failed == expected.failed.count else {
      return "from scratch \(ran.counts), not \(keys.count) ran and \(expected.failed.count) failed"
    }
    return try checkResults(expected, session, "from scratch")
  }
}

enum DirectoryDigest {
  /// The digest of a folder that holds a file `part`.
  static func of(part: Digest, size: Int) -> Digest {
    let manifest = try? TreeManifest(entries: [
      .init(name: "part", kind: .file(digest: part, size: Int64(size), executable: false))
    ])
    return manifest?.digest ?? .empty
  }
}
