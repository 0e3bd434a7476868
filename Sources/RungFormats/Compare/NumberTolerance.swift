/// How far two numbers may lie apart and still count as equal: within `absolute`, or within `relative` times the larger.
public struct NumberTolerance: Hashable, Sendable {
  /// In the unit of the numbers; zero for none.
  public let absolute: Double
  /// Without unit; zero for none.
  public let relative: Double

  /// A tolerance. What is negative or NaN allows nothing.
  public init(absolute: Double = 0, relative: Double = 0) {
    self.absolute = absolute
    self.relative = relative
  }

  /// Only equal numbers.
  static let none = NumberTolerance()
}
