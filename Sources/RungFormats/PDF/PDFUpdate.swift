/// Objects appended to a PDF with a cross-reference section of the kind that the file has (ISO 32000-1, section 7.5.6).
struct PDFUpdate {
  private let revision: PDFRevision
  private var out: [UInt8]
  // In the order in which they were added.
  private var places: [(number: Int, generation: Int, offset: Int)] = []

  /// An update of a file of which this is the newest revision.
  init(_ bytes: [UInt8], _ revision: PDFRevision) {
    self.revision = revision
    out = bytes + [0x0A]
  }

  /// Appends an object, in place of an older one with its number if there is one.
  mutating func add(_ number: Int, _ generation: Int, _ value: PDFValue) {
    places.append((number, generation, out.count))
    out += "\(number) \(generation) obj\n".utf8
    value.write(to: &out)
    out += "\nendobj\n".utf8
  }

  /// The updated file.
  ///
  /// - Parameter information: the number of the document information dictionary.
  consuming func finished(information: Int) -> [UInt8] {
    let start = out.count
    let last = places.map { $0.number + 1 }.max() ?? 0
    var keys: [(StaticString, PDFValue)] = [
      ("Size", .int(max(revision.size, last) + (revision.isStream ? 1 : 0))), ("Prev", .int(revision.start)),
      ("Info", .reference(information, generation: 0)),
    ]
    for key in ["Root", "ID"] as [StaticString] {
      if let value = revision.trailer[key] { keys.append((key, value)) }
    }
    if revision.isStream {
      places.append((max(revision.size, last), 0, start))
      places.sort { $0.number < $1.number }
      writeStream(keys)
    } else {
      places.sort { $0.number < $1.number }
      writeTable(keys)
    }
    out += "startxref\n\(start)\n%%EOF\n".utf8
    return out
  }

  // Each entry is 20 bytes long (7.5.4). Some readers take a table that does not begin with number 0 for a wrong one.
  private mutating func writeTable(_ keys: [(StaticString, PDFValue)]) {
    out += "xref\n0 1\n0000000000 65535 f \n".utf8
    for place in places {
      out += "\(place.number) 1\n\(Self.padded(place.offset, 10)) \(Self.padded(place.generation, 5)) n \n".utf8
    }
    out += "trailer\n".utf8
    PDFValue.dictionary([]).setting(keys).write(to: &out)
    out += "\n".utf8
  }

  // 7.5.8: it lists itself as well. Some readers take no field of more than four bytes.
  private mutating func writeStream(_ keys: [(StaticString, PDFValue)]) {
    var data: [UInt8] = []
    let width = out.count < 1 << 32 ? 4 : 5
    for place in places {
      data.append(1)
      for shift in stride(from: 8 * (width - 1), through: 0, by: -8) {
        data.append(UInt8(truncatingIfNeeded: place.offset >> shift))
      }
      data += [UInt8(truncatingIfNeeded: place.generation >> 8), UInt8(truncatingIfNeeded: place.generation)]
    }
    let number = places.last?.number ?? 0
    out += "\(number) 0 obj\n".utf8
    PDFValue.dictionary([]).setting(
      keys + [
        ("Type", PDFValue(name: "XRef")), ("W", .array([.int(1), .int(width), .int(2)])),
        ("Index", .array(places.flatMap { [PDFValue.int($0.number), .int(1)] })), ("Length", .int(data.count)),
      ]
    ).write(to: &out)
    out += "\nstream\n".utf8 + data + "\nendstream\nendobj\n".utf8
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let text = "\(value)"
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
  }
}
