/// Bytes to put into a text.
struct Insertion {
  /// What they take the place of; empty to put them between two bytes.
  var place: Range<Int>
  /// The new bytes.
  var bytes: [UInt8]

  init(at offset: Int, _ bytes: [UInt8]) { self.init(instead: offset..<offset, bytes) }

  init(instead place: Range<Int>, _ bytes: [UInt8]) {
    self.place = place
    self.bytes = bytes
  }
}

/// Why a text cannot be edited, as the rest of a sentence.
struct CannotEdit: Error {
  let reason: String
}

/// Puts new members or items behind one that is there.
struct CollectionEditor {
  let layout: SourceLayout

  private var bytes: [UInt8] { layout.source.bytes }

  /// Into `{…}` or `[…]`, behind the member or item at `place`, on its line or on lines of their own as the others are.
  func flow(behind place: Range<Int>, _ texts: [String]) throws(CannotEdit) -> [Insertion] {
    let next = layout.skip(from: place.upperBound)
    guard next < bytes.count else { throw CannotEdit(reason: "the list is not closed") }
    let prefix = layout.prefix(of: place.lowerBound)
    let isAlone = prefix.allSatisfy { $0 == 0x20 || $0 == 0x09 }
    let nl = layout.lineBreak(at: place.lowerBound)
    if bytes[next] == UInt8(ascii: ",") {
      let lineEnd = layout.lineEnd(next)
      // Behind a comma: each new one has its own.
      if isAlone, layout.skip(from: next + 1) >= lineEnd {
        return [Insertion(at: lineEnd, texts.flatMap { nl + prefix + $0.utf8 + ",".utf8 })]
      }
      return [Insertion(at: next + 1, texts.flatMap { " \($0),".utf8 })]
    }
    guard bytes[next] == UInt8(ascii: "}") || bytes[next] == UInt8(ascii: "]") else {
      throw CannotEdit(reason: "it is not clear where its last input ends")
    }
    let isClosedBelow = layout.lineIndex(of: next) > layout.lineIndex(of: place.upperBound)
    let here = isClosedBelow ? layout.lineEnd(place.upperBound) : place.upperBound
    if isAlone {
      let lines = Array(texts.map { nl + prefix + Array($0.utf8) }.joined(separator: ",".utf8))
      if here == place.upperBound { return [Insertion(at: here, Array(",".utf8) + lines)] }
      return [Insertion(at: place.upperBound, Array(",".utf8)), Insertion(at: here, lines)]
    }
    // Commas in front of every line.
    let trimmed = prefix.filter { !SourceLayout.isBlank($0) }
    if trimmed == Array(",".utf8), layout.lineStart(place.lowerBound) > 0 {
      return [Insertion(at: here, texts.flatMap { nl + prefix + $0.utf8 })]
    }
    return [Insertion(at: place.upperBound, texts.flatMap { ", \($0)".utf8 })]
  }

  /// Into `{}` or `[]` that begins at `start`, or has nothing of its own but a merge.
  func emptyFlow(at start: Int, _ texts: [String]) throws(CannotEdit) -> [Insertion] {
    guard let open = bytes[start...].firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") }) else {
      throw CannotEdit(reason: "it is not clear where it begins")
    }
    let next = layout.skip(from: open + 1)
    let text = texts.joined(separator: ", ")
    guard next < bytes.count else { throw CannotEdit(reason: "it is not clear where it ends") }
    let isEmpty = bytes[next] == UInt8(ascii: "}") || bytes[next] == UInt8(ascii: "]")
    if !isEmpty { return [Insertion(at: next, Array("\(text), ".utf8))] }
    let gap = bytes[(open + 1)..<next]
    let room = gap.allSatisfy { $0 == 0x20 } ? Array(gap) : []
    return [Insertion(at: open + 1, room + text.utf8)]
  }

  /// Lines below the one in which something ends at `end`.
  func block(below end: Int, _ lines: [String], indent: [UInt8]) -> Insertion {
    // A block of text ends where the next line begins.
    let isLineStart = end > 0 && layout.lineStart(end) == end && !layout.lineBreak(before: end).isEmpty
    let place = isLineStart ? end : layout.nextLine(end)
    let nl = layout.lineBreak(at: max(0, place - 1))
    let content = lines.map { indent + Array($0.utf8) }
    if place > 0, layout.lineBreak(before: place).isEmpty {
      return Insertion(at: place, content.flatMap { nl + $0 })
    }
    return Insertion(at: place, content.flatMap { $0 + nl })
  }
}
