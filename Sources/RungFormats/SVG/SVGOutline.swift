/// What a stamp needs to know of an SVG document: where its root's content begins and whether it carries a stamp.
struct SVGOutline {
  /// The namespace of our element.
  static let namespace: StaticString = "urn:rung:stamp:1"

  /// The prefix of the root's name with its colon, such as `svg:`; mostly empty.
  private(set) var prefix: [UInt8] = []
  /// Behind the root's start tag; nil when the root is empty or there is none.
  private(set) var content: Int?
  /// Whether the document is complete, its tags match, and it is in an encoding that keeps ASCII.
  private(set) var isWhole = false
  /// The first `stamp` element in a `metadata` child of the root that says something.
  private(set) var stamp: Stamp?

  /// Deeper documents are not stamped. A figure has less than twenty levels.
  private static let deepest = 4096
  /// Documents that bind and shadow our namespace more often at one place are not stamped.
  private static let mostBindings = 64

  private typealias Binding = (depth: Int, prefix: [UInt8], isOurs: Bool)

  /// Whether the first element is one called `svg`. Says nothing about what follows.
  static func mayBeSVG(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBufferPointer { buffer in
      var tokens = XMLTokens(buffer, from: start(of: buffer))
      guard tokens.at < buffer.count, buffer[tokens.at] == UInt8(ascii: "<") else { return false }
      while let token = tokens.next() {
        switch token {
        case .open(let name, _, _): return local(buffer[name]).elementsEqual("svg".utf8)
        case .text(let range) where buffer[range].allSatisfy(XMLTokens.isSpace): continue
        default: return false
        }
      }
      return false
    }
  }

  /// Reads the whole document once.
  init(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { read($0) }
  }

  // Behind a byte order mark of UTF-8 and white space.
  private static func start(of buffer: UnsafeBufferPointer<UInt8>) -> Int {
    var at = buffer.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while at < buffer.count, XMLTokens.isSpace(buffer[at]) { at += 1 }
    return at
  }

  private static func local(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>> {
    name.firstIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name
  }

  private static func prefix(_ name: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
    name.firstIndex(of: UInt8(ascii: ":")).map { Array(name[...$0]) } ?? []
  }

  private mutating func read(_ buffer: UnsafeBufferPointer<UInt8>) {
    var tokens = XMLTokens(buffer, from: Self.start(of: buffer))
    var open: [Range<Int>] = []
    var bindings: [Binding] = []
    var text: (depth: Int, bytes: [UInt8])?
    var inMetadata = false
    var isOver = false
    while let token = tokens.next() {
      switch token {
      case .open(let name, let attributes, let isEmpty):
        guard !isOver, open.count < Self.deepest else { return }
        bind(tokens, attributes, depth: open.count + 1, &bindings)
        guard bindings.count <= Self.mostBindings else { return }
        if open.isEmpty {
          guard Self.local(buffer[name]).elementsEqual("svg".utf8) else { return }
          prefix = Self.prefix(buffer[name])
          if !isEmpty { content = tokens.at }
        } else if open.count == 1 {
          inMetadata = Self.local(buffer[name]).elementsEqual("metadata".utf8)
        } else if inMetadata, text == nil, stamp == nil, !isEmpty, Self.isStamp(buffer[name], bindings) {
          text = (open.count, [])
        }
        if isEmpty {
          bindings.removeAll { $0.depth > open.count }
          isOver = open.isEmpty
        } else {
          open.append(name)
        }
      case .close(let name):
        guard let last = open.popLast(), buffer[last].elementsEqual(buffer[name]) else { return }
        if !bindings.isEmpty { bindings.removeAll { $0.depth > open.count } }
        if let (depth, bytes) = text, depth == open.count {
          stamp = Stamp(json: Self.expanded(bytes))
          text = nil
        }
        isOver = open.isEmpty
      case .text(let range):
        if open.isEmpty, !buffer[range].allSatisfy(XMLTokens.isSpace) { return }
        Self.add(buffer[range], to: &text)
      case .verbatim(let range):
        guard !open.isEmpty else { return }
        Self.add(buffer[range], to: &text)
      }
    }
    isWhole = isOver && !tokens.isBroken && Self.keepsASCII(buffer, tokens)
  }

  // A stamp's text is short; what is longer is none.
  private static func add(_ more: Slice<UnsafeBufferPointer<UInt8>>, to text: inout (depth: Int, bytes: [UInt8])?) {
    guard let count = text?.bytes.count, count <= 8 * Stamp.longest else { return }
    text?.bytes += more.prefix(8 * Stamp.longest)
  }

  // Notes the prefixes that stand for our namespace, and those that no longer do (Namespaces in XML 1.0, section 6).
  private func bind(_ tokens: XMLTokens, _ attributes: Range<Int>, depth: Int, _ bindings: inout [Binding]) {
    tokens.attributes(in: attributes) { name, value in
      guard tokens.bytes[name].starts(with: "xmlns".utf8), bindings.count <= Self.mostBindings else { return }
      let rest = tokens.bytes[name].dropFirst(5)
      guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return }
      let prefix = Array(rest.dropFirst())
      let isOurs = tokens.bytes[value].elementsEqual(
        UnsafeBufferPointer(start: Self.namespace.utf8Start, count: Self.namespace.utf8CodeUnitCount))
      if isOurs || bindings.contains(where: { $0.prefix == prefix }) { bindings.append((depth, prefix, isOurs)) }
    }
  }

  private static func isStamp(_ name: Slice<UnsafeBufferPointer<UInt8>>, _ bindings: [Binding]) -> Bool {
    guard local(name).elementsEqual("stamp".utf8) else { return false }
    let prefix = prefix(name).dropLast()
    return bindings.last { $0.prefix.elementsEqual(prefix) }?.isOurs ?? false
  }

  // The five entities that need no declaration, and numbers (XML 1.0, section 4.1). Others stay as they are.
  private static func expanded(_ bytes: [UInt8]) -> String {
    var out: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "&"),
        let end = bytes[at...].prefix(12).firstIndex(of: UInt8(ascii: ";")),
        let character = character(String(decoding: bytes[at + 1..<end], as: UTF8.self))
      {
        out += String(character).utf8
        at = end + 1
      } else {
        out.append(bytes[at])
        at += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }

  private static func character(_ name: String) -> Unicode.Scalar? {
    switch name {
    case "lt": "<"
    case "gt": ">"
    case "amp": "&"
    case "quot": "\""
    case "apos": "'"
    case _ where name.hasPrefix("#x"): UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
    case _ where name.hasPrefix("#"): UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
    default: nil
    }
  }

  // Without a declaration it is UTF-8 (or UTF-16, which has no tags for us). Others may use the bytes of `<` and `>`
  // within a character.
  private static func keepsASCII(_ buffer: UnsafeBufferPointer<UInt8>, _ tokens: XMLTokens) -> Bool {
    guard let declaration = tokens.declaration else { return true }
    var isFine = true
    tokens.attributes(in: declaration) { name, value in
      guard buffer[name].elementsEqual("encoding".utf8) else { return }
      let encoding = String(decoding: buffer[value], as: UTF8.self).lowercased()
      isFine =
        ["utf-8", "us-ascii", "ascii"].contains(encoding) || encoding.hasPrefix("iso-8859-")
        || encoding.hasPrefix("windows-125")
    }
    return isFine
  }
}
