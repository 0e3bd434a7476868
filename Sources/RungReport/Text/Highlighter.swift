/// Colours for source texts: comments, strings, numbers, words of the language. A small tokenizer that knows no grammar: what
/// it does not know stays plain.
struct Highlighter {
  /// What a piece of a line is.
  enum Kind: String, Hashable {
    case plain = ""
    case comment = "c"
    case string = "s"
    case number = "n"
    case keyword = "k"
    /// A name that is defined, a key, a variable.
    case name = "d"
  }

  /// A piece of a line.
  struct Piece: Hashable {
    let kind: Kind
    let text: String
  }

  private let language: Language?
  // The quotes that a string began with that has not ended.
  private var openString: [Character]?

  /// For a file of that name.
  init(file name: String, firstLine: String = "") { language = Language(file: name, firstLine: firstLine) }

  /// The pieces of the next line. Lines must come in their order: strings may go over several.
  mutating func pieces(of line: String) -> [Piece] {
    guard let language else { return line.isEmpty ? [] : [Piece(kind: .plain, text: line)] }
    let text = Array(line)
    var pieces: [Piece] = []
    var at = 0
    func add(_ kind: Kind, _ range: Range<Int>) {
      if range.isEmpty { return }
      let words = String(text[range])
      if let last = pieces.last, last.kind == kind {
        pieces[pieces.count - 1] = Piece(kind: kind, text: last.text + words)
      } else {
        pieces.append(Piece(kind: kind, text: words))
      }
    }
    if let quotes = openString {
      at = end(of: quotes, text, from: 0)
      add(.string, 0..<at)
    }
    var isFirstWord = true
    var lastWord = ""
    while at < text.count {
      let character = text[at]
      if language.isComment(text, at) {
        add(.comment, at..<text.count)
        break
      }
      if character == "\"" || character == "'" || character == "`" && language == .shell, !isApostrophe(text, at) {
        let isTriple =
          language == .python && at + 2 < text.count && text[at + 1] == character && text[at + 2] == character
        let quotes = Array(repeating: character, count: isTriple ? 3 : 1)
        let stop = end(of: quotes, text, from: at + quotes.count)
        let isKey = stop < text.count && text[stop] == ":" && (language == .json || language == .yaml)
        add(isKey ? .name : .string, at..<stop)
        at = stop
        isFirstWord = false
        continue
      }
      if character.isNumber, at == 0 || !isWord(text[at - 1]) {
        var stop = at + 1
        while stop < text.count, isWord(text[stop]) || text[stop] == "." || isExponentSign(text, stop) { stop += 1 }
        add(.number, at..<stop)
        at = stop
        isFirstWord = false
        continue
      }
      if isWord(character) || character == "@" && language == .python {
        var stop = at + 1
        while stop < text.count, isWord(text[stop]) || text[stop] == "-" && language.hasDashes { stop += 1 }
        let word = String(text[at..<stop])
        add(
          language.kind(of: word, after: lastWord, isFirst: isFirstWord, follows: stop < text.count ? text[stop] : nil),
          at..<stop)
        lastWord = word
        isFirstWord = false
        at = stop
        continue
      }
      if character == "$", language == .shell {
        var stop = at + 1
        while stop < text.count, isWord(text[stop]) { stop += 1 }
        add(.name, at..<stop)
        at = stop
        continue
      }
      add(.plain, at..<at + 1)
      if character == "|" || character == ";" || character == "&" { isFirstWord = true }
      at += 1
    }
    return pieces
  }

  // Behind the closing quotes, or the end of the line; then the string goes on where the language lets it.
  private mutating func end(of quotes: [Character], _ text: [Character], from start: Int) -> Int {
    var at = start
    while at < text.count {
      if text[at] == "\\", quotes != ["'"] || language == .python {
        at += 2
        continue
      }
      if at + quotes.count <= text.count, Array(text[at..<at + quotes.count]) == quotes {
        openString = nil
        return at + quotes.count
      }
      at += 1
    }
    openString = quotes.count == 3 || language == .shell ? quotes : nil
    return text.count
  }

  // In YAML `don't` is a word.
  private func isApostrophe(_ text: [Character], _ at: Int) -> Bool {
    language == .yaml && at > 0 && isWord(text[at - 1])
  }

  private func isExponentSign(_ text: [Character], _ at: Int) -> Bool {
    (text[at] == "-" || text[at] == "+") && (text[at - 1] == "e" || text[at - 1] == "E")
  }

  private func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}
