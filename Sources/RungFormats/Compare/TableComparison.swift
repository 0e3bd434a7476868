import Glibc
import RungCore

// CSV: cells that are numbers on both sides by value, others exactly. Rows count from 1, the header among them.
extension OutputComparison {
  static func compareTables(_ a: [UInt8], _ b: [UInt8], isTabbed: Bool, _ findings: inout Findings) {
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        let delimiter = isTabbed ? UInt8(ascii: "\t") : self.delimiter(a, b)
        var walk = TableWalk(
          a: CSVReader(a, delimiter: delimiter), b: CSVReader(b, delimiter: delimiter))
        walk.compare(&findings)
      }
    }
  }

  /// What the first lines have most of: some programs separate by semicolons or tabs.
  private static func delimiter(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> UInt8 {
    let heads = [a, b].map { $0.prefix(1 << 16).prefix { $0 != UInt8(ascii: "\n") } }
    let counts = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")].map { delimiter in
      (delimiter, heads.reduce(0) { $0 + $1.count { $0 == delimiter } })
    }
    return counts.reduce(counts[0]) { $1.1 > $0.1 ? $1 : $0 }.0
  }
}

/// Two tables that are read side by side.
private struct TableWalk {
  var a: CSVReader
  var b: CSVReader
  var row = 1
  var column = 0

  mutating func compare(_ findings: inout Findings) {
    while true {
      let (left, right) = (a.next(), b.next())
      guard let left, let right else {
        if left != nil || right != nil { noteRows(left, right, &findings) }
        return
      }
      if !isSame(left, right, &findings) {
        let (x, y) = (a.content(left), b.content(right))
        findings.differ("\(place): \(Self.pair(x, y))")
        return
      }
      guard left.endsRow == right.endsRow else {
        noteCells(left, right, &findings)
        return
      }
      column += 1
      if left.endsRow {
        row += 1
        column = 0
      }
    }
  }

  private func isSame(_ left: CSVReader.Cell, _ right: CSVReader.Cell, _ findings: inout Findings) -> Bool {
    guard !left.isMixed, !right.isMixed else { return a.content(left) == b.content(right) }
    let (x, y) = (a.plain(left), b.plain(right))
    if x.count == y.count {
      guard let left = x.baseAddress, let right = y.baseAddress else { return true }
      if memcmp(left, right, x.count) == 0 { return true }
    }
    guard let x = NumberText(x), let y = NumberText(y) else { return false }
    return x.isSame(y, &findings)
  }

  private static func pair(_ x: [UInt8], _ y: [UInt8]) -> String {
    let numbers = [x, y].map { $0.withUnsafeBufferPointer(NumberText.init(_:)) }
    func shown(_ bytes: [UInt8], _ number: NumberText?) -> String {
      number != nil && bytes.count <= Wording.longest ? String(decoding: bytes, as: UTF8.self) : Wording.quoted(bytes)
    }
    return Wording.pair(
      shown(x, numbers[0]), shown(y, numbers[1]), numbers[0]?.double ?? .nan, numbers[1]?.double ?? .nan)
  }

  /// `row 12, column 'loss'`; the column's number where the first row has no name for it.
  private var place: String {
    var header = CSVReader(a.bytes, delimiter: a.delimiter)
    var index = 0
    var name = Wording.count(column + 1)
    while row > 1, let cell = header.next() {
      if index == column {
        let content = header.content(cell)
        let isName = !content.isEmpty && content.withUnsafeBufferPointer(NumberText.init(_:)) == nil
        if isName { name = Wording.quoted(content) }
      }
      if index == column || cell.endsRow { break }
      index += 1
    }
    return "row \(Wording.count(row)), column \(name)"
  }

  private mutating func noteCells(_ left: CSVReader.Cell, _ right: CSVReader.Cell, _ findings: inout Findings) {
    func rest(_ cell: CSVReader.Cell, _ reader: inout CSVReader) -> Int {
      var count = column + 1
      var isLast = cell.endsRow
      while !isLast, let next = reader.next() {
        count += 1
        isLast = next.endsRow
      }
      return count
    }
    let (x, y) = (rest(left, &a), rest(right, &b))
    findings.differ("row \(Wording.count(row)): \(Wording.count(x)) and \(Wording.count(y, "cell"))")
  }

  private mutating func noteRows(_ left: CSVReader.Cell?, _ right: CSVReader.Cell?, _ findings: inout Findings) {
    func rest(_ cell: CSVReader.Cell?, _ reader: inout CSVReader) -> Int {
      guard var cell else { return row - 1 }
      var count = row - 1
      while true {
        if cell.endsRow { count += 1 }
        guard let next = reader.next() else { return count }
        cell = next
      }
    }
    let (x, y) = (rest(left, &a), rest(right, &b))
    findings.differ("\(Wording.count(x)) and \(Wording.count(y, "row"))")
  }
}
