import Glibc
import RungCore
import Testing

@testable import RungReport

/// Whole pages. `RUNG_RECORD=1` writes what they are now into `Golden/`.
@Suite struct PageTests {
  static func site(_ word: String = "fall") -> Site {
    var site = Site(project: "Small project", written: 1_700_000_000_000_000_000, version: "0.1.0")
    let record = "sha256:" + String(repeating: "ab", count: 32)
    let script = TextReference(
      kind: .source, name: "pipelines/\(word)/drop.py", digest: "sha256:" + String(repeating: "12", count: 32))
    let log = TextReference(
      kind: .log, name: "\(word)/drop[height=5,seed=0]", digest: "sha256:" + String(repeating: "34", count: 32))
    var pipeline = PipelineValues(
      name: word, about: "How long a **\(word)** takes.\n\n- by experiment\n- by theory",
      file: "pipelines/\(word)/pipeline.yaml")
    pipeline.parameters = [NamedText("gravity", "10"), NamedText(word, word)]
    pipeline.axes = [NamedText("height", "5, 20"), NamedText("seed", "4 replicates")]
    var drop = StepValues(
      path: "\(word)/drop", pipeline: word, name: "drop", isOwn: true, kind: "measure",
      command: "python {code} --height {height}")
    drop.axes = [("height", 2), ("seed", 4)]
    drop.counts = StateCounts(current: 7, wouldRun: 1, failed: 1)
    drop.outputs = ["time"]
    drop.sources = [script]
    drop.logs = [log]
    drop.duration = 12_000_000_000
    var table = DrawingTests.table(["5", "20"], replicates: 4) { x, seed in Double(x + 1) + Double(seed) / 10 }
    table.states[3] = .failed
    table.columns[0].name = word
    table.leftOut = ["Left out: lists (curve)."]
    drop.table = table
    var course = CourseValues(metric: "loss of <\(word)>", over: "step")
    course.lines = [
      ("[height=5,seed=0]", [(1, 4), (2, 2), (3, .nan), (4, 1)]), ("[height=20,seed=0]", [(1, 8), (2, 4), (4, 2)]),
    ]
    drop.courses = [course]
    var report = StepValues(
      path: "\(word)/report", pipeline: word, name: "report", isOwn: true, kind: nil,
      command: "cp {drop.time} {out.figure}")
    report.counts = StateCounts(current: 1)
    report.outputs = ["figure"]
    let other = StepValues(path: "other/data", pipeline: "other", name: "data", isOwn: false, kind: "data", command: "")
    pipeline.steps = [drop, report, other]
    pipeline.uses = [StepUse(maker: 0, user: 1, gathers: true), StepUse(maker: 2, user: 0, gathers: false)]
    let figure = FigureValues(
      path: "pipelines/\(word)/\(word).svg", file: "figures/abab-fall.svg", problem: nil, formats: ["PNG"],
      output: "figure",
      instance: "\(word)/report", record: record, isCurrent: true)
    pipeline.figures = [figure]
    pipeline.claims = [
      ClaimValues(
        name: "law", says: "The time is the root of \(word).", predicted: "1", measured: "1 ± 0.02 (n=4)",
        tolerance: "relative 0.1", verdict: "holds", expected: "holds",
        cells: [
          .init(place: "height=5", predicted: "1", measured: "1", verdict: "holds"),
          .init(place: "height=20", predicted: "2", measured: "2", verdict: "holds"),
        ]),
      ClaimValues(
        name: "linear", says: nil, predicted: "1", measured: "0.5", tolerance: "absolute 0.3", verdict: "breaks",
        expected: "breaks"),
      ClaimValues(
        name: word, says: nil, predicted: "–", measured: "–", tolerance: "", verdict: "error", expected: "holds",
        note: "\(word): cannot be judged"),
    ]
    pipeline.lastRun = 1_699_999_000_000_000_000
    pipeline.watch = "traced"
    site.pipelines = [pipeline]

    var lineage = LineageValues(pipeline: word, instance: "\(word)/report", record: record)
    lineage.figures = [figure]
    lineage.facts = [NamedText("Host", word)]
    lineage.run = "20231114-221320-abcdef"
    lineage.watch = ["traced: every file of the project that the steps opened is known"]
    lineage.gaps = ["\(word): the record is gone"]
    var first = LineageValues.Step(
      path: "\(word)/drop", instances: "[height=5,20, seed=0,1,2,3]", kind: "measure", executions: 8)
    first.facts = [NamedText("Parameters", "gravity = 10")]
    first.commands = ["python {code} --height {height}"]
    first.sources = [script]
    first.logs = [log]
    first.verified = "same again"
    lineage.steps = [first, LineageValues.Step(path: "\(word)/report", instances: "", kind: nil, executions: 1)]
    lineage.uses = [StepUse(maker: 0, user: 1, gathers: true)]
    lineage.sources = [.init(reference: script, notes: ["observed, not declared"], usedBy: ["\(word)/drop"])]
    lineage.machinery = [NamedText("CPython 3.11.2", "linux")]
    lineage.text = "pipelines/fall/fall.svg\n  made by \(word)"
    site.lineages = [lineage]

    func execution(_ name: String, _ start: Int64, _ needs: [Int], _ outcome: String = "succeeded")
      -> RunValues.Execution
    {
      .init(
        instance: "\(word)/\(name)", step: "\(word)/\(name.prefix { $0 != "[" })", start: start * 1_000_000_000,
        duration: 2_000_000_000, cpu: 1_500_000_000, memory: 1_000_000, outcome: outcome, needs: needs, outputs: ["abc"]
      )
    }
    var run = RunValues(
      id: "20231114-221320-abcdef", started: 1_699_999_000_000_000_000, finished: 1_699_999_007_000_000_000,
      arguments: "rung run \(word)", ran: 3, unchanged: 5, restored: 1, failed: 1, skipped: 2,
      facts: [NamedText("Host", word)])
    run.executions = [
      execution("drop[height=5]", 0, []), execution("drop[height=20]", 1, [], "failed"),
      execution("report", 3, [0, 1]),
    ]
    site.runs = [
      run,
      RunValues(
        id: "20231113-000000-000000", started: 1_699_000_000_000_000_000, finished: nil, arguments: "rung run", ran: 0,
        unchanged: 0, restored: 0, failed: 0, skipped: 0),
    ]
    site.olderRuns = 3
    site.texts = [
      TextValues(
        kind: .source, name: script.name, digest: script.digest,
        lines: ["import sys  # \(word)", "def f(): return \"<\""]),
      TextValues(
        kind: .log, name: log.name, digest: log.digest, lines: ["1 < 2", word], leftOut: "The end of 3 MB.",
        notes: ["It ended as 'failed': \(word)"]),
    ]
    return site
  }

  private static let folder = String(#filePath.dropLast("/PageTests.swift".count)) + "/Golden"

  // The page without the sheet and the script, an element to a line.
  private static func body(_ page: Page) -> String {
    var text = String(decoding: page.bytes, as: UTF8.self)
    for name in ["style", "script"] {
      // Data for the script is in elements of the same name, with attributes: they stay.
      while let start = text.firstRange(of: "<\(name)>"),
        let end = text[start.upperBound...].firstRange(of: "</\(name)>")
      {
        text = text[..<start.lowerBound] + "[\(name)]" + text[end.upperBound...]
      }
    }
    return text.replacing(/sha256-[^&]*&/, with: "sha256-…&").replacing("><", with: ">\n<")
  }

  @Test(arguments: [
    "index.html", "pipelines/fall.html", "lineage/abababababab.html", "runs/20231114-221320-abcdef.html",
    "runs/compare.html", "runs/index.html", "sources/121212121212-drop.py.html",
  ])
  func pagesAreAsRecorded(path: String) throws {
    let page = try #require(Self.site().pages().first { $0.path == path })
    let text = Self.body(page)
    let file = "\(Self.folder)/\(path.replacing("/", with: "-"))"
    if getenv("RUNG_RECORD") != nil {
      let stream = try #require(fopen(file, "we"))
      fputs(text, stream)
      fclose(stream)
      return
    }
    let stream = try #require(fopen(file, "re"), "there is no \(file); RUNG_RECORD=1 writes it")
    var bytes: [UInt8] = []
    while case let byte = fgetc(stream), byte != EOF { bytes.append(UInt8(byte)) }
    fclose(stream)
    let isSame = text == String(decoding: bytes, as: UTF8.self)
    #expect(isSame, "differs from \(file)")
  }

  @Test func theSameValuesGiveTheSameBytes() {
    let (first, second) = (Self.site().pages(), Self.site().pages())
    #expect(first.map(\.path) == second.map(\.path))
    let isSame = first.map(\.bytes) == second.map(\.bytes)
    #expect(isSame)
    #expect(Set(first.map(\.path)).count == first.count)
  }

  /// Every link of every page leads to a page of the site, a picture of it, or a place in the page.
  @Test func everyLinkLeadsSomewhere() throws {
    let pages = Self.site().pages()
    let paths = Set(pages.map(\.path))
    for page in pages {
      let text = String(decoding: page.bytes, as: UTF8.self)
      let ids = Set(text.matches(of: /\sid="([^"]*)"/).map { String($0.output.1) })
      #expect(ids.count == text.matches(of: /\sid="([^"]*)"/).count, "a name is there twice in \(page.path)")
      for match in text.matches(of: /\shref="([^"]*)"/) {
        let address = String(match.output.1)
        if let place = address.split(separator: "#", omittingEmptySubsequences: false).dropFirst().last {
          #expect(ids.contains(String(place)), "\(page.path): \(address)")
          continue
        }
        let target =
          address.hasPrefix("../")
          ? String(address.dropFirst(3))
          : (page.path.split(separator: "/").dropLast() + [address[...]]).joined(separator: "/")
        #expect(paths.contains(target), "\(page.path): \(address)")
      }
    }
  }

  // Handlers, styles and addresses that run something, in attributes.
  private static func dangers(_ html: String) -> Int {
    html.matches(of: /<[a-z]+(\s[a-z-]+(="[^"]*")?)*\s(on[a-z]+|style)=/).count
      + html.matches(of: /<[a-z]+(\s[a-z-]+(="[^"]*")?)*\s(href|src)="(javascript|data|vbscript):/).count
  }

  /// One hostile word everywhere: no page has an element, an attribute or a handler more than with a harmless one.
  @Test(arguments: HTMLTests.hostile)
  func hostileWordsAreInertEverywhere(word: String) throws {
    let plain = Self.site("plain").pages()
    let hostile = Self.site(word).pages()
    #expect(plain.count == hostile.count)
    for (a, b) in zip(plain, hostile) {
      let (before, text) = (Self.body(a), Self.body(b))
      // Of these words none is emphasis. Highlighting is by the text.
      let count = { (page: String) in page.matches(of: /<[a-z\/!]/).count }
      if !a.path.hasPrefix("sources/") { #expect(count(before) == count(text), "\(b.path)") }
      let scripts = text.matches(of: /<script/).count - before.matches(of: /<script/).count
      #expect(scripts == 0 && Self.dangers(text) == 0, "\(b.path)")
      let hasPolicy = text.contains(
        "default-src &#39;none&#39;; img-src &#39;self&#39; file: data:; style-src &#39;sha256-")
      #expect(hasPolicy && !text.contains("unsafe-"), "\(b.path)")
    }
  }
}
