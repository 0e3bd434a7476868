extension JSON {
  /// What is wrong with a JSON text, and where.
  public struct ParseError: Error, Hashable, CustomStringConvertible {
    /// The offset of the first byte that does not fit.
    public let offset: Int
    /// What was expected there.
    public let message: String

    /// For people: message and offset.
    public var description: String { "not JSON at byte \(offset): \(message)" }
  }

  /// Reads one JSON value that fills the bytes (white space around it is allowed).
  ///
  /// Throws for anything else: trailing bytes, invalid UTF-8, an object with a name twice, more than 200 levels. `NaN`,
  /// `Infinity` and `-Infinity`, which Python's json module writes, are read as numbers of that text: a run that diverged
  /// is not one that is missing. Written again they become null, since no JSON number can hold them.
  public init(parsing bytes: some Collection<UInt8>) throws(ParseError) {
    var parser = JSONParser(bytes: Array(bytes))
    self = try parser.document()
  }

  /// Reads one JSON value from a text.
  public init(parsing text: String) throws(ParseError) {
    var parser = JSONParser(bytes: Array(text.utf8))
    self = try parser.document()
  }
}

private struct JSONParser {
  let bytes: [UInt8]
  var at = 0
  var depth = 0

  private static let fewMembers = 8

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSON.ParseError) -> JSON {
    let value = try value()
    skipSpace()
    guard at == bytes.count else { throw fail("expected the end") }
    return value
  }

  func fail(_ message: String) -> JSON.ParseError { JSON.ParseError(offset: at, message: message) }

  var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
  }

  mutating func take(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard at + count <= bytes.count else { return false }
    for index in 0..<count where bytes[at + index] != word.utf8Start[index] { return false }
    at += count
    return true
  }

  mutating func value() throws(JSON.ParseError) -> JSON {
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return try nested { (p) throws(JSON.ParseError) in try p.object() }
    case UInt8(ascii: "["): return try nested { (p) throws(JSON.ParseError) in try p.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case nil: throw fail("expected a value, found the end")
    default:
      if take("true") { return .bool(true) }
      if take("false") { return .bool(false) }
      if take("null") { return .null }
      for word in ["NaN", "Infinity", "-Infinity"] as [StaticString] where take(word) {
        return .number(word.description)
      }
      return try number()
    }
  }

  mutating func nested(
    _ body: (inout JSONParser) throws(JSON.ParseError) -> JSON
  ) throws(JSON.ParseError) -> JSON {
    depth += 1
    guard depth <= 200 else { throw fail("nested more than 200 levels deep") }
    at += 1
    let result = try body(&self)
    depth -= 1
    return result
  }

  mutating func array() throws(JSON.ParseError) -> JSON {
    var items: [JSON] = []
    skipSpace()
    if take("]") { return .array(items) }
    while true {
      items.append(try value())
      skipSpace()
      if take("]") { return .array(items) }
      guard take(",") else { throw fail("expected ',' or ']'") }
    }
  }

  mutating func object() throws(JSON.ParseError) -> JSON {
    var members: [JSON.Member] = []
    // Made when there are many names: a few are compared with each other.
    var names: Set<String> = []
    skipSpace()
    if take("}") { return .object(members) }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw fail("expected a name in quotes") }
      let start = at
      let name = try string()
      let isNew: Bool
      if members.count < Self.fewMembers {
        isNew = !members.contains { $0.name == name }
      } else {
        if members.count == Self.fewMembers { names = Set(members.map(\.name)) }
        isNew = names.insert(name).inserted
      }
      guard isNew else {
        throw JSON.ParseError(offset: start, message: "the name \"\(name)\" is there twice")
      }
      skipSpace()
      guard take(":") else { throw fail("expected ':'") }
      members.append(JSON.Member(name, try value()))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw fail("expected ',' or '}'") }
    }
  }

  mutating func digits() -> Int {
    let start = at
    while let byte = peek, (48...57).contains(byte) { at += 1 }
    return at - start
  }

  mutating func number() throws(JSON.ParseError) -> JSON {
    let start = at
    _ = take("-")
    let first = peek
    let whole = digits()
    guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else {
      at = start
      throw fail("expected a value")
    }
    if take(".") { guard digits() > 0 else { throw fail("expected a digit") } }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard digits() > 0 else { throw fail("expected a digit") }
    }
    return .number(String(decoding: bytes[start..<at], as: UTF8.self))
  }

  mutating func string() throws(JSON.ParseError) -> String {
    at += 1
    // Most strings have no escapes: they are taken as they are.
    var end = at
    while end < bytes.count, bytes[end] >= 0x20, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\") {
      end += 1
    }
    var out = Array(bytes[at..<end])
    at = end
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        guard let text = String(validating: out, as: UTF8.self) else { throw fail("the string is not valid UTF-8") }
        return text
      case UInt8(ascii: "\\"):
        at += 1
        out.append(contentsOf: String(try escape()).utf8)
      case 0..<0x20: throw fail("a control character in a string must be escaped")
      default:
        out.append(byte)
        at += 1
      }
    }
    throw fail("the string has no end")
  }

  mutating func escape() throws(JSON.ParseError) -> Unicode.Scalar {
    guard let byte = peek else { throw fail("the string has no end") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try hex4()
      if (0xD800..<0xDC00).contains(unit) {
        guard take("\\u") else { return "\u{fffd}" }
        let low = try hex4()
        guard (0xDC00..<0xE000).contains(low) else { return "\u{fffd}" }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{fffd}"
      }
      return Unicode.Scalar(unit) ?? "\u{fffd}"
    default: throw fail("unknown escape")
    }
  }

  mutating func hex4() throws(JSON.ParseError) -> UInt32 {
    guard at + 4 <= bytes.count, let unit = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
    else { throw fail("expected four hexadecimal digits") }
    at += 4
    return unit
  }
}
