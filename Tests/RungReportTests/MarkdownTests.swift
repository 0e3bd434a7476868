import Testing

@testable import RungReport

/// The part of Markdown that is known, and that the rest is text.
@Suite struct MarkdownTests {
  private func html(_ text: String) -> String {
    var out = HTML()
    Markdown(text).add(to: &out)
    return out.string.replacing("\n", with: "")
  }

  @Test(arguments: [
    ("one\ntwo\n\nthree", "<p>onetwo</p><p>three</p>"),
    ("# Title\n## Under", "<h3>Title</h3><h4>Under</h4>"),
    ("- a\n- b\n  more\n1. c", "<ul><li>a</li><li>bmore</li></ul><ol><li>c</li></ol>"),
    ("> said\n> so", "<blockquote><p>saidso</p></blockquote>"),
    ("```\n<b> *x*\n```\nafter", "<pre><code>&lt;b&gt; *x*</code></pre><p>after</p>"),
    ("a\n***\nb", "<p>a</p><hr><p>b</p>"),
    (
      "**strong** and *em* and _em_ and `code *x*`",
      "<p><strong>strong</strong> and <em>em</em> and <em>em</em> and <code>code *x*</code></p>"
    ),
    ("a_b_c 2 * 3 * 4 \\*x\\*", "<p>a_b_c 2 * 3 * 4 *x*</p>"),
    (
      "[words *em*](https://example.org) <https://a.b>",
      "<p><a href=\"https://example.org\">words <em>em</em></a> <a href=\"https://a.b\">https://a.b</a></p>"
    ),
    ("![picture](https://example.org/x.png)", "<p>picture</p>"),
    ("open **strong, open `code, open [link](", "<p>open **strong, open `code, open [link](</p>"),
  ])
  func whatIsKnown(text: String, expected: String) { #expect(html(text) == expected) }

  @Test(arguments: [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "[x](JAVASCRIPT:alert(1))", "<javascript:alert(1)>",
    "![x](javascript:alert(1))", "[x](data:text/html,<script>)", "<img src=x onerror=alert(1)>",
    "[a](https://x\" onclick=\"alert(1))",
    "**<b>**", "`<b>`", "# <h1>", "> <q>", "- <li>",
  ])
  func whatIsHostileIsText(text: String) {
    let html = html(text)
    #expect(
      !html.contains("<script") && !html.contains("<img") && !html.contains("<b>") && !html.contains("\" onclick"))
    #expect(!html.lowercased().contains("href=\"javascript") && !html.contains("href=\"data"))
  }

  /// Every text of these signs is read without a crash, and nothing of it gets lost but marks.
  @Test func allShortTexts() {
    let signs: [Character] = ["*", "_", "`", "[", "]", "(", ")", "a", " ", "\\", "<", "\n"]
    for count in 0...4 {
      var places = [Int](repeating: 0, count: count)
      while true {
        let text = String(places.map { signs[$0] })
        let letters = html(text).replacing(/<[^>]*>/, with: "").count { $0 == "a" }
        // The words of an address are not shown, nor what stands behind a fence.
        let hides = text.contains("(") || text.contains("```")
        #expect(letters <= text.count { $0 == "a" } && (letters == text.count { $0 == "a" } || hides), "\(text)")
        guard let last = places.lastIndex(where: { $0 < signs.count - 1 }) else { break }
        places[last] += 1
        for index in places.indices where index > last { places[index] = 0 }
      }
    }
  }

  /// A hostile text costs time in proportion to its length: each of these would take minutes by its square.
  @Test(arguments: ["[", "*a", "`", "**", "_x _", "](", "<", "![", "\\"])
  func aLineOfMarksIsRead(mark: String) {
    let text = String(repeating: mark, count: 40_000)
    #expect(!html(text).isEmpty)
    #expect(!html(text + "](https://x)").isEmpty)
  }
}
