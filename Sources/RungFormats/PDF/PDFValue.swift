/// A value in a PDF (ISO 32000-1, section 7.3), without the bytes of streams.
indirect enum PDFValue: Hashable {
  case null
  case bool(Bool)
  case int(Int)
  /// A number with a point, or a whole number beyond `Int`, as it was written.
  case real([UInt8])
  /// A name without its slash, unescaped.
  case name([UInt8])
  /// A string, unescaped.
  case string([UInt8])
  case array([PDFValue])
  /// Keys are unescaped names, in the order of the file. Of a key that is there twice the first counts.
  case dictionary([Entry])
  case reference(Int, generation: Int)

  struct Entry: Hashable {
    let key: [UInt8]
    let value: PDFValue
  }

  /// The value of a key; nil when this is no dictionary or has no such key among its first 4096: many objects may share
  /// one dictionary, and each of them may ask.
  subscript(_ key: StaticString) -> PDFValue? {
    guard case .dictionary(let entries) = self else { return nil }
    return entries.prefix(4096).first { Self.equal($0.key, key) }?.value
  }

  /// A name in a dictionary.
  init(name: StaticString) { self = .name(Array(name.description.utf8)) }

  var int: Int? {
    if case .int(let value) = self { return value }
    return nil
  }

  var array: [PDFValue]? {
    if case .array(let items) = self { return items }
    return nil
  }

  var entries: [Entry]? {
    if case .dictionary(let entries) = self { return entries }
    return nil
  }

  var string: [UInt8]? {
    if case .string(let bytes) = self { return bytes }
    return nil
  }

  /// A text string (7.9.2.2) as far as it matters here: UTF-16 with its mark, else the bytes as UTF-8.
  var text: String? {
    guard let bytes = string else { return nil }
    guard bytes.starts(with: [0xFE, 0xFF]) else { return String(decoding: bytes, as: UTF8.self) }
    let units = stride(from: 2, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
    return String(decoding: units, as: UTF16.self)
  }

  /// The start of a text string, for people.
  var title: String? { string.flatMap { PDFValue.string(Array($0.prefix(1024))).text } }

  func isName(_ name: StaticString) -> Bool {
    if case .name(let bytes) = self { return Self.equal(bytes, name) }
    return false
  }

  /// This dictionary with other values for these keys, which come last.
  func setting(_ more: [(StaticString, PDFValue)]) -> PDFValue {
    let kept = (entries ?? []).filter { entry in !more.contains { Self.equal(entry.key, $0.0) } }
    return .dictionary(kept + more.map { Entry(key: Array($0.0.description.utf8), value: $0.1) })
  }

  private static func equal(_ bytes: [UInt8], _ text: StaticString) -> Bool {
    bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// As it stands in a file. The same value always gives the same bytes.
  func write(to out: inout [UInt8]) {
    switch self {
    case .null: out += "null".utf8
    case .bool(let value): out += (value ? "true" : "false").utf8
    case .int(let value): out += "\(value)".utf8
    case .real(let bytes): out += bytes
    case .name(let bytes): Self.write(name: bytes, to: &out)
    case .string(let bytes): Self.write(string: bytes, to: &out)
    case .array(let items):
      out += "[ ".utf8
      for item in items {
        item.write(to: &out)
        out += " ".utf8
      }
      out += "]".utf8
    case .dictionary(let entries):
      out += "<< ".utf8
      for entry in entries {
        Self.write(name: entry.key, to: &out)
        out += " ".utf8
        entry.value.write(to: &out)
        out += " ".utf8
      }
      out += ">>".utf8
    case .reference(let number, let generation): out += "\(number) \(generation) R".utf8
    }
  }

  private static let digits = Array("0123456789ABCDEF".utf8)

  private static func write(name: [UInt8], to out: inout [UInt8]) {
    out += "/".utf8
    for byte in name {
      if byte > 0x20, byte < 0x7F, !PDFParser.isDelimiter(byte), byte != UInt8(ascii: "#") {
        out.append(byte)
      } else {
        out += [UInt8(ascii: "#"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
  }

  // Text stays readable; anything else is written in hexadecimal.
  private static func write(string: [UInt8], to out: inout [UInt8]) {
    guard string.allSatisfy({ 0x20..<0x7F ~= $0 }) else {
      out += "<".utf8
      for byte in string { out += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
      out += ">".utf8
      return
    }
    out += "(".utf8
    for byte in string {
      if [UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "\\")].contains(byte) { out += "\\".utf8 }
      out.append(byte)
    }
    out += ")".utf8
  }
}
