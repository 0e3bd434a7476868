/// The page of a pipeline: what it is about, its figures, claims, steps and numbers.
struct PipelinePage {
  let pipeline: PipelineValues
  private let frame: Frame
  private let known: Set<TextReference>
  private let lineages: Set<String>
  private let others: Set<String>

  init(site: Site, _ pipeline: PipelineValues, known: Set<TextReference>, lineages: Set<String>) {
    self.pipeline = pipeline
    self.known = known
    self.lineages = lineages
    frame = Frame(pipeline.path, in: site)
    others = Set(site.pipelines.map(\.name))
  }

  var page: Page {
    frame.page(title: pipeline.name) { out in
      out.element("h1", text: pipeline.name)
      if let about = pipeline.about { out.element("div", .class("about lead")) { Markdown(about).add(to: &$0) } }
      standing(&out)
      contents(&out)
      figures(&out)
      claims(&out)
      steps(&out)
      MeasurementsSection(pipeline).add(to: &out)
      parameters(&out)
      files(&out)
    }
  }

  private func standing(_ out: inout HTML) {
    let counts = pipeline.counts
    out.element("p", .class("meta")) { out in
      out.element("span", .class("share")) { out in
        ShareBar(counts).add(to: &out)
        out.text("\(grouped(counts.current)) of \(counted(counts.total, "result")) up to date")
      }
      if counts.failed > 0 { out.element("span", .class("bad"), text: "\(grouped(counts.failed)) failed") }
      if let last = pipeline.lastRun {
        out.element("span") { out in
          out.text("last result ")
          out.time(last)
        }
      }
      if let watch = pipeline.watch { out.element("span", text: "watched: \(watch)") }
      out.element("code", text: pipeline.file)
    }
    for note in pipeline.notes { out.element("p", .class("note"), text: note) }
  }

  private func contents(_ out: inout HTML) {
    let sections: [(String, String, Bool)] = [
      ("figures", "Figures", !pipeline.figures.isEmpty), ("claims", "Claims", !pipeline.claims.isEmpty),
      ("steps", "Steps", true), ("measurements", "Measurements", true),
      ("parameters", "Parameters", !pipeline.parameters.isEmpty || !pipeline.axes.isEmpty),
      ("files", "Files", !pipeline.files.isEmpty),
    ]
    out.element("nav", .class("contents"), .label("On this page")) { out in
      for (id, title, isThere) in sections where isThere { out.element("a", .href(.place(id)), text: title) }
    }
  }

  private func figures(_ out: inout HTML) {
    guard !pipeline.figures.isEmpty else { return }
    out.element("section", .id("figures"), .label("Figures")) { out in
      out.element("h2", text: "Figures")
      for figure in pipeline.figures {
        FigureBlock(figure, frame: frame, lineage: lineage(figure.record)).add(to: &out)
      }
    }
  }

  private func lineage(_ record: String) -> Link? {
    let path = LineageValues.path(record: record)
    return lineages.contains(path) ? frame.link(path) : nil
  }

  private func claims(_ out: inout HTML) {
    guard !pipeline.claims.isEmpty else { return }
    out.line()
    out.element("section", .id("claims"), .label("Claims")) { out in
      out.element("h2", text: "Claims")
      if !pipeline.claimsAreCurrent {
        out.element("p", .class("note"), text: "These were judged before the latest changes; a run judges them again.")
      }
      out.element("div", .class("wide"), .tab(0), .role("region"), .label("Table of claims")) { out in
        out.element("table", .class("claims"), .data("data-sort", "")) { out in
          out.element("thead") { out in
            out.element("tr") { out in
              out.head("Claim")
              out.head("Predicted", isNumber: true)
              out.head("Measured", isNumber: true)
              out.head("Tolerance")
              out.head("Verdict")
            }
          }
          out.element("tbody") { out in for claim in pipeline.claims { row(claim, &out) } }
        }
      }
    }
  }

  private func row(_ claim: ClaimValues, _ out: inout HTML) {
    let verdict = VerdictWords(claim)
    out.element("tr") { out in
      out.element("th", .scope("row")) { out in
        out.element("span", .class("name"), text: claim.name)
        if let says = claim.says { out.element("span", .class("says"), text: says) }
        if let note = claim.note { out.element("span", .class("why"), text: note) }
        if claim.cells.count > 1 { cells(claim, &out) }
      }
      out.element("td", .class("number"), .data("data-label", "predicted"), text: claim.predicted)
      out.element("td", .class("number"), .data("data-label", "measured"), text: claim.measured)
      out.element("td", .data("data-label", "tolerance"), text: claim.tolerance)
      out.element("td", .class("verdict \(verdict.style)"), .data("data-label", "verdict")) { out in
        out.element("span", .class("mark"), .isHiddenFromReaders, text: verdict.mark)
        out.text(verdict.words)
      }
    }
  }

  private func cells(_ claim: ClaimValues, _ out: inout HTML) {
    // More would be a page of their own; `rung claims --cells` has them all.
    let most = 200
    out.element("details") { out in
      out.element("summary", text: counted(claim.cells.count, "place"))
      out.element("table", .class("cells")) { out in
        out.element("thead") { out in
          out.element("tr") { out in
            out.head("Where")
            out.head("Predicted", isNumber: true)
            out.head("Measured", isNumber: true)
            out.head("Verdict")
          }
        }
        out.element("tbody") { out in
          for cell in claim.cells.prefix(most) {
            out.element("tr") { out in
              out.element("th", .scope("row"), text: cell.place)
              out.element("td", .class("number"), text: cell.predicted)
              out.element("td", .class("number"), text: cell.measured)
              out.element("td", text: cell.verdict)
            }
          }
        }
      }
      if claim.cells.count > most {
        out.element("p", .class("note"), text: "and \(grouped(claim.cells.count - most)) more: rung claims --cells")
      }
    }
  }

  // MARK: steps

  /// More would make a page that no browser opens at once.
  static let mostSteps = 400

  private func steps(_ out: inout HTML) {
    out.line()
    out.element("section", .id("steps"), .label("Steps")) { out in
      out.element("h2", text: "Steps")
      out.element(
        "p", .class("note"),
        text: "Each box is a step with all its instances; the bar at its foot shows how many are up to date. "
          + "A thick line gathers many results at once.")
      if pipeline.steps.count <= GraphDrawing.mostNodes {
        graph(&out)
      } else {
        out.element("p", .class("note"), text: "\(counted(pipeline.steps.count, "step")): too many to draw.")
      }
      let own = pipeline.steps.filter(\.isOwn)
      for step in own.prefix(Self.mostSteps) { details(step, &out) }
      if own.count > Self.mostSteps {
        out.element(
          "p", .class("note"), text: "and \(grouped(own.count - Self.mostSteps)) more: rung status \(pipeline.name)")
      }
    }
  }

  private func graph(_ out: inout HTML) {
    // Steps of others come first: they use nothing here.
    let order =
      pipeline.steps.indices.filter { !pipeline.steps[$0].isOwn }
      + pipeline.steps.indices.filter { pipeline.steps[$0].isOwn }
    let places = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    let nodes = order.map { index -> GraphDrawing.Node in
      let step = pipeline.steps[index]
      guard step.isOwn else {
        let other = PipelineValues(name: step.pipeline, about: nil, file: "")
        let link = others.contains(step.pipeline) ? frame.link(other.path) : Link.place("steps")
        return GraphDrawing.Node(
          title: step.name, note: "of \(step.pipeline)", link: link, label: "\(step.path), of another pipeline",
          style: "other")
      }
      let instances = step.axes.isEmpty ? "" : counted(step.counts.total, "instance")
      return GraphDrawing.Node(
        title: step.name, note: [step.kind ?? "", instances].filter { !$0.isEmpty }.joined(separator: ", "),
        link: .place(step.id), label: "\(step.name): \(StandingWords.of(step))", style: step.counts.state.style,
        counts: step.counts, opens: step.id)
    }
    let uses = pipeline.uses.compactMap { use -> StepUse? in
      guard let maker = places[use.maker], let user = places[use.user] else { return nil }
      return StepUse(maker: maker, user: user, gathers: use.gathers)
    }
    GraphDrawing(nodes, uses: uses, label: "Steps of \(pipeline.name), makers first").add(to: &out)
  }

  private func details(_ step: StepValues, _ out: inout HTML) {
    out.line()
    out.element("details", .class("step"), .id(step.id)) { out in
      out.element("summary") { out in
        out.element("span", .class("dot \(step.counts.state.style)"), .isHiddenFromReaders) { _ in }
        out.element("span", .class("name"), text: step.name)
        out.element("span", .class("soft"), text: StandingWords.of(step))
      }
      var facts = [NamedText("Kind", step.kind ?? ""), NamedText("Over", step.axesText)]
      if step.duration > 0 { facts.append(NamedText("Took", StandingWords.duration(step))) }
      facts.append(NamedText("Makes", step.outputs.joined(separator: ", ")))
      out.facts(facts)
      if !step.command.isEmpty {
        out.element("pre", .class("command"), .tab(0), .label("Command of \(step.name)")) { $0.text(step.command) }
      }
      if !step.sources.isEmpty {
        out.element("p", .class("label"), text: "Reads")
        out.references(step.sources, known: known, frame: frame)
      }
      if !step.logs.isEmpty {
        out.element("p", .class("label"), text: "Printed")
        out.references(step.logs, known: known, frame: frame)
      }
      CoursesBlock(courses: step.courses).add(to: &out)
      if step.table?.count ?? 0 > 0 {
        out.element("p") { out in
          out.element(
            "a", .href(.place("measurements")), .data("data-table", step.id),
            text: "Its \(counted(step.counts.total, "instance"))")
        }
      }
    }
  }

  // MARK: the rest

  private func parameters(_ out: inout HTML) {
    guard !pipeline.parameters.isEmpty || !pipeline.axes.isEmpty else { return }
    out.line()
    out.element("section", .id("parameters"), .label("Parameters")) { out in
      out.element("h2", text: "Parameters")
      out.facts(pipeline.parameters, style: "facts grid")
      if !pipeline.axes.isEmpty {
        out.element("h3", text: "Axes")
        out.facts(pipeline.axes, style: "facts")
      }
    }
  }

  private func files(_ out: inout HTML) {
    guard !pipeline.files.isEmpty else { return }
    out.element("section", .id("files"), .label("Files")) { out in
      out.element("h2", text: "Files")
      out.element("ul", .class("references")) { out in
        for file in pipeline.files {
          out.element("li") { out in
            if let link = lineage(file.record) {
              out.element("a", .href(link), text: file.path)
            } else {
              out.text(file.path)
            }
          }
        }
      }
    }
  }
}
