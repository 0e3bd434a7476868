/// A number that instances of a step told of while they ran (`RUNG_EVENTS`), as it went.
public struct CourseValues: Sendable {
  /// The number's name.
  public var metric: String
  /// What it is drawn over: `step`, `epoch`, …, or `line`.
  public var over: String
  /// A line for each instance, with the labels of its axes.
  public var lines: [(label: String, points: [(x: Double, y: Double)])]

  /// More lines than this cannot be told apart.
  public static let mostLines = 8
  /// A line has no more points than this; of more, every so many is taken.
  public static let mostPoints = 200

  /// A course without lines.
  public init(metric: String, over: String) {
    self.metric = metric
    self.over = over
    lines = []
  }
}
