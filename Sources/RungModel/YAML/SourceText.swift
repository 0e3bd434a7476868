import RungCore

/// The text of one file that people write, with its lines: what every mistake points into.
final class SourceText: Sendable {
  /// The path as the user knows it, or `--set name` for a text from the command line.
  let name: String
  /// The folder that paths in this text are relative to.
  let folder: RelativePath
  /// UTF-8, without a byte order mark.
  let bytes: [UInt8]
  /// The offsets at which lines begin, in bytes; the first is 0.
  let lineStarts: [Int]

  /// The most that a file of this kind may hold, in bytes.
  static let sizeLimit = 8_000_000

  private init(name: String, folder: RelativePath, bytes: [UInt8], lineStarts: [Int]) {
    self.name = name
    self.folder = folder
    self.bytes = bytes
    self.lineStarts = lineStarts
  }

  /// Takes bytes that must be UTF-8 without the control characters that YAML forbids; says where they are not.
  static func read(
    name: String, folder: RelativePath, bytes given: [UInt8], mistakes: Mistakes
  ) -> SourceText? {
    if given.count > sizeLimit {
      mistakes.error(
        "\(name) is larger than \(ByteCount(bytes: Int64(sizeLimit)))",
        notes: ["a file of steps and settings is never that large: keep data in files of its own"])
      return nil
    }
    let bytes = given.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(given.dropFirst(3)) : given
    var lineStarts = [0]
    let bad = bytes.withUnsafeBufferPointer { scan($0, lineStarts: &lineStarts) }
    let text = SourceText(name: name, folder: folder, bytes: bytes, lineStarts: lineStarts)
    guard let bad else { return text }
    let place = text.location(offset: bad)
    let byte = bytes[bad]
    let hex = (byte < 16 ? "0x0" : "0x") + String(byte, radix: 16)
    if byte < 0x80 {
      mistakes.error(
        byte == 0 ? "a NUL byte" : "the control character \(hex)", at: place, line: text.shownLine(place.line),
        notes: ["a pipeline file is plain text; remove this character"])
    } else {
      mistakes.error(
        "the byte \(hex) (at offset \(bad)) is not UTF-8", at: place, line: text.shownLine(place.line),
        notes: ["save the file as UTF-8"])
    }
    return nil
  }

  // Finds the line starts, by the breaks that YAML knows, so that our lines are libyaml's. Returns the offset of the
  // first byte that does not belong into a text.
  private static func scan(_ bytes: UnsafeBufferPointer<UInt8>, lineStarts: inout [Int]) -> Int? {
    let count = bytes.count
    var i = 0
    func next(_ at: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xBF) -> Bool {
      at < count && bytes[at] >= low && bytes[at] <= high
    }
    while i < count {
      let byte = bytes[i]
      if byte < 0x80 {
        if byte == 0x0D, i + 1 < count, bytes[i + 1] == 0x0A { i += 1 }
        if byte == 0x0A || byte == 0x0D {
          lineStarts.append(i + 1)
        } else if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
          return i
        }
        i += 1
      } else if byte >= 0xC2, byte <= 0xDF {
        guard next(i + 1) else { return i }
        if byte == 0xC2, bytes[i + 1] < 0xA0 {
          guard bytes[i + 1] == 0x85 else { return i }
          lineStarts.append(i + 2)
        }
        i += 2
      } else if byte >= 0xE0, byte <= 0xEF {
        guard next(i + 1, byte == 0xE0 ? 0xA0 : 0x80, byte == 0xED ? 0x9F : 0xBF), next(i + 2) else { return i }
        if byte == 0xE2, bytes[i + 1] == 0x80, bytes[i + 2] == 0xA8 || bytes[i + 2] == 0xA9 {
          lineStarts.append(i + 3)
        }
        if byte == 0xEF, bytes[i + 1] == 0xBF, bytes[i + 2] >= 0xBE { return i }
        if byte == 0xEF, bytes[i + 1] == 0xBB, bytes[i + 2] == 0xBF { return i }
        i += 3
      } else if byte >= 0xF0, byte <= 0xF4 {
        guard next(i + 1, byte == 0xF0 ? 0x90 : 0x80, byte == 0xF4 ? 0x8F : 0xBF), next(i + 2), next(i + 3) else {
          return i
        }
        i += 4
      } else {
        return i
      }
    }
    return nil
  }

  /// The text of a line (1 for the first), without its break.
  func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    let end = number < lineStarts.count ? lineStarts[number] : bytes.count
    let text = String(decoding: bytes[start..<end], as: UTF8.self)
    return String(text.unicodeScalars.prefix { !["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"].contains($0) })
  }

  /// A line to show beside a mistake; none when it is so long that no person wrote it.
  func shownLine(_ number: Int) -> String? {
    guard number >= 1, number <= lineStarts.count else { return nil }
    let end = number < lineStarts.count ? lineStarts[number] : bytes.count
    return end - lineStarts[number - 1] > 20_000 ? nil : line(number)
  }

  /// The place of a byte.
  func location(offset: Int) -> SourceLocation {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let before = bytes[lineStarts[low]..<min(offset, bytes.count)]
    let column = before.count { $0 & 0xC0 != 0x80 }
    return SourceLocation(file: name, line: low + 1, column: column + 1)
  }

  /// The offset of a place; the end of the text for one beyond it.
  func offset(line: Int, column: Int) -> Int {
    guard line >= 1, line <= lineStarts.count else { return bytes.count }
    var offset = lineStarts[line - 1]
    var left = column - 1
    while left > 0, offset < bytes.count {
      offset += 1
      while offset < bytes.count, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
      left -= 1
    }
    return offset
  }
}
