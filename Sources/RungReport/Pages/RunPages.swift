import RungCore

/// The pages about runs: a list, one for each, and one that compares two.
struct RunPages {
  let site: Site

  /// All of them.
  var list: Page {
    let frame = Frame("runs/index.html", in: site)
    return frame.page(title: "Runs") { out in
      out.element("h1", text: "Runs")
      out.element("p") { out in
        out.text("The newest first. ")
        if site.runs.count > 1 { out.element("a", .href(frame.link("runs/compare.html")), text: "Compare two of them") }
      }
      if site.olderRuns > 0 {
        out.element("p", .class("note"), text: "\(counted(site.olderRuns, "older run")) not shown.")
      }
      out.element("div", .class("wide"), .tab(0), .role("region"), .label("Table of runs")) { out in
        out.element("table", .data("data-sort", "")) { out in
          out.element("thead") { out in
            out.element("tr") { out in
              out.head("Started")
              out.head("Command")
              for name in ["Took", "Ran", "Unchanged", "Failed"] { out.head(name, isNumber: true) }
            }
          }
          out.element("tbody") { out in for run in site.runs { row(run, frame, &out) } }
        }
      }
    }
  }

  private func row(_ run: RunValues, _ frame: Frame, _ out: inout HTML) {
    out.element("tr") { out in
      out.element("th", .scope("row"), .data("data-value", "\(run.started)")) { out in
        out.element("a", .href(frame.link(RunValues.path(run.id)))) { $0.time(run.started) }
      }
      out.element("td") { $0.element("code", text: PlainText.cut(run.arguments, 160)) }
      let took = run.finished.map { $0 - run.started }
      out.element(
        "td", .class("number"), .data("data-value", "\(took ?? -1)"),
        text: took.map { "\(TimeSpan(nanoseconds: $0))" } ?? "not finished")
      for count in [run.ran, run.unchanged] { out.element("td", .class("number"), text: grouped(Int(count))) }
      out.element("td", .class(run.failed > 0 ? "number bad" : "number"), text: grouped(Int(run.failed)))
    }
  }

  /// One of them.
  func page(_ run: RunValues) -> Page {
    let frame = Frame(RunValues.path(run.id), in: site)
    return frame.page(title: "Run \(run.id)", trail: [("Runs", frame.link("runs/index.html"))]) { out in
      out.element("h1") { out in
        out.text("Run of ")
        out.time(run.started)
      }
      out.element("pre", .class("command"), .tab(0), .label("Command line")) {
        $0.text(PlainText.cut(run.arguments, 2000))
      }
      out.facts(facts(run))
      guard !run.executions.isEmpty else {
        out.element(
          "p", .class("note"), text: "It executed nothing: what was asked for was in the cache, or failed before.")
        return
      }
      let slots = Slots.of(run.executions)
      let path = CriticalPath.of(run.executions)
      TimelineSection(run, slots: slots, critical: path).add(to: &out)
      critical(run, path, &out)
      steps(run, &out)
      out.element("section", .id("executions"), .label("Executions")) { out in
        out.element("h2", text: "Executions")
        out.element("div", .id("run-table")) { _ in }
        out.data(id: "run-data", RunData.json(run, slots: slots, critical: Set(path)))
      }
    }
  }

  private func facts(_ run: RunValues) -> [NamedText] {
    var facts: [NamedText] = []
    if let finished = run.finished {
      facts.append(NamedText("Took", "\(TimeSpan(nanoseconds: finished - run.started))"))
    } else {
      facts.append(NamedText("Took", "not finished, as far as is known"))
    }
    facts.append(NamedText("Executed", grouped(Int(run.ran))))
    facts.append(NamedText("In the cache", grouped(Int(run.unchanged))))
    if run.restored > 0 { facts.append(NamedText("Written back", grouped(Int(run.restored)))) }
    if run.failed > 0 { facts.append(NamedText("Failed", grouped(Int(run.failed)))) }
    if run.skipped > 0 { facts.append(NamedText("Not tried", grouped(Int(run.skipped)))) }
    let cpu = run.executions.compactMap(\.cpu).reduce(0, &+)
    if cpu > 0 { facts.append(NamedText("Processor time", "\(TimeSpan(nanoseconds: cpu))")) }
    let memory = run.executions.compactMap(\.memory).max() ?? 0
    if memory > 0 { facts.append(NamedText("Most memory of a step", "\(ByteCount(bytes: memory))")) }
    return facts + run.facts
  }

  private func critical(_ run: RunValues, _ path: [Int], _ out: inout HTML) {
    guard path.count > 1 else { return }
    out.element("section", .id("critical"), .label("Critical path")) { out in
      out.element("h2", text: "Critical path")
      let sum = path.reduce(Int64(0)) { $0 &+ run.executions[$1].duration }
      out.element(
        "p", .class("note"),
        text:
          "\(TimeSpan(nanoseconds: sum)) of work in a row, each part needing the one before it: more processors would not make this shorter."
      )
      out.element("ol", .class("chain")) { out in
        for index in path {
          let execution = run.executions[index]
          out.element("li") { out in
            out.element("code", text: execution.instance)
            out.element("span", .class("soft"), text: " \(TimeSpan(nanoseconds: execution.duration))")
          }
        }
      }
    }
  }

  private func steps(_ run: RunValues, _ out: inout HTML) {
    out.element("section", .id("by-step"), .label("By step")) { out in
      out.element("h2", text: "By step")
      out.element("div", .class("wide"), .tab(0), .role("region"), .label("Table by step")) { out in
        out.element("table", .data("data-sort", "")) { out in
          out.element("thead") { out in
            out.element("tr") { out in
              out.head("Step")
              for name in ["Ran", "Wall time", "Processor time", "Most memory", "Failed"] {
                out.head(name, isNumber: true)
              }
            }
          }
          out.element("tbody") { out in
            for total in StepTotal.of(run) {
              out.element("tr") { out in
                out.element("th", .scope("row"), text: total.step)
                out.element("td", .class("number"), text: grouped(total.count))
                out.element(
                  "td", .class("number"), .data("data-value", "\(total.duration)"),
                  text: "\(TimeSpan(nanoseconds: total.duration))")
                out.element(
                  "td", .class("number"), .data("data-value", "\(total.cpu)"),
                  text: "\(TimeSpan(nanoseconds: total.cpu))")
                out.element(
                  "td", .class("number"), .data("data-value", "\(total.memory)"),
                  text: total.memory > 0 ? "\(ByteCount(bytes: total.memory))" : "–")
                out.element("td", .class(total.failed > 0 ? "number bad" : "number"), text: grouped(total.failed))
              }
            }
          }
        }
      }
    }
  }

  /// Any two of them side by side, chosen in the page.
  var comparison: Page {
    let frame = Frame("runs/compare.html", in: site)
    return frame.page(title: "Two runs", trail: [("Runs", frame.link("runs/index.html"))]) { out in
      out.element("h1", text: "Two runs")
      guard site.runs.count > 1 else {
        out.element("p", .class("note"), text: "There are no two runs to compare.")
        return
      }
      out.element("div", .class("controls")) { out in
        for (id, label) in [("run-a", "Before"), ("run-b", "After")] {
          out.element("label", .forControl(id), text: label)
          out.element("select", .id(id)) { out in
            for (index, run) in site.runs.enumerated() {
              out.element(
                "option", .value("\(index)"), text: "\(WhenWords.minute(run.started)) (\(grouped(Int(run.ran))) ran)")
            }
          }
        }
      }
      out.element("div", .id("comparison"), .live) { _ in }
      out.data(id: "runs-data", RunData.comparison(site.runs))
    }
  }
}
