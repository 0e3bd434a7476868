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

  /// The message.
  public var description: String { message }
}
