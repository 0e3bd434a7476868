import RungCore
import RungFormats

/// A file and where it came from.
public struct Trace: Sendable {
  /// An execution that made certain bytes.
  public struct Maker: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// The output's name.
    public let output: String
    /// The record of the execution.
    public let record: Digest
    /// When it started, in nanoseconds since 1970.
    public let started: Int64
    /// Where the output was published in the project, if it was.
    public let publishedAt: String?

    /// A maker.
    public init(instance: String, output: String, record: Digest, started: Int64, publishedAt: String?) {
      self.instance = instance
      self.output = output
      self.record = record
      self.started = started
      self.publishedAt = publishedAt
    }
  }

  /// What a file is.
  public struct Subject: Hashable, Sendable {
    /// The path as it was given.
    public let file: String
    /// Its content; of a folder, its manifest.
    public let digest: Digest
    /// The instance that made it, or that published it when an instance with the same key had made it.
    public let instance: String
    /// The output that it is, or that it is part of.
    public let output: String
    /// The record of its making.
    public let record: Digest
    /// Where this output was published in the project, if it was.
    public let publishedAt: String?
    /// Other executions that made the same bytes, and other outputs with them.
    public let alsoMadeBy: [Maker]
    /// What the file says of itself, when it is a copy with a stamp; then `digest` is that of the file without it.
    public let stamp: Stamp?

    /// A subject.
    public init(
      file: String, digest: Digest, instance: String, output: String, record: Digest, publishedAt: String?,
      alsoMadeBy: [Maker], stamp: Stamp? = nil
    ) {
      self.stamp = stamp
      self.file = file
      self.digest = digest
      self.instance = instance
      self.output = output
      self.record = record
      self.publishedAt = publishedAt
      self.alsoMadeBy = alsoMadeBy
    }
  }

  /// What the file is.
  public let subject: Subject
  /// How it came about.
  public let lineage: Lineage
  /// What was found out about the executions since.
  public let audit: Audit

  /// A trace.
  public init(subject: Subject, lineage: Lineage, audit: Audit = Audit()) {
    self.subject = subject
    self.lineage = lineage
    self.audit = audit
  }
}
