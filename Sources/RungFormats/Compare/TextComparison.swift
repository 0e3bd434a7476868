import RungCore

// Texts by lines, all else by bytes.
extension OutputComparison {
  static func compareTexts(_ a: [UInt8], _ b: [UInt8], _ findings: inout Findings) {
    findings.differ(lineDifference(a, b))
  }

  /// The first line in which two files differ; the first byte where one of them is no text.
  static func lineDifference(_ a: [UInt8], _ b: [UInt8]) -> String {
    guard isText(a), isText(b), let at = firstDifference(a, b) else { return bytesDifference(a, b) }
    let feed = UInt8(ascii: "\n")
    let line = a[..<at].reduce(into: 1) { if $1 == feed { $0 += 1 } }
    let start = (a[..<at].lastIndex(of: feed) ?? -1) + 1
    func rest(_ bytes: [UInt8], from: Int) -> ArraySlice<UInt8> { bytes[from...].prefix { $0 != feed } }
    if at == min(a.count, b.count) {
      let (shorter, longer, bytes) = at == a.count ? ("first", "second", b) : ("second", "first", a)
      if at == start {
        return "line \(Wording.count(line)): only in the \(longer) (\(Wording.quoted(rest(bytes, from: at))))"
      }
      if bytes[at] == feed {
        return at + 1 == bytes.count
          ? "line \(Wording.count(line)): the \(shorter) lacks the line feed at its end"
          : "line \(Wording.count(line + 1)): only in the \(longer) (\(Wording.quoted(rest(bytes, from: at + 1))))"
      }
    }
    let before = a[start..<at]
    guard before.count > Wording.longest / 2 else {
      let (x, y) = (Wording.quoted(rest(a, from: start)), Wording.quoted(rest(b, from: start)))
      return "line \(Wording.count(line)): \(x) and \(y)"
    }
    // Of long lines the place, with a little of what comes before it, from the start of a character.
    var from = at - Wording.longest / 3
    while from > start, a[from] & 0xC0 == 0x80 { from -= 1 }
    let column = before.count { $0 & 0xC0 != 0x80 } + 1
    let (x, y) = (Wording.quoted(rest(a, from: from), isCut: true), Wording.quoted(rest(b, from: from), isCut: true))
    return "line \(Wording.count(line)), column \(Wording.count(column)): \(x) and \(y)"
  }

  /// The first byte in which two files differ.
  static func bytesDifference(_ a: [UInt8], _ b: [UInt8]) -> String {
    let lengths = "lengths \(Wording.count(a.count)) and \(Wording.count(b.count))"
    guard let at = firstDifference(a, b) else { return "the same bytes" }
    guard at < a.count, at < b.count else { return "\(lengths), the same up to the end of the shorter one" }
    let first = "byte \(Wording.count(at)): \(Wording.hex(a[at])) and \(Wording.hex(b[at]))"
    return a.count == b.count ? first : "\(first); \(lengths)"
  }

  /// The offset of the first byte that only one has or that is not the same; nil for equal bytes.
  static func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
    let common = min(a.count, b.count)
    let at = a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        var at = 0
        while at < common, a[at] == b[at] { at += 1 }
        return at
      }
    }
    return at < common || a.count != b.count ? at : nil
  }

  private static func isText(_ bytes: [UInt8]) -> Bool {
    !bytes.contains(0) && String(validating: bytes, as: UTF8.self) != nil
  }
}
