/// What stands within a line of Markdown: code, emphasis, links.
enum MarkdownInline {
  // Deeper than anybody writes; a hostile text must not exhaust the stack.
  private static let deepest = 8

  static func add(_ text: String, to out: inout HTML) { add(Array(text), to: &out, depth: 0) }

  private static func add(_ text: [Character], to out: inout HTML, depth: Int) {
    var plain = ""
    var at = 0
    // Where each mark stands next. Places are asked for from left to right, so that each is looked for once only: else a
    // line of marks would cost its square.
    var next: [String: Int] = [:]
    func find(_ mark: String, from: Int) -> Int? {
      if let known = next[mark], known >= from { return known < text.count ? known : nil }
      let signs = Array(mark)
      var place = from
      while place + signs.count <= text.count, !signs.indices.allSatisfy({ text[place + $0] == signs[$0] }) {
        place += 1
      }
      if place + signs.count > text.count { place = text.count }
      next[mark] = place
      return place < text.count ? place : nil
    }
    while at < text.count {
      let character = text[at]
      if character == "\\", at + 1 < text.count, text[at + 1].isPunctuation || text[at + 1].isSymbol {
        plain.append(text[at + 1])
        at += 2
        continue
      }
      if character == "`", let end = find("`", from: at + 1), end > at + 1 {
        out.text(plain)
        plain = ""
        out.element("code", text: String(text[at + 1..<end]))
        at = end + 1
        continue
      }
      if depth < deepest, let found = emphasis(text, at, find) {
        out.text(plain)
        plain = ""
        let inner = Array(text[found.content])
        if found.isStrong {
          out.element("strong") { add(inner, to: &$0, depth: depth + 1) }
        } else {
          out.element("em") { add(inner, to: &$0, depth: depth + 1) }
        }
        at = found.end
        continue
      }
      if depth < deepest, character == "[" || character == "!" && at + 1 < text.count && text[at + 1] == "[",
        let found = link(text, character == "!" ? at + 1 : at, find)
      {
        out.text(plain)
        plain = ""
        let words = Array(text[found.words])
        if character == "[", let link = Link(web: String(text[found.address])) {
          out.element("a", .href(link)) { add(words, to: &$0, depth: depth + 1) }
        } else {
          add(words, to: &out, depth: depth + 1)
        }
        at = found.end
        continue
      }
      if character == "<", let end = find(">", from: at + 1), let link = Link(web: String(text[at + 1..<end])) {
        out.text(plain)
        plain = ""
        out.element("a", .href(link), text: String(text[at + 1..<end]))
        at = end + 1
        continue
      }
      plain.append(character)
      at += 1
    }
    out.text(plain)
  }

  // `**strong**`, `*em*`, `_em_`: not next to a space inside, and an underscore not within a word.
  private static func emphasis(
    _ text: [Character], _ at: Int, _ find: (String, Int) -> Int?
  ) -> (content: Range<Int>, end: Int, isStrong: Bool)? {
    let character = text[at]
    guard character == "*" || character == "_" else { return nil }
    if character == "_", at > 0, text[at - 1].isLetter || text[at - 1].isNumber { return nil }
    let isStrong = at + 1 < text.count && text[at + 1] == character
    let mark = String(repeating: character, count: isStrong ? 2 : 1)
    let start = at + mark.count
    guard start < text.count, text[start] != " ", let end = find(mark, start), end > start, text[end - 1] != " " else {
      return nil
    }
    let after = end + mark.count
    if character == "_", after < text.count, text[after].isLetter || text[after].isNumber { return nil }
    return (start..<end, after, isStrong)
  }

  // `[words](address)`, without brackets in the words.
  private static func link(
    _ text: [Character], _ at: Int, _ find: (String, Int) -> Int?
  ) -> (words: Range<Int>, address: Range<Int>, end: Int)? {
    guard let close = find("](", at + 1), let end = find(")", close + 2) else { return nil }
    guard !text[at + 1..<close].contains("["), !text[close + 2..<end].contains(where: \.isNewline) else { return nil }
    return (at + 1..<close, close + 2..<end, end + 1)
  }
}
