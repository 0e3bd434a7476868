import RungCore

/// What came of a task. A program that fails is a result, not an error.
public struct StepResult: Sendable {
  /// How the process ended.
  public enum End: Hashable, Sendable {
    /// By itself, with this status.
    case exited(Int32)
    /// By a signal that Rung did not send (a crash, the kernel's out-of-memory killer, the user).
    case signalled(Int32)
    /// It ran longer than its timeout and was ended.
    case timedOut
    /// It was asked to stop (or never started because a stop had been asked for).
    case stopped
    /// No process was made: a sentence that says why, for people, without a full stop.
    case notStarted(String)
  }

  /// How the process ended.
  public var end: End
  /// In the task's order; all of them, or none: only when `succeeded`.
  public var outputs: [ProducedOutput]
  /// What is wrong although the process ended with 0: an output is missing or of the wrong kind, or could not be
  /// stored. A sentence for people, without a full stop; may have several lines.
  public var problem: String?
  /// True when `problem` is the machine's fault (a full disk, a damaged store), not the step's.
  public var isMachineFault: Bool
  /// What the process printed, an object in the store; nil when it printed nothing.
  public var log: Digest?
  /// The last lines of the log, at most twenty, made printable: no control characters or escape sequences, at most 300
  /// characters each.
  public var logTail: [String]
  /// What the step said of itself (`StepEvents`), an object in the store; nil when nothing.
  public var events: Digest?
  /// How many lines of that were left out: they are no JSON objects, or too long, or too many.
  public var eventsLeftOut = 0
  /// When the process was started, in nanoseconds since 1970, by the machine's clock.
  public var startedAt: Int64
  /// From the start to the end of the process; without staging and storing.
  public var duration: TimeSpan
  /// Processor time, user and system, of the process and the children that it waited for.
  public var cpu: TimeSpan
  /// The most memory that one of these processes used at once. Without the launcher the kernel counts from Rung's own
  /// size at the start, so a smaller step shows that.
  public var peakMemory: ByteCount
  /// True when processes were still running in the step's session when its program ended; they were killed.
  public var leftProcesses: Bool

  /// What it was seen to look at.
  public var observation: Observation

  /// The same, kept in the store by a worker elsewhere; nil where the caller keeps it.
  public var observed: KeptObservation?

  /// Where it was executed, when that was elsewhere.
  public var place: StepPlace?

  /// How many attempts under its key were there before that had left something, as far as the executor looked.
  public var attemptsBefore = 0

  /// Names in the workspace on which something was mounted: they may stay for the next step.
  public var mountPoints: [String] = []

  /// What of the task's variation was in force.
  public var varied: [Variation.Aspect] = []

  /// Ended with 0, and every output is there.
  public var succeeded: Bool { end == .exited(0) && problem == nil }

  /// A result; by default one without outputs, log or process.
  public init(
    end: End, outputs: [ProducedOutput] = [], problem: String? = nil, isMachineFault: Bool = false,
    log: Digest? = nil, logTail: [String] = [], startedAt: Int64 = 0, duration: TimeSpan = TimeSpan(nanoseconds: 0),
    cpu: TimeSpan = TimeSpan(nanoseconds: 0), peakMemory: ByteCount = ByteCount(bytes: 0), leftProcesses: Bool = false,
    observation: Observation = Observation()
  ) {
    self.end = end
    self.outputs = outputs
    self.problem = problem
    self.isMachineFault = isMachineFault
    self.log = log
    self.logTail = logTail
    self.startedAt = startedAt
    self.duration = duration
    self.cpu = cpu
    self.peakMemory = peakMemory
    self.leftProcesses = leftProcesses
    self.observation = observation
  }
}

/// An output that a step made, now in the store.
public struct ProducedOutput: Hashable, Sendable {
  /// Its name in the pipeline.
  public var name: String
  /// Where it was written, from the root of the workspace.
  public var path: RelativePath
  /// The object, or the tree for a directory.
  public var digest: Digest
  /// In bytes; of a directory, the sum of its files.
  public var size: Int64
  /// True for a tree.
  public var isDirectory: Bool
  /// True when its owner may execute it; false for a directory.
  public var executable: Bool

  /// An output.
  public init(
    name: String, path: RelativePath, digest: Digest, size: Int64, isDirectory: Bool = false, executable: Bool = false
  ) {
    self.name = name
    self.path = path
    self.digest = digest
    self.size = size
    self.isDirectory = isDirectory
    self.executable = executable
  }
}
