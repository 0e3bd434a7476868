import RungCore

/// Reads comma-separated values (RFC 4180): quoted cells may hold commas, line breaks and doubled quotes. Either kind of
/// line break; empty lines are left out.
struct CSV {
  /// The rows, the header first.
  var rows: [Row]

  /// A row, with the line that it begins on.
  struct Row {
    /// 1 for the first line of the file.
    var line: Int
    /// The cells, unquoted.
    var cells: [String]
  }

  /// Reads a text. Throws with the line and what is wrong.
  init(_ bytes: [UInt8]) throws(Malformed) {
    rows = []
    var cells: [String] = []
    var cell: [UInt8] = []
    var line = 1
    var rowLine = 1
    var quoted = false
    var wasQuoted = false
    var i = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    func endCell() {
      cells.append(String(decoding: cell, as: UTF8.self))
      cell = []
      wasQuoted = false
    }
    func endRow() {
      if !(cells.isEmpty && cell.isEmpty && !wasQuoted) {
        endCell()
        rows.append(Row(line: rowLine, cells: cells))
      }
      cells = []
    }
    while i < bytes.count {
      let byte = bytes[i]
      i += 1
      if quoted {
        if byte == UInt8(ascii: "\"") {
          if i < bytes.count, bytes[i] == byte {
            cell.append(byte)
            i += 1
          } else {
            quoted = false
          }
        } else {
          if byte == 0x0A { line += 1 }
          cell.append(byte)
        }
      } else if byte == UInt8(ascii: "\"") {
        guard cell.isEmpty, !wasQuoted else { throw Malformed(line: line, reason: "a quote inside a cell") }
        quoted = true
        wasQuoted = true
      } else if byte == UInt8(ascii: ",") {
        endCell()
      } else if byte == 0x0A || byte == 0x0D {
        if byte == 0x0D, i < bytes.count, bytes[i] == 0x0A { i += 1 }
        endRow()
        line += 1
        rowLine = line
      } else {
        guard !wasQuoted else { throw Malformed(line: line, reason: "text after a closing quote") }
        cell.append(byte)
      }
    }
    guard !quoted else { throw Malformed(line: rowLine, reason: "a quote is left open") }
    endRow()
  }

  /// What is wrong with a text.
  struct Malformed: Error {
    /// 1 for the first line.
    var line: Int
    /// A few words.
    var reason: String
  }
}
