/// Base64 as RFC 4648 (section 4) has it, with padding and without line breaks.
enum Base64 {
  private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  static func text(_ bytes: some Collection<UInt8>) -> String {
    var out: [UInt8] = []
    out.reserveCapacity((bytes.count + 2) / 3 * 4)
    var group: UInt32 = 0
    var count = 0
    func letter(_ index: Int) -> UInt8 { letters[Int(group >> UInt32(18 - 6 * index)) & 63] }
    for byte in bytes {
      group |= UInt32(byte) << UInt32(16 - 8 * count)
      count += 1
      if count == 3 {
        for index in 0..<4 { out.append(letter(index)) }
        (group, count) = (0, 0)
      }
    }
    if count > 0 {
      for index in 0...count { out.append(letter(index)) }
      out.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count))
    }
    return String(decoding: out, as: UTF8.self)
  }

  /// The bytes behind a text. Nil unless it is exactly what `text` makes of them: each sequence of bytes has one text
  /// only, so that no change of a text goes unseen.
  static func bytes(_ text: String) -> [UInt8]? {
    let utf8 = Array(text.utf8)
    guard utf8.count % 4 == 0 else { return nil }
    let padding = utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    guard padding <= 2 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(utf8.count / 4 * 3)
    var group: UInt32 = 0
    for (place, byte) in utf8.dropLast(padding).enumerated() {
      guard let value = value(of: byte) else { return nil }
      group = group << 6 | value
      if place % 4 == 3 {
        out += [UInt8(truncatingIfNeeded: group >> 16), UInt8(truncatingIfNeeded: group >> 8)]
        out.append(UInt8(truncatingIfNeeded: group))
        group = 0
      }
    }
    switch padding {
    case 1: out += [UInt8(truncatingIfNeeded: group >> 10), UInt8(truncatingIfNeeded: group >> 2)]
    case 2: out.append(UInt8(truncatingIfNeeded: group >> 4))
    default: break
    }
    return Self.text(out) == text ? out : nil
  }

  private static func value(of byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte) - 71
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte) + 4
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
