/// The cells of a CSV file (RFC 4180) one after the other, with line feeds alone as well.
///
/// Nothing is refused: a quote within a cell without quotes is part of it, and so is what follows a closing quote; a
/// quoted cell without an end goes to the end of the file.
struct CSVReader {
  /// A cell, as a part of the file.
  struct Cell {
    /// Where its content starts and ends, without quotes around it.
    let start: Int
    let end: Int
    /// Whether there are doubled quotes in it, or text behind its closing quote.
    let isMixed: Bool
    /// Whether it is the last of its row.
    let endsRow: Bool
  }

  let bytes: UnsafeBufferPointer<UInt8>
  let delimiter: UInt8
  private var at = 0
  private var isBetween = false

  init(_ bytes: UnsafeBufferPointer<UInt8>, delimiter: UInt8) {
    self.bytes = bytes
    self.delimiter = delimiter
  }

  /// The next cell; nil at the end. A line feed at the end of the file ends its last row.
  mutating func next() -> Cell? {
    // Behind a delimiter there is a cell, even at the end.
    guard at < bytes.count || isBetween else { return nil }
    isBetween = false
    var start = at
    var end = at
    var isMixed = false
    if at < bytes.count, bytes[at] == UInt8(ascii: "\"") {
      start += 1
      at += 1
      while at < bytes.count {
        if bytes[at] == UInt8(ascii: "\"") {
          guard at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "\"") else { break }
          isMixed = true
          at += 1
        }
        at += 1
      }
      end = at
      at = min(at + 1, bytes.count)
      let closed = at
      skipToEnd()
      // With the closing quote, which `content` knows to leave out.
      let isCarriageReturn = at == closed + 1 && bytes[closed] == UInt8(ascii: "\r") && endsLine(at)
      if at > closed, !isCarriageReturn {
        isMixed = true
        end = at
      }
    } else {
      skipToEnd()
      end = at
      if end > start, bytes[end - 1] == UInt8(ascii: "\r"), endsLine(at) { end -= 1 }
    }
    guard at < bytes.count else { return Cell(start: start, end: end, isMixed: isMixed, endsRow: true) }
    let endsRow = bytes[at] == UInt8(ascii: "\n")
    isBetween = !endsRow
    at += 1
    return Cell(start: start, end: end, isMixed: isMixed, endsRow: endsRow)
  }

  private func endsLine(_ at: Int) -> Bool { at == bytes.count || bytes[at] == UInt8(ascii: "\n") }

  private mutating func skipToEnd() {
    while at < bytes.count, bytes[at] != delimiter, bytes[at] != UInt8(ascii: "\n") { at += 1 }
  }

  /// The bytes of a cell that is not mixed.
  func plain(_ cell: Cell) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[cell.start..<cell.end])
  }

  /// The bytes of any cell: of two quotes one, a closing one not at all.
  func content(_ cell: Cell) -> [UInt8] {
    guard cell.isMixed else { return Array(plain(cell)) }
    var out: [UInt8] = []
    var index = cell.start
    var isQuoted = true
    while index < cell.end {
      let byte = bytes[index]
      index += 1
      if isQuoted, byte == UInt8(ascii: "\"") {
        guard index < cell.end, bytes[index] == byte else {
          isQuoted = false
          continue
        }
        index += 1
      }
      out.append(byte)
    }
    return out
  }
}
