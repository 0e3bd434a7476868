import RungCore
import RungDatabase

/// What a file looked like when its digest was computed. A file that still looks so, and was not young then, still has
/// that digest; whoever uses an entry decides that (see docs/formats/store.md, "The stat cache").
public struct StatEntry: Hashable, Sendable {
  /// The file: relative to the project, or absolute.
  public var path: String
  /// `st_dev`.
  public var device: UInt64
  /// `st_ino`.
  public var inode: UInt64
  /// In bytes.
  public var size: Int64
  /// Time of the last change of the content, in nanoseconds since 1970.
  public var modified: Int64
  /// Time of the last change of the inode, in nanoseconds since 1970.
  public var changed: Int64
  /// `st_mode`: kind and permissions.
  public var mode: UInt32
  /// The digest of the content.
  public var digest: Digest
  /// When the content was read, in nanoseconds since 1970.
  public var hashedAt: Int64

  /// An entry.
  public init(
    path: String, device: UInt64, inode: UInt64, size: Int64, modified: Int64, changed: Int64, mode: UInt32,
    digest: Digest, hashedAt: Int64
  ) {
    self.path = path
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
    self.mode = mode
    self.digest = digest
    self.hashedAt = hashedAt
  }
}

/// The index entry of a record: what can be asked without reading the record itself.
public struct RecordRow: Hashable, Sendable {
  /// The record's own digest.
  public var record: Digest
  /// The project that made it.
  public var project: String
  /// The instance, such as `demo/fit[width=20]`.
  public var instance: String
  /// The pipeline's name.
  public var pipeline: String
  /// The step's name.
  public var step: String
  /// The action key.
  public var key: Digest
  /// The run that made it.
  public var run: String
  /// `ran`, `failed`, …: the words of the record.
  public var outcome: String
  /// In nanoseconds since 1970.
  public var started: Int64
  /// In nanoseconds.
  public var duration: Int64

  /// An entry.
  public init(
    record: Digest, project: String, instance: String, pipeline: String, step: String, key: Digest, run: String,
    outcome: String, started: Int64, duration: Int64
  ) {
    self.record = record
    self.project = project
    self.instance = instance
    self.pipeline = pipeline
    self.step = step
    self.key = key
    self.run = run
    self.outcome = outcome
    self.started = started
    self.duration = duration
  }
}

/// An output named by a record.
public struct OutputRow: Hashable, Sendable {
  /// The digest of the output's content, or of its folder manifest.
  public var digest: Digest
  /// The record that names it.
  public var record: Digest
  /// The output's name in its step.
  public var name: String

  /// An entry.
  public init(digest: Digest, record: Digest, name: String) {
    self.digest = digest
    self.record = record
    self.name = name
  }
}

/// What became of an instance in a run.
public struct HistoryEntry: Hashable, Sendable {
  /// The project.
  public var project: String
  /// The instance, such as `demo/fit[width=20]`.
  public var instance: String
  /// Given by `commit`, rising within the ledger; what is set before is ignored.
  public var sequence: Int64
  /// The run.
  public var run: String
  /// The action key it had.
  public var key: Digest
  /// The record that gave its result; nil when there is none.
  public var record: Digest?
  /// `ran`, `cached`, `failed`, ….
  public var outcome: String
  /// In nanoseconds since 1970.
  public var at: Int64

  /// An entry.
  public init(
    project: String, instance: String, sequence: Int64 = 0, run: String, key: Digest, record: Digest?, outcome: String,
    at: Int64
  ) {
    self.project = project
    self.instance = instance
    self.sequence = sequence
    self.run = run
    self.key = key
    self.record = record
    self.outcome = outcome
    self.at = at
  }
}

/// One run of `rung run`.
public struct RunRow: Hashable, Sendable {
  /// The run's name, unique in the ledger.
  public var id: String
  /// The project.
  public var project: String
  /// In nanoseconds since 1970.
  public var started: Int64
  /// In nanoseconds since 1970; nil while it runs, and for ever when it was killed.
  public var finished: Int64?
  /// The command line, for people.
  public var arguments: String
  /// Instances executed.
  public var ran: Int64
  /// Instances whose result was in the cache.
  public var unchanged: Int64
  /// Of those, the ones whose published files were written back.
  public var restored: Int64
  /// Instances that failed.
  public var failed: Int64
  /// Instances not tried because of a failure.
  public var skipped: Int64
  /// The commit of the project's repository; nil when there is none.
  public var commit: String?
  /// True when the work tree had changes; nil when there is no repository.
  public var dirty: Bool?
  /// Its record (`RunRecord`); nil when it executed nothing.
  public var record: Digest?

  /// An entry.
  public init(
    id: String, project: String, started: Int64, finished: Int64? = nil, arguments: String = "", ran: Int64 = 0,
    unchanged: Int64 = 0, restored: Int64 = 0, failed: Int64 = 0, skipped: Int64 = 0, commit: String? = nil,
    dirty: Bool? = nil, record: Digest? = nil
  ) {
    self.record = record
    self.id = id
    self.project = project
    self.started = started
    self.finished = finished
    self.arguments = arguments
    self.ran = ran
    self.unchanged = unchanged
    self.restored = restored
    self.failed = failed
    self.skipped = skipped
    self.commit = commit
    self.dirty = dirty
  }
}

/// A file that a run wrote into the project.
public struct PublishedRow: Hashable, Sendable {
  /// The project.
  public var project: String
  /// Relative to the project.
  public var path: String
  /// The digest of the object, which is not that of the file when the file carries a stamp.
  public var digest: Digest
  /// The instance that made it.
  public var instance: String
  /// The output's name in its step.
  public var output: String
  /// The record that names it.
  public var record: Digest
  /// The digest of the file as it was written, when it carries a stamp; nil when it is the object as it is.
  public var copy: Digest?

  /// An entry.
  public init(
    project: String, path: String, digest: Digest, instance: String, output: String, record: Digest,
    copy: Digest? = nil
  ) {
    self.copy = copy
    self.project = project
    self.path = path
    self.digest = digest
    self.instance = instance
    self.output = output
    self.record = record
  }
}
