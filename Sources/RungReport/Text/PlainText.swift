/// Texts of the user's, made fit to be shown: nothing in them steers a terminal or turns the direction of writing, and none
/// is too long to be laid out.
public enum PlainText {
  /// The text with what is no character for people shown as `�`. Line feeds and tabs stay.
  static func visible(_ text: String) -> String {
    // Nearly every text has nothing of the kind: bytes from 0xC2 on may begin a control character, so they are looked at.
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f || $0 == 10 || $0 == 9 }
    if isPlain { return text }
    var out = ""
    out.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 9, 10: out.unicodeScalars.append(scalar)
      case 0..<0x20, 0x7f...0x9f, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfdd0...0xfdef, 0xfeff, 0xfffe,
        0xffff:
        out += "\u{FFFD}"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// What a step printed, as lines for people: escape codes of terminals are taken out, a line that was written over by a
  /// carriage return is what it was at last, lines longer than `longest` characters are cut.
  public static func lines(ofLog bytes: [UInt8], longest: Int = 2000) -> [String] {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map { line in
      var line = line
      if line.last == 13 { line.removeLast() }
      if let back = line.lastIndex(of: 13) { line = line[(back + 1)...] }
      return cut(withoutEscapes(line), longest)
    }
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// The lines of a source text. Lines longer than `longest` characters are cut.
  public static func lines(ofSource bytes: [UInt8], longest: Int = 2000) -> [String] {
    var lines = bytes.split(separator: 10, omittingEmptySubsequences: false).map { line in
      cut(String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self), longest)
    }
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// A text of at most `longest` characters, and how many more there were.
  public static func cut(_ text: String, _ longest: Int) -> String {
    // Characters are counted only where there may be too many.
    guard text.utf8.count > longest, let end = text.index(text.startIndex, offsetBy: longest, limitedBy: text.endIndex),
      end != text.endIndex
    else { return text }
    return "\(text[..<end]) … and \(text.utf8.count - text[..<end].utf8.count) bytes more"
  }

  // ECMA-48: ESC [ … final byte; ESC ] … BEL or ESC \; ESC, bytes from space to `/`, and one more.
  private static func withoutEscapes(_ line: ArraySlice<UInt8>) -> String {
    guard line.contains(0x1b) else { return String(decoding: line, as: UTF8.self) }
    var out: [UInt8] = []
    var at = line.startIndex
    while at < line.endIndex {
      guard line[at] == 0x1b else {
        out.append(line[at])
        at += 1
        continue
      }
      at += 1
      guard at < line.endIndex else { break }
      switch line[at] {
      case UInt8(ascii: "["):
        at += 1
        while at < line.endIndex, !(0x40...0x7e).contains(line[at]) { at += 1 }
        at += 1
      case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
        while at < line.endIndex, line[at] != 7, line[at] != 0x1b { at += 1 }
        if at < line.endIndex, line[at] == 0x1b { at += 1 }
        at += 1
      default:
        while at < line.endIndex, (0x20...0x2f).contains(line[at]) { at += 1 }
        at += 1
      }
    }
    return String(decoding: out, as: UTF8.self)
  }
}
