/// Why the ledger could not do what was asked. The message says what to do next.
public struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of failure, for programs.
  public enum Code: String, Sendable {
    /// The file is no ledger, or its content is damaged. It can be rebuilt from the records.
    case damaged
    /// The ledger was written by a newer Rung. Nothing was changed.
    case newerFormat
    /// The disk is full, or a quota is reached. Nothing was changed.
    case noSpace
    /// The ledger lies where this process may not write: it can only be read.
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
  static func readOnly(_ path: String, _ cause: String) -> LedgerError {
    LedgerError(
      .readOnly,
      "the ledger \(path) is read-only (\(cause)). What is in it can be looked at; to run steps, make the cache writable"
        + " or use a copy of it, named by RUNG_CACHE")
  }

  /// The message.
  public var description: String { message }
}
