/// A language that the report can colour.
enum Language: Hashable {
  case python
  case shell
  case yaml
  case json

  /// By the ending of the name, else by the first line; nil for a language that is not known.
  init?(file name: String, firstLine: String) {
    let ending = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last.map(String.init) ?? ""
    switch ending {
    case "py", "pyi": self = .python
    case "sh", "bash": self = .shell
    case "yaml", "yml": self = .yaml
    case "json": self = .json
    default:
      guard firstLine.hasPrefix("#!") else { return nil }
      if firstLine.contains("python") {
        self = .python
      } else if firstLine.hasSuffix("sh") {
        self = .shell
      } else {
        return nil
      }
    }
  }

  /// Whether names have dashes in them.
  var hasDashes: Bool { self == .yaml || self == .shell }

  /// Whether a comment begins here.
  func isComment(_ text: [Character], _ at: Int) -> Bool {
    guard text[at] == "#" else { return false }
    return switch self {
    case .python: true
    case .shell, .yaml: at == 0 || text[at - 1].isWhitespace
    case .json: false
    }
  }

  /// What a word is, by the word before it and the character behind it.
  func kind(of word: String, after last: String, isFirst: Bool, follows: Character?) -> Highlighter.Kind {
    switch self {
    case .python:
      if Self.pythonWords.contains(word) { return .keyword }
      return last == "def" || last == "class" || word.hasPrefix("@") ? .name : .plain
    case .shell:
      if Self.shellWords.contains(word), isFirst { return .keyword }
      return isFirst && follows == "=" ? .name : .plain
    case .yaml:
      if follows == ":" { return .name }
      return Self.constants.contains(word) ? .keyword : .plain
    case .json: return Self.constants.contains(word) ? .keyword : .plain
    }
  }

  private static let pythonWords: Set<String> = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "case", "class", "continue", "def",
    "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "match",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
  ]
  private static let shellWords: Set<String> = [
    "case", "do", "done", "elif", "else", "esac", "exit", "export", "fi", "for", "function", "if", "in", "local",
    "return", "set", "shift", "then", "trap", "unset", "until", "while", "exec", "eval", "cd", "test",
  ]
  private static let constants: Set<String> = ["true", "false", "null", "yes", "no"]
}
