/// Finds what looks like indirect objects and trailers in a PDF, in the order of the file.
///
/// Looks at each byte a bounded number of times: streams are passed over, and what was read in vain is read again only
/// within an allowance.
struct PDFScan {
  enum Found {
    case object(Int, PDFDocument.Object)
    case trailer(PDFValue)
  }

  private var parser: PDFParser
  private var again: Int
  // The next place of each word from `parser.at` on; nil when not looked for yet, Int.max when there is none.
  private var places: (object: Int?, trailer: Int?, end: Int?) = (nil, nil, nil)

  /// How many more values may be made.
  var budget: Int { parser.budget }

  init(_ bytes: [UInt8], budget: Int) {
    parser = PDFParser(bytes, at: 0, budget: budget)
    again = bytes.count
  }

  /// The next object or trailer; nil at the end, and when the budget is spent.
  mutating func next() -> Found? {
    while parser.budget > 0 {
      let object = place(\.object, of: "obj", from: parser.at)
      let trailer = place(\.trailer, of: "trailer", from: parser.at)
      guard min(object, trailer) < parser.bytes.count else { return nil }
      if trailer < object {
        parser.at = trailer + 7
        if let value = value(), value.entries != nil { return .trailer(value) }
      } else {
        let head = head(before: object)
        parser.at = object + 3
        guard let head, let value = value() else { continue }
        return .object(head.number, PDFDocument.Object(value: value, stream: stream(value), place: head.place))
      }
    }
    return nil
  }

  // After damage it goes on right here, unless that has been done for as many bytes as the file has.
  private mutating func value() -> PDFValue? {
    let start = parser.at
    if let value = parser.value() { return value }
    let read = parser.at - start
    if read <= again {
      again -= read
      parser.at = start
    }
    return nil
  }

  // The number before "obj", read backwards: digits, white space, digits, white space.
  private func head(before object: Int) -> (number: Int, place: Int)? {
    let bytes = parser.bytes
    var at = object
    func skip(_ most: Int, _ matches: (UInt8) -> Bool) -> Range<Int>? {
      let end = at
      while at > 0, end - at < most, matches(bytes[at - 1]) { at -= 1 }
      return at < end ? at..<end : nil
    }
    let isDigit = { (byte: UInt8) in 0x30...0x39 ~= byte }
    guard skip(8, PDFParser.isSpace) != nil, skip(5, isDigit) != nil, skip(8, PDFParser.isSpace) != nil,
      let digits = skip(10, isDigit)
    else { return nil }
    let number = bytes[digits].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    return (number, digits.lowerBound)
  }

  // 7.3.8: the length is believed when the word that ends the stream is there; else that word is looked for.
  private mutating func stream(_ dictionary: PDFValue) -> Range<Int>? {
    guard dictionary.entries != nil else { return nil }
    let before = parser.at
    parser.skipSpace()
    let bytes = parser.bytes
    guard parser.take("stream") else {
      parser.at = before
      return nil
    }
    if parser.at < bytes.count, bytes[parser.at] == 0x0D { parser.at += 1 }
    if parser.at < bytes.count, bytes[parser.at] == 0x0A { parser.at += 1 }
    let start = parser.at
    if let length = dictionary["Length"]?.int, length >= 0, length <= bytes.count - start {
      parser.at = start + length
      while parser.at < bytes.count, parser.at - start - length < 2, PDFParser.isSpace(bytes[parser.at]) {
        parser.at += 1
      }
      if parser.take("endstream") { return start..<start + length }
      parser.at = start
    }
    let end = place(\.end, of: "endstream", from: start)
    guard end < bytes.count else { return nil }
    parser.at = end + 9
    var last = end
    if last > start, bytes[last - 1] == 0x0A { last -= 1 }
    if last > start, bytes[last - 1] == 0x0D { last -= 1 }
    return start..<last
  }

  private mutating func place(
    _ key: WritableKeyPath<(object: Int?, trailer: Int?, end: Int?), Int?>, of word: StaticString, from start: Int
  ) -> Int {
    if let known = places[keyPath: key], known >= start { return known }
    let found = parser.bytes.withUnsafeBufferPointer { ByteSearch.place(of: word, in: $0, from: start) } ?? Int.max
    places[keyPath: key] = found
    return found
  }
}
