import Glibc
import Synchronization

/// Standard output and standard error, and what is known of the terminal behind them.
enum Console {
  private static let buffer = Mutex("")

  /// Writes to standard output, in pieces of at least 64 KiB or at `flush`.
  static func print(_ text: String, terminator: String = "\n") {
    let full = buffer.withLock { buffer in
      buffer += text
      buffer += terminator
      return buffer.utf8.count >= 1 << 16
    }
    if full { flush() }
  }

  /// Writes to standard error at once.
  static func complain(_ text: String) {
    flush()
    write(text + "\n", to: STDERR_FILENO)
  }

  /// Writes out what `print` has buffered.
  static func flush() {
    let text = buffer.withLock { buffer in
      defer { buffer = "" }
      return buffer
    }
    write(text, to: STDOUT_FILENO)
  }

  /// Writes all of a text, or as much as somebody reads.
  static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, !rest.isEmpty {
        let count = Glibc.write(descriptor, start, rest.count)
        if count < 0 {
          if errno == EINTR { continue }
          return
        }
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
  }

  /// Whether a person looks at a stream.
  static func isTerminal(_ descriptor: Int32) -> Bool {
    guard isatty(descriptor) == 1 else { return false }
    return getenv("TERM").map { String(cString: $0) } != "dumb"
  }

  /// Colours are for terminals, and not when `NO_COLOR` is set to anything (no-color.org).
  static func usesColor(_ descriptor: Int32) -> Bool {
    if let off = getenv("NO_COLOR"), off.pointee != 0 { return false }
    return isTerminal(descriptor)
  }

  /// Columns and rows of the terminal; 80 × 24 when there is none.
  static func size(_ descriptor: Int32) -> (columns: Int, rows: Int) {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
    return (Int(size.ws_col), Int(size.ws_row))
  }
}

/// Colours for words, or none.
struct Style: Sendable {
  let isOn: Bool

  /// For standard output.
  static var output: Style { Style(isOn: Console.usesColor(STDOUT_FILENO)) }
  /// For standard error.
  static var errors: Style { Style(isOn: Console.usesColor(STDERR_FILENO)) }

  func bold(_ text: String) -> String { wrap(text, "1") }
  func dim(_ text: String) -> String { wrap(text, "2") }
  func red(_ text: String) -> String { wrap(text, "31") }
  func green(_ text: String) -> String { wrap(text, "32") }
  func yellow(_ text: String) -> String { wrap(text, "33") }
  func cyan(_ text: String) -> String { wrap(text, "36") }

  private func wrap(_ text: String, _ code: String) -> String { isOn ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}

/// Rows under a heading, columns as wide as their widest cell; numbers to the right.
struct TextTable {
  private var rows: [[String]] = []
  private let numeric: Set<Int>

  init(header: [String], numeric: Set<Int> = []) {
    self.numeric = numeric
    rows = [header]
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The table, no wider than so many columns if that can be: words are cut in the middle, those of the widest column first;
  /// numbers never are. Nil for as wide as it comes.
  func text(columns limit: Int?) -> String {
    let columns = rows.map(\.count).max() ?? 0
    var widths = (0..<columns).map { column in
      rows.map { column < $0.count ? ScreenLine.width(of: $0[column]) : 0 }.max() ?? 0
    }
    if let limit {
      var excess = widths.reduce(0, +) + 2 * max(0, columns - 1) - limit
      while excess > 0 {
        let wide = (0..<columns).filter { !numeric.contains($0) && widths[$0] > Self.least }
        guard let widest = wide.max(by: { widths[$0] < widths[$1] }) else { break }
        // Down to the next widest, so that several columns give way together.
        let next = wide.filter { $0 != widest }.map { widths[$0] }.max() ?? Self.least
        let step = max(1, min(excess, widths[widest] - max(Self.least, next)))
        widths[widest] -= step
        excess -= step
      }
    }
    return rows.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let shown = ScreenLine.fit(cell, widths[column])
        let padding = String(repeating: " ", count: max(0, widths[column] - ScreenLine.width(of: shown)))
        line += (column > 0 ? "  " : "") + (numeric.contains(column) ? padding + shown : shown + padding)
      }
      while line.last == " " { line.removeLast() }
      return line
    }.joined(separator: "\n")
  }

  // A column of words is not cut below this.
  private static let least = 12

  /// As wide as the window, where a person looks at it; else as wide as it comes, for a file or another program.
  var text: String {
    text(columns: Console.isTerminal(STDOUT_FILENO) ? Console.size(STDOUT_FILENO).columns : nil)
  }
}
