/// Why bytes are not a file of the format that they were taken for.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence without a full stop, such as `the PNG ends within its third chunk`.
  public let message: String

  /// An error with this sentence.
  public init(_ message: String) { self.message = message }

  /// The sentence.
  public var description: String { message }
}
