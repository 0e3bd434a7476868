/// The newest revision of a sound PDF, as its cross-reference tables and streams tell (ISO 32000-1, section 7.5): what an
/// incremental update builds on. Nothing is guessed: a file whose tables do not fit its objects has none.
struct PDFRevision {
  private enum Entry {
    case offset(Int, generation: Int)
    case packed(in: Int, index: Int)
    case free
  }

  /// The trailer, or the dictionary of the cross-reference stream.
  let trailer: PDFValue
  /// Where the newest cross-reference section begins.
  let start: Int
  /// Whether it is a cross-reference stream.
  let isStream: Bool
  /// One more than the highest number of an object.
  let size: Int

  private let bytes: [UInt8]
  private let entries: [Int: Entry]
  private let unpacked = Unpacked()

  // The container that was unpacked last: a hostile file has all of its objects in one.
  private final class Unpacked {
    var container: Int?
    var plain: [UInt8] = []
  }

  // The most sections, entries, bytes of an object without its stream, and unpacked bytes.
  private static let mostSections = 4096
  private static let mostEntries = 1 << 22
  private static let longestObject = 1 << 22
  private static let mostUnpacked = 1 << 26

  /// Nil when the file is no PDF from its first byte on, when its tables are damaged, or when it is encrypted.
  init?(_ bytes: [UInt8]) {
    guard bytes.starts(with: PDFDocument.signature), let start = Self.startOfTable(bytes) else { return nil }
    var reader = TableReader(bytes: bytes)
    guard let newest = reader.section(at: start), newest.dictionary["Encrypt"] == nil else { return nil }
    var seen: Set<Int> = [start]
    var dictionary = newest.dictionary
    while let previous = dictionary["Prev"] {
      guard let offset = previous.int, seen.insert(offset).inserted, seen.count < Self.mostSections else { return nil }
      guard let section = reader.section(at: offset) else { return nil }
      dictionary = section.dictionary
    }
    guard let size = newest.dictionary["Size"]?.int, size > 0 else { return nil }
    self.bytes = bytes
    self.start = start
    isStream = newest.isStream
    trailer = newest.dictionary
    entries = reader.entries
    self.size = max(size, (entries.keys.max() ?? 0) + 1)
  }

  /// The object with a number, or nil when there is none or it is not where the table says. A stream's bytes are not
  /// looked at.
  func object(_ number: Int) -> PDFValue? {
    switch entries[number] {
    case .offset(let offset, let generation)?:
      guard let (parser, value) = parsed(number, generation, offset) else { return nil }
      _ = parser
      return value
    case .packed(let container, let index)?: return packed(container, index, number)
    case .free?, nil: return nil
    }
  }

  /// What a value stands for: itself, or the object that it refers to.
  func resolve(_ value: PDFValue?) -> PDFValue? {
    guard case .reference(let number, _)? = value else { return value }
    guard let found = object(number) else { return nil }
    if case .reference = found { return nil }
    return found
  }

  /// The number, generation and dictionary of the first page, with what it inherits from the nodes above it.
  func firstPage() -> (number: Int, generation: Int, page: PDFValue, isOnly: Bool)? {
    guard let catalog = resolve(trailer["Root"]), case .reference(var number, var generation)? = catalog["Pages"] else {
      return nil
    }
    var resources: PDFValue?
    var isOnly = true
    for _ in 0..<64 {
      guard let node = object(number), node.entries != nil else { return nil }
      resources = node["Resources"] ?? resources
      guard let kids = resolve(node["Kids"]) else {
        guard node["Type"]?.isName("Page") == true, let resources else { return nil }
        return (number, generation, node.setting([("Resources", resources)]), isOnly)
      }
      guard case .reference(let kid, let age)? = kids.array?.first else { return nil }
      isOnly = isOnly && kids.array?.count == 1
      (number, generation) = (kid, age)
    }
    return nil
  }

  private func parsed(_ number: Int, _ generation: Int, _ offset: Int) -> (PDFParser, PDFValue)? {
    guard 0..<bytes.count ~= offset else { return nil }
    var parser = PDFParser(bytes, at: offset, budget: Self.mostEntries)
    parser.end = min(bytes.count, offset + Self.longestObject)
    guard let head = parser.head(), head == (number, generation), let value = parser.value() else { return nil }
    parser.end = bytes.count
    return (parser, value)
  }

  private func packed(_ container: Int, _ index: Int, _ number: Int) -> PDFValue? {
    guard case .offset(let offset, let generation)? = entries[container],
      let (parser, dictionary) = parsed(container, generation, offset),
      dictionary["Type"]?.isName("ObjStm") == true,
      let count = directOrOffset(dictionary["N"]), let first = directOrOffset(dictionary["First"]),
      0..<count ~= index
    else { return nil }
    if unpacked.container != container {
      guard let plain = Self.stream(bytes, parser, dictionary, length: directOrOffset(dictionary["Length"])) else {
        return nil
      }
      unpacked.plain = plain
      unpacked.container = container
    }
    let plain = unpacked.plain
    guard 0...plain.count ~= first else { return nil }
    var pairs = PDFParser(plain, at: 0, budget: 0)
    for _ in 0..<index { guard pairs.natural() != nil, pairs.natural() != nil else { return nil } }
    guard pairs.natural() == number, let place = pairs.natural(), place < plain.count - first else { return nil }
    var inner = PDFParser(plain, at: first + place, budget: Self.mostEntries)
    return inner.value()
  }

  // A number, or one in an object that is no packed one: those of an object stream may not be in an object stream.
  private func directOrOffset(_ value: PDFValue?) -> Int? {
    guard case .reference(let number, _)? = value else { return value?.int }
    guard case .offset(let offset, let generation)? = entries[number] else { return nil }
    return parsed(number, generation, offset)?.1.int
  }

  private static func stream(_ bytes: [UInt8], _ parser: PDFParser, _ dictionary: PDFValue, length: Int?) -> [UInt8]? {
    var parser = parser
    parser.skipSpace()
    guard let length, parser.take("stream") else { return nil }
    if parser.at < bytes.count, bytes[parser.at] == 0x0D { parser.at += 1 }
    if parser.at < bytes.count, bytes[parser.at] == 0x0A { parser.at += 1 }
    guard length >= 0, length <= bytes.count - parser.at else { return nil }
    let stored = bytes[parser.at..<parser.at + length]
    parser.at += length
    parser.skipSpace()
    guard parser.take("endstream") else { return nil }
    return try? PDFFilters.decoded(stored, dictionary, limit: mostUnpacked, resolve: { $0 })
  }

  // 7.5.5: the last line but one. Some writers add a little behind %%EOF.
  private static func startOfTable(_ bytes: [UInt8]) -> Int? {
    let word = Array("startxref".utf8)
    var at = bytes.count - word.count
    let limit = max(0, bytes.count - 2048)
    while at >= limit, !bytes[at...].starts(with: word) { at -= 1 }
    guard at >= limit else { return nil }
    var parser = PDFParser(bytes, at: at + word.count, budget: 0)
    return parser.natural()
  }

  /// Reads sections; the first entry that is met for a number counts, since the newest section is read first.
  private struct TableReader {
    let bytes: [UInt8]
    var entries: [Int: Entry] = [:]
    var met = 0
    var unpacked = 0
    // Sound sections do not overlap, so all of them together are not longer than the file.
    var read = 0

    mutating func section(at offset: Int) -> (dictionary: PDFValue, isStream: Bool)? {
      guard 0..<bytes.count ~= offset else { return nil }
      var parser = PDFParser(bytes, at: offset, budget: PDFRevision.mostEntries)
      parser.skipSpace()
      guard parser.take("xref") else { return stream(at: offset).map { ($0, true) } }
      guard table(&parser), let trailer = parser.value(), trailer.entries != nil else { return nil }
      read += parser.at - offset
      guard read <= bytes.count else { return nil }
      // A hybrid file (7.5.8.4): its stream is older than its table and newer than what is before it.
      if let hidden = trailer["XRefStm"]?.int { guard stream(at: hidden) != nil else { return nil } }
      return (trailer, false)
    }

    private mutating func note(_ number: Int, _ entry: Entry) -> Bool {
      met += 1
      guard met <= PDFRevision.mostEntries else { return false }
      if entries[number] == nil { entries[number] = entry }
      return true
    }

    private mutating func table(_ parser: inout PDFParser) -> Bool {
      while true {
        parser.skipSpace()
        if parser.take("trailer") { return true }
        guard let first = parser.natural(), let count = parser.natural() else { return false }
        for index in 0..<count {
          guard let offset = parser.natural(), let generation = parser.natural() else { return false }
          parser.skipSpace()
          if parser.take("n") {
            guard note(first + index, .offset(offset, generation: generation)) else { return false }
          } else {
            guard parser.take("f"), note(first + index, .free) else { return false }
          }
        }
      }
    }

    // 7.5.8.
    private mutating func stream(at offset: Int) -> PDFValue? {
      guard 0..<bytes.count ~= offset else { return nil }
      var parser = PDFParser(bytes, at: offset, budget: PDFRevision.mostEntries)
      guard parser.head() != nil, let dictionary = parser.value(), dictionary["Type"]?.isName("XRef") == true,
        let size = dictionary["Size"]?.int, size >= 0,
        let widths = dictionary["W"]?.array?.map({ $0.int ?? -1 }), widths.count == 3,
        widths.allSatisfy({ 0...7 ~= $0 }),
        let plain = PDFRevision.stream(bytes, parser, dictionary, length: dictionary["Length"]?.int)
      else { return nil }
      read += parser.at - offset
      unpacked += plain.count
      guard unpacked <= 4 * PDFRevision.mostUnpacked, read <= bytes.count else { return nil }
      var at = 0
      func field(_ index: Int) -> Int? {
        guard widths[index] <= plain.count - at else { return nil }
        let value = plain[at..<at + widths[index]].reduce(0) { $0 << 8 | Int($1) }
        at += widths[index]
        return value
      }
      let ranges = dictionary["Index"]?.array?.map { $0.int ?? -1 } ?? [0, size]
      guard ranges.count % 2 == 0, ranges.allSatisfy({ 0...1 << 40 ~= $0 }) else { return nil }
      for pair in stride(from: 0, to: ranges.count, by: 2) {
        for index in 0..<ranges[pair + 1] {
          guard let kind = field(0), let second = field(1), let third = field(2) else { return nil }
          let entry: Entry =
            switch widths[0] == 0 ? 1 : kind {
            case 1: .offset(second, generation: third)
            case 2: .packed(in: second, index: third)
            default: .free
            }
          guard note(ranges[pair] + index, entry) else { return nil }
        }
      }
      return dictionary
    }
  }
}
