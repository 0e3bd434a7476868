import Glibc

/// A way from numbers to places in a drawing.
struct Scale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  let from: Double
  let to: Double

  /// A scale that shows all of `values`, from the place `from` to the place `to`. Logarithmic where all are above zero and
  /// they span more than `decades` powers of ten.
  init(_ values: [Double], from: Double, to: Double, decades: Double) {
    self.from = from
    self.to = to
    var low = values.min() ?? 0
    var high = values.max() ?? 1
    isLogarithmic = low > 0 && log10(high / low) >= decades
    if isLogarithmic {
      let margin = pow(high / low, 0.03)
      self.low = low / margin
      self.high = high * margin
      return
    }
    if low == high {
      let half = low == 0 ? 1 : abs(low) / 2
      low -= half
      high += half
    }
    let margin = (high - low) * 0.04
    self.low = low - margin
    self.high = high + margin
  }

  /// The place of a number.
  func callAsFunction(_ value: Double) -> Double {
    let share = isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    return from + share * (to - from)
  }

  /// Some round numbers between its ends.
  var ticks: [Double] {
    if isLogarithmic {
      let first = Int(log10(low).rounded(.up))
      let last = Int(log10(high).rounded(.down))
      if last - first >= 2 {
        let step = max(1, (last - first + 3) / 4)
        return stride(from: first, through: last, by: step).map { pow(10, Double($0)) }
      }
      let fine = (first - 1...max(first, last)).flatMap { power in [1.0, 2, 5].map { $0 * pow(10, Double(power)) } }
      return fine.filter { $0 >= low && $0 <= high }
    }
    let raw = (high - low) / 4.5
    let unit = pow(10, log10(raw).rounded(.down))
    let step = ([1.0, 2, 5, 10].first { $0 * unit >= raw } ?? 10) * unit
    var tick = (low / step).rounded(.up) * step
    var ticks: [Double] = []
    while tick <= high, ticks.count < 12 {
      // A multiple of the step next to zero is zero.
      ticks.append(abs(tick) < step / 1e6 ? 0 : tick)
      tick += step
    }
    return ticks
  }
}
