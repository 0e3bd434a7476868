import Glibc
import RungCore

/// A point in time, as UTC.
public struct UTCTime {
  private let seconds: Int64

  /// Nanoseconds since 1970.
  public init(nanoseconds: Int64) {
    seconds = nanoseconds / 1_000_000_000 - (nanoseconds % 1_000_000_000 < 0 ? 1 : 0)
  }

  /// For people: `2026-11-23 22:19:03 UTC`.
  public var text: String {
    let (date, clock) = parts
    return "\(date) \(clock) UTC"
  }

  private var parts: (date: String, clock: String) {
    var time = time_t(seconds)
    var fields = tm()
    gmtime_r(&time, &fields)
    func two(_ n: Int32) -> String { n < 10 ? "0\(n)" : "\(n)" }
    return (
      "\(Int(fields.tm_year) + 1900)-\(two(fields.tm_mon + 1))-\(two(fields.tm_mday))",
      "\(two(fields.tm_hour)):\(two(fields.tm_min)):\(two(fields.tm_sec))"
    )
  }
}

/// Lines of text of a given width, in which nothing that comes from a record can steer a terminal.
struct TextLayout {
  /// In characters.
  let width: Int
  private(set) var text = ""

  /// At least 40 wide, so that there is room for a digest and a name.
  init(width: Int) { self.width = max(40, width) }

  /// Control characters, line breaks too, as `?`; invisible ones that turn the direction of writing as well.
  static func printable(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7f...0x9f, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: out += "?"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// An empty line.
  mutating func space() { text += "\n" }

  /// A line that is never broken, because it is to be copied.
  mutating func line(_ line: String, indent: Int = 0) {
    text += String(repeating: " ", count: indent) + Self.printable(line) + "\n"
  }

  /// Text broken at spaces; words are never cut.
  mutating func paragraph(_ words: String, indent: Int = 0) {
    append(label: "", column: indent, words)
  }

  /// A label at `indent`, its value from column `column` on, broken at spaces. Each line break in the value starts a new
  /// line. Nothing for an empty value.
  mutating func field(_ label: String, _ value: String, indent: Int = 2, column: Int = 14) {
    if value.isEmpty { return }
    var label = String(repeating: " ", count: indent) + label
    for line in value.split(separator: "\n", omittingEmptySubsequences: true) {
      append(label: label, column: column, String(line))
      label = ""
    }
  }

  private mutating func append(label: String, column: Int, _ value: String) {
    let margin = String(repeating: " ", count: column)
    var line = label.count <= column - 1 || label.isEmpty ? label + margin.dropFirst(label.count) : label + " "
    var isFirst = true
    for word in Self.printable(value).split(separator: " ", omittingEmptySubsequences: false) {
      if isFirst {
        line += word
      } else if line.count + 1 + word.count <= width {
        line += " " + word
      } else {
        text += line + "\n"
        line = margin + word
      }
      isFirst = false
    }
    text += line + "\n"
  }
}

/// `1 step`, `2 steps`.
func counted(_ count: Int, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }

/// The first few, and how many more there are.
func listed(_ items: [String], limit: Int) -> String {
  guard items.count > limit + 1 else { return items.joined(separator: ", ") }
  return items.prefix(limit).joined(separator: ", ") + " and \(items.count - limit) more"
}
