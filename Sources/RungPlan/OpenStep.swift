import RungModel

/// A step whose instances are not known yet.
public struct OpenStep: Hashable, Sendable {
  /// `pipeline/step`.
  public let path: String
  /// The name of its pipeline.
  public let pipeline: String
  /// The dynamic axes of unknown values that it waits for, through others too, in the order of the project.
  public let axes: [UnknownAxis]

  /// A dynamic axis whose values are unknown.
  public struct UnknownAxis: Hashable, Sendable {
    /// The name of its pipeline.
    public let pipeline: String
    /// Its name.
    public let name: String
    /// Where its values will come from.
    public let origin: AxisOrigin
  }
}
