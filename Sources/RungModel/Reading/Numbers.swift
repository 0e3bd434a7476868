import Glibc
import RungCore

/// The numbers of an axis, as the shortest decimal texts that mean them.
enum Numbers {
  /// The most values that an axis may have.
  static let limit = 1_000_000

  /// The shortest text of a number rounded to twelve significant digits: `0.001`, `1e-05`, `400`. Rounding hides the
  /// last bits of a computed value, which differ between machines' mathematical libraries.
  static func text(_ value: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    _ = withVaList([value]) { vsnprintf(&buffer, buffer.count, "%.11e", $0) }
    let digits = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let text = "\(Double(digits) ?? value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// `from`, `from + step`, … up to `to`, which is part of it when a step ends there. Exact for decimal numbers. Nil
  /// when one of the texts is no number or there would be none or more than `limit`.
  static func range(from: String, to: String, step: String) -> [String]? {
    guard YAMLNode.isNumber(from), YAMLNode.isNumber(to), YAMLNode.isNumber(step) else { return nil }
    if let a = Decimal(from), let b = Decimal(to), let s = Decimal(step) {
      let places = max(a.places, b.places, s.places)
      if let first = a.scaled(places), let last = b.scaled(places), let by = s.scaled(places), by != 0 {
        let (span, overflow) = last.subtractingReportingOverflow(first)
        guard !overflow, span / by >= 0, span / by < limit, (span >= 0) == (by > 0) || span == 0 else { return nil }
        return (0...(span / by)).map { Decimal(units: first + $0 * by, places: places).text }
      }
    }
    guard let a = Double(from), let b = Double(to), let s = Double(step), s != 0 else { return nil }
    let count = ((b - a) / s + 1e-9).rounded(.down)
    guard count.isFinite, count >= 0, count < Double(limit) else { return nil }
    return (0...Int(count)).map { text(a + Double($0) * s) }
  }

  /// `count` numbers from `from` to `to`, evenly spaced, or evenly spaced in their logarithms (both positive then).
  static func spaced(from: Double, to: Double, count: Int, isLog: Bool) -> [String] {
    (0..<count).map { index in
      if index == 0 { return text(from) }
      if index == count - 1 { return text(to) }
      let part = Double(index) / Double(count - 1)
      return text(isLog ? from * pow(to / from, part) : from + (to - from) * part)
    }
  }
}

// A decimal number without exponent, as a whole number of 10^-places.
private struct Decimal {
  var units: Int
  var places: Int

  init(units: Int, places: Int) {
    self.units = units
    self.places = places
  }

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, text.utf8.count <= 17, let units = Int(parts.joined()) else { return nil }
    self.units = units
    places = parts.count == 2 ? parts[1].count : 0
  }

  func scaled(_ wanted: Int) -> Int? {
    var result = units
    for _ in places..<wanted {
      let (product, overflow) = result.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      result = product
    }
    return result
  }

  var text: String {
    if places == 0 { return String(units) }
    var digits = String(units.magnitude)
    while digits.count <= places { digits = "0" + digits }
    let whole = digits.dropLast(places)
    let fraction = digits.suffix(places).reversed().drop { $0 == "0" }.reversed()
    let sign = units < 0 ? "-" : ""
    return fraction.isEmpty ? sign + whole : sign + whole + "." + String(fraction)
  }
}
