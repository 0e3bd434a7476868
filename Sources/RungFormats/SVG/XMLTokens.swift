/// The tags and texts of an XML document (XML 1.0, fifth edition), in order. Comments, processing instructions and the
/// document type are passed over and no entity is expanded, so that the work is proportional to the bytes whatever they
/// hold. For documents in an encoding that keeps ASCII as it is.
struct XMLTokens {
  /// A piece of the document.
  enum Token {
    /// A start tag; `isEmpty` when it ends with `/>`.
    case open(name: Range<Int>, attributes: Range<Int>, isEmpty: Bool)
    /// An end tag.
    case close(name: Range<Int>)
    /// Characters between tags, with references unexpanded.
    case text(Range<Int>)
    /// The inside of a CDATA section.
    case verbatim(Range<Int>)
  }

  let bytes: UnsafeBufferPointer<UInt8>
  /// Where the next token begins.
  private(set) var at: Int
  /// Whether the document broke off or went wrong; `next` answers nil from then on.
  private(set) var isBroken = false
  /// The inside of the XML declaration, when there is one.
  private(set) var declaration: Range<Int>?

  init(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) {
    self.bytes = bytes
    at = start
  }

  /// The next token; nil at the end and after damage.
  mutating func next() -> Token? {
    while at < bytes.count, !isBroken {
      guard bytes[at] == UInt8(ascii: "<") else {
        let start = at
        at = find(UInt8(ascii: "<"), from: at) ?? bytes.count
        return .text(start..<at)
      }
      guard at + 1 < bytes.count else { break }
      switch bytes[at + 1] {
      case UInt8(ascii: "?"): instruction()
      case UInt8(ascii: "!"):
        if starts(with: "<![CDATA[", at: at) {
          let start = at + 9
          guard skip(to: "]]>", from: start) else { break }
          return .verbatim(start..<at - 3)
        }
        if starts(with: "<!--", at: at) {
          _ = skip(to: "-->", from: at + 4)
        } else {
          documentType()
        }
      case UInt8(ascii: "/"):
        let start = at + 2
        guard let end = find(UInt8(ascii: ">"), from: start) else {
          isBroken = true
          return nil
        }
        at = end + 1
        return .close(name: name(from: start, to: end))
      default: return startTag()
      }
    }
    if at < bytes.count { isBroken = true }
    return nil
  }

  /// Calls with each attribute of a start tag: the ranges of its name and of its value without quotes.
  func attributes(in range: Range<Int>, _ each: (Range<Int>, Range<Int>) -> Void) {
    var at = range.lowerBound
    while at < range.upperBound {
      let start = at
      while at < range.upperBound, bytes[at] != UInt8(ascii: "=") { at += 1 }
      let equals = at
      at += 1
      while at < range.upperBound, Self.isSpace(bytes[at]) { at += 1 }
      guard at < range.upperBound, Self.isQuote(bytes[at]) else { return }
      let value = at + 1
      guard let end = find(bytes[at], from: value), end < range.upperBound else { return }
      var first = start
      while first < equals, Self.isSpace(bytes[first]) { first += 1 }
      each(name(from: first, to: equals), value..<end)
      at = end + 1
    }
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

  private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }

  private mutating func startTag() -> Token? {
    let start = at + 1
    let name = name(from: start, to: bytes.count)
    guard !name.isEmpty else {
      isBroken = true
      return nil
    }
    var end = name.upperBound
    while end < bytes.count, bytes[end] != UInt8(ascii: ">") {
      if Self.isQuote(bytes[end]) {
        end = find(bytes[end], from: end + 1) ?? bytes.count
      } else if bytes[end] == UInt8(ascii: "<") {
        end = bytes.count
      }
      end += 1
    }
    guard end < bytes.count else {
      isBroken = true
      return nil
    }
    at = end + 1
    let isEmpty = bytes[end - 1] == UInt8(ascii: "/")
    let last = isEmpty ? end - 1 : end
    return .open(
      name: name.lowerBound..<min(name.upperBound, last), attributes: min(name.upperBound, last)..<last,
      isEmpty: isEmpty)
  }

  // A name ends at white space and at what ends a tag.
  private func name(from start: Int, to limit: Int) -> Range<Int> {
    var end = start
    while end < limit, !Self.isSpace(bytes[end]), bytes[end] != UInt8(ascii: ">"), bytes[end] != UInt8(ascii: "/"),
      bytes[end] != UInt8(ascii: "<"), bytes[end] != UInt8(ascii: "=")
    {
      end += 1
    }
    return start..<end
  }

  private mutating func instruction() {
    let start = at + 2
    guard skip(to: "?>", from: start) else { return }
    if declaration == nil, starts(with: "xml", at: start), start + 3 < at, Self.isSpace(bytes[start + 3]) {
      declaration = start + 3..<at - 2
    }
  }

  // <!DOCTYPE …[…]>, with quoted texts, comments and instructions inside that may hold any of these characters.
  private mutating func documentType() {
    at += 2
    var inside = 0
    while at < bytes.count, !isBroken {
      let byte = bytes[at]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        guard let end = find(byte, from: at + 1) else {
          isBroken = true
          return
        }
        at = end + 1
      case UInt8(ascii: "<"):
        if starts(with: "<!--", at: at) {
          _ = skip(to: "-->", from: at + 4)
        } else if starts(with: "<?", at: at) {
          _ = skip(to: "?>", from: at + 2)
        } else {
          inside += 1
          at += 1
        }
      case UInt8(ascii: "["):
        inside += 1
        at += 1
      case UInt8(ascii: "]"):
        inside -= 1
        at += 1
      case UInt8(ascii: ">"):
        at += 1
        if inside <= 0 { return }
        inside -= 1
      default: at += 1
      }
    }
    isBroken = true
  }

  private func starts(with text: StaticString, at start: Int) -> Bool { ByteSearch.holds(text, bytes, at: start) }

  private func find(_ byte: UInt8, from start: Int) -> Int? { ByteSearch.place(of: byte, in: bytes, from: start) }

  private mutating func skip(to text: StaticString, from start: Int) -> Bool {
    guard let found = ByteSearch.place(of: text, in: bytes, from: start) else {
      isBroken = true
      return false
    }
    at = found + text.utf8CodeUnitCount
    return true
  }
}
