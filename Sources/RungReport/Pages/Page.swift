/// A file of a report.
public struct Page: Sendable {
  /// Where it lies in the report's folder: `pipelines/double-descent.html`.
  public let path: String
  /// Its content.
  public let bytes: [UInt8]
}

/// What all pages have around what they say.
struct Frame {
  /// Where the page lies.
  let path: String
  private let project: String
  private let written: Int64
  private let version: String
  private let hasLivePage: Bool

  init(_ path: String, in site: Site) {
    self.path = path
    project = site.project
    written = site.written
    version = site.version
    hasLivePage = site.isServed
  }

  /// A link from this page to a file of the site.
  func link(_ path: String) -> Link { Link.page(path, from: self.path) }

  /// The page. `trail` leads to it from the front page; `isLive` for one that has something for the script to do, `isServed`
  /// for the one that listens to its server.
  func page(
    title: String, trail: [(String, Link)] = [], isFront: Bool = false, isLive: Bool = true, isServed: Bool = false,
    body: (inout HTML) -> Void
  ) -> Page {
    let style = isServed ? Embedded.liveStyle : .style
    let script = isServed ? Embedded.liveScript : .script
    var out = HTML()
    out.doctype()
    out.element("html", .english) { out in
      out.element("head") { out in
        out.void("meta", .utf8)
        // Nothing is loaded from anywhere, and no script runs but the one of this module, whatever hostile text may bring.
        out.void(
          "meta", .policyName,
          .policy(
            "default-src 'none'; img-src 'self' file: data:; style-src \(style.source); "
              + "script-src \(script.source); \(isServed ? "connect-src 'self'; " : "")base-uri 'none'; form-action 'none'"
          ))
        out.void(
          "meta", .named("viewport"), .content("width=device-width, initial-scale=1"))
        out.void("meta", .named("color-scheme"), .content("light dark"))
        out.element("title", text: isFront ? title : "\(title) · \(project)")
        out.embedded("style", style)
      }
      out.line()
      out.element("body") { out in
        out.element("a", .class("skip"), .href(.place("content")), text: "Skip to content")
        head(trail, isFront, &out)
        out.line()
        out.element("main", .id("content"), content: body)
        out.line()
        out.element("footer") { out in
          out.text("Written ")
          out.element("time", .time(WhenWords.exact(written)), text: "\(WhenWords.minute(written)) UTC")
          out.text(" by Rung \(version). ")
          out.text("Every number and figure here leads back to what made it.")
        }
        if isLive { out.embedded("script", script) }
      }
    }
    out.line()
    return Page(path: path, bytes: out.bytes)
  }

  private func head(_ trail: [(String, Link)], _ isFront: Bool, _ out: inout HTML) {
    out.element("header", .class("top")) { out in
      out.element("nav", .label("Trail")) { out in
        out.element("ol") { out in
          out.element("li") { out in
            if isFront {
              out.element("span", .class("project"), text: project)
            } else {
              out.element("a", .class("project"), .href(link("index.html")), text: project)
            }
          }
          for (words, link) in trail { out.element("li") { $0.element("a", .href(link), text: words) } }
        }
      }
      out.element("nav", .class("main"), .label("Report")) { out in
        out.element("a", .href(link("index.html")), text: "Experiments")
        out.element("a", .href(link("runs/index.html")), text: "Runs")
        if hasLivePage { out.element("a", .href(link(LivePage.path)), text: "Now") }
      }
    }
  }
}

extension HTML {
  /// A list of names and what they stand for; nothing for an empty one.
  mutating func facts(_ facts: [NamedText], style: String = "facts") {
    guard !facts.isEmpty else { return }
    element("dl", .class(style)) { out in
      for fact in facts where !fact.text.isEmpty {
        out.element("div") { out in
          out.element("dt", text: fact.name)
          out.element("dd", text: fact.text)
        }
      }
    }
  }

  /// A heading cell of a table.
  mutating func head(_ words: String, isNumber: Bool = false) {
    element("th", .scope("col"), .class(isNumber ? "number" : "text"), text: words)
  }

  /// A point in time.
  mutating func time(_ nanoseconds: Int64) {
    element("time", .time(WhenWords.exact(nanoseconds)), text: "\(WhenWords.minute(nanoseconds)) UTC")
  }

  /// Links to texts that have pages of their own; those that have none are named only.
  mutating func references(_ references: [TextReference], known: Set<TextReference>, frame: Frame) {
    element("ul", .class("references")) { out in
      for reference in references {
        out.element("li") { out in
          if known.contains(reference) {
            out.element("a", .href(frame.link(reference.path)), text: reference.name)
          } else {
            out.text(reference.name)
          }
          out.text(" ")
          out.element("code", .class("digest"), .title(reference.digest), text: reference.short)
        }
      }
    }
  }
}

func counted(_ count: Int, _ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(grouped(count)) \(noun)s" }

/// `10,000`.
func grouped(_ count: Int) -> String {
  var text = ""
  for (index, digit) in String(count).reversed().enumerated() {
    if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
