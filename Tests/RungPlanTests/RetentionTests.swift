import RungCore
import RungPlan
import Testing

/// What is kept and what goes, in small caches.
@Suite struct RetentionTests {
  private static let day: Int64 = 86_400_000_000_000
  private static let now = 100 * day

  // A cache in which every result has an object of its own.
  private static func cache(_ results: [(age: Int64, size: Int64, seconds: Int64)]) -> Retention.Facts {
    var facts = Retention.Facts()
    for (index, result) in results.enumerated() {
      facts.objects.append(.init(digest: Digest(ofText: "o\(index)"), stored: result.size))
      facts.results.append(
        .init(
          record: Digest(ofText: "r\(index)"), roots: [index], size: result.size,
          duration: result.seconds * 1_000_000_000, lastUsed: now - result.age * day))
    }
    return facts
  }

  private static func decide(_ facts: Retention.Facts, days: Int64 = 30, maxSize: Int64? = nil) -> Retention {
    Retention(facts, .init(now: now, olderThan: days * day, maxSize: maxSize))
  }

  @Test func whatNobodyUsesGoesAfterItsTime() {
    var facts = Self.cache([(40, 10, 1), (40, 10, 1), (40, 10, 1), (40, 10, 1), (29, 10, 1), (30, 10, 1)])
    facts.results[0].isPinned = true
    facts.results[1].isPublished = true
    facts.results[2].isCurrent = true
    facts.results[2].needs = [3]
    let retention = Self.decide(facts)
    #expect(
      retention.verdicts == [
        .kept(.pinned), .kept(.published), .kept(.current), .kept(.needed), .kept(.recent), .dropped(.unused),
      ])
    #expect(retention.freedBy == [0, 0, 0, 0, 0, 10])
    #expect(retention.freed == [5] && retention.keptBytes == 50 && retention.fits)
  }

  @Test func aPinHoldsAllThatItsResultsWereMadeFrom() {
    var facts = Self.cache([(90, 10, 1), (90, 10, 1), (90, 10, 1)])
    facts.gatherings = [[0]]
    facts.results[1].gathers = [0]
    facts.results[2].needs = [1]
    facts.results[2].isPinned = true
    #expect(Self.decide(facts, maxSize: 0).verdicts == [.kept(.pinned), .kept(.pinned), .kept(.pinned)])
    #expect(!Self.decide(facts, maxSize: 29).fits)
    #expect(Self.decide(facts, maxSize: 30).fits)
  }

  @Test func sharedBytesAreFreedWithTheLastThatHasThem() {
    var facts = Self.cache([(50, 7, 1), (40, 10, 1), (0, 10, 1)])
    facts.objects[1].parts = [0]
    facts.results[2].roots = [0]
    // The folder goes, the file in it is another's result; nothing refers to the last object.
    #expect(Self.decide(facts).freed == [1, 2])
    #expect(Self.decide(facts).strays == [2])
    #expect(Self.decide(facts).verdicts == [.kept(.shared), .dropped(.unused), .kept(.recent)])
    #expect(Self.decide(facts, days: 0).freed == [0, 1, 2])
    #expect(Self.decide(facts, days: 0).freedBy == [0, 10, 7])
  }

  @Test func withoutRoomTheLeastRecentlyUsedGoFirst() {
    var facts = Self.cache([(1, 10, 1), (3, 10, 1), (2, 10, 1)])
    for index in facts.results.indices { facts.results[index].isCurrent = true }
    #expect(Self.decide(facts, maxSize: 29).verdicts == [.kept(.current), .dropped(.overSize), .kept(.current)])
    #expect(Self.decide(facts, maxSize: 10).freed == [1, 2])
  }

  @Test func ofOneDayWhatIsNotTheLatestGoesFirstAndThenWhatCostsLeastForItsSize() {
    // A minute apart, which is the same day.
    var facts = Self.cache([(1, 10, 100), (1, 1000, 100), (1, 10, 5), (1, 10, 1000)])
    for index in facts.results.indices {
      facts.results[index].lastUsed -= Int64(index) * 60_000_000_000
      facts.results[index].lastUsed += 3_600_000_000_000
      facts.results[index].isCurrent = index != 3
    }
    #expect(Self.decide(facts, maxSize: 1025).freed == [3])
    #expect(Self.decide(facts, maxSize: 1019).freed == [1, 3])
    #expect(Self.decide(facts, maxSize: 15).freed == [1, 2, 3])
  }

  @Test func aClockThatWentBackFreesNothing() {
    let facts = Self.cache([(-1000, 10, 1)])
    #expect(Self.decide(facts, days: 0).verdicts == [.kept(.recent)])
    var old = facts
    old.results[0].lastUsed = .min
    #expect(Self.decide(old).freed.isEmpty)
  }

  @Test func executionsOfOneThingAreCompared() {
    func execution(_ key: String, _ set: String? = nil) -> Reproducibility.Execution {
      .init(key: Digest(ofText: key), observed: [set.map { Digest(ofText: $0) }, nil])
    }
    let a = [Digest(ofText: "a")]
    let b = [Digest(ofText: "b")]
    let verdicts = Reproducibility.judge([
      (execution("same"), outputs: a), (execution("same"), outputs: a),
      (execution("differs"), outputs: a), (execution("differs"), outputs: b), (execution("differs"), outputs: a),
      // Other files were seen: another thing.
      (execution("once", "x"), outputs: a), (execution("once", "y"), outputs: b),
    ])
    #expect(verdicts[execution("same")] == .yes)
    #expect(verdicts[execution("differs")] == .no)
    #expect(verdicts[execution("once", "x")] == .unknown && verdicts[execution("once", "y")] == .unknown)
  }
}
