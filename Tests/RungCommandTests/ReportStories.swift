import RungCore
import Testing

/// `rung report`: a project as a site of files.
@Suite struct ReportStories {
  // One time for all of it: then nothing of the report is about now.
  private static let now = ["SOURCE_DATE_EPOCH": "1700000000"]

  // A figure, one more step of the pipeline.
  private static let drawing = #"""
      draw:
        run: |
          cat {drop.time} > /dev/null
          printf '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><circle r="9"/></svg>' > {out.picture}
          printf '\033[31mdrawn\033[0m <b>\n'
        outputs: {picture: {path: fall.svg, publish: figures/fall.svg}}

    """#

  private func study() throws -> Sandbox {
    let sandbox = try Sandbox([
      "pipelines/fall/pipeline.yaml": ClaimStories.pipeline.replacing(
        "  report:\n", with: Self.drawing + "  report:\n"),
      "pipelines/fall/drop.sh": ClaimStories.script,
    ])
    #expect(try Sandbox.program("/bin/chmod", ["+x", "\(sandbox.project)/pipelines/fall/drop.sh"]).code == 0)
    return sandbox
  }

  private func report(_ sandbox: Sandbox, _ arguments: String...) throws -> Finished {
    try sandbox.start(["report"] + arguments, with: Self.now).wait()
  }

  /// Every file of the report but the pictures, by path.
  private func pages(_ sandbox: Sandbox, _ folder: String = "report") throws -> [String: String] {
    var pages: [String: String] = [:]
    for path in try sandbox.files(folder) { pages[path] = sandbox.read(path) }
    return pages
  }

  @Test func aReportShowsWhatThereIs() throws {
    let sandbox = try study()
    // Before anything has run there is a report, too.
    let first = try report(sandbox)
    #expect(first.code == 0 && first.output == "\(sandbox.project)/report/index.html\n", "\(first.testDescription)")
    #expect(sandbox.read("report/index.html")?.contains("never run") == true)

    #expect(try sandbox.run().counts.failed == 0)
    let ended = try report(sandbox, "--json")
    #expect(try JSON(parsing: Array(ended.output.utf8))["pictures"]?.int == 1, "\(ended.testDescription)")
    let front = try #require(sandbox.read("report/index.html"))
    for words in [
      "4 claims, all as expected", "14 results up to date", "breaks, as expected", "watched: traced", "fall.svg",
    ] {
      #expect(front.contains(words), "\(words)")
    }
    let page = try #require(sandbox.read("report/pipelines/fall.html"))
    for words in [
      "The time of a fall is the square root", "1 ± 0.0205 (n=4)", "gravity", "step-drop", "\"name\":\"time\"",
      "4 replicates",
      "Where it comes from",
    ] {
      #expect(page.contains(words), "\(words)")
    }
    // From the figure to the script as it was.
    let lineage = try #require(page.firstMatch(of: /\.\.\/(lineage\/[0-9a-f]+\.html)/)).output.1
    let way = try #require(sandbox.read("report/\(lineage)"))
    let script = try #require(way.firstMatch(of: /\.\.\/(sources\/[0-9a-f]+-drop\.sh\.html)/)).output.1
    #expect(try #require(sandbox.read("report/\(script)")).contains("sqrt(2 * h / 10)"))
    let log = try #require(way.firstMatch(of: /\.\.\/(logs\/[^"]+)/)).output.1
    #expect(try #require(sandbox.read("report/\(log)")).contains(">drawn &lt;b&gt;<"))
    // The run, with what it executed.
    let run = try #require(try sandbox.names("report/runs").first { $0.hasPrefix("2") })
    #expect(sandbox.read("report/runs/\(run)")?.contains("Critical path") == true)
    #expect(sandbox.read("report/runs/\(run)")?.contains("fall/drop") == true)
  }

  @Test func theSameProjectGivesTheSameBytes() throws {
    let sandbox = try study()
    try sandbox.run()
    #expect(try report(sandbox).code == 0)
    let first = try pages(sandbox)
    #expect(try report(sandbox).code == 0)
    let isSame = try pages(sandbox) == first
    #expect(isSame)
    // Elsewhere, too, and nothing is left beside it.
    #expect(try report(sandbox, "-o", "../elsewhere/").code == 0)
    let other = try pages(sandbox, "../elsewhere")
    #expect(other.count == first.count && other["../elsewhere/index.html"] == first["report/index.html"])
    #expect(try sandbox.names("..") == ["elsewhere", "home", "project"])
    #expect(try sandbox.names(".").filter { $0.hasPrefix("report") } == ["report"])
    // Nothing of the project has changed by being looked at.
    #expect(try sandbox.run().counts == Counts(unchanged: 14))
  }

  @Test func anEditShowsAndOldResultsStay() throws {
    let sandbox = try study()
    try sandbox.run()
    try sandbox.edit("pipelines/fall/pipeline.yaml", "gravity: 10", "gravity: 4")
    #expect(try report(sandbox).code == 0)
    let page = try #require(sandbox.read("report/pipelines/fall.html"))
    #expect(page.contains("were judged before the latest changes") && page.contains("2 would run"))
    try sandbox.write("echo broken >&2\nexit 3\n", to: "pipelines/fall/drop.sh")
    #expect(try sandbox.rung("run", "--keep-going").code == 1)
    #expect(try report(sandbox, "fall").code == 0)
    let failed = try #require(sandbox.read("report/pipelines/fall.html"))
    #expect(failed.contains("8 failed") && failed.contains("made before the latest changes"))
    #expect(sandbox.read("report/index.html")?.contains("fall.svg") == true)
  }

  @Test func onlyAReportIsReplaced() throws {
    let sandbox = try study()
    try sandbox.write("mine", to: "precious/notes.txt")
    let refused = try report(sandbox, "-o", "precious")
    #expect(
      refused.code == 2 && refused.errors.contains("'precious' is there already and is no report"),
      "\(refused.testDescription)")
    #expect(try sandbox.files("precious") == ["precious/notes.txt"])
    let file = try report(sandbox, "-o", "precious/notes.txt")
    #expect(file.code == 2 && sandbox.read("precious/notes.txt") == "mine")
    // Not over the project, nor over a link.
    #expect(try report(sandbox, "-o", ".").code == 2)
    #expect(try Sandbox.program("/bin/ln", ["-s", "precious", "\(sandbox.project)/link"]).code == 0)
    #expect(try report(sandbox, "-o", "link").code == 2)
    // An empty folder may be taken, and a report is replaced as a whole.
    #expect(try Sandbox.program("/bin/mkdir", ["\(sandbox.project)/empty"]).code == 0)
    #expect(try report(sandbox, "-o", "empty").code == 0)
    try sandbox.write("old", to: "empty/left-over.html")
    #expect(try report(sandbox, "-o", "empty").code == 0)
    #expect(!sandbox.exists("empty/left-over.html") && sandbox.exists("empty/index.html"))
    let lost = try report(sandbox, "-o", "no/such/place")
    #expect(lost.code == 3 && lost.errors.contains("cannot make no/such/place"), "\(lost.testDescription)")
    #expect(try report(sandbox, "fal").errors.contains("did you mean"))
  }

  /// Names, values, logs and pictures that would be markup if anybody let them.
  @Test func hostileTextIsInert() throws {
    let bad = "<img src=x onerror=alert(1)>"
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      about: |
        <script>alert(1)</script> [here](javascript:alert(1)) **<b>**
      parameters: {word: "\(bad)</script>"}
      axes: {kind: ["<b>x", "b"]}
      steps:
        say:
          over: [kind]
          run: |
            printf '%s \\033]0;title\\007\\n' {kind} {word}
            head -c 1000000 /dev/zero | tr '\\0' 'x'
            printf '{"<b>": 1, "</script>": 2}' > {out.numbers}
            cat {code} > /dev/null
          inputs: {code: "<b>.py"}
          outputs: {numbers: numbers.json}
        draw:
          run: |
            printf '%s' {say.numbers} > /dev/null
            printf '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>' > {out.a}
            printf 'plain' > {out.b}
          outputs: {a: {path: a.svg, publish: "<i>.svg"}, b: {path: b.txt, publish: "b\\"<i>.txt"}}
      claims:
        sure:
          says: "\(bad)"
          measured: say.numbers#/<b>
          predicted: 1
          within: {absolute: 0.1}
      """,
      "pipelines/x/<b>.py": "print('<script>alert(1)</script>')  # \u{202e}\n",
    ])
    let run = try sandbox.run()
    #expect(run.counts.failed == 0, "\(run.finished.testDescription)")
    let ended = try report(sandbox)
    #expect(ended.code == 0, "\(ended.testDescription)")
    for (path, page) in try pages(sandbox) where path.hasSuffix(".html") {
      let scripts = page.matches(of: /<script>/).count + page.matches(of: /<script type="application\/json"/).count
      let allScripts = page.matches(of: /<script/).count
      let handlers = page.matches(of: /<[a-z]+(\s[a-z-]+(="[^"]*")?)*\s(on[a-z]+|style)=/).count
      let images =
        page.matches(of: /<img/).count
        - page.matches(of: /<img [^>]*src="(\.\.\/)?figures\/[0-9a-zA-Z~.-]*\.svg"/).count
      let addresses = page.matches(of: /(href|src)="(javascript|data):/).count
      #expect(scripts == allScripts && handlers == 0 && images == 0 && addresses == 0, "\(path)")
      #expect(page.utf8.count < 200_000, "\(path) has \(page.utf8.count) bytes")
      let isSteered = page.unicodeScalars.contains { $0.value == 0x1b || $0.value == 7 || $0.value == 0x202e }
      #expect(!isSteered, "\(path)")
    }
    // Names of files in the report are harmless, too.
    for path in try sandbox.files("report") {
      #expect(path.wholeMatch(of: /[a-zA-Z0-9.~\/_-]+/) != nil, "\(path)")
    }
  }

  /// What a killed command has left beside a report goes with the next one, and nothing else does.
  @Test func whatWasLeftUnfinishedGoes() throws {
    let sandbox = try study()
    // No process has this number.
    for folder in ["report.rung-999999999", "report.rung-1", "other.rung-999999999"] {
      try sandbox.write("", to: "\(folder)/.rung-report")
    }
    try sandbox.write("mine", to: "report.rung-999999998/notes")
    #expect(try report(sandbox).code == 0)
    #expect(
      try sandbox.names(".").filter { $0.contains("rung-") } == [
        "other.rung-999999999", "report.rung-1", "report.rung-999999998",
      ])
  }
}
