import Glibc
import RungCore

/// Two JSON texts that are walked side by side, without making values of them: many times as fast as reading them, and
/// enough where nothing differs but numbers and white space.
struct JSONWalk {
  private var a: Side
  private var b: Side
  /// The steps from the whole to the value that is looked at.
  private var way: [Step] = []
  private var difference: String?

  private enum Step {
    case index(Int)
    /// A member's name as it is written.
    case name(UnsafeBufferPointer<UInt8>)
  }

  /// Whether all is known: that the texts have the same values in the same order, or in which number they begin to differ,
  /// which is noted then. False says only that they have to be looked at closely.
  static func isEnough(_ a: [UInt8], _ b: [UInt8], _ findings: inout Findings) -> Bool {
    a.withUnsafeBufferPointer { x in
      b.withUnsafeBufferPointer { y in
        var walk = JSONWalk(a: Side(bytes: x), b: Side(bytes: y))
        var inner = findings
        let isSame = walk.value(&inner) && walk.a.peek() == nil && walk.b.peek() == nil
        guard isSame || walk.difference != nil else { return false }
        findings = inner
        if let difference = walk.difference { findings.differ(difference) }
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

  private mutating func value(_ findings: inout Findings) -> Bool {
    guard way.count < 200, let first = a.peek(), b.peek() != nil else { return false }
    switch first {
    case UInt8(ascii: "\""): return string() != nil
    case UInt8(ascii: "["):
      guard take("[") else { return false }
      if take("]") { return true }
      way.append(.index(0))
      while true {
        guard value(&findings) else { return false }
        guard take(",") else { break }
        if case .index(let index) = way.removeLast() { way.append(.index(index + 1)) }
      }
      way.removeLast()
      return take("]")
    case UInt8(ascii: "{"):
      guard take("{") else { return false }
      if take("}") { return true }
      repeat {
        guard a.peek() == UInt8(ascii: "\""), let name = string(), take(":") else { return false }
        way.append(.name(name))
        guard value(&findings) else { return false }
        way.removeLast()
      } while take(",")
      return take("}")
    default:
      let (x, y) = (a.word(), b.word())
      guard Self.isValue(x), Self.isValue(y) else { return false }
      if Self.isSame(x, y) { return true }
      guard let p = NumberText(x), let q = NumberText(y) else { return false }
      if p.isSame(q, &findings) { return true }
      difference = sentence(x, y, p.double, q.double)
      return false
    }
  }

  /// A string that both have, as it is written.
  private mutating func string() -> UnsafeBufferPointer<UInt8>? {
    guard b.peek() == UInt8(ascii: "\""), let x = a.string(), let y = b.string() else { return nil }
    return Self.isSame(x, y) ? x : nil
  }

  private func sentence(
    _ x: UnsafeBufferPointer<UInt8>, _ y: UnsafeBufferPointer<UInt8>, _ p: Double, _ q: Double
  ) -> String? {
    var names: [String] = []
    for step in way {
      switch step {
      case .index(let index): names.append(String(index))
      case .name(let written):
        guard let name = (try? JSON(parsing: written))?.string else { return nil }
        names.append(name)
      }
    }
    func text(_ word: UnsafeBufferPointer<UInt8>) -> String { Wording.number(String(decoding: word, as: UTF8.self)) }
    return "\(Wording.pointer(names)): \(Wording.pair(text(x), text(y), p, q))"
  }

  private static func isSame(_ x: UnsafeBufferPointer<UInt8>, _ y: UnsafeBufferPointer<UInt8>) -> Bool {
    guard x.count == y.count else { return false }
    guard let left = x.baseAddress, let right = y.baseAddress else { return true }
    return memcmp(left, right, x.count) == 0
  }

  private static func isValue(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = word.first else { return false }
    return switch first {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
    default: ["true", "false", "null", "NaN", "Infinity"].contains { word.elementsEqual($0.utf8) }
    }
  }
}
