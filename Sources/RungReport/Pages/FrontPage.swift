/// The first page: each pipeline with its figure, its claims, and how far it is up to date.
struct FrontPage {
  let site: Site
  private let frame: Frame

  init(site: Site) {
    self.site = site
    frame = Frame("index.html", in: site)
  }

  var page: Page {
    frame.page(title: site.project, isFront: true, isLive: false) { out in
      out.element("h1", text: site.project)
      summary(&out)
      for pipeline in site.pipelines { article(pipeline, &out) }
    }
  }

  private func summary(_ out: inout HTML) {
    let claims = site.pipelines.flatMap(\.claims)
    let counts = site.pipelines.reduce(StateCounts()) { $0 + $1.counts }
    let last = site.pipelines.compactMap(\.lastRun).max()
    out.element("p", .class("lead")) { out in
      out.text("\(counted(site.pipelines.count, "experiment")). ")
      if !claims.isEmpty {
        let wrong = claims.count { !$0.isAsExpected }
        let all = counted(claims.count, "claim")
        out.text(wrong == 0 ? "\(all), all as expected. " : "\(all), \(wrong) not as expected. ")
      }
      if counts.total > 0 {
        out.text(
          counts.current == counts.total
            ? "All \(counted(counts.total, "result")) up to date. "
            : "\(grouped(counts.current)) of \(counted(counts.total, "result")) up to date. ")
      }
      if let last {
        out.text("Last result ")
        out.time(last)
        out.text(".")
      }
    }
  }

  private func article(_ pipeline: PipelineValues, _ out: inout HTML) {
    let id = "experiment-" + Slug.of(pipeline.name)
    out.line()
    out.element("article", .class("experiment"), .labelled(by: id)) { out in
      let link = frame.link(pipeline.path)
      if let figure = pipeline.figures.first(where: { $0.file != nil }), let file = figure.file {
        // The heading leads to the same place, so that readers and the keyboard need not go there twice.
        out.element("a", .class("thumb"), .href(link), .tab(-1), .isHiddenFromReaders) { out in
          out.void("img", .src(frame.link(file)), .alt(""), .lazy)
        }
      } else {
        out.element("div", .class("thumb none"), .isHiddenFromReaders) { $0.text("no figure yet") }
      }
      out.element("div", .class("words")) { out in
        out.element("h2", .id(id)) { $0.element("a", .href(link), text: pipeline.name) }
        if let about = pipeline.about { out.element("div", .class("about")) { Markdown(about).add(to: &$0) } }
        claims(pipeline, &out)
        facts(pipeline, &out)
      }
    }
  }

  private func claims(_ pipeline: PipelineValues, _ out: inout HTML) {
    guard !pipeline.claims.isEmpty else { return }
    out.element("ul", .class("chips"), .label("Claims of \(pipeline.name)")) { out in
      for claim in pipeline.claims {
        let verdict = VerdictWords(claim)
        out.element("li", .class(verdict.style), .title(claim.says ?? "")) { out in
          out.element("span", .class("mark"), .isHiddenFromReaders, text: verdict.mark)
          out.text(claim.name)
          out.element("span", .class("verdict"), text: verdict.words)
        }
      }
    }
    if !pipeline.claimsAreCurrent {
      out.element("p", .class("note"), text: "The claims were judged before the latest changes.")
    }
  }

  private func facts(_ pipeline: PipelineValues, _ out: inout HTML) {
    let counts = pipeline.counts
    out.element("p", .class("meta")) { out in
      out.element("span", .class("share")) { out in
        ShareBar(counts).add(to: &out)
        out.text(
          counts.current == counts.total
            ? "\(counted(counts.total, "result")) up to date"
            : "\(grouped(counts.current)) of \(counted(counts.total, "result")) up to date")
      }
      if counts.failed > 0 { out.element("span", .class("bad"), text: "\(grouped(counts.failed)) failed") }
      out.element("span") { out in
        if let last = pipeline.lastRun {
          out.text("last result ")
          out.time(last)
        } else {
          out.text("never run")
        }
      }
      if let watch = pipeline.watch { out.element("span", text: "watched: \(watch)") }
    }
  }
}

/// How many of some instances are up to date, as a small bar. What it shows is said beside it.
struct ShareBar {
  private let counts: StateCounts

  init(_ counts: StateCounts) { self.counts = counts }

  func add(to out: inout HTML) {
    let total = Double(max(1, counts.total))
    let good = 60 * Double(counts.current) / total
    let bad = 60 * Double(min(counts.failed, counts.total - counts.current)) / total
    out.element(
      "svg", .class("sharebar"), .viewBox(60, 6), .number("width", 60), .number("height", 6), .isHiddenFromReaders
    ) { out in
      out.element("rect", .class("rest"), .number("width", 60), .number("height", 6), .number("rx", 1)) { _ in }
      out.element("rect", .class("good"), .number("width", good), .number("height", 6), .number("rx", 1)) { _ in }
      if bad > 0 {
        out.element("rect", .class("bad"), .number("x", good), .number("width", bad), .number("height", 6)) { _ in }
      }
    }
  }
}

/// How a claim came out, for people: never by colour alone.
struct VerdictWords {
  let words: String
  let mark: String
  /// A class of the style sheet.
  let style: String

  init(_ claim: ClaimValues) {
    switch claim.verdict {
    case "holds", "breaks":
      if claim.isAsExpected {
        words = claim.verdict == "breaks" ? "breaks, as expected" : "holds"
        mark = "✓"
        style = claim.verdict == "breaks" ? "good edge" : "good"
      } else {
        words = "\(claim.verdict), expected: \(claim.expected)"
        mark = "✗"
        style = "bad"
      }
    case "undecided": (words, mark, style) = ("undecided", "?", "due")
    case "error": (words, mark, style) = ("cannot be judged", "!", "bad")
    default: (words, mark, style) = (claim.verdict, "–", "open")
    }
  }
}
