/// Numbers for people: few digits, and never a false one.
enum NumberText {
  /// A number; `(none)` where there is none.
  static func number(_ value: Double?) -> String {
    guard let value else { return "(none)" }
    // Whole numbers as people write them; others with six digits that count.
    if value == value.rounded(), value.magnitude < 1e15 { return "\(Int64(value))" }
    return significant(value, 6)
  }

  /// A part as a percentage, with two digits that count, three from a thousand on.
  static func percent(_ part: Double) -> String {
    let value = part * 100
    return (value.magnitude >= 1000 ? significant(value, 3) : significant(value, 2)) + " %"
  }

  // A decimal with so many digits that count; the shortest form where that has fewer.
  private static func significant(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    let shortest = "\(value)"
    var exponent = 0
    var size = value.magnitude
    while size >= 10, exponent < 400 {
      size /= 10
      exponent += 1
    }
    while size < 1, exponent > -400 {
      size *= 10
      exponent -= 1
    }
    guard exponent.magnitude < 12 else { return shortest }
    var scale = 1.0
    for _ in 0..<Int((digits - 1 - exponent).magnitude) { scale *= 10 }
    let isSmall = digits - 1 - exponent >= 0
    let rounded = isSmall ? (value * scale).rounded() / scale : (value / scale).rounded() * scale
    let text = rounded == rounded.rounded() && rounded.magnitude < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    return text.count < shortest.count ? text : shortest
  }
}
