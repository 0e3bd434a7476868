import Glibc

/// A number as texts write it: decimal digits with a point and an exponent, or a word for NaN and the infinities.
struct NumberText {
  /// The nearest double.
  let double: Double
  /// The same, where it is written as a whole number of at most 18 digits.
  let integer: Int64?

  /// Reads a text; nil for anything that is no number as a whole. Spaces around it do not count.
  init?(_ text: String) {
    var text = text
    guard let number = text.withUTF8(Self.init(_:)) else { return nil }
    self = number
  }

  /// Reads a text, as above.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    var at = 0
    var end = bytes.count
    while at < end, bytes[at] == 0x20 || bytes[at] == 0x09 { at += 1 }
    while end > at, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
    let start = at
    var isNegative = false
    if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
      isNegative = bytes[at] == UInt8(ascii: "-")
      at += 1
    }
    var mantissa: UInt64 = 0
    var digits = 0
    var scale = 0
    var isWhole = true
    func isDigit(_ at: Int) -> Bool { at < end && (48...57).contains(bytes[at]) }
    var significant = 0
    func take() {
      if significant > 0 || bytes[at] != 48 { significant += 1 }
      if significant <= 18 { mantissa = mantissa * 10 + UInt64(bytes[at] - 48) }
      digits += 1
      at += 1
    }
    while isDigit(at) { take() }
    if at < end, bytes[at] == UInt8(ascii: ".") {
      isWhole = false
      at += 1
      let before = digits
      while isDigit(at) { take() }
      scale = before - digits
    }
    guard digits > 0 else {
      guard let word = Self.word(bytes, at, end) else { return nil }
      double = isNegative ? -word : word
      integer = nil
      return
    }
    if at < end, bytes[at] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      at += 1
      var isDown = false
      if at < end, bytes[at] == UInt8(ascii: "-") || bytes[at] == UInt8(ascii: "+") {
        isDown = bytes[at] == UInt8(ascii: "-")
        at += 1
      }
      guard isDigit(at) else { return nil }
      var exponent = 0
      while isDigit(at) {
        exponent = min(exponent * 10 + Int(bytes[at] - 48), 100_000)
        at += 1
      }
      scale += isDown ? -exponent : exponent
    }
    guard at == end else { return nil }
    integer = isWhole && significant <= 18 ? (isNegative ? -1 : 1) * Int64(mantissa) : nil
    if mantissa <= 1 << 53, (-22...22).contains(scale), significant <= 18 {
      // Both are exact, so the one operation rounds as it should.
      let power = Self.powers[abs(scale)]
      let value = scale < 0 ? Double(mantissa) / power : Double(mantissa) * power
      double = isNegative ? -value : value
    } else {
      double = Self.converted(bytes, start, end)
    }
  }

  /// Whether two numbers count as equal.
  func isSame(_ other: NumberText, _ findings: inout Findings) -> Bool {
    if let a = integer, let b = other.integer { return findings.accepts(a, b) }
    return findings.accepts(double, other.double)
  }

  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double? {
    guard (3...8).contains(end - start) else { return nil }
    switch String(decoding: bytes[start..<end].map { $0 | 0x20 }, as: UTF8.self) {
    case "nan": return .nan
    case "inf", "infinity": return .infinity
    default: return nil
    }
  }

  /// The text is a number by now. The C library rounds right, and its point is a point: Rung sets no locale.
  private static func converted(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Double {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: end - start + 1) { text in
      for index in start..<end { text[index - start] = CChar(bytes[index]) }
      text[end - start] = 0
      guard let base = text.baseAddress else { return .nan }
      return strtod(base, nil)
    }
  }
}
