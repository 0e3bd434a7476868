/// Why a bundle cannot be made or opened.
public struct BundleError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence without a full stop.
  public let message: String
  /// What to do next.
  public let hints: [String]
  /// Whether the machine is to blame, not the bundle.
  public let isMachineFault: Bool

  /// An error with this sentence.
  public init(_ message: String, hints: [String] = [], isMachineFault: Bool = false) {
    self.message = message
    self.hints = hints
    self.isMachineFault = isMachineFault
  }

  /// The sentence.
  public var description: String { message }
}
