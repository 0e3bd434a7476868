import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct HistoryTests {
  private func history(_ world: World, _ name: String, output: String? = nil, limit: Int = 20) throws -> OutputHistory {
    try OutputHistory.of(name, output: output, limit: limit, store: world.store, ledger: world.ledger, project: ".")
  }

  private func field(_ kind: String, _ name: String, _ value: String, _ digest: Digest? = nil) -> Record.Field {
    Record.Field(kind: kind, name: name, value: value, digest: digest)
  }

  // Three executions, each with a key of its own.
  private func world() throws -> (World, [Made]) {
    let world = try World()
    let made = try ["0.3", "0.5", "0.5"].enumerated().map { index, noise in
      try world.run("p/fit", makes: index == 2 ? [:] : ["out": "{\"peak\": \(index + 2), \"n\": {\"a/b\": 1}}"]) {
        $0.fields = [field("parameter", "noise", noise), field("input", "code", "fit.py", Digest(of: [UInt8(index)]))]
        $0.key = Digest(of: [UInt8(index), 9])
        if index == 2 {
          $0.outcome = .failed
          $0.problem = "it ended with exit code 1"
        }
      }
    }
    return (world, made)
  }

  @Test func everyValueIsListedNewestFirstWithWhatChanged() throws {
    let (world, made) = try world()
    let all = try history(world, "p/fit").entries
    #expect(all.map(\.record) == made.reversed().map(\.digest))
    #expect(all.map(\.outcome) == ["failed", "ran", "ran"])
    #expect(all[0].problem == "it ended with exit code 1" && all[0].outputs.isEmpty)
    #expect(all[0].changes.map(\.name) == ["code"])
    #expect(all[1].changes.map(\.name) == ["noise", "code"])
    #expect(all[1].changes[0].old == "0.3" && all[1].changes[0].new == "0.5")
    #expect(all[1].changes[1].old == Digest(of: [0]).description)
    #expect(all[2].changes.map(\.field) == ["record"])
    #expect(all[1].outputs[0].numbers?.map(\.path) == ["/peak", "/n/a~1b"])
    #expect(!all[1].outputs[0].isUnchanged && !all[1].outputs[0].isGone)
  }

  @Test func oneNumberIsFollowed() throws {
    let (world, _) = try world()
    let lines = try history(world, "p/fit").text(metric: "/peak").split(separator: "\n")
    #expect(lines.count == 4)
    #expect(lines[1].contains("(failed)") && lines[2].contains(" 3 ") && lines[3].contains(" 2 "))
    #expect(try history(world, "p/fit").text(metric: "/none").contains("(none)"))
  }

  @Test func aLimitCutsTheOldest() throws {
    let (world, made) = try world()
    let cut = try history(world, "p/fit", limit: 2)
    #expect(cut.entries.map(\.record) == [made[2].digest, made[1].digest] && cut.isCut)
    // The last one still knows what was before it.
    #expect(cut.entries[1].changes.map(\.name) == ["noise", "code"])
    #expect(try !history(world, "p/fit", limit: .max).isCut)
    #expect(try history(world, "p/none").entries.isEmpty)
  }

  @Test func lostBytesAndRecordsAreSaid() throws {
    let (world, made) = try world()
    try world.lose(made[1].content("out"))
    try world.lose(made[0].digest, isRecord: true)
    let all = try history(world, "p/fit").entries
    #expect(all[1].outputs[0].isGone && all[1].outputs[0].numbers == nil)
    #expect(all[2].outputs.isEmpty && all[2].host == nil)
    #expect(try history(world, "p/fit").text().contains("no longer in the cache"))
  }

  @Test func changedMembersAreCountedAndObservedFilesNamed() throws {
    let world = try World()
    func fits(_ count: Int, _ salt: String) throws -> [Made] {
      try (0..<count).map { try world.run("p/fit[n=\($0)]", makes: ["out": $0 == 0 ? "x" : "\($0) \(salt)"]) }
    }
    func figure(_ members: [Made], _ seenAs: String) throws -> Made {
      let input = try world.collect("all", members)
      let set = try world.observe(.project, [seen("conf.ini", seenAs)])
      return try world.run("p/figure", [input]) {
        $0.fields = [.init(kind: "input", name: "all", value: "inputs/all.csv", digest: input.digest)]
        $0.observed.project = set
      }
    }
    _ = try figure(try fits(3, "a"), "1")
    _ = try figure(try fits(4, "b"), "1")
    _ = try figure(try fits(4, "b"), "2")
    let all = try history(world, "p/figure").entries
    #expect(all[1].changes.first?.members == .init(added: 1, removed: 0, changed: 2))
    #expect(all[0].changes.map(\.field) == ["observed"] && all[0].changes[0].name == "conf.ini")
    #expect(try history(world, "p/fit").entries.count == 11)
  }

  @Test func theJSONIsStable() throws {
    let (world, made) = try world()
    let json = try history(world, "p/fit", output: "out").json(target: "fit")
    #expect(json["target"] == "fit" && json["more"] == false)
    let entry = try #require(json["entries"]?.array?[1])
    #expect(
      entry.members?.map(\.name) == [
        "instance", "outcome", "at_ns", "run", "key", "record", "host", "commit", "dirty", "problem", "outputs",
        "changes",
      ])
    #expect(entry["record"]?.digest == made[1].digest)
    #expect(entry["outputs"]?.array?[0]["numbers"]?["/peak"] == .number("3"))
  }
}
