import RungCore
import RungLedger
import RungModel
import RungStore

extension Trace {
  /// The trace as one page of HTML that needs nothing else: no network, no script, the figure in it. Sweeps are folded
  /// like in the text. The same trace gives the same page.
  ///
  /// - Parameter store: where the figure's bytes are; a page without them has no picture.
  public func html(store: ObjectStore) -> String {
    let bytes = try? store.read(subject.digest, limit: TracePage.largestPicture)
    return TracePage(self, content: bytes).text
  }
}

/// The parts of a trace's page.
struct TracePage {
  /// In bytes; larger files are not put into the page.
  static let largestPicture: Int64 = 32 << 20

  private let trace: Trace
  private let groups: [StepGroup]
  private let root: Record?
  private let content: [UInt8]?
  private var out = HTMLText()

  init(_ trace: Trace, content: [UInt8]?) {
    self.trace = trace
    self.content = content
    groups = StepGroup.groups(of: trace.lineage)
    root = trace.lineage.execution(trace.subject.record)?.record
    header()
    gaps()
    drawing()
    steps()
    sources()
    machinery()
    out.raw("<footer>")
    out.add("Traced by Rung from record ")
    out.element("span", "class=\"mono\"", trace.subject.record.description)
    out.raw("</footer>\n</main>\n</body>\n</html>\n")
  }

  var text: String { out.text }

  private mutating func header() {
    let subject = trace.subject
    let name = String(subject.file.split(separator: "/").last ?? subject.file[...])
    // Nothing may be loaded from anywhere, whatever a hostile name might bring about.
    out.raw(
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
      <title>\(HTMLText.escaped(name)): where it comes from</title>
      <style>
      \(PageStyle.css)</style>
      </head>
      <body>
      <main>

      """)
    out.element("h1", "", name)
    out.element("div", "class=\"mono soft\"", subject.digest.description)
    out.raw("\n<div class=\"top\">\n")
    picture(name)
    out.raw("<dl>\n")
    field("Output", "\(subject.output) of \(subject.instance)")
    if let place = subject.publishedAt { field("Published", place) }
    if let root {
      field("Made", UTCTime(nanoseconds: root.started).text)
      field("Host", root.host)
      field("Run", root.run)
      field("Commit", StepGroup.commit(of: root))
    }
    let total = groups.reduce(Int64(0)) { $0 &+ $1.duration }
    field(
      "Behind it",
      "\(counted(groups.count, "step")), \(counted(trace.lineage.executions.count, "execution")), "
        + "\(TimeSpan(nanoseconds: total))")
    field("Watched", trace.watchLines.joined(separator: "; "))
    if trace.lineage.gone.contains(subject.digest) { field("Bytes", "no longer in the cache") }
    for other in subject.alsoMadeBy.prefix(3) {
      field("Also by", "\(other.instance), \(UTCTime(nanoseconds: other.started).text)")
    }
    out.raw("</dl>\n</div>\n")
  }

  private mutating func field(_ label: String, _ value: String) {
    if value.isEmpty { return }
    out.element("dt", "", label)
    out.element("dd", "", value)
    out.raw("\n")
  }

  // An image, or the beginning of a text; nothing for other files.
  private mutating func picture(_ name: String) {
    guard let content, !content.isEmpty else { return }
    if let type = Self.imageType(content) {
      out.raw("<figure><img alt=\"\(HTMLText.escaped(name))\" src=\"data:\(type);base64,")
      out.raw(HTMLText.base64(content))
      out.raw("\"></figure>\n")
    } else if !content.prefix(4096).contains(0), !content.starts(with: Array("%PDF".utf8)) {
      let lines = String(decoding: content.prefix(4096), as: UTF8.self).split(
        omittingEmptySubsequences: false, whereSeparator: \.isNewline
      ).prefix(24)
      out.raw("<figure><pre>")
      for line in lines {
        out.add(String(line))
        out.raw("\n")
      }
      out.raw("</pre></figure>\n")
    }
  }

  // By the first bytes, not by the name. An SVG is shown as an image, in which no script runs and nothing is loaded.
  private static func imageType(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return "image/png" }
    if bytes.starts(with: [0xff, 0xd8, 0xff]) { return "image/jpeg" }
    if bytes.starts(with: Array("GIF8".utf8)) { return "image/gif" }
    let head = String(decoding: bytes.prefix(1024), as: UTF8.self)
    return head.contains("<svg") ? "image/svg+xml" : nil
  }

  private mutating func gaps() {
    let gaps = trace.lineage.incomplete
    if gaps.isEmpty { return }
    out.raw("<div class=\"warn\">")
    out.add("Incomplete: \(counted(gaps.count, "thing")) on the way to this file cannot be known")
    out.raw("<ul>\n")
    for gap in gaps.prefix(20) { out.element("li", "", (gap.neededBy.map { "\($0): " } ?? "") + gap.message) }
    if gaps.count > 20 { out.element("li", "", "and \(gaps.count - 20) more") }
    out.raw("</ul></div>\n")
  }

  private mutating func drawing() {
    guard !groups.isEmpty else { return }
    let maker = root.flatMap { root in groups.firstIndex { $0.step == "\(root.pipeline)/\(root.step)" } }
    out.raw("<h2>How it came about</h2>\n<div class=\"drawing\">\n")
    out.raw(StepDiagram(groups, file: trace.subject.file, maker: maker).svg)
    out.raw("</div>\n")
  }

  private mutating func steps() {
    out.raw("<h2>Steps</h2>\n<table>\n<thead><tr>")
    for title in ["Step", "Parameters", "Took", "Watched", "Host", "Commit"] { out.element("th", "", title) }
    out.raw("</tr></thead>\n")
    for group in groups { step(group) }
    out.raw("</table>\n")
  }

  private mutating func step(_ group: StepGroup) {
    out.raw("<tbody><tr><td class=\"name\">")
    out.add(group.step)
    var notes: [String] = []
    if group.instances.count > 1 { notes.append("× \(group.instances.count)") }
    if !group.axesText.isEmpty { notes.append(group.axesText) }
    if group.executions > group.instances.count { notes.append("\(group.executions) executions") }
    if !notes.isEmpty { out.element("small", "", notes.joined(separator: " ")) }
    out.raw("</td>")
    let parameters = group.parameters.keys.map { name in
      let all = group.parameters[name]
      return "\(name) = " + (all.count == 1 ? all[0] : "{\(listed(all, limit: 4))}")
    }
    cell(parameters.joined(separator: ", "))
    let each = TimeSpan(nanoseconds: group.duration / Int64(max(1, group.executions)))
    cell("\(TimeSpan(nanoseconds: group.duration))\(group.executions > 1 ? " in all, \(each) each" : "")")
    cell("\(group.watch.rawValue), trace \(group.trace.rawValue)")
    cell(listed(group.hosts.items, limit: 3))
    cell(listed(group.commits.items, limit: 3))
    out.raw("</tr>\n<tr class=\"more\"><td colspan=\"6\"><div>")
    for command in group.commands.items.prefix(3) {
      out.raw("<pre>")
      for line in command.split(separator: "\n", omittingEmptySubsequences: false) {
        out.add(String(line))
        out.raw("\n")
      }
      out.raw("</pre>")
    }
    if group.commands.items.count > 3 { out.add("and \(group.commands.items.count - 3) other commands") }
    let outputs = listed(group.outputs.items, limit: 6)
    if !outputs.isEmpty { out.element("div", "class=\"soft\"", "makes \(outputs)") }
    out.raw("</div></td></tr></tbody>\n")
  }

  private mutating func cell(_ words: String) { out.element("td", "", words) }

  private mutating func sources() {
    let sources = trace.lineage.sources
    let observed = sources.count { $0.observed }
    out.raw("<h2>Sources ")
    out.element(
      "small", "", "\(sources.count)\(observed > 0 ? ", \(observed) of them observed and not declared" : "")")
    out.raw("</h2>\n<table>\n<thead><tr>")
    for title in ["Path", "Content", "Read by"] { out.element("th", "", title) }
    out.raw("</tr></thead>\n<tbody>\n")
    for fold in SourceFold.folds(sources) {
      switch fold {
      case .one(let source): row(source)
      case .many(let pattern, let count, let usedBy, let isObserved):
        let mine = sources.filter { $0.observed == isObserved && SourceFold.pattern(of: $0) == pattern }
        out.raw("<tr><td colspan=\"2\"><details><summary>")
        out.add("\(pattern), \(count) files\(isObserved ? ", observed" : "")")
        out.raw("</summary>\n")
        for source in mine {
          out.raw("<div>")
          out.add(source.path)
          out.raw(" ")
          out.element("span", "class=\"mono soft\"", source.digest.hex)
          out.raw("</div>\n")
        }
        out.raw("</details></td>")
        cell(listed(usedBy, limit: 6))
        out.raw("</tr>\n")
      }
    }
    out.raw("</tbody></table>\n")
    if trace.lineage.systemFiles > 0 {
      out.element(
        "p", "class=\"soft\"",
        "and \(counted(trace.lineage.systemFiles, "file")) of the system were observed to be read")
    }
  }

  private mutating func row(_ source: Lineage.Source) {
    let kind: String? =
      switch source.kind {
      case .file: nil
      case .executable: "executable"
      case .tree: "folder"
      case .lock: "lock file"
      }
    let notes = [kind, source.observed ? "observed" : nil].compactMap { $0 }
    out.raw("<tr><td>")
    out.add(source.path)
    if !notes.isEmpty { out.element("span", "class=\"soft\"", " (\(notes.joined(separator: ", ")))") }
    out.raw("</td>")
    out.element("td", "class=\"mono soft\"", source.digest.hex)
    cell(listed(source.usedBy, limit: 6))
    out.raw("</tr>\n")
  }

  private mutating func machinery() {
    let environments = trace.lineage.environments
    if !environments.isEmpty {
      out.raw("<h2>Environments</h2>\n<table>\n<thead><tr>")
      for title in ["Interpreter", "Lock file", "Used by"] { out.element("th", "", title) }
      out.raw("</tr></thead>\n<tbody>\n")
      for used in environments {
        let environment = used.environment
        out.raw("<tr><td>")
        out.add("\(environment.version) on \(environment.platform)")
        out.element("div", "class=\"mono soft\"", environment.interpreter)
        out.element("div", "class=\"mono soft\"", environment.interpreterDigest?.hex ?? "not hashed")
        out.raw("</td><td>")
        out.add(environment.lockPath)
        out.element("div", "class=\"mono soft\"", environment.lock.hex)
        out.raw("</td>")
        cell(listed(used.usedBy, limit: 6))
        out.raw("</tr>\n")
      }
      out.raw("</tbody></table>\n")
    }
    let programs = trace.lineage.programs
    if programs.isEmpty { return }
    out.raw("<h2>Programs</h2>\n<table>\n<tbody>\n")
    for used in programs {
      out.raw("<tr>")
      out.element("td", "class=\"mono\"", used.program.path)
      out.element("td", "class=\"mono soft\"", used.program.digest.hex)
      cell(listed(used.usedBy, limit: 6))
      out.raw("</tr>\n")
    }
    out.raw("</tbody></table>\n")
  }
}
