/// The text form of keys (RFC 7468): one block, whose label says what it holds.
enum PEM {
  /// A block of that label, its lines as long as the RFC wants them.
  static func text(_ label: String, _ bytes: [UInt8]) -> String {
    var lines = ["-----BEGIN \(label)-----"]
    var rest = Substring(Base64.text(bytes))
    while !rest.isEmpty {
      lines.append(String(rest.prefix(64)))
      rest = rest.dropFirst(64)
    }
    return (lines + ["-----END \(label)-----", ""]).joined(separator: "\n")
  }

  /// The bytes of the only block of a text, or nil when there is no such block of that label.
  static func bytes(_ label: String, _ text: String) -> [UInt8]? {
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    guard lines.count >= 3, lines.first == "-----BEGIN \(label)-----", lines.last == "-----END \(label)-----" else {
      return nil
    }
    return Base64.bytes(lines.dropFirst().dropLast().joined())
  }
}
