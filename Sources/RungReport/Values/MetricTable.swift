/// The instances of a step one by one: where they lie on the axes, how they stand, how long they took, and the numbers in
/// their outputs.
public struct MetricTable: Sendable {
  /// An axis of the table.
  public struct AxisColumn: Hashable, Sendable {
    /// The name.
    public var name: String
    /// The labels of its values.
    public var labels: [String]
    /// Whether instances along it are repetitions of one measurement.
    public var isReplicate: Bool

    /// An axis.
    public init(name: String, labels: [String], isReplicate: Bool) {
      self.name = name
      self.labels = labels
      self.isReplicate = isReplicate
    }

    /// The values as numbers; nil when one of them is none.
    var numbers: [Double]? {
      let numbers = labels.compactMap(Double.init).filter(\.isFinite)
      return numbers.count == labels.count ? numbers : nil
    }
  }

  /// A number that outputs have.
  public struct Column: Hashable, Sendable {
    /// `output#/pointer`, without the output where a step has just one.
    public var name: String
    /// For each row the number; NaN for none.
    public var values: [Double]

    /// A column.
    public init(name: String, values: [Double]) {
      self.name = name
      self.values = values
    }
  }

  /// The axes.
  public var axes: [AxisColumn]
  /// For each row the index of its value on each axis, one row after the other.
  public var places: [Int32]
  /// For each row how the instance stands.
  public var states: [InstanceState]
  /// For each row how long it took, in seconds; NaN when it has not run.
  public var seconds: [Double]
  /// The numbers.
  public var columns: [Column]
  /// Sentences about what was left out.
  public var leftOut: [String]

  /// A table.
  public init(
    axes: [AxisColumn], places: [Int32], states: [InstanceState], seconds: [Double], columns: [Column] = [],
    leftOut: [String] = []
  ) {
    self.axes = axes
    self.places = places
    self.states = states
    self.seconds = seconds
    self.columns = columns
    self.leftOut = leftOut
  }

  var count: Int { states.count }

  /// Whether the rows are every combination of the axes' values, the last axis running fastest.
  var isGrid: Bool {
    guard axes.reduce(1, { $0 * $1.labels.count }) == count else { return false }
    for row in 0..<count {
      var rest = row
      for axis in axes.indices.reversed() {
        guard place(row, axis) == rest % axes[axis].labels.count else { return false }
        rest /= axes[axis].labels.count
      }
    }
    return true
  }

  /// The index of a row's value on an axis.
  func place(_ row: Int, _ axis: Int) -> Int { Int(places[row * axes.count + axis]) }
}
