/// Decides which allocations of a cluster are asked for and which step goes to which worker. A value without I/O, as the
/// scheduler is: whoever drives it tells it what happened and performs what it answers.
///
/// A *worker* is a process in one allocation (a *job* of the cluster) that executes steps until its time is up. Steps come
/// in the order in which the scheduler launches them. What fits into the usual worker shares it with others; a step that
/// is larger, or takes longer, gets an allocation of its own, which ends with it. A step whose worker is lost is waiting
/// again, in front of all others, until it was lost too often.
public struct Fleet: Sendable {
  /// A step, as the caller numbers it.
  public typealias TaskID = Int
  /// A job, as the cluster calls it.
  public typealias JobID = String

  /// What happened.
  public enum Event: Sendable {
    /// A step is to be executed.
    case wanted(TaskID, Need)
    /// A step is executed by a worker already: an earlier run gave it to it.
    case found(TaskID, Need, JobID, gpus: [String])
    /// A step is not wanted any more.
    case unwanted(TaskID)
    /// A step's result is there, whatever it is.
    case ended(TaskID)
    /// A worker could not execute a step, for a reason that is its machine's. It gets no more steps.
    case spoiled(TaskID, String)
    /// The cluster has taken what was submitted under this number.
    case submitted(Int, jobs: [JobID])
    /// The cluster will never take it, for this reason.
    case refused(Int, String)
    /// There is a job, submitted earlier, of which nothing was known.
    case discovered(JobID, Allocation)
    /// A worker is there and takes steps.
    case appeared(JobID, WorkerState)
    /// A job is over, or its worker is dead.
    case gone(JobID, Loss, String)
    /// Time went by.
    case tick
  }

  /// What is to be done.
  public enum Command: Sendable, Equatable {
    /// Ask for so many equal allocations.
    case submit(Int, Allocation, count: Int)
    /// Give a step to a worker, with these GPU device ids.
    case assign(TaskID, JobID, gpus: [String])
    /// Tell a worker to end a step that is not wanted any more.
    case revoke(TaskID, JobID)
    /// Tell a worker to end: it has nothing to do, and gets nothing more.
    case retire(JobID)
    /// Cancel jobs that have no worker yet.
    case cancel([JobID])
    /// A step cannot be executed, for this reason.
    case fail(TaskID, String)
  }

  /// What a step needs.
  public struct Need: Sendable, Hashable {
    /// How much of a machine.
    public var size: Size
    /// How long it takes at most, in nanoseconds; nil when nobody knows.
    public var time: Int64?
    /// Whether it goes on where an earlier attempt ended.
    public var resumes: Bool

    /// A need.
    public init(size: Size, time: Int64? = nil, resumes: Bool = false) {
      self.size = size
      self.time = time
      self.resumes = resumes
    }
  }

  /// So much of a machine.
  public struct Size: Sendable, Hashable {
    /// Processors.
    public var cpus: Int
    /// Bytes of main memory; 0 where nobody counts it.
    public var memory: Int64
    /// GPUs.
    public var gpus: Int

    /// A size.
    public init(cpus: Int = 1, memory: Int64 = 0, gpus: Int = 0) {
      self.cpus = cpus
      self.memory = memory
      self.gpus = gpus
    }

    /// Whether this much is within `other`, of which memory 0 means that nobody counts it.
    public func fits(in other: Size) -> Bool {
      cpus <= other.cpus && gpus <= other.gpus && (other.memory == 0 || memory <= other.memory)
    }
  }

  /// What is asked of the cluster.
  public struct Allocation: Sendable, Hashable {
    /// How much of a machine.
    public var size: Size
    /// For how long, in nanoseconds.
    public var time: Int64
    /// The step that it is for; nil for any.
    public var task: TaskID?

    /// An allocation.
    public init(size: Size, time: Int64, task: TaskID? = nil) {
      self.size = size
      self.time = time
      self.task = task
    }
  }

  /// What a worker has.
  public struct WorkerState: Sendable, Hashable {
    /// All that it has.
    public var size: Size
    /// The ids of its GPUs.
    public var gpus: [String]
    /// When it ends at the latest, in nanoseconds of the clock that `handle` is told.
    public var until: Int64

    /// A worker.
    public init(size: Size, gpus: [String] = [], until: Int64) {
      self.size = size
      self.gpus = gpus
      self.until = until
    }
  }

  /// Why a job is over.
  public enum Loss: Sendable, Hashable, CaseIterable {
    /// The worker ended as it was told, or of itself with nothing to do.
    case left
    /// The node failed, the worker was killed, nobody knows.
    case machine
    /// It used more memory than it was given.
    case memory
    /// Its time was up.
    case time
    /// Others came first, or somebody cancelled it.
    case preempted
  }

  /// What the user allows.
  public struct Limits: Sendable, Hashable {
    /// The usual worker.
    public var worker: Size
    /// How long it lives, in nanoseconds.
    public var time: Int64
    /// How many jobs there are at a time, those for single steps included.
    public var workers: Int
    /// A worker with nothing to do ends after so long, in nanoseconds.
    public var idle: Int64
    /// Steps that may take longer get an allocation of their own, in nanoseconds; nil for those alone that do not fit into
    /// the time of a worker.
    public var separate: Int64?
    /// How often a step may lose its worker.
    public var losses: Int
    /// The same for one that goes on where it was, when time was up or others came first.
    public var interruptions: Int

    /// Limits.
    public init(
      worker: Size = Size(), time: Int64, workers: Int, idle: Int64, separate: Int64? = nil, losses: Int = 3,
      interruptions: Int = 100
    ) {
      self.worker = worker
      self.time = time
      self.workers = max(1, workers)
      self.idle = idle
      self.separate = separate
      self.losses = losses
      self.interruptions = interruptions
    }
  }

  struct Task: Sendable {
    var need: Need
    var job: JobID?
    var gpus: [String] = []
    var losses = 0
    var interruptions = 0
    var isUnwanted = false
  }

  struct Job: Sendable {
    var allocation: Allocation
    // The order that it came of; 0 when an earlier run gave it.
    var ticket = 0
    var worker: WorkerState?
    var free = Size()
    var gpus: [String] = []
    var tasks: Set<TaskID> = []
    var idleSince: Int64 = 0
    var isRetiring = false
  }

  let limits: Limits
  var tasks: [TaskID: Task] = [:]
  // In the order in which they get a place.
  var waiting: [TaskID] = []
  var jobs: [JobID: Job] = [:]
  // What was submitted and not answered yet.
  var tickets: [Int: (allocation: Allocation, count: Int)] = [:]
  var lastTicket = 0
  // The orders of which a job ended before its worker appeared, since one appeared the last time. A node that fails takes
  // several jobs of one order with it.
  var stillborn: Set<Int> = []
  var surplusSince: Int64?

  /// A fleet without jobs.
  public init(limits: Limits) { self.limits = limits }

  /// Steps that are neither ended nor failed.
  public var unfinished: Int { tasks.count }
  /// Jobs that were submitted and are not over, as far as is known.
  public var liveJobs: [JobID] { Array(jobs.keys) }
  /// Whether something was submitted and the cluster has not answered yet.
  public var isSubmitting: Bool { !tickets.isEmpty }
  /// The worker that executes a step.
  public func job(of task: TaskID) -> JobID? { tasks[task]?.job }

  /// How much of all machines steps may use together, for the scheduler.
  public static func capacity(of limits: Limits, largest: Size) -> Size {
    Size(
      cpus: limits.workers * max(limits.worker.cpus, largest.cpus),
      memory: limits.worker.memory == 0 ? .max : Int64(limits.workers) * max(limits.worker.memory, largest.memory),
      gpus: limits.workers * max(limits.worker.gpus, largest.gpus))
  }

  /// Whether a step gets an allocation of its own.
  public func isSeparate(_ need: Need) -> Bool {
    if !need.size.fits(in: limits.worker) { return true }
    guard let time = need.time else { return false }
    return time > limits.time || limits.separate.map { time > $0 } ?? false
  }
}
