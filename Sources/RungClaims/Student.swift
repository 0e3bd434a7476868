import Glibc

/// Quantiles that intervals of replicates need.
enum Student {
  /// The t with P(|T| < t) = 0.95 for `freedom` degrees of freedom, at least 1.
  ///
  /// P(|T| < t) for whole degrees of freedom is a finite sum (Abramowitz & Stegun 26.7.3 and 26.7.4), which grows with
  /// t; the quantile is found by bisection, exact to the last digits. From 10,000 degrees of freedom on the expansion
  /// about the normal quantile (ibid. 26.7.5) is better than 1e-12.
  static func quantile(_ freedom: Int) -> Double {
    let z = 1.959963984540054
    if freedom >= 10_000 {
      let n = Double(freedom)
      let z3 = z * z * z
      return z + (z3 + z) / (4 * n) + (5 * z3 * z * z + 16 * z3 + 3 * z) / (96 * n * n)
    }
    var low = 0.0
    var high = 20.0
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return low }
      if inside(middle, freedom) < 0.95 { low = middle } else { high = middle }
    }
  }

  // P(|T| < t).
  private static func inside(_ t: Double, _ freedom: Int) -> Double {
    let angle = atan(t / Double(freedom).squareRoot())
    let cosine = cos(angle)
    let sine = sin(angle)
    var total = 0.0
    if freedom % 2 == 1 {
      var term = cosine
      for k in stride(from: 1, to: freedom - 1, by: 2) {
        total += term
        term *= cosine * cosine * Double(k + 1) / Double(k + 2)
      }
      return 2 / Double.pi * (angle + sine * total)
    }
    var term = 1.0
    for k in stride(from: 0, to: freedom - 1, by: 2) {
      total += term
      term *= cosine * cosine * Double(k + 1) / Double(k + 2)
    }
    return sine * total
  }

  /// The rank (from 1) of the order statistic that begins a 95 % interval of the median of `n` values: the largest r
  /// with P(B < r) <= 0.025 for B binomial (n, 1/2); nil below six values, of which no two enclose it so surely.
  static func medianRank(_ n: Int) -> Int? {
    // In logarithms, so that a thousand halves multiplied do not vanish.
    var term = -Double(n) * log(2)
    var below = 0.0
    var rank = 0
    while rank < n {
      below += exp(term)
      guard below <= 0.025 else { break }
      term += log(Double(n - rank)) - log(Double(rank + 1))
      rank += 1
    }
    return rank == 0 ? nil : rank
  }
}
