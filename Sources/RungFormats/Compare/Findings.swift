import Glibc

/// What a comparison by value has found so far.
struct Findings {
  let tolerance: NumberTolerance
  /// The largest difference of numbers that were accepted.
  private(set) var largestAbsolute = 0.0
  /// The largest relative difference of numbers that were accepted.
  private(set) var largestRelative = 0.0
  /// The first difference, a sentence.
  private(set) var first: String?
  /// What there is to say of other bytes with the same values.
  var remark: String?

  init(tolerance: NumberTolerance) { self.tolerance = tolerance }

  /// Keeps the sentence if it is the first.
  mutating func differ(_ sentence: @autoclosure () -> String) {
    if first == nil { first = sentence() }
  }

  /// Looks into a part of a file: what is found there is told with this before it.
  mutating func within(_ part: @autoclosure () -> String, _ body: (inout Findings) -> Void) {
    guard first == nil else { return }
    body(&self)
    first = first.map { "\(part()): \($0)" }
    remark = nil
  }

  /// Whether two numbers count as equal; NaN equals NaN.
  mutating func accepts(_ a: Double, _ b: Double) -> Bool {
    if a == b || (a.isNaN && b.isNaN) { return true }
    guard a.isFinite, b.isFinite else { return false }
    return accepts(distance: abs(a - b), size: max(abs(a), abs(b)))
  }

  /// Whether two whole numbers count as equal. They are so only with the same digits where there is no tolerance, which
  /// doubles beyond 2⁵³ would not tell.
  mutating func accepts<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Bool {
    if a == b { return true }
    // Both fit the magnitude: of two numbers with different signs it is their sum, which may not.
    let (larger, smaller) = a > b ? (a, b) : (b, a)
    let distance =
      (larger < 0) == (smaller < 0)
      ? Double(larger - smaller) : Double(larger.magnitude) + Double(smaller.magnitude)
    return accepts(distance: distance, size: Double(max(a.magnitude, b.magnitude)))
  }

  /// Whether two complex numbers count as equal, by the length of their difference.
  mutating func accepts(_ a: (re: Double, im: Double), _ b: (re: Double, im: Double)) -> Bool {
    func isSame(_ a: Double, _ b: Double) -> Bool { a == b || (a.isNaN && b.isNaN) }
    if isSame(a.re, b.re), isSame(a.im, b.im) { return true }
    guard a.re.isFinite, a.im.isFinite, b.re.isFinite, b.im.isFinite else { return false }
    return accepts(distance: hypot(a.re - b.re, a.im - b.im), size: max(hypot(a.re, a.im), hypot(b.re, b.im)))
  }

  /// Whether a distance, above zero, is allowed to numbers of which the larger has this size.
  private mutating func accepts(distance: Double, size: Double) -> Bool {
    guard distance <= tolerance.absolute || distance <= tolerance.relative * size, distance.isFinite else {
      return false
    }
    largestAbsolute = max(largestAbsolute, distance)
    largestRelative = max(largestRelative, distance / size)
    return true
  }
}
