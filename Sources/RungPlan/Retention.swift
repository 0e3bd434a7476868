import RungCore

/// Which results of a cache are kept and which are dropped, and what that frees: a decision, made from facts alone
/// (docs/decisions/0012-collecting.md).
///
/// What is never dropped: the results of pinned runs with everything that they were made from, published files, and the
/// objects that are `fixed`. The others are kept while something uses them; see `Rules`.
public struct Retention: Sendable {
  /// An object of the store.
  public struct Object: Hashable, Sendable {
    /// Its name.
    public var digest: Digest
    /// The bytes that it takes in the store, without its parts.
    public var stored: Int64
    /// The objects that it cannot be read without: what lies in a folder, the chunks of a list. Indices of
    /// `Facts.objects`; nothing is a part of itself.
    public var parts: [Int]

    /// An object.
    public init(digest: Digest, stored: Int64, parts: [Int] = []) {
      self.digest = digest
      self.stored = stored
      self.parts = parts
    }
  }

  /// What one execution made, as far as it is in the store.
  public struct Result: Hashable, Sendable {
    /// The record of the execution.
    public var record: Digest
    /// The outputs that are in the store; indices of `Facts.objects`. Without any, it only tells what others were made
    /// from.
    public var roots: [Int]
    /// Further outputs that are in the store, which may go at once (`recompute: true`); indices of `Facts.objects`.
    public var passing: [Int] = []
    /// The results that it was made from; indices of `Facts.results`.
    public var needs: [Int] = []
    /// The gatherings that it was made from; indices of `Facts.gatherings`.
    public var gathers: [Int] = []
    /// In bytes, uncompressed.
    public var size: Int64
    /// How long the execution took, in nanoseconds.
    public var duration: Int64
    /// When it was last of use, in nanoseconds since 1970.
    public var lastUsed: Int64
    /// Whether a pinned run had it.
    public var isPinned = false
    /// Whether a file in a project is a copy of one of its outputs.
    public var isPublished = false
    /// Whether it is the latest result of an instance that there is.
    public var isCurrent = false

    /// A result that nobody uses.
    public init(record: Digest, roots: [Int], size: Int64, duration: Int64, lastUsed: Int64) {
      self.record = record
      self.roots = roots
      self.size = size
      self.duration = duration
      self.lastUsed = lastUsed
    }
  }

  /// All that the decision is made from.
  public struct Facts: Sendable {
    /// Every object in the store.
    public var objects: [Object] = []
    /// Every result that is known.
    public var results: [Result] = []
    /// Sets of results that others were made from together; indices of `results`. A thousand that read the same thousand
    /// share one.
    public var gatherings: [[Int]] = []
    /// Objects that cannot be made again, or that a record is not understood without; indices of `objects`.
    public var fixed: [Int] = []

    /// Nothing yet.
    public init() {}
  }

  /// What is asked for.
  public struct Rules: Hashable, Sendable {
    /// In nanoseconds since 1970.
    public var now: Int64
    /// A result that is neither current nor needed by a current one is dropped when its last use is so long ago, in
    /// nanoseconds.
    public var olderThan: Int64
    /// The most that the objects may take, in bytes; nil for no limit. When they take more, results are dropped that
    /// would otherwise be kept, but never those that must be.
    public var maxSize: Int64?
    /// Whether objects that nothing refers to are left alone.
    public var sparesStrays = false

    /// Rules.
    public init(now: Int64, olderThan: Int64, maxSize: Int64? = nil) {
      self.now = now
      self.olderThan = olderThan
      self.maxSize = maxSize
    }
  }

  /// Why a result is kept, the strongest reason first.
  public enum Keeping: String, CaseIterable, Sendable {
    /// A pinned run had it, or something that a pinned run had was made from it.
    case pinned
    /// A file in a project is a copy of it.
    case published
    /// It is the latest result of an instance.
    case current
    /// A current result was made from it.
    case needed
    /// It was of use not long ago.
    case recent
    /// Others that are kept have the same bytes, so that dropping it would free nothing.
    case shared
  }

  /// Why a result is dropped. (Passing outputs of a result that is not dropped go without a reason.)
  public enum Dropping: String, CaseIterable, Sendable {
    /// Nothing has used it for long.
    case unused
    /// There was no room.
    case overSize = "over-size"
  }

  /// What becomes of a result.
  public enum Verdict: Hashable, Sendable {
    /// It stays.
    case kept(Keeping)
    /// Its bytes go.
    case dropped(Dropping)
  }

  /// For each result what becomes of it.
  public let verdicts: [Verdict]
  /// For each result how many stored bytes are freed by dropping it: what it shares counts for the last that is dropped.
  public let freedBy: [Int64]
  /// The results of which passing outputs go, ascending indices. They stay whole otherwise.
  public let passed: [Int]
  /// The objects to be freed, ascending indices. No object that is kept has one of them as its part.
  public let freed: [Int]
  /// The stored bytes of those.
  public let freedBytes: Int64
  /// Of those, the objects that no result and nothing fixed refers to.
  public let strays: [Int]
  /// The stored bytes of all objects that are not freed.
  public let keptBytes: Int64
  /// False when more is left than `Rules.maxSize`: then all that is left has to be kept.
  public let fits: Bool

  /// Decides.
  public init(_ facts: Facts, _ rules: Rules) {
    var references = References(facts)
    var verdicts = Self.reasons(facts, rules)
    var freedBy = [Int64](repeating: 0, count: facts.results.count)
    let strays = rules.sparesStrays ? [] : facts.objects.indices.filter { references.counts[$0] == 0 }
    let all = facts.objects.reduce(0) { $0 + $1.stored }
    var kept = strays.reduce(all) { $0 - facts.objects[$1].stored }

    let order = Self.order(facts)
    let passing = facts.results.indices.filter { !facts.results[$0].passing.isEmpty && verdicts[$0] != .kept(.pinned) }
    for index in passing {
      freedBy[index] = references.release(facts.results[index].passing)
      kept -= freedBy[index]
    }
    for index in order where verdicts[index] == .dropped(.unused) {
      let bytes = references.release(facts.results[index].roots)
      freedBy[index] += bytes
      kept -= bytes
    }
    if let most = rules.maxSize {
      for index in order {
        if kept <= most { break }
        switch verdicts[index] {
        case .kept(.pinned), .kept(.published), .dropped: continue
        case .kept: break
        }
        verdicts[index] = .dropped(.overSize)
        let bytes = references.release(facts.results[index].roots)
        freedBy[index] += bytes
        kept -= bytes
      }
    }
    // Whose outputs are all held by others is still whole.
    for (index, result) in facts.results.enumerated() {
      guard case .dropped = verdicts[index], result.roots.allSatisfy({ references.counts[$0] > 0 }) else { continue }
      verdicts[index] = .kept(.shared)
    }
    passed = passing.filter { facts.results[$0].passing.contains { references.counts[$0] == 0 } }
    self.verdicts = verdicts
    self.freedBy = freedBy
    self.strays = strays
    freed = (strays + references.freed).sorted()
    freedBytes = all - kept
    keptBytes = kept
    fits = rules.maxSize.map { kept <= $0 } ?? true
  }

  // Without looking at sizes.
  private static func reasons(_ facts: Facts, _ rules: Rules) -> [Verdict] {
    let results = facts.results
    let pinned = closure(of: results.indices.filter { results[$0].isPinned }, facts)
    let needed = closure(of: results.indices.filter { results[$0].isCurrent }, facts)
    return results.indices.map { index in
      let result = results[index]
      if pinned[index] { return .kept(.pinned) }
      if result.isPublished { return .kept(.published) }
      if result.isCurrent { return .kept(.current) }
      if needed[index] { return .kept(.needed) }
      let (age, isOverflow) = rules.now.subtractingReportingOverflow(result.lastUsed)
      return !isOverflow && age >= rules.olderThan ? .dropped(.unused) : .kept(.recent)
    }
  }

  // The results and all that they were made from.
  private static func closure(of starts: [Int], _ facts: Facts) -> [Bool] {
    var isIn = [Bool](repeating: false, count: facts.results.count)
    var isGathered = [Bool](repeating: false, count: facts.gatherings.count)
    var stack = starts
    while let index = stack.popLast() {
      if isIn[index] { continue }
      isIn[index] = true
      stack += facts.results[index].needs
      for gathering in facts.results[index].gathers where !isGathered[gathering] {
        isGathered[gathering] = true
        stack += facts.gatherings[gathering]
      }
    }
    return isIn
  }

  private static let day: Int64 = 86_400_000_000_000

  // In which results are dropped: the least recently used first, by days, since uses are noted by days. Of one day, those
  // first that nobody has as the latest; then those that cost least to make again, for what they take.
  private static func order(_ facts: Facts) -> [Int] {
    struct Rank: Comparable {
      let day: Int64
      let current: Int
      let cost: Double
      let record: Digest
      static func < (a: Rank, b: Rank) -> Bool {
        (a.day, a.current, a.cost, a.record) < (b.day, b.current, b.cost, b.record)
      }
    }
    return facts.results.enumerated().map { index, result in
      let cost = Double(max(0, result.duration)) / Double(max(1, result.size))
      let rank = Rank(
        day: result.lastUsed / day, current: result.isCurrent ? 1 : 0, cost: cost, record: result.record)
      return (rank, index)
    }.sorted { $0.0 < $1.0 }.map(\.1)
  }
}

// How many kept things hold each object: results, what is fixed, and objects that it is a part of. An object is kept as
// long as there is one.
private struct References {
  private let objects: [Retention.Object]
  private(set) var counts: [Int]
  private(set) var freed: [Int] = []

  // Everything is held at first.
  init(_ facts: Retention.Facts) {
    objects = facts.objects
    counts = [Int](repeating: 0, count: objects.count)
    var stack = facts.fixed
    for result in facts.results { stack += result.roots + result.passing }
    while let index = stack.popLast() {
      counts[index] += 1
      if counts[index] == 1 { stack += objects[index].parts }
    }
  }

  // Takes one hold away from each of these. The answer is how many stored bytes that frees.
  mutating func release(_ roots: [Int]) -> Int64 {
    var bytes: Int64 = 0
    var stack = roots
    while let index = stack.popLast() {
      counts[index] -= 1
      guard counts[index] == 0 else { continue }
      freed.append(index)
      bytes += objects[index].stored
      stack += objects[index].parts
    }
    return bytes
  }
}
