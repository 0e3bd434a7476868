import RungCore

/// A published picture, large, with the way to where it comes from. Always an image: whatever an SVG holds, it is not run.
struct FigureBlock {
  private let figure: FigureValues
  private let frame: Frame
  private let lineage: Link?

  init(_ figure: FigureValues, frame: Frame, lineage: Link?) {
    self.figure = figure
    self.frame = frame
    self.lineage = lineage
  }

  func add(to out: inout HTML) {
    out.element("figure") { out in
      if let file = figure.file {
        out.element("div", .class("plate")) { out in
          out.void(
            "img", .class(file.hasSuffix(".svg") ? "drawing" : "picture"), .src(frame.link(file)),
            .alt("Figure \(figure.title), made by \(figure.instance)"), .lazy)
        }
      } else {
        out.element("div", .class("plate none"), text: figure.problem ?? "Its bytes are not in the cache.")
      }
      out.element("figcaption") { out in
        out.element("code", text: figure.path)
        if !figure.formats.isEmpty {
          out.text(" ")
          out.element("span", .class("soft"), text: "also \(figure.formats.joined(separator: ", "))")
        }
        out.text(" ")
        if !figure.isCurrent {
          out.element("span", .class("due"), text: "made before the latest changes")
          out.text(" ")
        }
        if let lineage { out.element("a", .class("provenance"), .href(lineage), text: "Where it comes from") }
      }
    }
  }
}

/// How the instances of a step stand, in words.
enum StandingWords {
  static func of(_ step: StepValues) -> String {
    let counts = step.counts
    if counts.total == 1, step.axes.isEmpty { return counts.state.words }
    if counts.current == counts.total { return "\(grouped(counts.total)) up to date" }
    var parts = ["\(grouped(counts.current)) of \(grouped(counts.total)) up to date"]
    if counts.failed > 0 { parts.append("\(grouped(counts.failed)) failed") }
    if counts.wouldRun - counts.failed > 0 { parts.append("\(grouped(counts.wouldRun - counts.failed)) would run") }
    if counts.undecided > 0 { parts.append("\(grouped(counts.undecided)) wait for others") }
    return parts.joined(separator: ", ")
  }

  static func duration(_ step: StepValues) -> String {
    let all = TimeSpan(nanoseconds: step.duration)
    guard step.counts.total > 1 else { return "\(all)" }
    return "\(all) in all, \(TimeSpan(nanoseconds: step.duration / Int64(step.counts.total))) each"
  }
}
