/// A page for a text: a script as it was when it ran, or what a step printed.
struct TextPage {
  let text: TextValues
  private let frame: Frame

  init(site: Site, _ text: TextValues) {
    self.text = text
    frame = Frame(text.reference.path, in: site)
  }

  var page: Page {
    frame.page(title: text.name, isLive: false) { out in
      out.element("h1", .class("path"), text: text.name)
      out.element("p", .class("note")) { out in
        out.text(text.kind == .log ? "What it printed, " : "As it was when it ran, ")
        out.element("code", text: text.digest)
      }
      for note in text.notes { out.element("p", .class("note"), text: note) }
      if let leftOut = text.leftOut { out.element("p", .class("note"), text: leftOut) }
      lines(&out)
    }
  }

  private func lines(_ out: inout HTML) {
    var highlighter = Highlighter(file: text.name, firstLine: text.lines.first ?? "")
    out.element("div", .class("listing"), .tab(0), .role("region"), .label("\(text.name), its lines")) { out in
      out.element("ol", .class(text.kind == .log ? "log" : "code")) { out in
        for (index, line) in text.lines.enumerated() {
          out.element("li", .id("L\(index + 1)")) { out in
            if text.kind == .log {
              out.text(line)
            } else {
              for piece in highlighter.pieces(of: line) {
                if piece.kind == .plain {
                  out.text(piece.text)
                } else {
                  out.element("span", .class(piece.kind.rawValue), text: piece.text)
                }
              }
            }
          }
        }
      }
    }
  }
}
