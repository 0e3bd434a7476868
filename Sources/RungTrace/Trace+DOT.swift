import RungCore

extension Trace {
  /// The trace as a graph for Graphviz, folded like the text: sources and environments as notes, steps as boxes, the
  /// file at the end. Sources that were only observed are dashed. Ends with a line break.
  public var dot: String {
    let groups = StepGroup.groups(of: lineage)
    let steps = Dictionary(groups.enumerated().map { ($1.step, "s\($0)") }, uniquingKeysWith: { first, _ in first })
    var graph = DOTGraph()
    for (index, group) in groups.enumerated() {
      var lines = [group.instances.count > 1 ? "\(group.step) × \(group.instances.count)" : group.step]
      if !group.axesText.isEmpty { lines.append(group.axesText) }
      graph.node("s\(index)", lines, "shape=box")
    }
    for (index, group) in groups.enumerated() {
      for input in group.inputs.keys {
        switch input.origin {
        case .project: continue
        case .step(let step, _): graph.edge(steps[step], "s\(index)", input.name)
        // Many into one.
        case .collection(let step, _, _): graph.edge(steps[step], "s\(index)", input.name, "style=bold")
        }
      }
    }
    for (index, fold) in SourceFold.folds(lineage.sources).enumerated() {
      let lines: [String]
      let readers: [String]
      let isObserved: Bool
      switch fold {
      case .one(let source):
        (lines, readers, isObserved) = ([source.path, source.digest.short], source.usedBy, source.observed)
      case .many(let pattern, let count, let usedBy, let observed):
        (lines, readers, isObserved) = ([pattern, "\(count) files"], usedBy, observed)
      }
      graph.node("f\(index)", lines, isObserved ? "shape=note, style=dashed" : "shape=note")
      for step in readers { graph.edge("f\(index)", steps[step] ?? "", "", isObserved ? "style=dashed" : "") }
    }
    for (index, used) in lineage.environments.enumerated() {
      graph.node("e\(index)", [used.environment.version, used.environment.identity.short], "shape=component")
      for step in used.usedBy { graph.edge("e\(index)", steps[step] ?? "", "", "style=dashed") }
    }
    for (index, used) in lineage.programs.enumerated() {
      graph.node("p\(index)", [used.program.path, used.program.digest.short], "shape=component")
      for step in used.usedBy { graph.edge("p\(index)", steps[step] ?? "", "", "style=dashed") }
    }
    graph.node("file", [subject.file, subject.digest.short], "shape=doubleoctagon")
    graph.edge(lineage.execution(subject.record).flatMap { steps[$0.step] }, "file", subject.output)
    return graph.text + "}\n"
  }
}

/// A directed graph in the language of Graphviz. Labels may be any text.
private struct DOTGraph {
  private(set) var text = """
    digraph trace {
      rankdir=LR;
      node [fontname="sans-serif", fontsize=10];
      edge [fontname="sans-serif", fontsize=9];

    """

  /// A node with a label of some lines. `id` must be a word.
  mutating func node(_ id: String, _ lines: [String], _ attributes: String) {
    text += "  \(id) [\(attributes), label=\(Self.quoted(lines))];\n"
  }

  /// An edge; none when an end is not known.
  mutating func edge(_ from: String?, _ to: String, _ label: String, _ attributes: String = "") {
    guard let from, !to.isEmpty else { return }
    let all = [attributes, label.isEmpty ? "" : "label=\(Self.quoted([label]))"].filter { !$0.isEmpty }
    text += "  \(from) -> \(to)" + (all.isEmpty ? "" : " [\(all.joined(separator: ", "))]") + ";\n"
  }

  // A quoted string; `\` and `"` are the only characters that mean something in it.
  private static func quoted(_ lines: [String]) -> String {
    let escaped = lines.map { line in
      // By scalars: a quote with an accent on it is one character, and still a quote.
      TextLayout.printable(line).unicodeScalars.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : String($0) }.joined()
    }
    return "\"" + escaped.joined(separator: "\\n") + "\""
  }
}
