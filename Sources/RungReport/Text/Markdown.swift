/// The part of Markdown that descriptions of experiments use: paragraphs, headings, lists, quotes, code, emphasis, links.
/// Everything else is text, HTML above all. Pictures become their descriptions: a page loads nothing from elsewhere.
struct Markdown {
  private enum Block {
    case paragraph(String)
    case heading(Int, String)
    case list(isOrdered: Bool, items: [String])
    case quote(String)
    case code([String])
    case rule
  }

  private let blocks: [Block]

  init(_ text: String) {
    var blocks: [Block] = []
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.last == "\r" ? String(line.dropLast()) : String(line)
    }[...]
    while let line = lines.first {
      let bare = line.drop { $0 == " " }
      if bare.isEmpty {
        lines.removeFirst()
      } else if bare.hasPrefix("```") || bare.hasPrefix("~~~") {
        blocks.append(Self.code(&lines, fence: String(bare.prefix(3))))
      } else if let (level, title) = Self.heading(bare) {
        lines.removeFirst()
        blocks.append(.heading(level, title))
      } else if Self.isRule(bare) {
        lines.removeFirst()
        blocks.append(.rule)
      } else if bare.hasPrefix(">") {
        blocks.append(.quote(Self.taken(&lines) { $0.hasPrefix(">") }.map(Self.unquoted).joined(separator: "\n")))
      } else if let marker = Self.marker(bare) {
        blocks.append(Self.list(&lines, isOrdered: marker.isOrdered))
      } else {
        let words = Self.taken(&lines) { !$0.isEmpty && Self.marker($0) == nil && !Self.begins($0) }
        blocks.append(.paragraph(words.joined(separator: "\n")))
      }
    }
    self.blocks = blocks
  }

  /// Adds it all. Headings begin at the level below `under`.
  func add(to out: inout HTML, under level: Int = 2) {
    for block in blocks {
      switch block {
      case .paragraph(let text): out.element("p") { MarkdownInline.add(text, to: &$0) }
      case .heading(let own, let text):
        let content = { (out: inout HTML) in MarkdownInline.add(text, to: &out) }
        switch own + level {
        case ...3: out.element("h3", content: content)
        case 4: out.element("h4", content: content)
        case 5: out.element("h5", content: content)
        default: out.element("h6", content: content)
        }
      case .list(let isOrdered, let items):
        let content = { (out: inout HTML) in
          for item in items { out.element("li") { MarkdownInline.add(item, to: &$0) } }
        }
        if isOrdered { out.element("ol", content: content) } else { out.element("ul", content: content) }
      case .quote(let text):
        out.element("blockquote") { out in
          out.element("p") { MarkdownInline.add(text, to: &$0) }
        }
      case .code(let lines): out.element("pre") { $0.element("code", text: lines.joined(separator: "\n")) }
      case .rule: out.void("hr")
      }
      out.line()
    }
  }

  // Lines from the first on, as long as they are such; at least one.
  private static func taken(_ lines: inout ArraySlice<String>, _ isSuch: (Substring) -> Bool) -> [String] {
    var result = [lines.removeFirst()]
    while let line = lines.first, isSuch(line.drop { $0 == " " }) { result.append(lines.removeFirst()) }
    return result
  }

  private static func begins(_ bare: Substring) -> Bool {
    bare.hasPrefix("```") || bare.hasPrefix("~~~") || bare.hasPrefix(">") || heading(bare) != nil || isRule(bare)
  }

  private static func code(_ lines: inout ArraySlice<String>, fence: String) -> Block {
    lines.removeFirst()
    var code: [String] = []
    while let line = lines.popFirst() {
      if line.drop(while: { $0 == " " }).hasPrefix(fence) { break }
      code.append(line)
    }
    return .code(code)
  }

  private static func heading(_ bare: Substring) -> (Int, String)? {
    let level = bare.prefix { $0 == "#" }.count
    guard (1...6).contains(level), bare.dropFirst(level).first == " " else { return nil }
    return (level, String(bare.dropFirst(level).drop { $0 == " " }))
  }

  private static func isRule(_ bare: Substring) -> Bool {
    guard let first = bare.first, "-*_".contains(first) else { return false }
    return bare.allSatisfy { $0 == first || $0 == " " } && bare.count { $0 == first } >= 3
  }

  // `- `, `* `, `+ `, `3. `: how long the mark is.
  private static func marker(_ bare: Substring) -> (isOrdered: Bool, length: Int)? {
    if ["- ", "* ", "+ "].contains(where: bare.hasPrefix) { return (false, 2) }
    let digits = bare.prefix { $0.isASCII && $0.isNumber }
    guard (1...9).contains(digits.count) else { return nil }
    let rest = bare.dropFirst(digits.count)
    return rest.hasPrefix(". ") || rest.hasPrefix(") ") ? (true, digits.count + 2) : nil
  }

  private static func list(_ lines: inout ArraySlice<String>, isOrdered: Bool) -> Block {
    var items: [String] = []
    while let line = lines.first {
      let bare = line.drop { $0 == " " }
      if let mark = marker(bare), mark.isOrdered == isOrdered {
        items.append(String(bare.dropFirst(mark.length)))
      } else if bare.isEmpty || marker(bare) != nil || begins(bare) {
        break
      } else {
        items[items.count - 1] += "\n" + bare
      }
      lines.removeFirst()
    }
    return .list(isOrdered: isOrdered, items: items)
  }

  private static func unquoted(_ line: String) -> String {
    let bare = line.drop { $0 == " " }.dropFirst()
    return String(bare.first == " " ? bare.dropFirst() : bare)
  }
}
