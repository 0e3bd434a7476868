import RungCore
import RungEngine
import RungModel
import RungPlan

/// A run of a project with dynamic axes: first what gives their values, then, with more of the project known, the rest.
struct RunStages {
  /// The targets as asked for.
  let texts: [String]
  private let place: RelativePath
  /// The project as far as it is known now.
  private(set) var session: Session
  /// What the stages that have ended did.
  private(set) var tally = Tally()

  init(texts: [String], place: RelativePath, session: Session) {
    self.texts = texts
    self.place = place
    self.session = session
  }

  /// What has to run before more of the targets can be known; nil when all of them are.
  mutating func advance() throws -> [BuildGraph.NodeID]? {
    while true {
      let open = session.targets.waiting(texts)
      guard !open.isEmpty else { return nil }
      switch try session.fill(open) {
      case .filled(let project):
        session = try ProjectOptions.session(project, continuing: session, ingesting: true)
      case .waits(let producers):
        session.remember()
        session = try ProjectOptions.session(session.project, continuing: session, ingesting: true)
        return producers
      }
    }
  }

  /// Takes in a stage that has ended.
  mutating func add(_ summary: RunSummary) { tally.add(summary) }

  /// What stages did.
  struct Tally: Sendable {
    private var ran = 0
    private var restored = 0
    private var fetched = 0
    private var duration: Int64 = 0

    mutating func add(_ summary: RunSummary) {
      ran += summary.ran
      restored += summary.restored
      fetched += summary.fetched
      duration += summary.duration.nanoseconds
    }

    /// The summary of all stages, given that of the last, which is not added yet. What ran in an earlier one is up to date
    /// in it.
    func total(_ last: RunSummary) -> RunSummary {
      var total = last
      total.unchanged -= min(ran, last.unchanged)
      total.ran += ran
      total.restored += restored
      total.fetched += fetched
      total.duration = TimeSpan(nanoseconds: last.duration.nanoseconds + duration)
      return total
    }
  }
}

extension RunSummary {
  /// Whether what comes next can begin.
  var isGood: Bool { failed == 0 && skipped == 0 && fault == nil && !interrupted }
}
