/// Reads values of a PDF from some bytes (ISO 32000-1, sections 7.2 and 7.3). Bytes may be anything: it answers nil where
/// they are no value, looks at each byte a bounded number of times, and nests to a bounded depth.
struct PDFParser {
  let bytes: [UInt8]
  /// Where the next token begins; after damage, where that was.
  var at: Int
  /// How many more values may be made: a small file must not fill the memory.
  var budget: Int

  /// Nothing is read from here on.
  var end: Int

  private static let deepest = 100

  init(_ bytes: [UInt8], at: Int, budget: Int) {
    self.bytes = bytes
    end = bytes.count
    self.at = at
    self.budget = budget
  }

  static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 || byte == 0x0C || byte == 0
  }

  static func isDelimiter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "["),
      UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "/"), UInt8(ascii: "%"):
      true
    default: false
    }
  }

  /// Passes over white space and comments.
  mutating func skipSpace() {
    while at < end {
      if bytes[at] == UInt8(ascii: "%") {
        while at < end, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
      } else if Self.isSpace(bytes[at]) {
        at += 1
      } else {
        return
      }
    }
  }

  /// Takes a word that ends where it must.
  mutating func take(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard end - at >= count else { return false }
    for index in 0..<count where bytes[at + index] != word.utf8Start[index] { return false }
    if at + count < end {
      let next = bytes[at + count]
      guard Self.isSpace(next) || Self.isDelimiter(next) else { return false }
    }
    at += count
    return true
  }

  /// A whole number that is not negative, of at most 15 digits, after white space.
  mutating func natural() -> Int? {
    skipSpace()
    var value = 0
    let start = at
    while at < end, 0x30...0x39 ~= bytes[at] {
      guard at - start < 15 else { return nil }
      value = value * 10 + Int(bytes[at] - 0x30)
      at += 1
    }
    return at > start ? value : nil
  }

  /// The head of an indirect object: its number and generation.
  mutating func head() -> (number: Int, generation: Int)? {
    guard let number = natural(), let generation = natural() else { return nil }
    skipSpace()
    return take("obj") ? (number, generation) : nil
  }

  /// The value that begins here, after white space; nil when there is none or the budget is spent.
  mutating func value() -> PDFValue? { value(depth: 0) }

  private mutating func value(depth: Int) -> PDFValue? {
    skipSpace()
    guard at < end, budget > 0, depth < Self.deepest else { return nil }
    budget -= 1
    switch bytes[at] {
    case UInt8(ascii: "/"):
      at += 1
      return .name(name())
    case UInt8(ascii: "("): return literal().map { .string($0) }
    case UInt8(ascii: "["): return list(depth).map { .array($0) }
    case UInt8(ascii: "<"):
      guard at + 1 < end, bytes[at + 1] == UInt8(ascii: "<") else { return hexadecimal().map { .string($0) } }
      return dictionary(depth).map { .dictionary($0) }
    case 0x30...0x39: return reference() ?? number()
    case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): return number()
    default:
      if take("true") { return .bool(true) }
      if take("false") { return .bool(false) }
      return take("null") ? .null : nil
    }
  }

  private mutating func list(_ depth: Int) -> [PDFValue]? {
    at += 1
    var items: [PDFValue] = []
    while true {
      skipSpace()
      guard at < end else { return nil }
      if bytes[at] == UInt8(ascii: "]") {
        at += 1
        return items
      }
      guard let item = value(depth: depth + 1) else { return nil }
      items.append(item)
    }
  }

  private mutating func dictionary(_ depth: Int) -> [PDFValue.Entry]? {
    at += 2
    var entries: [PDFValue.Entry] = []
    while true {
      skipSpace()
      guard at < end else { return nil }
      if bytes[at] == UInt8(ascii: ">") {
        guard at + 1 < end, bytes[at + 1] == UInt8(ascii: ">") else { return nil }
        at += 2
        return entries
      }
      guard bytes[at] == UInt8(ascii: "/") else { return nil }
      at += 1
      let key = name()
      guard let value = value(depth: depth + 1) else { return nil }
      entries.append(PDFValue.Entry(key: key, value: value))
    }
  }

  private mutating func name() -> [UInt8] {
    var out: [UInt8] = []
    while at < end, !Self.isSpace(bytes[at]), !Self.isDelimiter(bytes[at]) {
      if bytes[at] == UInt8(ascii: "#"), at + 2 < end, let high = Self.digit(bytes[at + 1]),
        let low = Self.digit(bytes[at + 2])
      {
        out.append(high << 4 | low)
        at += 3
      } else {
        out.append(bytes[at])
        at += 1
      }
    }
    return out
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }

  private mutating func hexadecimal() -> [UInt8]? {
    at += 1
    var out: [UInt8] = []
    var high: UInt8?
    while at < end {
      let byte = bytes[at]
      at += 1
      if byte == UInt8(ascii: ">") {
        if let high { out.append(high << 4) }
        return out
      }
      if Self.isSpace(byte) { continue }
      guard let digit = Self.digit(byte) else { return nil }
      if let first = high {
        out.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return nil
  }

  // 7.3.4.2: balanced parentheses, escapes; an end of line is one LF.
  private mutating func literal() -> [UInt8]? {
    at += 1
    var out: [UInt8] = []
    var open = 1
    while at < end {
      let byte = bytes[at]
      at += 1
      switch byte {
      case UInt8(ascii: "("):
        open += 1
        out.append(byte)
      case UInt8(ascii: ")"):
        open -= 1
        if open == 0 { return out }
        out.append(byte)
      case UInt8(ascii: "\\"): escape(to: &out)
      case 0x0D:
        if at < end, bytes[at] == 0x0A { at += 1 }
        out.append(0x0A)
      default: out.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(to out: inout [UInt8]) {
    guard at < end else { return }
    let byte = bytes[at]
    at += 1
    switch byte {
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case 0x0A: break
    case 0x0D: if at < end, bytes[at] == 0x0A { at += 1 }
    case 0x30...0x37:
      var code = Int(byte - 0x30)
      var count = 1
      while count < 3, at < end, 0x30...0x37 ~= bytes[at] {
        code = code * 8 + Int(bytes[at] - 0x30)
        at += 1
        count += 1
      }
      out.append(UInt8(truncatingIfNeeded: code))
    default: out.append(byte)
    }
  }

  private mutating func reference() -> PDFValue? {
    let start = at
    guard let number = natural(), at < end, Self.isSpace(bytes[at]), let generation = natural(),
      at < end, Self.isSpace(bytes[at])
    else {
      at = start
      return nil
    }
    skipSpace()
    guard take("R") else {
      at = start
      return nil
    }
    return .reference(number, generation: generation)
  }

  private mutating func number() -> PDFValue? {
    let start = at
    while at < end,
      0x30...0x39 ~= bytes[at] || bytes[at] == UInt8(ascii: ".") || bytes[at] == UInt8(ascii: "-")
        || bytes[at] == UInt8(ascii: "+")
    {
      at += 1
    }
    let text = bytes[start..<at]
    guard text.contains(where: { 0x30...0x39 ~= $0 }) else { return nil }
    if text.count < 19, let value = Int(String(decoding: text, as: UTF8.self)) { return .int(value) }
    return .real(Array(text))
  }
}
