import RungCore

extension Impact {
  /// The impact for people, in lines of at most `width` characters but for words that are longer. Sweeps are folded.
  public func text(width: Int = 80) -> String {
    var out = TextLayout(width: width)
    out.line(source)
    if let digest { out.line(digest.description, indent: 2) } else { out.line("is not there any more", indent: 2) }
    if !incomplete.isEmpty {
      out.paragraph(
        "INCOMPLETE: \(counted(incomplete.count, "thing")) behind results cannot be known: more may be touched",
        indent: 2)
    }
    if contents.isEmpty {
      out.space()
      out.paragraph("No published file and no latest result was made from it")
      return out.text
    }
    out.space()
    out.line("Contents that were read: \(contents.count)")
    for content in contents {
      out.field(
        content.digest.short,
        "\(content.isCurrent ? "as it is now" : "an earlier or other content"), by \(listed(content.readers, limit: 4))",
        column: 16)
      if path == nil || content.paths != [path] { out.field("", "as \(listed(content.paths, limit: 3))", column: 16) }
    }
    out.space()
    out.line("Published files: \(figures.count)")
    for figure in figures.prefix(40) {
      out.line(figure.path, indent: 2)
      out.field("made by", figure.instance, indent: 4)
      out.field("through", figure.through.joined(separator: " → "), indent: 4)
      if contents.count > 1 || !contents[0].isCurrent { out.field("from", names(figure.contents), indent: 4) }
    }
    if figures.count > 40 { out.line("and \(figures.count - 40) more; --json lists them", indent: 2) }
    out.space()
    out.line("Latest results: \(instances.count)")
    for (step, mine) in Dictionary(grouping: instances, by: \.step).sorted(by: { $0.key < $1.key }) {
      let used = Set(mine.flatMap(\.contents)).sorted()
      let how = mine.contains(where: \.isDirect) ? "reads it" : "through other steps"
      let count = mine.count > 1 ? " × \(mine.count)" : ""
      out.line("\(step)\(count)  (\(how)\(contents.count > 1 ? "; \(names(used))" : ""))", indent: 2)
    }
    return out.text
  }

  private func names(_ indices: [Int]) -> String {
    listed(indices.map { contents[$0].isCurrent ? "as it is now" : contents[$0].digest.short }, limit: 4)
  }
}
