import RungLedger

/// Why a file cannot be traced, or the index cannot be rebuilt. The message says which thing; the notes say what was
/// tried and what to do next.
public struct TraceError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure, for programs.
  public enum Code: String, Sendable {
    /// There is nothing at the path, or it cannot be read.
    case unreadable
    /// No record in this cache names these bytes as an output.
    case notAnOutput
    /// The bytes are those of a file that steps read, not of one that they made.
    case source
    /// A published file whose content is no longer what was published, or a copy of one.
    case changed
    /// A file whose stamp names a record that this cache does not have.
    case elsewhere
    /// A word that names nothing that is known, or more than one thing.
    case unknownName
    /// The ledger or the store failed.
    case cache
    /// Something cannot be written where it was asked for.
    case unwritable
  }

  /// The kind of failure.
  public let code: Code
  /// What happened, to which thing; one sentence without a full stop.
  public let message: String
  /// What was tried, what to do next; each a line of its own.
  public let notes: [String]
  /// For `changed`: what was published there.
  public let published: PublishedRow?

  /// An error.
  public init(_ code: Code, _ message: String, notes: [String] = [], published: PublishedRow? = nil) {
    self.code = code
    self.message = message
    self.notes = notes
    self.published = published
  }

  /// The message and the notes, a line each.
  public var description: String { ([message] + notes.map { "  \($0)" }).joined(separator: "\n") }
}
