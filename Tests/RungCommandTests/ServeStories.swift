import Glibc
import RungCore
import Testing

/// `rung serve`: the report in a browser, and a run as it goes.
@Suite struct ServeStories {
  let sandbox: Sandbox
  let go: Mark

  init() throws {
    sandbox = try Sandbox()
    go = try Mark("go", in: sandbox)
    try sandbox.write(
      """
      pipeline: x
      about: Tries <script>alert(1)</script> things.
      axes: {width: [10, 20]}
      steps:
        fit:
          over: [width]
          run: |
            printf 'loss \\033[31m0.5\\033[0m <script>alert(1)</script>\\n'
            echo '{"step": 1, "loss": 0.5}' >> $RUNG_EVENTS
            echo '{"step": 2, "loss": 0.25, "progress": 0.5}' >> $RUNG_EVENTS
            read line < \(go.path)
            echo '{"loss": 0.25, "of": '{width}'}' > {out.m}
          outputs: {m: m.json}
        figure:
          run: echo "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><!-- $(cat {fit.m} | wc -l) --></svg>" > {out.f}
          outputs: {f: {path: f.svg, publish: "<img src=x onerror=alert(1)>.svg"}}

      """, to: "pipelines/x/pipeline.yaml")
  }

  private func serve() throws -> (running: Running, address: String) {
    let running = try sandbox.start(["serve", "--json"])
    try running.wait(untilPrinted: "\n")
    let json = try JSON(parsing: Array(running.printed().utf8))
    return (running, try #require(json["address"]?.string))
  }

  private func end(_ running: Running) throws {
    running.signal(SIGINT)
    #expect(try running.wait().code == 0)
  }

  @Test func aRunIsFollowedAsItGoes() throws {
    let (server, address) = try serve()
    // One that listens before there is a run.
    let browser = try Browser(address, "events")
    #expect(try browser.state { _ in true }["run"] == .null)
    let run = try sandbox.start(["run", "-j", "1"])
    let state = try browser.state { $0["running"]?.array?.first?["metrics"]?.array?.count == 2 }
    let running = try #require(state["running"]?.array?.first)
    #expect(running["instance"]?.string == "x/fit[width=10]" && running["progress"]?.double == 0.5)
    #expect(running["metrics"]?.array?.last == ["name": "loss", "value": .number("0.25")])
    #expect(running["log"]?.array == ["loss 0.5 <script>alert(1)</script>"])
    #expect(state["instances"]?.int == 3 && state["done"]?.int == 0 && state["jobs"]?.int == 1)

    let name = "x/fit%5Bwidth%3D10%5D"
    let course = try Browser(address, "course?instance=\(name)").answer()
    #expect(course.body == #"{"series":[{"name":"loss","over":"step","points":[[1.0,0.5],[2.0,0.25]]}]}"#)
    let log = try Browser(address, "log?instance=\(name)").answer()
    #expect(log.body == "loss [31m0.5[0m <script>alert(1)</script>\n" && log.head.contains("text/plain"))
    #expect(try Browser(address, "log?instance=..%2F..%2Fetc%2Fpasswd").answer().status == 404)

    // One that comes in the middle hears of what was before.
    go.say("on")
    _ = try browser.state { $0["running"]?.array?.first?["instance"]?.string == "x/fit[width=20]" }
    let late = try Browser(address, "events")
    #expect(try late.state { _ in true }["done"]?.int == 1)
    go.say("on")
    for listener in [browser, late] {
      let last = try listener.state { $0["summary"]?.members != nil }
      #expect(last["summary"]?["ran"]?.int == 3 && last["done"]?.int == 3)
    }
    #expect(try run.wait().code == 0)
    #expect(try browser.state { $0["run"] == .null }["run"] == .null)
    #expect(try sandbox.files("cache/live") == [])
    try end(server)
  }

  /// Of projects that share a cache, each shows its own runs.
  @Test func anotherProjectsRunIsNotShown() throws {
    let other = try Sandbox()
    try sandbox.write("cache: \(other.project)/cache\n", to: "rung.yaml")
    let (server, address) = try serve()
    let browser = try Browser(address, "events")
    #expect(try browser.state { _ in true }["run"] == .null)
    let there = try Mark("there", in: other)
    try other.write(
      "pipeline: y\nsteps: {a: {run: 'read line < \(there.path); echo > {out.o}', outputs: {o: o}}}\n",
      to: "pipelines/y/pipeline.yaml")
    let run = try other.start(["run", "--json"])
    try run.wait(untilPrinted: "step-started")
    let own = try sandbox.start(["run", "-j", "1"])
    let state = try browser.state { $0["run"] != .null }
    for _ in 0..<2 { go.say("on") }
    #expect(state["steps"]?.array?.compactMap { $0["step"]?.string } == ["x/fit", "x/figure"])
    there.say("on")
    for running in [own, run] { #expect(try running.wait().code == 0) }
    try end(server)
  }

  /// What a killed run has left is not taken for one that goes on, and the next run tidies it up.
  @Test func aKilledRunHasEnded() throws {
    let (server, address) = try serve()
    let browser = try Browser(address, "events")
    let run = try sandbox.start(["run", "-j", "1"])
    _ = try browser.state { $0["running"]?.array?.isEmpty == false }
    run.signal(SIGKILL)
    _ = try run.wait()
    _ = try browser.state { $0["run"] == .null }
    #expect(try sandbox.files("cache/live").count == 1)
    for _ in 0..<2 { go.say("on") }
    #expect(try sandbox.run().finished.code == 0)
    #expect(try sandbox.files("cache/live") == [])
    try end(server)
  }

  /// Texts and pictures of the user's can do nothing in the page, and looking changes nothing.
  @Test func pagesAreInertAndNothingIsWritten() throws {
    for _ in 0..<2 { go.say("on") }
    #expect(try sandbox.run().finished.code == 0)
    let before = try sandbox.files("cache").sorted()
    let (server, address) = try serve()
    let front = try Browser(address).answer()
    #expect(front.status == 200 && front.head.contains("text/html"))
    #expect(front.body.contains("script-src &#39;sha256-") && !front.body.contains("<script>alert"))
    #expect(front.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
    let picture = try #require(front.body.firstMatch(of: /src="(figures\/[^"]*\.svg)"/)?.1)
    let figure = try Browser(address, String(picture)).answer()
    #expect(figure.status == 200 && figure.head.contains("image/svg+xml") && figure.body.contains("onload"))
    #expect(figure.head.contains("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; sandbox"))
    #expect(try Browser(address, "live.html").answer().body.contains("connect-src &#39;self&#39;"))
    #expect(try Browser(address, "pipelines/x.html").answer().status == 200)
    #expect(try Browser(address, "nothing.html").answer().status == 404)
    #expect(try Browser(address, "", headers: ["Origin: http://evil.example"]).answer().status == 403)
    let outside = address.split(separator: "/").prefix(2).joined(separator: "//") + "/"
    #expect(try Browser(outside).answer().status == 403)
    try end(server)
    #expect(try sandbox.files("cache").sorted() == before)
  }

  @Test func whatIsWrongIsSaidAtOnce() throws {
    let (server, address) = try serve()
    let port = String(address.dropFirst("http://127.0.0.1:".count).prefix { $0 != "/" })
    let taken = try sandbox.rung("serve", "--port", port)
    #expect(taken.code == 2 && taken.errors.contains("cannot listen on 127.0.0.1:\(port)"))
    #expect(taken.errors.contains("take another --port"))
    try end(server)
    try sandbox.write("pipeline: x\nsteps: {a: {}}\n", to: "pipelines/x/pipeline.yaml")
    #expect(try sandbox.rung("serve").code == 2)
  }
}
