import Glibc
import RungModel

/// A number with what is known of its uncertainty.
public struct Estimate: Hashable, Sendable {
  /// The number.
  public var value: Double
  /// The 95 % interval; nil when there is nothing to tell it from.
  public var interval: ClosedRange<Double>?
  /// The standard deviation of the replicates; nil for fewer than two.
  public var deviation: Double?
  /// The standard error of the number; nil when unknown.
  public var error: Double?
  /// How many replicates it comes from.
  public var count: Int

  /// A number.
  public init(
    value: Double, interval: ClosedRange<Double>? = nil, deviation: Double? = nil, error: Double? = nil, count: Int = 1
  ) {
    self.value = value
    self.interval = interval
    self.deviation = deviation
    self.error = error
    self.count = count
  }

  /// What replicates say: their mean with Student's interval, or their median with that of order statistics.
  ///
  /// The mean is computed in two passes, the deviation with n - 1. A median of fewer than six has no interval.
  public init(of values: [Double], by statistic: Claim.Statistic = .mean) {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    guard values.count > 1 else {
      self.init(value: mean)
      return
    }
    let centred = values.map { $0 - mean }
    // The mean again, of what rounding left.
    let exact = mean + centred.reduce(0, +) / n
    let deviation = (values.reduce(0) { $0 + ($1 - exact) * ($1 - exact) } / (n - 1)).squareRoot()
    let error = deviation / n.squareRoot()
    switch statistic {
    case .mean:
      let half = Student.quantile(values.count - 1) * error
      self.init(
        value: exact, interval: (exact - half)...(exact + half), deviation: deviation, error: error,
        count: values.count)
    case .median:
      let sorted = values.sorted()
      let middle = sorted.count / 2
      let median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
      var interval: ClosedRange<Double>?
      if let rank = Student.medianRank(sorted.count) { interval = sorted[rank - 1]...sorted[sorted.count - rank] }
      // The width of a normal interval stands for the error.
      let spread = interval.map { ($0.upperBound - $0.lowerBound) / (2 * 1.959963984540054) }
      self.init(value: median, interval: interval, deviation: deviation, error: spread, count: sorted.count)
    }
  }

  /// The exponent of a power law, with an error by jackknife over replicates or from the residuals of the line.
  ///
  /// - Parameters:
  ///   - x: positive abscissae, at least two that differ.
  ///   - y: for each abscissa its positive replicates. With the same number at each abscissa, at least two, the
  ///     replicates are left out in turn (Efron & Stein 1981); else the error is that of the slope of a least-squares
  ///     line, for at least three abscissae.
  static func exponent(x: [Double], y: [[Double]], by statistic: Claim.Statistic) -> Estimate {
    let logs = x.map { log($0) }
    func slope(_ values: [Double]) -> (slope: Double, error: Double?) {
      let n = Double(logs.count)
      let meanX = logs.reduce(0, +) / n
      let logY = values.map { log($0) }
      let meanY = logY.reduce(0, +) / n
      var xx = 0.0
      var xy = 0.0
      for (a, b) in zip(logs, logY) {
        xx += (a - meanX) * (a - meanX)
        xy += (a - meanX) * (b - meanY)
      }
      let slope = xy / xx
      guard logs.count > 2 else { return (slope, nil) }
      let residual = zip(logs, logY).reduce(0.0) { sum, point in
        let off = point.1 - meanY - slope * (point.0 - meanX)
        return sum + off * off
      }
      return (slope, (residual / (n - 2) / xx).squareRoot())
    }
    let whole = slope(y.map { Estimate(of: $0, by: statistic).value })
    let replicates = y.map(\.count).min() ?? 0
    if replicates > 1, y.allSatisfy({ $0.count == replicates }) {
      let left = (0..<replicates).map { out in
        slope(
          y.map { values in
            Estimate(of: values.enumerated().filter { $0.offset != out }.map(\.element), by: statistic).value
          }
        ).slope
      }
      let n = Double(replicates)
      let mean = left.reduce(0, +) / n
      let error = ((n - 1) / n * left.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
      let half = Student.quantile(replicates - 1) * error
      return Estimate(
        value: whole.slope, interval: (whole.slope - half)...(whole.slope + half),
        deviation: error * n.squareRoot(), error: error, count: replicates)
    }
    guard let error = whole.error else { return Estimate(value: whole.slope) }
    let half = Student.quantile(x.count - 2) * error
    return Estimate(value: whole.slope, interval: (whole.slope - half)...(whole.slope + half), error: error)
  }
}
