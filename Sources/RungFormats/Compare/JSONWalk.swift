import Glibc

/// Two JSON texts that are walked side by side, without making values of them: ten times as fast as reading them, and
/// enough as long as nothing differs but numbers within the tolerance and white space.
struct JSONWalk {
  private var a: Side
  private var b: Side

  /// Whether the texts have the same values in the same order. False says only that they have to be looked at closely.
  static func isSame(_ a: [UInt8], _ b: [UInt8], _ findings: inout Findings) -> Bool {
    a.withUnsafeBufferPointer { x in
      b.withUnsafeBufferPointer { y in
        var walk = JSONWalk(a: Side(bytes: x), b: Side(bytes: y))
        var inner = findings
        guard walk.value(&inner, depth: 0), walk.a.peek() == nil, walk.b.peek() == nil else { return false }
        findings = inner
        return true
      }
    }
  }

  private struct Side {
    let bytes: UnsafeBufferPointer<UInt8>
    var at = 0

    /// The next byte that is no white space.
    mutating func peek() -> UInt8? {
      while at < bytes.count {
        switch bytes[at] {
        case 0x20, 0x0A, 0x0D, 0x09: at += 1
        default: return bytes[at]
        }
      }
      return nil
    }

    /// A string with its quotes, as it is written.
    mutating func string() -> UnsafeBufferPointer<UInt8>? {
      let start = at
      at += 1
      while at < bytes.count, bytes[at] != UInt8(ascii: "\"") { at += bytes[at] == UInt8(ascii: "\\") ? 2 : 1 }
      guard at < bytes.count else { return nil }
      at += 1
      return UnsafeBufferPointer(rebasing: bytes[start..<at])
    }

    /// A number or a word: all up to the next sign or white space.
    mutating func word() -> UnsafeBufferPointer<UInt8> {
      let start = at
      loop: while at < bytes.count {
        switch bytes[at] {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
          at += 1
        default: break loop
        }
      }
      return UnsafeBufferPointer(rebasing: bytes[start..<at])
    }
  }

  /// Takes a sign that both have.
  private mutating func take(_ sign: Unicode.Scalar) -> Bool {
    guard a.peek() == UInt8(ascii: sign), b.peek() == UInt8(ascii: sign) else { return false }
    a.at += 1
    b.at += 1
    return true
  }

  private mutating func value(_ findings: inout Findings, depth: Int) -> Bool {
    guard depth < 200, let first = a.peek(), b.peek() != nil else { return false }
    switch first {
    case UInt8(ascii: "\""): return string()
    case UInt8(ascii: "["):
      guard take("[") else { return false }
      if take("]") { return true }
      repeat { guard value(&findings, depth: depth + 1) else { return false } } while take(",")
      return take("]")
    case UInt8(ascii: "{"):
      guard take("{") else { return false }
      if take("}") { return true }
      repeat {
        guard a.peek() == UInt8(ascii: "\""), string(), take(":"), value(&findings, depth: depth + 1) else {
          return false
        }
      } while take(",")
      return take("}")
    default:
      let (x, y) = (a.word(), b.word())
      if Self.isSame(x, y) { return !x.isEmpty && Self.isValue(x) }
      guard let x = NumberText(x), let y = NumberText(y) else { return false }
      return x.isSame(y, &findings)
    }
  }

  private mutating func string() -> Bool {
    guard b.peek() == UInt8(ascii: "\""), let x = a.string(), let y = b.string() else { return false }
    return Self.isSame(x, y)
  }

  private static func isSame(_ x: UnsafeBufferPointer<UInt8>, _ y: UnsafeBufferPointer<UInt8>) -> Bool {
    guard x.count == y.count else { return false }
    guard let left = x.baseAddress, let right = y.baseAddress else { return true }
    return memcmp(left, right, x.count) == 0
  }

  private static func isValue(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
    switch word[0] {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
    default: ["true", "false", "null", "NaN", "Infinity"].contains { word.elementsEqual($0.utf8) }
    }
  }
}
