import Glibc
import RungCore
import Testing

/// `rung bundle` and `rung unbundle`: a figure that a stranger can make again.
@Suite struct BundleStories {
  static let files = [
    "rung.yaml": "cache: cache\njobs: 2\n",
    "pipelines/other/pipeline.yaml": """
    pipeline: other
    steps:
      o: {run: "cat {in} > {out.o}", inputs: {in: big.bin}, outputs: {o: o.txt}}
    """,
    "pipelines/other/big.bin": "nobody wants this\n",
    "pipelines/x/pipeline.yaml": """
    pipeline: x
    parameters: {word: data}
    axes: {seed: [1, 2, 3]}
    steps:
      data:
        over: [seed]
        run: sh {code} {word} {seed} {tables}/a.csv > {out.set}
        inputs: {code: data.sh, tables: tables}
        outputs: {set: set.txt}
      figure:
        # A file of a folder that another step reads as a whole.
        inputs: {one: tables/a.csv}
        run: sh pipelines/x/draw.sh {data.set:files} {one} > {out.figure}
        outputs: {figure: {path: figure.txt, publish: figures/figure.txt}}
      unrelated:
        run: cat {script} > {out.o}
        inputs: {script: unrelated.py}
        environment: {python: other.lock}
        outputs: {o: o.txt}
    """,
    "pipelines/x/data.sh": "echo some $1 of seed $2; cat $3\n",
    "pipelines/x/draw.sh": "cat $1/*/*\n",
    "pipelines/x/unrelated.py": "print()\n",
    "pipelines/x/other.lock": "",
    "pipelines/x/tables/a.csv": "1,2\n",
  ]

  private func made() throws -> (sandbox: Sandbox, figure: String) {
    let sandbox = try Sandbox(Self.files)
    #expect(try sandbox.rung("run", "x/figure", "--set", "word=words").code == 0)
    return (sandbox, try #require(sandbox.read("pipelines/x/figures/figure.txt")))
  }

  @Test func onAnotherMachineItIsThereAndCanBeMadeAgain() throws {
    let (home, figure) = try made()
    let bundled = try home.rung("bundle", "pipelines/x/figures/figure.txt", "-o", "\(home.folder)/f.rung.tar.zst")
    #expect(bundled.code == 0, "\(bundled.errors)")
    let away = try Sandbox()
    let bundle = "\(away.folder)/f.rung.tar.zst"
    #expect(try Sandbox.program("/bin/cp", ["\(home.folder)/f.rung.tar.zst", bundle]).code == 0)
    // Nothing of home is there any more.
    #expect(try Sandbox.program("/bin/rm", ["-rf", home.project]).code == 0)
    let opened = try away.rung("unbundle", bundle, "new", "--json")
    #expect(opened.code == 0, "\(opened.errors)")
    let words = try #require(try JSON(parsing: opened.output)["run"]?.array?.compactMap(\.string))
    #expect(words == ["rung", "run", "x/figure", "--set", "word=words"])
    // Exactly what the figure needs.
    #expect(away.read("new/pipelines/x/draw.sh") != nil && away.read("new/pipelines/x/tables/a.csv") != nil)
    #expect(away.read("new/pipelines/x/unrelated.py") == nil && away.read("new/pipelines/other/pipeline.yaml") == nil)
    #expect(away.read("new/rung.yaml")?.contains("cache:") == false)

    let run = try away.start(Array(words.dropFirst()), in: "new").wait()
    #expect(run.code == 0, "\(run.errors)")
    #expect(away.read("new/pipelines/x/figures/figure.txt") == figure)
    let verified = try away.rung("verify", "x/figure", "--set", "word=words", "--rerun", in: "new")
    #expect(verified.code == 0 && verified.output.contains("4 identical"), "\(verified.output)\(verified.errors)")
    let trace = try JSON(parsing: try away.rung("trace", "pipelines/x/figures/figure.txt", "--json", in: "new").output)
    #expect(trace["complete"]?.bool == true)
    #expect(
      Set(trace["sources"]?.array?.compactMap { $0["path"]?.string } ?? [])
        == ["pipelines/x/data.sh", "pipelines/x/draw.sh", "pipelines/x/tables", "pipelines/x/tables/a.csv"])
    // The step that was not bundled says so when it is asked for.
    let missing = try away.rung("run", "x/unrelated", in: "new")
    #expect(missing.code == 2 && missing.errors.contains("other.lock"), "\(missing.errors)")
  }

  @Test func sourcesAloneAreEnough() throws {
    let (home, figure) = try made()
    let bundle = "\(home.folder)/s.rung.tar.zst"
    let bundled = try home.rung("bundle", "pipelines/x/figures/figure.txt", "--sources-only", "-o", bundle)
    #expect(bundled.code == 0, "\(bundled.errors)")
    let away = try Sandbox()
    #expect(try away.rung("unbundle", bundle, "new").code == 0)
    let run = try away.rung("run", "x/figure", "--set", "word=words", "--json", in: "new")
    #expect(run.code == 0 && run.output.contains(#""ran":4"#), "\(run.output)")
    #expect(!run.output.contains("not reproducible"))
    #expect(away.read("new/pipelines/x/figures/figure.txt") == figure)
  }

  @Test func itIsOfThePastWhenTheProjectHasMovedOn() throws {
    let (home, figure) = try made()
    try home.edit(
      "pipelines/x/pipeline.yaml", "steps:\n  data:",
      "steps:\n  fresh: {run: \"echo > {out.o}\", outputs: {o: o}}\n  data:")
    try home.edit("pipelines/x/draw.sh", "cat", "echo new; cat")
    try home.edit("pipelines/x/data.sh", "some", "other")
    let bundle = "\(home.folder)/f.rung.tar.zst"
    let bundled = try home.rung("bundle", "pipelines/x/figures/figure.txt", "-o", bundle)
    #expect(bundled.code == 0, "\(bundled.errors)")
    let away = try Sandbox()
    #expect(try away.rung("unbundle", bundle, "new").code == 0)
    #expect(away.read("new/pipelines/x/data.sh")?.contains("some") == true)
    #expect(away.read("new/pipelines/x/pipeline.yaml")?.contains("fresh") == false)
    #expect(try away.rung("run", "x/figure", "--set", "word=words", in: "new").code == 0)
    #expect(away.read("new/pipelines/x/figures/figure.txt") == figure)
  }

  @Test func whatCannotBeDoneIsSaid() throws {
    let (home, _) = try made()
    let figure = "pipelines/x/figures/figure.txt"
    #expect(try home.rung("bundle", figure, "-o", "\(home.folder)/f.zst").code == 0)
    let again = try home.rung("bundle", figure, "-o", "\(home.folder)/f.zst")
    #expect(again.code == 2 && again.errors.contains("is there already"))
    #expect(try home.rung("bundle", "pipelines/x/data.sh").code == 2)
    let full = try home.rung("unbundle", "\(home.folder)/f.zst", home.project)
    #expect(full.code == 2 && full.errors.contains("is not empty"))
    try home.write("no bundle", to: "none.zst")
    let none = try home.rung("unbundle", "none.zst", "new")
    #expect(none.code == 2 && none.errors.contains("is no bundle"), "\(none.errors)")
    #expect(home.read("new") == nil && access("\(home.project)/new", F_OK) != 0)
  }
}
