import RungCore
import RungPlan
import Testing

/// Caches drawn at random: whatever they hold, what must be kept is kept.
@Suite struct RetentionPropertyTests {
  private static let day: Int64 = 86_400_000_000_000
  private static let now = 400 * day

  // Objects whose parts have smaller numbers, results that were made from earlier ones.
  private static func facts(_ random: inout Seeded) -> Retention.Facts {
    func some(_ most: Int, below limit: Int, _ random: inout Seeded) -> [Int] {
      if limit == 0 { return [] }
      let count = Int.random(in: 0...most, using: &random)
      return Set((0..<count).map { _ in Int.random(in: 0..<limit, using: &random) }).sorted()
    }
    func chance(_ percent: Int, _ random: inout Seeded) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    var facts = Retention.Facts()
    for number in 0..<Int.random(in: 0...40, using: &random) {
      let parts = chance(30, &random) ? some(4, below: number, &random) : []
      facts.objects.append(
        .init(
          digest: Digest(ofText: "o\(number)"), stored: Int64.random(in: 0...100, using: &random), parts: parts))
    }
    facts.fixed = some(3, below: facts.objects.count, &random)
    for number in 0..<Int.random(in: 0...15, using: &random) {
      if chance(20, &random) { facts.gatherings.append(some(4, below: number, &random)) }
      var result = Retention.Result(
        record: Digest(ofText: "r\(number)"), roots: some(3, below: facts.objects.count, &random),
        size: Int64.random(in: 0...500, using: &random), duration: Int64.random(in: 0...1000, using: &random),
        lastUsed: now - Int64.random(in: -1...100, using: &random) * day)
      result.needs = some(2, below: number, &random)
      result.gathers = some(1, below: facts.gatherings.count, &random)
      if chance(20, &random) { result.passing = some(2, below: facts.objects.count, &random) }
      result.isPinned = chance(10, &random)
      result.isPublished = chance(10, &random)
      result.isCurrent = chance(30, &random)
      facts.results.append(result)
    }
    return facts
  }

  private static func reach(_ roots: [Int], _ objects: [Retention.Object]) -> Set<Int> {
    var seen: Set<Int> = []
    func visit(_ index: Int) {
      if seen.insert(index).inserted { objects[index].parts.forEach(visit) }
    }
    roots.forEach(visit)
    return seen
  }

  private static func lineage(_ starts: [Int], _ facts: Retention.Facts) -> Set<Int> {
    var seen: Set<Int> = []
    func visit(_ index: Int) {
      guard seen.insert(index).inserted else { return }
      facts.results[index].needs.forEach(visit)
      for gathering in facts.results[index].gathers { facts.gatherings[gathering].forEach(visit) }
    }
    starts.forEach(visit)
    return seen
  }

  private static func stored(_ objects: some Sequence<Int>, _ facts: Retention.Facts) -> Int64 {
    objects.reduce(0) { $0 + facts.objects[$1].stored }
  }

  private static func mustKeep(_ facts: Retention.Facts) -> Set<Int> {
    let all = facts.results.indices
    return lineage(all.filter { facts.results[$0].isPinned }, facts).union(
      all.filter { facts.results[$0].isPublished })
  }

  @Test(arguments: 0..<400) func whatMustBeKeptIsKept(seed: Int) {
    var random = Seeded(UInt64(seed))
    let facts = Self.facts(&random)
    let all = Self.stored(facts.objects.indices, facts)
    var rules = Retention.Rules(now: Self.now, olderThan: Int64.random(in: 0...60, using: &random) * Self.day)
    if Bool.random(using: &random) { rules.maxSize = Int64.random(in: 0...max(1, all), using: &random) }
    rules.sparesStrays = Int.random(in: 0..<4, using: &random) == 0
    let retention = Retention(facts, rules)
    let freed = Set(retention.freed)
    let must = Self.mustKeep(facts)

    // Pinned and published results, whole; what is fixed, whole.
    let pinned = Self.lineage(facts.results.indices.filter { facts.results[$0].isPinned }, facts)
    let spared = pinned.flatMap { facts.results[$0].passing }
    let untouchable = Self.reach(facts.fixed + spared + must.flatMap { facts.results[$0].roots }, facts.objects)
    #expect(freed.isDisjoint(with: untouchable))
    for index in must { #expect(retention.verdicts[index].isKept) }

    // Every result that is kept can be read; one that is dropped cannot, and its bytes are said to go.
    let kept = facts.results.indices.filter { retention.verdicts[$0].isKept }
    let held = Self.reach(facts.fixed + spared + kept.flatMap { facts.results[$0].roots }, facts.objects)
    #expect(freed.isDisjoint(with: held))
    for index in facts.results.indices where !retention.verdicts[index].isKept {
      #expect(!freed.isDisjoint(with: facts.results[index].roots))
    }

    // What may go at once is gone where nothing holds it.
    for index in facts.results.indices where !pinned.contains(index) {
      let passing = Set(facts.results[index].passing).subtracting(held)
      #expect(freed.isSuperset(of: passing) && retention.passed.contains(index) == !passing.isEmpty)
    }

    // All that is not held is freed, but for strays that are to be spared.
    let known = Self.reach(facts.fixed + facts.results.flatMap { $0.roots + $0.passing }, facts.objects)
    let strays = Set(facts.objects.indices).subtracting(known)
    #expect(Set(retention.strays) == (rules.sparesStrays ? [] : strays))
    #expect(freed == Set(facts.objects.indices).subtracting(held).subtracting(rules.sparesStrays ? strays : []))

    // The sums are right, and every freed byte has one who frees it.
    #expect(retention.freed == retention.freed.sorted() && freed.count == retention.freed.count)
    #expect(retention.freedBytes == Self.stored(freed, facts))
    #expect(retention.keptBytes == all - retention.freedBytes)
    #expect(retention.freedBy.reduce(0, +) + Self.stored(retention.strays, facts) == retention.freedBytes)

    // The budget is kept, or nothing is left that could go.
    if let most = rules.maxSize {
      #expect(retention.fits == (retention.keptBytes <= most))
      if !retention.fits {
        let rest = Self.reach(facts.fixed + spared + must.flatMap { facts.results[$0].roots }, facts.objects)
        #expect(retention.keptBytes == Self.stored(rest.union(rules.sparesStrays ? strays : []), facts))
      }
    } else {
      // Without one, what is current, what it was made from, and what is recent stay.
      #expect(retention.fits)
      let current = facts.results.indices.filter { facts.results[$0].isCurrent }
      for index in Self.lineage(Array(current), facts) { #expect(retention.verdicts[index].isKept) }
      for (index, result) in facts.results.enumerated() where rules.now - result.lastUsed < rules.olderThan {
        #expect(retention.verdicts[index].isKept)
      }
    }
  }

  @Test(arguments: 0..<200) func lessAgeAndLessRoomFreeMore(seed: Int) {
    var random = Seeded(UInt64(1000 + seed))
    let facts = Self.facts(&random)
    let all = Self.stored(facts.objects.indices, facts)
    var freed: Set<Int> = []
    for days in stride(from: Int64(101), through: 0, by: -7) {
      let now = Set(Retention(facts, .init(now: Self.now, olderThan: days * Self.day)).freed)
      #expect(now.isSuperset(of: freed))
      freed = now
    }
    freed = []
    for room in stride(from: all, through: 0, by: -17) {
      let now = Set(Retention(facts, .init(now: Self.now, olderThan: 30 * Self.day, maxSize: room)).freed)
      #expect(now.isSuperset(of: freed))
      freed = now
    }
  }
}

extension Retention.Verdict {
  var isKept: Bool { if case .kept = self { true } else { false } }
}
