import RungPlan

/// The software that gives out machines: Slurm, or what a test puts in its place.
///
/// Its methods block; they are called by one thread at a time, which may wait for a slow answer.
public protocol Cluster: Sendable {
  /// What people call it, in messages.
  var name: String { get }
  /// Asks for so many equal allocations, with a worker of this fleet in each. `note` comes back with each job in `jobs`.
  /// Answers the jobs.
  func submit(
    _ allocation: Fleet.Allocation, count: Int, fleet: String, note: String
  ) throws(ClusterError) -> [Fleet.JobID]
  /// The jobs of this user whose note begins with the word `rung`, those that ended lately, too.
  func jobs() throws(ClusterError) -> [ClusterJob]
  /// Cancels jobs. Those that are over are no error.
  func cancel(_ jobs: [Fleet.JobID]) throws(ClusterError)
  /// The command that `submit` would run, for people.
  func command(_ allocation: Fleet.Allocation, count: Int, fleet: String, note: String) -> [String]
}

/// A job as the cluster sees it.
public struct ClusterJob: Sendable, Hashable {
  /// Where it is on its way.
  public enum State: Sendable, Hashable {
    /// Waits, for the reason that the cluster gives.
    case pending(String)
    /// Has its allocation.
    case running
    /// Is over, for this reason.
    case over(Fleet.Loss, String)
    /// Will never run unless somebody does something about it.
    case stuck(String)
  }

  /// What the cluster calls it.
  public var id: Fleet.JobID
  /// Where it is.
  public var state: State
  /// What it was submitted with.
  public var note: String

  /// A job.
  public init(id: Fleet.JobID, state: State, note: String) {
    self.id = id
    self.state = state
    self.note = note
  }
}

/// Why a cluster did not do what it was asked.
public struct ClusterError: Error, Sendable, CustomStringConvertible {
  /// Whether it will do it another time: it does not answer now.
  public let isTransient: Bool
  /// A sentence for people.
  public let description: String

  /// An error.
  public init(isTransient: Bool, _ description: String) {
    self.isTransient = isTransient
    self.description = description
  }
}

/// What is written into the note of a job, so that a later run knows it: `rung FLEET CPUS MEMORY GPUS SECONDS TASK`, the
/// last a dash for a worker that takes any step.
public struct JobNote: Hashable, Sendable {
  let fleet: String
  let size: Fleet.Size
  // In nanoseconds.
  let time: Int64
  let task: String?

  /// A note; `time` in nanoseconds.
  public init(fleet: String, size: Fleet.Size, time: Int64, task: String?) {
    self.fleet = fleet
    self.size = size
    self.time = time
    self.task = task
  }

  init?(_ text: String) {
    let words = text.split(separator: " ")
    guard words.count == 7, words[0] == "rung", let cpus = Int(words[2]), let memory = Int64(words[3]),
      let gpus = Int(words[4]), let seconds = Int64(words[5])
    else { return nil }
    self.init(
      fleet: String(words[1]), size: Fleet.Size(cpus: cpus, memory: memory, gpus: gpus), time: seconds * 1_000_000_000,
      task: words[6] == "-" ? nil : String(words[6]))
  }

  /// The words.
  public var text: String {
    "rung \(fleet) \(size.cpus) \(size.memory) \(size.gpus) \(time / 1_000_000_000) \(task ?? "-")"
  }
}
