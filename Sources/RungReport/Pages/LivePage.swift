/// The page that follows a run as it goes; only `rung serve` has it, since it listens to the server that it came from.
struct LivePage {
  let site: Site

  /// Where it lies.
  static let path = "live.html"

  var page: Page {
    Frame(Self.path, in: site).page(title: "Now", trail: [], isServed: true) { out in
      out.element("h1", text: "Now")
      out.element("p", .id("now"), .class("lead"), .role("status"), text: "Looking …")
      out.element("p", .id("link"), .class("note"), .role("status"), text: "")
      out.element("div", .id("run"), .hidden) { out in
        out.element("progress", .id("whole"), .label("how much of the run is done"), text: "")
        out.element("p", .id("about"), .class("note"), text: "")
        out.element("section", .id("running"), .labelled(by: "running-head")) { out in
          out.element("h2", .id("running-head"), text: "Running")
          out.element("ul", .id("instances")) { _ in }
          out.element("p", .id("more"), .class("note"), text: "")
        }
        out.element("section", .labelled(by: "steps-head")) { out in
          out.element("h2", .id("steps-head"), text: "Steps")
          out.element("div", .class("wide")) { out in
            out.element("table", .id("steps")) { out in
              out.element("thead") { out in
                out.element("tr") { out in
                  out.head("step")
                  out.head("progress")
                  out.head("done", isNumber: true)
                  out.head("running", isNumber: true)
                  out.head("failed", isNumber: true)
                }
              }
              out.element("tbody") { _ in }
            }
          }
        }
        out.element("section", .id("messages"), .labelled(by: "messages-head"), .hidden) { out in
          out.element("h2", .id("messages-head"), text: "Messages")
          out.element("ol") { _ in }
        }
      }
    }
  }
}
