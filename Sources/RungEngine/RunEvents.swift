import RungClaims
import RungCore

/// What a run tells those who watch it.
public enum RunEvent: Sendable {
  /// It begins.
  case started(run: String, instances: Int, jobs: Int)
  /// A step instance's result was in the cache.
  case unchanged(instance: String)
  /// Its result came from a remote, signed by whoever calls themselves so (nil when only lost bytes came); `unchanged`
  /// follows.
  case fetched(instance: String, from: String, by: String?, record: Digest)
  /// Everything is done, and so many results are still to be given to remotes.
  case giving(left: Int)
  /// A round of a loop that had ended before it: nothing is to be done, and it counts for nothing.
  case settled(instance: String)
  /// A step instance was started, in this workspace: `Workspace.log(of:)` and `Workspace.events(of:)` grow while it runs.
  case stepStarted(instance: String, step: String, attempt: Int, workspace: String?)
  /// A step instance ran and succeeded.
  case stepSucceeded(instance: String, step: String, duration: TimeSpan, record: Digest)
  /// A step instance failed.
  case stepFailed(StepFailure)
  /// A step instance is tried again.
  case retrying(instance: String, attempt: Int, of: Int, problem: String)
  /// Step instances that will not be tried.
  case skipped(instances: [String])
  /// Another process runs this one; its result will be taken.
  case waiting(instance: String)
  /// A published file was written: made anew, or put back from the cache.
  case published(path: String, restored: Bool)
  /// A published file could not be written; its result is safe in the cache.
  case notPublished(path: String, problem: String)
  /// An environment is being built; a line of what is going on.
  case environment(String)
  /// A step gets the files that earlier attempts have kept.
  case resuming(instance: String, attempts: Int)
  /// A claim was judged and did not come out as its author expects.
  case claim(pipeline: String, verdict: Verdict)
  /// Something that the user should know although nothing stops.
  case warning(String)
  /// It has ended.
  case finished(RunSummary)
}

/// What is known of a step instance that failed.
public struct StepFailure: Sendable {
  /// The instance.
  public let instance: String
  /// What went wrong: `exit code 2`, `signal 9 (killed)`, an output that is missing.
  public internal(set) var problem: String
  /// The command as run, for a shell.
  public let command: String
  /// The last lines of what it printed, made printable.
  public let tail: [String]
  /// The exit code, when the command ended by itself.
  public let exitCode: Int?
  /// The signal that ended it.
  public let signal: Int?
  /// The record of the attempt.
  public let record: Digest?
  /// True when the machine is to blame (disk full), not the step.
  public let isMachineFault: Bool
}

/// How a run ended.
public struct RunSummary: Sendable {
  /// The run.
  public var run: String
  /// Instances that were executed now.
  public var ran = 0
  /// Instances whose results were in the cache.
  public var unchanged = 0
  /// Of the unchanged, those whose published files had to be written back.
  public var restored = 0
  /// Of the unchanged, those whose results came from a remote.
  public var fetched = 0
  /// Published files that could not be written.
  public var unpublished = 0
  /// Instances that failed.
  public var failed = 0
  /// Instances that were not tried.
  public var skipped = 0
  /// Whether it was stopped by a signal.
  public var interrupted = false
  /// Wall time of the run.
  public var duration = TimeSpan(nanoseconds: 0)
  /// What made the run stop when it was not a step: the store, the machine.
  public var fault: String?

  /// Nothing happened yet.
  public init(run: String) { self.run = run }
}
