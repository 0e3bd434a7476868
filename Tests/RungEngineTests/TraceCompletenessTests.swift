import Glibc
import RungCore
import RungEngine
import RungLedger
import RungTrace
import Testing

/// A trace lists all that a result hangs on, and nothing else: over random projects, each source is changed in turn.
///
/// RUNG_SEED chooses the projects, RUNG_CASES how many there are.
@Suite struct TraceCompletenessTests {
  static let seed = getenv("RUNG_SEED").flatMap { UInt64(String(cString: $0)) } ?? 20_261_126
  static let cases = getenv("RUNG_CASES").flatMap { Int(String(cString: $0)) } ?? 24

  private struct Source: Hashable {
    let path: String
    let digest: Digest
  }

  private struct Traced {
    let record: Digest
    let outputs: [Digest]
    let sources: Set<Source>
    let folders: Set<String>
    let instances: Set<String>

    // Listed itself, or in a folder that is.
    func lists(_ path: String) -> Bool {
      sources.contains { $0.path == path } || folders.contains { path.hasPrefix($0 + "/") }
    }
  }

  private func trace(_ instance: String, _ lab: Lab) throws -> Traced {
    let session = try lab.session(ingesting: false)
    let entry = try #require(try session.ledger.latest(project: session.projectName)[instance])
    let digest = try #require(entry.record)
    let lineage = Lineage.of(records: [digest], store: session.store)
    #expect(lineage.isComplete)
    let execution = try #require(lineage.execution(digest))
    return Traced(
      record: digest, outputs: execution.record.outputs.map(\.digest),
      sources: Set(lineage.sources.map { Source(path: $0.path, digest: $0.digest) }),
      folders: Set(lineage.sources.filter { $0.kind == .tree }.map(\.path)),
      instances: Set(lineage.executions.map(\.record.instance)))
  }

  @Test(arguments: 0..<2)
  func changingWhatIsListedChangesTheTraceAndChangingWhatIsNotChangesNothing(half: Int) throws {
    var listed = 0
    var unlisted = 0
    for number in 0..<(Self.cases + 1) / 2 {
      let seed = Self.seed &+ UInt64(number * 2 + half)
      var random = Seeded(seed)
      var experiment = Experiment(&random)
      // A step that sees less than its inputs may come out as before, and then what reads it rightly keeps its history:
      // that is the other test's.
      for index in experiment.scripts.indices { experiment.scripts[index].isCoarse = false }
      let lab = Lab()
      func write(_ files: [String: String]) { for (path, text) in files { lab.write(path, text) } }
      write(experiment.files)
      #expect(try lab.run().summary.failed == 0)
      let session = try lab.session(ingesting: false)
      let all = (0..<session.graph.instanceCount).map { session.graph.name(of: $0) }
      let figure = try #require(all.randomElement(using: &random))
      let before = try trace(figure, lab)
      for path in experiment.files.keys.sorted() where !path.hasSuffix(".yaml") {
        let text = try #require(experiment.files[path])
        lab.write(path, text + "changed \(seed)\n")
        let ran = try lab.run()
        let after = try trace(figure, lab)
        let place = "RUNG_SEED=\(seed): \(path) of \(figure)"
        if before.lists(path) {
          listed += 1
          #expect(after.sources != before.sources, "\(place) is listed; its change does not show")
          #expect(after.record != before.record && after.outputs != before.outputs, "\(place)")
        } else {
          unlisted += 1
          #expect(after.record == before.record && after.sources == before.sources, "\(place) is not listed")
          #expect(after.outputs == before.outputs, "\(place) is not listed; it changed the result")
          #expect(before.instances.isDisjoint(with: ran.executed), "\(place) is not listed; something ran for it")
        }
        lab.write(path, text)
        #expect(try lab.run().summary.ran == 0, "\(place), taken back")
        #expect(try trace(figure, lab).sources == before.sources, "\(place), taken back")
      }
    }
    // The projects are such that both happen often.
    #expect(listed > Self.cases / 4 && unlisted > Self.cases / 4)
  }

  @Test func whatCameOutAsBeforeKeepsItsHistory() throws {
    for number in 0..<Self.cases / 4 {
      let seed = Self.seed &+ 1000 &+ UInt64(number)
      var random = Seeded(seed)
      let experiment = Experiment(&random)
      let lab = Lab()
      for (path, text) in experiment.files { lab.write(path, text) }
      _ = try lab.run()
      let session = try lab.session(ingesting: false)
      let all = (0..<session.graph.instanceCount).map { session.graph.name(of: $0) }
      let figure = try #require(all.randomElement(using: &random))
      let before = try trace(figure, lab)
      for path in experiment.files.keys.sorted() where !path.hasSuffix(".yaml") {
        let text = try #require(experiment.files[path])
        lab.write(path, text + "changed\n")
        let ran = try lab.run()
        let after = try trace(figure, lab)
        let place = "RUNG_SEED=\(seed): \(path) of \(figure)"
        if !before.lists(path) {
          #expect(after.record == before.record && before.instances.isDisjoint(with: ran.executed), "\(place)")
        } else if after.sources == before.sources {
          // Whoever reads it ran again, and made the same as before.
          #expect(!before.instances.isDisjoint(with: ran.executed), "\(place)")
          #expect(after.outputs == before.outputs, "\(place)")
        }
        lab.write(path, text)
        _ = try lab.run()
      }
    }
  }
}
