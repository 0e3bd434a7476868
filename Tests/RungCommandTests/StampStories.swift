import RungCore
import Testing

/// A published figure says what made it, wherever it goes.
@Suite struct StampStories {
  private static let files = [
    "figure.png", "figure.svg", "figure.pdf", "cairo.pdf", "packed.pdf", "grey.png", "palette.png",
  ]

  private static let fixtures = "\(Sandbox.sources)/../RungFormatsTests/Fixtures"

  private static let pipeline =
    "pipeline: draw\nsteps:\n"
    + files.map { name in
      let step = name.replacing(".", with: "-")
      return "  \(step): {run: \"cat {from} > {out.figure}\", inputs: {from: drawn/\(name)},"
        + " outputs: {figure: {path: \(name), publish: \(name)}}}\n"
    }.joined()

  /// A project that publishes each of the figures.
  private static func project() throws -> Sandbox {
    let sandbox = try Sandbox(["pipelines/draw/pipeline.yaml": pipeline, "pipelines/draw/drawn/note": ""])
    for name in files { try copy("\(fixtures)/\(name)", "\(sandbox.project)/pipelines/draw/drawn/\(name)") }
    #expect(try sandbox.run().counts == Counts(ran: files.count))
    return sandbox
  }

  private static func copy(_ from: String, _ to: String) throws {
    try #require(try Sandbox.program("/bin/cp", [from, to]).code == 0)
  }

  private static func published(_ name: String) -> String { "pipelines/draw/\(name)" }

  @Test func aPublishedFigureIsTracedWhereverItGoes() throws {
    let sandbox = try Self.project()
    for name in Self.files {
      let copy = "\(sandbox.folder)/renamed \(name).bin"
      try Self.copy("\(sandbox.project)/\(Self.published(name))", copy)
      let instance = JSON.string("draw/\(name.replacing(".", with: "-"))")
      for file in [Self.published(name), copy] {
        let trace = try sandbox.json(["trace", file, "--json"])
        #expect(trace["output"]?["instance"] == instance)
        #expect(trace["output"]?["published"] == .string(Self.published(name)))
        #expect(trace["stamp"]?["artifact"] == trace["digest"])
        #expect(trace["stamp"]?["record"] == trace["output"]?["record"])
      }
    }
    let text = try sandbox.rung("trace", Self.published("figure.svg"))
    #expect(text.code == 0 && text.output.contains("unedited; the digest is that of the file without its stamp"))
  }

  @Test func anEditedCopyIsSaidToBeEdited() throws {
    let sandbox = try Self.project()
    for name in ["figure.svg", "figure.pdf", "figure.png"] {
      let copy = "\(sandbox.folder)/\(name)"
      try Self.copy("\(sandbox.project)/\(Self.published(name))", copy)
      try #require(try Sandbox.program("/bin/sh", ["-c", "printf ' ' >> '\(copy)'"]).code == 0)
      let refused = try sandbox.rung("trace", copy)
      #expect(refused.code == 2)
      #expect(refused.errors.contains("\(name) was edited after it was published"))
      #expect(refused.errors.contains("'figure' of draw/\(name.replacing(".", with: "-")), sha256:"))
      #expect(refused.errors.contains("now it is sha256:"))
      #expect(refused.errors.contains("`rung trace 'draw/"))
    }
    let place = Self.published("figure.svg")
    let drawn = try #require(sandbox.read(place))
    try sandbox.write(drawn.replacing("</svg>", with: "<g/></svg>"), to: place)
    let changed = try sandbox.rung("trace", place)
    #expect(changed.code == 2 && changed.errors.contains("was changed afterwards"))
  }

  @Test func aFigureOfAnotherProjectSaysWhereItWasMade() throws {
    let (sandbox, other) = (try Self.project(), try Sandbox(["pipelines/draw/pipeline.yaml": "pipeline: draw\n"]))
    let file = "\(other.project)/downloaded.svg"
    try Self.copy("\(sandbox.project)/\(Self.published("figure.svg"))", file)
    let refused = try other.rung("trace", "downloaded.svg")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("downloaded.svg was made in another project or cache, as its stamp says"))
    #expect(refused.errors.contains("'figure' of draw/figure-svg, sha256:"))
    #expect(refused.errors.contains("the record of its making, sha256:"))
  }

  @Test(arguments: ["pdftex.pdf", "xetex.pdf", "united.pdf", "reportlab.pdf", "attached.pdf"])
  func aPaperListsTheFiguresInIt(_ name: String) throws {
    let sandbox = try Self.project()
    try Self.copy("\(Self.fixtures)/\(name)", "\(sandbox.project)/paper.pdf")
    let document = try sandbox.json(["trace", "paper.pdf", "--json"])
    let found = (document["figures"]?.array ?? []).map {
      "\($0["page"]?.int ?? 0) \($0["output"]?["instance"]?.string ?? "?") \($0["verdict"]?.string ?? "")"
    }
    let expected =
      switch name {
      case "united.pdf": ["1 draw/figure-pdf unedited", "2 draw/cairo-pdf unedited"]
      case "reportlab.pdf":
        ["1 draw/figure-png unedited", "1 draw/grey-png unedited", "2 draw/palette-png unedited"]
      case "attached.pdf":
        ["0 draw/figure-pdf unedited", "0 draw/figure-svg unedited", "0 draw/figure-png unedited"]
      default:
        [
          "1 draw/figure-pdf unedited", "1 draw/packed-pdf unedited", "2 draw/cairo-pdf unedited",
          "3 draw/figure-png unedited", "3 draw/grey-png unedited", "3 draw/palette-png unedited",
        ]
      }
    #expect(found == expected)
    let text = try sandbox.rung("trace", "paper.pdf")
    #expect(text.code == 0)
    #expect(text.output.contains("Figures: \(expected.count)\n"))
    #expect(text.output.contains(name == "attached.pdf" ? "attached: " : "page 1: pipelines/draw/"))
  }

  @Test func aPaperOfAnotherProjectSaysWhatItsFiguresSay() throws {
    let sandbox = try Sandbox(["pipelines/draw/pipeline.yaml": "pipeline: draw\n"])
    try Self.copy("\(Self.fixtures)/pdftex.pdf", "\(sandbox.project)/paper.pdf")
    let document = try sandbox.json(["trace", "paper.pdf", "--json"])
    let verdicts = (document["figures"]?.array ?? []).compactMap { $0["verdict"]?.string }
    #expect(verdicts == ["elsewhere", "elsewhere", "elsewhere", "unknown", "unknown", "unknown"])
    let text = try sandbox.rung("trace", "paper.pdf").output
    #expect(text.contains("page 1: 'figure' of project/plot"))
    #expect(text.contains("and 3 other images or files that this project has not published"))
  }

  @Test func whatIsNoFigureIsRefusedWithAReason() throws {
    let sandbox = try Self.project()
    let png = "\(sandbox.project)/\(Self.published("figure.png"))"
    for (command, errors) in [
      ("printf 'x,y\\n' > bad", ["nothing in this cache has made bad"]),
      ("printf '%%PDF-1.7\\n1 0 obj [[[[' > bad", ["figures in it cannot be found: the PDF has no catalog"]),
      ("printf '<svg><!--' > bad", ["nothing in this cache has made bad"]),
      (
        "head -c 1200 '\(png)' > bad",
        ["bad was edited after it was published", "the file is damaged: the PNG ends within"]
      ),
      ("head -c 100 '\(Self.fixtures)/grey.png' > bad", ["the file is damaged: the PNG ends"]),
      ("cp '\(Self.fixtures)/encrypted.pdf' bad", ["figures in it cannot be found: the PDF is encrypted"]),
    ] {
      try #require(try Sandbox.program("/bin/sh", ["-c", command], in: sandbox.project).code == 0)
      let refused = try sandbox.rung("trace", "bad")
      #expect(refused.code == 2, "\(command)")
      for error in errors { #expect(refused.errors.contains(error), "\(command)") }
    }
  }
}
