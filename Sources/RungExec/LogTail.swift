import Glibc
import RungCore

extension Workspace {
  /// The last line that a step has printed so far, fit for a terminal: of a progress bar its last state. Empty when there is
  /// none.
  public static func lastLine(of workspace: String) -> String {
    lastLines(of: workspace, window: 4 << 10).last { !$0.isEmpty } ?? ""
  }

  /// The last lines that a step has printed so far, at most twenty, each fit for showing to people.
  public static func lastLines(of workspace: String, window: Int = 16 << 10) -> [String] {
    let file = open(log(of: workspace), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size > 0 else { return [] }
    return LogTail.read(file, size: Int64(status.st_size), window: window)
  }
}

/// The end of what a program printed, made fit for a terminal and a JSON file.
enum LogTail {
  static let lines = 20
  static let lineLength = 300
  // Enough for twenty long lines; what lies before it is never looked at.
  private static let window = 64 << 10

  /// The last lines of an open file.
  static func read(_ file: Int32, size: Int64, window: Int = window) -> [String] {
    let start = max(0, size - Int64(window))
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(min(size, Int64(window)))) { buffer, count in
      count = max(0, pread(file, buffer.baseAddress, buffer.count, off_t(start)))
    }
    var text = bytes[...]
    // The first line of a window is most likely cut: left out, unless it is the only one.
    if start > 0, let end = text.firstIndex(of: 10), end + 1 < text.endIndex { text = text[(end + 1)...] }
    return clean(text)
  }

  /// The last lines of `bytes`: escape sequences and control characters are gone, what is not UTF-8 is U+FFFD, a
  /// tab is a space, a line that was overwritten with carriage returns (a progress bar) shows its last state, and empty
  /// lines at the end are dropped.
  static func clean(_ bytes: some Collection<UInt8>) -> [String] {
    var result: [String] = []
    for line in bytes.split(separator: 10, omittingEmptySubsequences: false) {
      let states = line.split(separator: 13)
      result.append(states.last.map { printable(String(decoding: $0, as: UTF8.self)) } ?? "")
    }
    while result.last?.isEmpty == true { result.removeLast() }
    return Array(result.suffix(lines))
  }

  /// One line without anything that would move a cursor, change a colour or reverse the direction of text.
  static func printable(_ line: String) -> String {
    enum State { case text, escape, control, string, stringEscape }
    var state = State.text
    var out = ""
    var count = 0
    for scalar in line.unicodeScalars {
      switch state {
      case .text:
        if scalar.value == 0x1b {
          state = .escape
        } else if scalar == "\t" || isPrintable(scalar) {
          if count == lineLength {
            out.unicodeScalars.removeLast()
            out += "…"
            return out
          }
          out.unicodeScalars.append(scalar == "\t" ? " " : scalar)
          count += 1
        }
      case .escape:
        switch scalar {
        case "[": state = .control
        case "]", "P", "X", "^", "_": state = .string
        case " "..."/": break  // intermediate bytes; the sequence goes on
        default: state = .text
        }
      case .control:
        if ("@"..."~").contains(scalar) { state = .text }
      case .string:
        if scalar.value == 7 { state = .text } else if scalar.value == 0x1b { state = .stringEscape }
      case .stringEscape:
        state = scalar == "\\" ? .text : .string
      }
    }
    return out
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f...0x9f: false
    case 0x200e, 0x200f, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069, 0xfeff: false  // direction, line breaks
    default: true
    }
  }
}
