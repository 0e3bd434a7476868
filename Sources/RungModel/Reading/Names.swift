/// What may be called how.
enum Names {
  /// Names with a meaning of their own in placeholders.
  static let reserved = ["out", "previous"]

  /// `[A-Za-z_][A-Za-z0-9_-]*`, at most 100 characters.
  static func isName(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, isStart(first), bytes.count <= 100 else { return false }
    return bytes.allSatisfy(isPart)
  }

  /// Whether a name may begin so.
  static func isStart(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
  }

  /// Whether a name may go on so.
  static func isPart(_ byte: UInt8) -> Bool { isStart(byte) || (0x30...0x39).contains(byte) || byte == 0x2D }

  /// What is wrong with a label that should name an instance; nil when nothing is.
  static func problem(label: String) -> String? {
    if label.isEmpty { return "it is empty" }
    if label == "." || label == ".." { return "it means a folder" }
    if label.utf8.count > 100 { return "it is longer than 100 bytes" }
    if label.utf8.allSatisfy({ isPart($0) || $0 == 0x2E }) { return nil }
    for scalar in label.unicodeScalars {
      if ",=[]/".unicodeScalars.contains(scalar) { return "it contains '\(scalar)'" }
      if scalar.properties.isWhitespace { return "it contains white space" }
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) { return "it contains a control character" }
    }
    return nil
  }
}
