import RungCore
import Testing

@testable import RungReport

/// Nothing that a user writes becomes markup.
@Suite struct HTMLTests {
  static let hostile = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)",
    "</title></style></script>",
    "&lt;b&gt;", "]]>", "<!--", "--><script>", "\u{202e}txt.exe", "\u{1b}[31mred\u{1b}[0m", "\u{0}\u{7f}\u{9b}",
    "javascript:alert(1)",
    "\u{2028}\u{2029}", "<svg/onload=alert(1)>", "{{constructor}}",
  ]

  @Test(arguments: hostile)
  func aTextStaysAText(words: String) {
    var out = HTML()
    out.element("p", .title(words), .class(words), .data("data-x", words), text: words)
    let html = out.string
    // Only our own element is left, whatever is in it.
    #expect(html.utf8.count { $0 == UInt8(ascii: "<") } == 2)
    #expect(html.utf8.count { $0 == UInt8(ascii: ">") } == 2)
    #expect(html.utf8.count { $0 == UInt8(ascii: "\"") } == 6)
    #expect(html.unicodeScalars.allSatisfy { ($0.value >= 0x20 || $0 == "\n") && !(0x7f...0x9f).contains($0.value) })
    #expect(!html.unicodeScalars.contains { (0x2028...0x202e).contains($0.value) })
  }

  @Test func whatIsHarmlessIsNotTouched() {
    var out = HTML()
    out.element("p", text: "naïve π 数 🎈\ta — b")
    #expect(out.string == "<p>naïve π 数 🎈\ta — b</p>")
    out = HTML()
    out.element("a", .href(.place("x")), .isHiddenFromReaders, .open) { $0.text("a < b & c > d \"e\" 'f'") }
    #expect(
      out.string
        == "<a href=\"#x\" aria-hidden=\"true\" open>a &lt; b &amp; c &gt; d &quot;e&quot; &#39;f&#39;</a>")
  }

  @Test(arguments: hostile)
  func dataCannotEndItsElement(words: String) throws {
    let json: JSON = ["name": .string(words), "n": 1]
    let escaped = DataBlock.escaped(json.compactBytes)
    #expect(!escaped.contains { [UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&")].contains($0) })
    #expect(
      !String(decoding: escaped, as: UTF8.self).unicodeScalars.contains { $0.value == 0x2028 || $0.value == 0x2029 })
    #expect(try JSON(parsing: escaped) == json)
  }

  @Test(arguments: [
    "javascript:alert(1)", " javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "//evil.example", "/x", "", "https://a b", "https://a\nb", "http:\\\\x",
    "HTTPS:x",
  ])
  func onlyAddressesOfTheWebAreLinks(address: String) { #expect(Link(web: address) == nil) }

  @Test func addressesOfTheSiteAreRelative() {
    #expect(Link.page("figures/a b.svg", from: "lineage/x.html").text == "../figures/a%20b.svg")
    #expect(Link.page("runs/index.html", from: "index.html").text == "runs/index.html")
    #expect(Link.page("sources/é\".html", from: "runs/x.html").at("L3").text == "../sources/%C3%A9%22.html#L3")
    #expect(Link(web: "https://example.org/?a=1&b")?.text == "https://example.org/?a=1&b")
  }

  @Test func slugsAreFileNamesAndDiffer() {
    let names = [
      "double-descent", "a/b", "a.b", "a~b", "a-b", "a b", "a  b", "..", ".", "", "-x", "x/../y", "A", "é", "è",
      String(repeating: "n", count: 300), String(repeating: "n", count: 301), "fit[width=2,seed=3]",
    ]
    let slugs = names.map(Slug.of)
    #expect(Set(slugs).count == names.count, "\(slugs)")
    for slug in slugs {
      #expect(!slug.isEmpty && slug.utf8.count <= 80 && slug.first != "." && slug.first != "-", "\(slug)")
      #expect(
        slug.utf8.allSatisfy { "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~".utf8.contains($0) })
    }
    #expect(Slug.of("double-descent") == "double-descent" && Slug.of("demo/fit") == "demo~fit")
  }
}
