/// Why a database could not do what was asked. The message says what to do next.
public struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure, for programs.
  public enum Code: String, Sendable {
    /// The file is none of ours, or its content is damaged. It can be rebuilt.
    case damaged
    /// The file was written by a newer Rung. Nothing was changed.
    case newerFormat
    /// The disk is full, or a quota is reached. Nothing was changed.
    case noSpace
    /// The file lies where this process may not write: it can only be read.
    case readOnly
    /// The file cannot be opened, read or written.
    case io
  }

  /// The kind of failure.
  public let code: Code
  /// What happened, to which file, and what to do next.
  public let message: String

  /// An error with its message.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// What every attempt to write is answered. `cause` is a clause.
  package static func readOnly(_ path: String, _ title: String, _ cause: String) -> DatabaseError {
    DatabaseError(
      .readOnly,
      "\(title) \(path) is read-only (\(cause)). What is in it can be looked at; to run steps, make the cache writable"
        + " or use a copy of it, named by RUNG_CACHE")
  }

  /// What is told of a file whose content cannot be. `reason` is a clause.
  package static func damagedFile(_ path: String, _ title: String, _ reason: String) -> DatabaseError {
    DatabaseError(
      .damaged,
      "\(title) \(path) is damaged: \(reason). Nothing in the cache is lost; make it anew with"
        + " `rung cache rebuild-index`")
  }

  /// The message.
  public var description: String { message }
}
