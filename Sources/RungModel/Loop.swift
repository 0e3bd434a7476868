import RungCore

/// How a step is run again on its own previous output: `repeat: {until: "{out.state}#/converged", at_most: 30}`.
///
/// Each round is an instance of its own, told from the others by the axis `round`; those that use the step use its last
/// round. In the first round `{previous.NAME}` is an empty file.
public struct Loop: Hashable, Sendable {
  /// The name of the axis that counts the rounds, from 1.
  public static let axis = "round"
  /// What references to the outputs of the round before begin with.
  public static let previous = "previous"

  /// The output that says when to stop.
  public var output: String
  /// The place in it at which `true` says so.
  public var place: JSONPointer
  /// How many rounds there may be, at least 1.
  public var atMost: Int

  /// A loop.
  public init(output: String, place: JSONPointer, atMost: Int) {
    self.output = output
    self.place = place
    self.atMost = atMost
  }

  /// The condition, as the file has it.
  public var condition: String { "{out.\(output)}#\(place.text)" }
}
