import RungCore

/// Results that a person names in one word, to compare them with others: those of a run, of a commit, of a step, or the
/// one that a file is.
public struct ResultSet: Sendable {
  /// What the word named.
  public enum Kind: String, Sendable {
    /// A run: what the project had when it ended.
    case run
    /// A git revision: what the project had after the newest run that was made at it.
    case revision
    /// A record.
    case record
    /// A file or folder that a step made, by its content.
    case file
    /// A step, or one instance of it.
    case instance
  }

  /// As it was asked for.
  public let word: String
  /// What that named.
  public let kind: Kind
  /// What it is called: the run, the commit, the instance, or the path of the file.
  public let name: String
  /// The records of the results, each once.
  public let records: [Digest]
  /// The run that made them last.
  public let run: String?
  /// The commit of that run; nil outside git.
  public let commit: String?
  /// Whether files differed from that commit.
  public let dirty: Bool?
  /// When the run, or the execution, started, in nanoseconds since 1970.
  public let started: Int64?

  /// Results.
  public init(
    word: String, kind: Kind, name: String, records: [Digest], run: String?, commit: String?, dirty: Bool?,
    started: Int64?
  ) {
    self.word = word
    self.kind = kind
    self.name = name
    self.records = records
    self.run = run
    self.commit = commit
    self.dirty = dirty
    self.started = started
  }
}
