import Glibc

/// Numbers as text.
enum Fixed {
  /// With at most so many digits behind the point, none of them a trailing zero: for coordinates.
  static func text(_ value: Double, digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "0" }
    let scale = pow(10, Double(digits))
    let whole = Int((value * scale).rounded())
    if whole == 0 { return "0" }
    let unit = Int(scale)
    let (front, rest) = abs(whole).quotientAndRemainder(dividingBy: unit)
    var text = (whole < 0 ? "-" : "") + String(front)
    guard rest > 0 else { return text }
    var behind = String(rest)
    behind = String(repeating: "0", count: digits - behind.utf8.count) + behind
    while behind.last == "0" { behind.removeLast() }
    text += "." + behind
    return text
  }

  /// For people: about `digits` digits that count, powers of ten for what is very large or small.
  static func short(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "−∞" : "∞" }
    if value == 0 { return "0" }
    let exponent = Int(log10(abs(value)).rounded(.down))
    if exponent >= 6 || exponent < -4 {
      let mantissa = value / pow(10, Double(exponent))
      return "\(text(mantissa, digits: digits - 1))e\(exponent)".replacing("-", with: "−")
    }
    return text(value, digits: max(0, digits - 1 - exponent)).replacing("-", with: "−")
  }

  /// For the scale of a drawing: like `short` with three digits, and `10⁻⁵` for a power of ten.
  static func tick(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return short(value, digits: 3) }
    let exponent = Int(log10(value).rounded())
    guard exponent >= 5 || exponent <= -4, abs(value / pow(10, Double(exponent)) - 1) < 1e-9 else {
      return short(value, digits: 3)
    }
    let raised = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "10" + String(exponent).map { $0 == "-" ? "⁻" : String(raised[$0.wholeNumberValue ?? 0]) }.joined()
  }

  /// For data: at most six digits that count, as JSON.
  static func json(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == value.rounded(), abs(value) < 1e9 { return String(Int(value)) }
    let exponent = Int(log10(abs(value)).rounded(.down))
    if exponent >= 9 || exponent < -4 {
      return "\(text(value / pow(10, Double(exponent)), digits: 5))e\(exponent)"
    }
    return text(value, digits: max(0, 5 - exponent))
  }
}
