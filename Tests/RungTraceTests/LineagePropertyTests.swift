import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct LineagePropertyTests {
  // A small generator of its own, so that a failing case can be run again by its seed.
  private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state ^ (state >> 33)) &* 0xff51_afd7_ed55_8ccd
    }
  }

  private struct Name: Hashable {
    let path: String
    let digest: Digest
  }

  @Test(arguments: 0..<60)
  func sourcesAreExactlyThoseOfANaiveWalk(seed: Int) throws {
    var dice = Dice(state: UInt64(seed) &* 7919 &+ 1)
    let world = try World()
    var made: [Made] = []
    var naive: [Digest: (Made, [Made])] = [:]
    var sets: [Digest: [ObservedSet.Entry]] = [:]
    let paths = ["a.py", "b.py", "data/c.csv", "lock"]
    for index in 0..<Int.random(in: 1...14, using: &dice) {
      var inputs: [Record.Input] = []
      var makers: [Made] = []
      for number in 0..<Int.random(in: 0...3, using: &dice) {
        let path = paths[Int.random(in: 0..<paths.count, using: &dice)]
        inputs.append(source(path, "\(path) \(Int.random(in: 0...2, using: &dice))", name: "i\(number)"))
      }
      for number in 0..<Int.random(in: 0...3, using: &dice) {
        guard let maker = made.randomElement(using: &dice) else { continue }
        inputs.append(maker.input("u\(number)"))
        makers.append(maker)
      }
      if Int.random(in: 0...2, using: &dice) == 0, !made.isEmpty {
        let chosen = made.filter { _ in Bool.random(using: &dice) }
        inputs.append(try world.collect("all", chosen))
        makers += chosen
      }
      var observed: Digest?
      if Bool.random(using: &dice) {
        let entries = (0..<Int.random(in: 0...3, using: &dice)).map { _ in
          let path = paths[Int.random(in: 0..<paths.count, using: &dice)]
          return seen(path, "\(path) \(Int.random(in: 0...2, using: &dice))")
        }
        observed = try world.observe(.project, entries)
        if let observed { sets[observed] = entries }
      }
      let hasEnvironment = Int.random(in: 0...3, using: &dice) == 0
      // Few contents, so that different executions make the same bytes.
      let one = try world.run(
        "p/s\(index % 4)[n=\(index)]", inputs, makes: ["out": "content \(Int.random(in: 0...3, using: &dice))"]
      ) {
        if hasEnvironment { $0.environment = python }
        $0.observed.project = observed
      }
      made.append(one)
      naive[one.digest] = (one, makers)
    }
    func sources(_ made: Made, _ found: inout Set<Name>, _ sighted: inout Set<Name>) {
      guard let (one, makers) = naive[made.digest] else { return }
      for input in one.record.inputs {
        if case .project(let path) = input.source { found.insert(Name(path: path, digest: input.digest)) }
      }
      if let environment = one.record.environment {
        found.insert(Name(path: environment.lockPath, digest: environment.lock))
      }
      for entry in one.record.observed.project.flatMap({ sets[$0] }) ?? [] {
        if let digest = entry.digest { sighted.insert(Name(path: entry.path, digest: digest)) }
      }
      for maker in makers { sources(maker, &found, &sighted) }
    }
    for one in made {
      var declared: Set<Name> = []
      var sighted: Set<Name> = []
      sources(one, &declared, &sighted)
      let expected = declared.union(sighted)
      let lineage = Lineage.of(records: [one.digest], store: world.store)
      let actual = lineage.sources.map { Name(path: $0.path, digest: $0.digest) }
      #expect(Set(actual) == expected)
      #expect(actual.count == expected.count)
      let observed = lineage.sources.filter(\.observed).map { Name(path: $0.path, digest: $0.digest) }
      #expect(Set(observed) == sighted.subtracting(declared))
      #expect(lineage.isComplete)
      // Makers come before readers.
      var seen: Set<Digest> = []
      for execution in lineage.executions {
        for case .step(_, _, let maker) in execution.record.inputs.map(\.source) { #expect(seen.contains(maker)) }
        seen.insert(execution.digest)
      }
    }
  }
}
