import RungCore
import RungLedger
import Testing

@testable import RungTrace

@Suite struct HTMLTests {
  private func page(_ world: World, _ made: Made) throws -> String {
    try world.tracer.trace(record: made.digest).html(store: world.store)
  }

  @Test func aPageHoldsTheFigureTheStepsAndTheSources() throws {
    let world = try World()
    let fits = try (1...30).map { n in
      try world.run("demo/fit[n=\(n)]", [source("fit.py")]) { $0.parameters = [.init("noise", .number("0.3"))] }
    }
    let figure = try world.run(
      "demo/figure", [try world.collect("all", fits), source("figure.py")], makes: ["out": "<svg></svg>"]
    ) { $0.environment = python }
    let html = try page(world, figure)
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
    #expect(html.contains("data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="))
    for text in [
      "demo/fit", "× 30", "noise = 0.3", "fit.py", "figure.py", "demo/requirements.lock",
      Digest(of: Array("fit.py".utf8)).hex, "class=\"edge many\"", "CPython 3.11.2",
    ] {
      #expect(html.contains(text), "\(text)")
    }
    // Folded: one box and one row for thirty instances.
    #expect(html.components(of: "<g class=\"step\">") == 2)
    #expect(try page(world, figure) == html)
    // Nothing is loaded, nothing is run.
    for word in ["http://", "https://", "<script", "url(", "@import"] { #expect(!html.contains(word), "\(word)") }
  }

  @Test func hostileNamesStayText() throws {
    let world = try World()
    let bad = "</title><script>alert(1)</script>\u{202e}\"'&"
    let made = try world.run("demo/x", [source(bad, name: bad)], makes: [bad: "<b>\"\n</pre><script>"]) {
      $0.command = [bad]
      $0.fields = [.init(kind: "command", name: "", value: bad, digest: nil)]
      $0.parameters = [.init(bad, .string(bad))]
      $0.host = bad
      $0.commit = bad
      $0.kind = bad
    }
    let html = try page(world, made)
    #expect(!html.contains("<script") && !html.contains("\u{202e}"))
    #expect(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;?&quot;&#39;&amp;"))
    #expect(html.components(of: "</title>") == html.components(of: "<title>"))
  }

  @Test func gapsAndLostBytesAreSaid() throws {
    let world = try World()
    let a = try world.run("demo/a")
    let b = try world.run("demo/b", [a.input()], makes: ["out": "text"])
    try world.lose(a.digest, isRecord: true)
    try world.lose(b.content("out"))
    let html = try page(world, b)
    #expect(html.contains("class=\"warn\"") && html.contains("is not in the cache"))
    #expect(html.contains("no longer in the cache") && !html.contains("<figure>"))
  }

  @Test func base64IsThatOfTheRFC() {
    let pairs = [
      "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "foobar": "Zm9vYmFy",
    ]
    for (plain, coded) in pairs { #expect(HTMLText.base64(Array(plain.utf8)) == coded) }
    #expect(HTMLText.base64([0xff, 0xfe, 0xfb]) == "//77")
  }
}

extension String {
  fileprivate func components(of word: String) -> Int { ranges(of: word).count }
}
