/// The page of a figure's provenance: the way back to every source, as a graph and as text.
struct LineagePage {
  let lineage: LineageValues
  private let frame: Frame
  private let known: Set<TextReference>
  private let pipelines: Set<String>

  init(site: Site, _ lineage: LineageValues, known: Set<TextReference>) {
    self.lineage = lineage
    self.known = known
    frame = Frame(LineageValues.path(record: lineage.record), in: site)
    pipelines = Set(site.pipelines.map(\.name))
  }

  var page: Page {
    let pipeline = PipelineValues(name: lineage.pipeline, about: nil, file: "")
    let trail = pipelines.contains(lineage.pipeline) ? [(lineage.pipeline, frame.link(pipeline.path))] : []
    return frame.page(title: "Where \(lineage.title) comes from", trail: trail) { out in
      out.element("p", .class("kicker"), text: "Where it comes from")
      out.element("h1", .class("path"), text: lineage.title)
      head(&out)
      gaps(&out)
      drawing(&out)
      steps(&out)
      sources(&out)
      machinery(&out)
      text(&out)
    }
  }

  private func head(_ out: inout HTML) {
    out.element("div", .class("beside")) { out in
      for figure in lineage.figures.prefix(1) { FigureBlock(figure, frame: frame, lineage: nil).add(to: &out) }
      out.element("div") { out in
        out.facts(lineage.facts)
        if let run = lineage.run {
          out.element("p") { $0.element("a", .href(frame.link(RunValues.path(run))), text: "The run that made it") }
        }
        if !lineage.watch.isEmpty {
          out.element("p", .class("label"), text: "How far it was watched")
          out.element("ul", .class("plain")) { out in for line in lineage.watch { out.element("li", text: line) } }
        }
        let others = lineage.figures.dropFirst().map(\.path) + lineage.files.map(\.path).filter { $0 != lineage.title }
        if !others.isEmpty {
          out.element("p", .class("label"), text: "Made together with it")
          out.element("ul", .class("plain")) { out in for path in others { out.element("li", text: path) } }
        }
      }
    }
  }

  private func gaps(_ out: inout HTML) {
    guard !lineage.gaps.isEmpty else { return }
    out.element("section", .class("warning"), .label("What is not known")) { out in
      out.element("p", text: "\(counted(lineage.gaps.count, "thing")) on the way to this file cannot be known:")
      out.element("ul") { out in for gap in lineage.gaps.prefix(20) { out.element("li", text: gap) } }
    }
  }

  private func drawing(_ out: inout HTML) {
    guard !lineage.steps.isEmpty, lineage.steps.count <= GraphDrawing.mostNodes else { return }
    out.line()
    out.element("section", .id("graph"), .label("How it came about")) { out in
      out.element("h2", text: "How it came about")
      let files = drawnFiles
      var nodes = files.map { file in
        let name = file.name.split(separator: "/").last.map(String.init) ?? file.name
        let link = known.contains(file) ? frame.link(file.path) : Link.place("sources")
        return GraphDrawing.Node(title: name, note: "", link: link, label: "\(file.name), a source", style: "file")
      }
      var uses: [StepUse] = []
      for (index, step) in lineage.steps.enumerated() {
        let label = "\(step.path): \(counted(step.executions, "execution"))"
        let note = [step.kind ?? "", step.executions > 1 ? counted(step.executions, "execution") : ""]
        nodes.append(
          GraphDrawing.Node(
            title: step.path.hasPrefix(lineage.pipeline + "/")
              ? String(step.path.dropFirst(lineage.pipeline.count + 1)) : step.path,
            note: note.filter { !$0.isEmpty }.joined(separator: ", "), link: .place(step.id), label: label,
            style: step.verified == "different" ? "bad" : "good", opens: step.id))
        for source in step.sources {
          if let place = files.firstIndex(of: source) {
            uses.append(StepUse(maker: place, user: files.count + index, gathers: false))
          }
        }
      }
      uses += lineage.uses.map {
        StepUse(maker: $0.maker + files.count, user: $0.user + files.count, gathers: $0.gathers)
      }
      GraphDrawing(
        nodes, uses: uses, label: "Steps and sources behind \(lineage.title), makers first", late: files.indices
      ).add(to: &out)
      if files.count < lineage.sources.count {
        out.element("p", .class("note"), text: "Files that several steps read are in the table of sources only.")
      }
    }
  }

  // Files are boxes too, as long as there is room for them. One that all read would be tied to everything.
  private var drawnFiles: [TextReference] {
    var readers: [TextReference: Int] = [:]
    for step in lineage.steps { for source in step.sources { readers[source, default: 0] += 1 } }
    var files: [TextReference] = []
    for step in lineage.steps {
      for source in step.sources where readers[source, default: 0] <= 2 && !files.contains(source) {
        files.append(source)
      }
    }
    return files.count + lineage.steps.count > 24 ? [] : files
  }

  private func steps(_ out: inout HTML) {
    out.element("section", .id("steps"), .label("Steps")) { out in
      out.element("h2", text: "Steps")
      if lineage.steps.count > PipelinePage.mostSteps {
        let more = grouped(lineage.steps.count - PipelinePage.mostSteps)
        out.element(
          "p", .class("note"), text: "The last \(PipelinePage.mostSteps); \(more) more are in the text below.")
      }
      for step in lineage.steps.suffix(PipelinePage.mostSteps).reversed() {
        out.line()
        out.element("details", .class("step"), .id(step.id)) { out in
          out.element("summary") { out in
            out.element("span", .class("name"), text: step.path)
            out.element("span", .class("soft"), text: step.instances)
            if let verified = step.verified {
              out.element("span", .class(verified == "different" ? "bad" : "good"), text: "verified: \(verified)")
            }
          }
          out.facts(step.facts)
          for command in step.commands.prefix(3) {
            out.element("pre", .class("command"), .tab(0), .label("Command of \(step.path)")) { $0.text(command) }
          }
          if step.commands.count > 3 {
            out.element("p", .class("note"), text: "and \(step.commands.count - 3) other commands")
          }
          if !step.sources.isEmpty {
            out.element("p", .class("label"), text: "Scripts and data")
            out.references(step.sources, known: known, frame: frame)
          }
          if !step.logs.isEmpty {
            out.element("p", .class("label"), text: "Printed")
            out.references(step.logs, known: known, frame: frame)
          }
        }
      }
    }
  }

  private func sources(_ out: inout HTML) {
    guard !lineage.sources.isEmpty else { return }
    out.line()
    out.element("section", .id("sources"), .label("Sources")) { out in
      out.element("h2", text: "Sources")
      out.element("div", .class("wide"), .tab(0), .role("region"), .label("Table of sources")) { out in
        out.element("table", .data("data-sort", "")) { out in
          out.element("thead") { out in
            out.element("tr") { out in
              out.head("Path")
              out.head("Content")
              out.head("Read by")
            }
          }
          out.element("tbody") { out in
            for source in lineage.sources {
              out.element("tr") { out in
                out.element("th", .scope("row"), .class("path")) { out in
                  if known.contains(source.reference) {
                    out.element("a", .href(frame.link(source.reference.path)), text: source.reference.name)
                  } else {
                    out.text(source.reference.name)
                  }
                  if !source.notes.isEmpty {
                    out.element("span", .class("soft"), text: " \(source.notes.joined(separator: ", "))")
                  }
                }
                out.element("td") { $0.element("code", .title(source.reference.digest), text: source.reference.short) }
                out.element("td", text: source.usedBy.joined(separator: ", "))
              }
            }
          }
        }
      }
    }
  }

  private func machinery(_ out: inout HTML) {
    guard !lineage.machinery.isEmpty else { return }
    out.element("section", .id("machinery"), .label("Environments and programs")) { out in
      out.element("h2", text: "Environments and programs")
      out.facts(lineage.machinery)
    }
  }

  private func text(_ out: inout HTML) {
    out.element("section", .id("text"), .label("As text")) { out in
      out.element("h2", text: "As text")
      out.element("details") { out in
        out.element("summary", text: "What rung trace prints")
        out.element("pre", .class("trace"), .tab(0), .label("The trace as text")) { $0.text(lineage.text) }
      }
    }
  }
}
