/// The objects of a PDF, found by looking through the whole file: its cross-reference tables are not trusted, since the
/// file may be damaged, or made to deceive. Of objects with the same number the last in the file counts, as incremental
/// updates have it.
///
/// Everything is bounded: the number of objects and values, the bytes that streams unpack to, the nesting. The time is
/// proportional to the size of the file and what it unpacks to.
struct PDFDocument {
  /// How a PDF begins.
  static let signature = Array("%PDF-".utf8)

  /// An indirect object.
  struct Object {
    let value: PDFValue
    /// The stored bytes of its stream.
    let stream: Range<Int>?
    // Where it, or the object stream that holds it, begins: the later one counts.
    let place: Int
  }

  /// The most indirect objects, values in them, and bytes that are unpacked.
  struct Limits {
    var objects = 1 << 20
    var values = 1 << 22
    var unpacked = 1 << 28
  }

  let bytes: [UInt8]
  /// Trailers and the dictionaries of cross-reference streams, in the order of the file.
  private(set) var trailers: [PDFValue] = []
  private var objects: [Int: Object] = [:]
  private(set) var limits: Limits

  /// Looks through a file. Throws when it is no PDF, is encrypted, or is beyond a limit.
  init(_ bytes: [UInt8], limits: Limits = Limits()) throws(FormatError) {
    guard bytes.prefix(1024 + Self.signature.count).firstRange(of: Self.signature) != nil else {
      throw FormatError("it is no PDF: it does not begin like one")
    }
    self.bytes = bytes
    self.limits = limits
    var scan = PDFScan(bytes, budget: limits.values)
    var packed: [Object] = []
    while let found = scan.next() {
      switch found {
      case .trailer(let dictionary): trailers.append(dictionary)
      case .object(let number, let object):
        if object.value["Type"]?.isName("XRef") == true { trailers.append(object.value) }
        if object.value["Type"]?.isName("ObjStm") == true { packed.append(object) }
        try add(number, object)
      }
    }
    guard scan.budget > 0 else { throw FormatError("the PDF has more than \(limits.values) values") }
    self.limits.values = scan.budget
    guard !trailers.contains(where: { $0["Encrypt"] != nil }) else {
      throw FormatError("the PDF is encrypted, so what it embeds cannot be read")
    }
    for stream in packed { try unpack(stream) }
  }

  /// What a value stands for: itself, or the object that it refers to; nil when that is not there.
  func resolve(_ value: PDFValue?) -> PDFValue? {
    guard case .reference(let number, _)? = value else { return value }
    // A reference to a reference is not allowed (7.3.10); following it could go round for ever.
    guard let found = objects[number]?.value, found != .null else { return nil }
    if case .reference = found { return nil }
    return found
  }

  /// The object that a reference refers to.
  func object(_ value: PDFValue?) -> Object? {
    guard case .reference(let number, _)? = value else { return nil }
    return objects[number]
  }

  /// The plain bytes of a stream, at most as many as are left to unpack.
  mutating func decoded(_ object: Object) throws(FormatError) -> [UInt8] {
    guard let stream = object.stream else { throw FormatError("it is no stream") }
    // Each stream counts for some KiB, since unpacking a tiny one takes its time as well.
    limits.unpacked -= 8192
    guard limits.unpacked > 0 else { throw FormatError("the PDF unpacks to too much") }
    let copy = self
    do {
      let plain = try PDFFilters.decoded(
        bytes[stream], object.value, limit: limits.unpacked, resolve: { copy.resolve($0) })
      limits.unpacked -= plain.count
      return plain
    } catch {
      // How much was unpacked in vain is not known. Halving what is left bounds the sum of all such work, and lets a
      // few damaged streams be.
      limits.unpacked -= min(limits.unpacked / 2, stream.count << 10)
      throw error
    }
  }

  /// Counts bytes that were made of a stream's among the unpacked.
  mutating func spend(_ count: Int) { limits.unpacked -= count }

  /// The document's catalog; of a damaged file, any.
  var catalog: PDFValue? {
    for trailer in trailers.suffix(64).reversed() {
      if let root = resolve(trailer["Root"]), root["Pages"] != nil { return root }
    }
    return objects.values.filter { $0.value["Type"]?.isName("Catalog") == true }.max { $0.place < $1.place }?.value
  }

  /// The document information dictionary.
  var information: PDFValue? {
    for trailer in trailers.suffix(64).reversed() {
      if let info = resolve(trailer["Info"]), info.entries != nil { return info }
    }
    return nil
  }

  private mutating func add(_ number: Int, _ object: Object) throws(FormatError) {
    if let old = objects[number], old.place > object.place { return }
    objects[number] = object
    guard objects.count <= limits.objects else {
      throw FormatError("the PDF has more than \(limits.objects) objects")
    }
  }

  // 7.5.7: pairs of number and offset, then the values. A damaged one is passed over.
  private mutating func unpack(_ stream: Object) throws(FormatError) {
    guard let count = resolve(stream.value["N"])?.int, let first = resolve(stream.value["First"])?.int else { return }
    guard count >= 0, first >= 0, let plain = try? decoded(stream), first <= plain.count else {
      guard limits.unpacked > 0 else { throw FormatError("the PDF unpacks to too much") }
      return
    }
    var index = PDFParser(plain, at: 0, budget: 0)
    var furthest = 0
    for _ in 0..<count {
      guard let number = index.natural(), let offset = index.natural(), index.at <= first else { return }
      // Offsets increase; were they allowed to go back, the same bytes could be read over and over.
      guard offset >= furthest, offset < plain.count - first else { continue }
      var parser = PDFParser(plain, at: first + offset, budget: limits.values)
      let value = parser.value()
      limits.values = parser.budget
      guard limits.values > 0 else { throw FormatError("the PDF has too many values") }
      guard let value else { continue }
      furthest = parser.at - first
      try add(number, Object(value: value, stream: nil, place: stream.place))
    }
  }
}
