import RungCore
import RungModel

/// What the instances of a step made, as far as claims look at it: one output of each, read as JSON.
public struct Evidence: Sendable {
  /// One instance.
  public struct Member: Sendable {
    /// The values of the axes, in their order.
    public var values: [AxisValue]
    /// What it made, or why that cannot be read.
    public var document: Document

    /// What an instance made.
    public enum Document: Hashable, Sendable {
      /// A JSON value.
      case value(JSON)
      /// A sentence without a full stop.
      case unreadable(String)
    }

    /// An instance.
    public init(values: [AxisValue], document: Document) {
      self.values = values
      self.document = document
    }
  }

  /// The axes of the step, in its order.
  public var axes: [Axis]
  /// Its instances.
  public var members: [Member]

  /// What a step made.
  public init(axes: [Axis], members: [Member]) {
    self.axes = axes
    self.members = members
  }
}

/// Why a claim cannot be judged: a sentence for people, without a full stop.
struct ClaimProblem: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
