import RungCore
import RungModel

extension Template {
  /// The references that stand inside quotes of a shell text. Rung quotes values itself, as words of their own: inside
  /// quotes that would end the user's quote and begin another, so a value that needs quoting must not be put there.
  ///
  /// Follows single and double quotes, backslashes, `$(…)` and comments as a POSIX shell reads them. Where it errs (a
  /// here-document with an apostrophe in it) a harmless value is still harmless, and any other is refused, never run.
  public var quotedReferences: [Reference] {
    var state = QuoteState()
    var found: [Reference] = []
    for segment in segments {
      switch segment {
      case .literal(let text): for byte in text.utf8 { state.read(byte) }
      case .reference(let reference):
        if state.isQuoted { found.append(reference) }
        state.readWord()
      }
    }
    return found
  }
}

// Where in the quoting of a shell a text has come to.
private struct QuoteState {
  private enum Level {
    case plain, single, double, comment
  }

  // One for each `$(` that is open, the innermost last.
  private var levels: [Level] = [.plain]
  private var escaped = false
  private var last: UInt8 = UInt8(ascii: "\n")

  var isQuoted: Bool { levels.last == .single || levels.last == .double }

  mutating func readWord() {
    escaped = false
    last = UInt8(ascii: "x")
  }

  mutating func read(_ byte: UInt8) {
    defer { last = byte }
    if escaped {
      escaped = false
      return
    }
    let level = levels[levels.count - 1]
    let isBackslash = byte == UInt8(ascii: "\\")
    switch level {
    case .single: if byte == UInt8(ascii: "'") { set(.plain) }
    case .comment: if byte == UInt8(ascii: "\n") { set(.plain) }
    case .double:
      if isBackslash {
        escaped = true
      } else if byte == UInt8(ascii: "\"") {
        set(.plain)
      } else if byte == UInt8(ascii: "("), last == UInt8(ascii: "$") {
        levels.append(.plain)
      }
    case .plain:
      switch byte {
      case UInt8(ascii: "\\"): escaped = true
      case UInt8(ascii: "'"): set(.single)
      case UInt8(ascii: "\""): set(.double)
      case UInt8(ascii: "#") where last == 0x20 || last == 0x0A || last == 0x09 || last == UInt8(ascii: ";"):
        set(.comment)
      case UInt8(ascii: "(") where last == UInt8(ascii: "$"): levels.append(.plain)
      case UInt8(ascii: "(") where levels.count > 1: levels.append(.plain)
      case UInt8(ascii: ")") where levels.count > 1: levels.removeLast()
      default: break
      }
    }
  }

  private mutating func set(_ level: Level) { levels[levels.count - 1] = level }
}
