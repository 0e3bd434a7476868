import Glibc
import RungCore

/// How sentences about differences show foreign content.
enum Wording {
  /// The most characters of a text that are shown.
  static let longest = 60

  /// A whole number with commas: `1,024`.
  static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
  }

  /// A number and what it counts: `1 row`, `12 rows`.
  static func count(_ number: Int, _ thing: String) -> String { "\(count(number)) \(thing)\(number == 1 ? "" : "s")" }

  /// Text in quotes, cut, with nothing in it that could steer a terminal. `isCut` says that something comes before it.
  static func quoted(_ text: String, isCut: Bool = false) -> String {
    "'\(isCut ? "…" : "")\(plain(text, longest: longest))'"
  }

  /// The same, of bytes that may be no text.
  static func quoted(_ bytes: some Collection<UInt8>, isCut: Bool = false) -> String {
    // Four bytes are enough for each character, but for those with many marks, which are cut.
    quoted(String(decoding: bytes.prefix(longest * 4 + 4), as: UTF8.self), isCut: isCut)
  }

  /// The same without quotes.
  static func plain(_ text: String, longest: Int) -> String {
    let isLong = text.count > longest
    let escaped = JSON.string(isLong ? String(text.prefix(longest)) : text).compact.dropFirst().dropLast()
    return escaped.replacing("\\\"", with: "\"") + (isLong ? "…" : "")
  }

  /// A number as it is written, cut.
  static func number(_ text: String) -> String { plain(text, longest: longest) }

  /// A way into a JSON value as a JSON Pointer in a fragment (RFC 6901), as claims write it: `#/runs/3/loss`.
  static func pointer(_ way: [String]) -> String {
    let steps = way.map(JSONPointer.escaped)
    return plain((["#"] + steps).joined(separator: "/"), longest: 300)
  }

  /// Two numbers as they are written, with their relative difference if there is one.
  static func pair(_ a: String, _ b: String, _ x: Double, _ y: Double) -> String {
    let size = max(abs(x), abs(y))
    let distance = abs(x - y)
    guard x.isFinite, y.isFinite, size > 0, distance > 0, distance.isFinite else { return "\(a) and \(b)" }
    return "\(a) and \(b) (relative difference \(short(distance / size)))"
  }

  /// A number above zero with two digits: `8.1e-4`, `0.025`, `2`.
  static func short(_ value: Double) -> String {
    guard value > 1e-300, value < 1e300 else { return "\(value)" }
    var exponent = Int(log10(value).rounded(.down))
    var tenths = Int((value / pow(10, Double(exponent)) * 10).rounded())
    if tenths >= 100 {
      tenths /= 10
      exponent += 1
    }
    let digits = tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    if exponent == 0 { return digits }
    guard (-3 ... -1).contains(exponent) else { return "\(digits)e\(exponent)" }
    let plain = digits.filter { $0 != "." }
    return "0." + String(repeating: "0", count: -1 - exponent) + plain
  }

  /// A byte as `0x41`.
  static func hex(_ byte: UInt8) -> String { "0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}
