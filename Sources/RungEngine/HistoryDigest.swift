import RungCore
import RungLedger

/// What the history of a cache says about how long its results are of use.
struct HistoryDigest {
  /// The latest results of all instances that are declared, by their records.
  private(set) var current: Set<Digest> = []
  /// What the projects of pinned runs had as the results of their instances when those runs ended.
  private(set) var pinned: Set<Digest> = []
  /// When a result was last the latest one of an instance or became it; those that are the latest now are not followed
  /// further than that.
  private(set) var lastUsed: [Digest: Int64] = [:]

  // The state of a project at the last entry of a run.
  private struct Moment {
    let project: String
    let sequence: Int64
  }

  /// Reads the history of all projects.
  ///
  /// - Parameters:
  ///   - succeeded: the records that are results. An attempt that failed takes nobody's place.
  ///   - isDeclared: whether a project has an instance.
  init(
    _ ledger: Ledger, pinned runs: Set<String>, succeeded: Set<Digest>,
    isDeclared: (_ project: String, _ instance: String) -> Bool
  ) throws(LedgerError) {
    var last: [String: [String: Int64]] = [:]
    if !runs.isEmpty {
      try ledger.forEachHistoryEntry { entry in
        guard runs.contains(entry.run) else { return }
        last[entry.run, default: [:]][entry.project] = max(
          last[entry.run]?[entry.project] ?? .min, entry.sequence)
      }
    }
    let moments = last.values.flatMap { $0.map { Moment(project: $0.key, sequence: $0.value) } }

    var walk = Walk(moments: moments)
    try ledger.forEachHistoryEntry { entry in
      if walk.project != entry.project || walk.instance != entry.instance {
        walk.end(isDeclared)
        walk.begin(entry)
      }
      guard let record = entry.record, succeeded.contains(record) else { return }
      walk.take(record, entry)
    }
    walk.end(isDeclared)
    current = walk.current
    pinned = walk.pinned
    lastUsed = walk.lastUsed
  }

  // Goes through the entries of one instance after the other.
  private struct Walk {
    let moments: [Moment]
    var project = ""
    var instance = ""
    var latest: Digest?
    var own: [(sequence: Int64, before: Digest?)] = []
    var current: Set<Digest> = []
    var pinned: Set<Digest> = []
    var lastUsed: [Digest: Int64] = [:]

    init(moments: [Moment]) { self.moments = moments }

    mutating func begin(_ entry: HistoryEntry) {
      project = entry.project
      instance = entry.instance
      latest = nil
      own = moments.filter { $0.project == project }.map { ($0.sequence, nil) }
    }

    mutating func take(_ record: Digest, _ entry: HistoryEntry) {
      use(record, entry.at)
      // Until now the one before was the latest.
      if let latest, latest != record { use(latest, entry.at) }
      latest = record
      for index in own.indices where entry.sequence <= own[index].sequence { own[index].before = record }
    }

    mutating func end(_ isDeclared: (String, String) -> Bool) {
      pinned.formUnion(own.compactMap(\.before))
      own = []
      if let latest, isDeclared(project, instance) { current.insert(latest) }
      latest = nil
    }

    private mutating func use(_ record: Digest, _ at: Int64) { lastUsed[record] = max(lastUsed[record] ?? .min, at) }
  }
}
