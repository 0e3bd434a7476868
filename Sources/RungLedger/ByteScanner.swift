import RungCore

/// Reads JSON as Rung writes it, without white space and with members in a known order, many times faster than the parser
/// makes a tree of it. Whoever uses it falls back on the parser when it gives nil: what is unusual is never misread.
struct ByteScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0

  // Deeper values are left to the parser.
  private static let deepest = 50
  // So many names of one object are compared with each other.
  private static let mostMembers = 64

  /// A scanner of bytes that stay where they are as long as it is used.
  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// True when all bytes are read.
  var isAtEnd: Bool { at == bytes.count }

  /// Reads one byte if it is the next.
  mutating func take(_ byte: UInt8) -> Bool {
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// Reads these bytes if they are the next.
  mutating func take(_ word: StaticString) -> Bool {
    guard isNext(word) else { return false }
    at += word.utf8CodeUnitCount
    return true
  }

  /// True when these bytes are the next.
  func isNext(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - at >= count else { return false }
    let start = word.utf8Start
    for index in 0..<count where bytes[at + index] != start[index] { return false }
    return true
  }

  /// Passes over a string; what is in it is not looked at.
  mutating func passString() -> Bool {
    guard take(UInt8(ascii: "\"")) else { return false }
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        at += 1
        return true
      case UInt8(ascii: "\\"): at += 2
      default: at += 1
      }
    }
    return false
  }

  /// Reads a string.
  mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = at
    var bits: UInt8 = 0
    while at < bytes.count {
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        let text = UnsafeBufferPointer(rebasing: bytes[start..<at])
        at += 1
        return bits < 0x80 ? String(decoding: text, as: UTF8.self) : String(validating: text, as: UTF8.self)
      }
      if byte == UInt8(ascii: "\\") { return escaped(from: start) }
      if byte < 0x20 { return nil }
      bits |= byte
      at += 1
    }
    return nil
  }

  // A string with escapes; those that stand for more than one unit are left to the parser.
  private mutating func escaped(from start: Int) -> String? {
    var text = Array(bytes[start..<at])
    while at < bytes.count {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case 0..<0x20: return nil
      case UInt8(ascii: "\\"):
        guard at < bytes.count else { return nil }
        let mark = bytes[at]
        at += 1
        switch mark {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(mark)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        default: return nil
        }
      default: text.append(byte)
      }
    }
    return nil
  }

  /// Reads a string, or null.
  mutating func optionalString() -> String?? {
    if take("null") { return .some(nil) }
    guard let text = string() else { return nil }
    return .some(text)
  }

  /// Reads a digest in its text form.
  mutating func digest() -> Digest? {
    guard take("\"sha256:"), bytes.count - at >= 65, bytes[at + 64] == UInt8(ascii: "\"") else { return nil }
    let result = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest -> Digest? in
      for index in 0..<32 {
        let high = Self.nibble(bytes[at + 2 * index])
        let low = Self.nibble(bytes[at + 2 * index + 1])
        guard high | low < 16 else { return nil }
        digest.initializeElement(at: index, to: high << 4 | low)
      }
      return Digest(bytes: UnsafeRawBufferPointer(digest))
    }
    if result != nil { at += 65 }
    return result
  }

  // 255 for what is no lower-case hexadecimal digit.
  @inline(__always)
  private static func nibble(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 48...57: byte - 48
    case 97...102: byte - 87
    default: 255
    }
  }

  /// Reads a digest, or null.
  mutating func optionalDigest() -> Digest?? {
    if take("null") { return .some(nil) }
    guard let digest = digest() else { return nil }
    return .some(digest)
  }

  /// Reads a whole number in the range of Int.
  mutating func int() -> Int? {
    guard let text = number(), let value = Int(text) else { return nil }
    return value
  }

  /// Reads a whole number, or null.
  mutating func optionalInt() -> Int?? {
    if take("null") { return .some(nil) }
    guard let number = int() else { return nil }
    return .some(number)
  }

  /// Reads a truth value.
  mutating func bool() -> Bool? { take("true") ? true : take("false") ? false : nil }

  // A number as it is written.
  private mutating func number() -> String? {
    let start = at
    _ = take(UInt8(ascii: "-"))
    let isZero = at < bytes.count && bytes[at] == UInt8(ascii: "0")
    let whole = digits()
    guard whole > 0, whole == 1 || !isZero else { return nil }
    if take(UInt8(ascii: ".")) { guard digits() > 0 else { return nil } }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard digits() > 0 else { return nil }
    }
    return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self)
  }

  private mutating func digits() -> Int {
    let start = at
    while at < bytes.count, bytes[at] &- 48 < 10 { at += 1 }
    return at - start
  }

  /// Reads a list, each item by `item`.
  mutating func list<T>(_ item: (inout ByteScanner) -> T?) -> [T]? {
    guard take(UInt8(ascii: "[")) else { return nil }
    var items: [T] = []
    if take(UInt8(ascii: "]")) { return items }
    repeat {
      guard let value = item(&self) else { return nil }
      items.append(value)
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "]")) ? items : nil
  }

  /// Reads an object with any members.
  mutating func members(depth: Int = 0) -> [JSON.Member]? {
    guard depth < Self.deepest, take(UInt8(ascii: "{")) else { return nil }
    var members: [JSON.Member] = []
    if take(UInt8(ascii: "}")) { return members }
    repeat {
      guard let name = string(), take(UInt8(ascii: ":")), members.count < Self.mostMembers,
        !members.contains(where: { $0.name == name }), let value = value(depth: depth + 1)
      else { return nil }
      members.append(JSON.Member(name, value))
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}")) ? members : nil
  }

  private mutating func value(depth: Int) -> JSON? {
    guard depth < Self.deepest, at < bytes.count else { return nil }
    switch bytes[at] {
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "{"): return members(depth: depth).map { .object($0) }
    case UInt8(ascii: "["): return list { $0.value(depth: depth + 1) }.map { .array($0) }
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return bool().map { .bool($0) }
    case UInt8(ascii: "n"): return take("null") ? .null : nil
    default: return number().map { .number($0) }
    }
  }
}
