import RungCore

/// What one transaction writes. Either all of it is in the ledger, or none.
public struct LedgerChanges: Sendable {
  /// One measured duration of a step; the ledger keeps a mean that follows the last few.
  public struct Duration: Hashable, Sendable {
    /// The project.
    public var project: String
    /// `pipeline/step`.
    public var step: String
    /// In nanoseconds.
    public var nanoseconds: Int64

    /// A sample.
    public init(project: String, step: String, nanoseconds: Int64) {
      self.project = project
      self.step = step
      self.nanoseconds = nanoseconds
    }
  }

  /// A fact that costs to find out and is remembered by name, such as what an interpreter reports of itself.
  public struct Probe: Hashable, Sendable {
    /// What the fact is about.
    public var name: String
    /// The fact.
    public var text: String

    /// A fact.
    public init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// The digest of a file, in a project.
  public struct Stat: Hashable, Sendable {
    /// The project.
    public var project: String
    /// The entry; replaces the one of the same path.
    public var entry: StatEntry

    /// An entry of the stat cache.
    public init(project: String, entry: StatEntry) {
      self.project = project
      self.entry = entry
    }
  }

  /// A path whose entry in the stat cache is to go.
  public struct StatRemoval: Hashable, Sendable {
    /// The project.
    public var project: String
    /// As in `StatEntry`.
    public var path: String

    /// A removal.
    public init(project: String, path: String) {
      self.project = project
      self.path = path
    }
  }

  /// Results, by action key.
  public var actions: [ActionRow] = []
  /// Records that were made. One that is there already is left as it is.
  public var records: [RecordRow] = []
  /// The outputs that they name.
  public var outputs: [OutputRow] = []
  /// What became of instances, in this order.
  public var history: [HistoryEntry] = []
  /// Removals from the stat cache, done before `stats`.
  public var statRemovals: [StatRemoval] = []
  /// New entries of the stat cache.
  public var stats: [Stat] = []
  /// Samples of durations.
  public var durations: [Duration] = []
  /// Runs, by id; replaces the row of the same id.
  public var runs: [RunRow] = []
  /// Published files; replaces the row of the same project and path.
  public var published: [PublishedRow] = []
  /// Remembered facts; replaces the one of the same name.
  public var probes: [Probe] = []
  /// Pins, by run; replaces the one of the same run.
  public var pins: [PinRow] = []
  /// Runs whose pins are to go, after `pins` were written.
  public var unpins: [String] = []
  /// Uses of results; only the newest of a record is kept.
  public var uses: [UseRow] = []
  /// What published copies took the place of.
  public var displaced: [DisplacedRow] = []
  /// Results whose bytes were freed.
  public var collected: [CollectedRow] = []
  /// Verifications that were made.
  public var verifications: [VerificationRow] = []
  /// Acceptances; replaces when the one of the same digest was revoked.
  public var acceptances: [AcceptanceRow] = []

  /// Nothing yet.
  public init() {}

  /// True when there is nothing to write.
  public var isEmpty: Bool {
    actions.isEmpty && records.isEmpty && outputs.isEmpty && history.isEmpty && statRemovals.isEmpty && stats.isEmpty
      && durations.isEmpty && runs.isEmpty && published.isEmpty && probes.isEmpty && pins.isEmpty && unpins.isEmpty
      && uses.isEmpty && displaced.isEmpty && collected.isEmpty && verifications.isEmpty && acceptances.isEmpty
  }
}
