import Glibc
import RungCore
import RungModel
import Testing

@testable import RungEngine

/// What a run that left nothing to do remembers, and what makes the next one look again.
@Suite struct QuietStories {
  /// A lab that is up to date and knows it.
  private func quietLab() throws -> Lab {
    let lab = EditStories.lab()
    _ = try lab.run()
    try EditStories.expectQuiet(lab)
    return lab
  }

  /// Edits of which each gives a run something to do, or something to say.
  private static let edits: [(name: String, edit: @Sendable (Lab) -> Void)] = [
    ("a source", { $0.write("pipelines/x/fit.py", "other\n") }),
    (
      "a source, with its size and times restored",
      { lab in
        var before = stat()
        let path = "\(lab.root)/pipelines/x/fit.py"
        stat(path, &before)
        let text = lab.read("pipelines/x/fit.py") ?? ""
        lab.write("pipelines/x/fit.py", String(text.dropLast(2)) + "#\n")
        let times = [before.st_atim, before.st_mtim]
        utimensat(AT_FDCWD, path, times, 0)
      }
    ),
    ("a source made executable", { chmod("\($0.root)/pipelines/x/fit.py", 0o755) }),
    ("a source taken away", { $0.remove("pipelines/x/fit.py") }),
    (
      "a source behind a link",
      { lab in
        lab.write("elsewhere.py", "other\n")
        lab.remove("pipelines/x/fit.py")
        symlink("../../elsewhere.py", "\(lab.root)/pipelines/x/fit.py")
      }
    ),
    (
      "the pipeline file",
      { lab in
        let text = lab.read("pipelines/x/pipeline.yaml") ?? ""
        lab.write("pipelines/x/pipeline.yaml", text.replacing("sim fit", with: "sim other"))
      }
    ),
    ("the settings", { $0.write("rung.yaml", "jobs: 1\n") }),
    ("another pipeline", { $0.pipeline("steps: {a: {run: \"sim a b out {out.o}\", outputs: {o: o}}}", name: "y") }),
    ("a published copy taken away", { $0.remove("pipelines/x/figures/figure.txt") }),
    ("a published copy changed", { $0.write("pipelines/x/figures/figure.txt", "other\n") }),
    (
      "a pack taken away",
      { lab in
        for name in lab.names("cache/packs") { lab.remove("cache/packs/\(name)") }
      }
    ),
    ("another PATH", { $0.variables["PATH"] = "/usr/bin" }),
    ("the ledger made anew", { lab in for end in ["", "-wal", "-shm"] { lab.remove("cache/index.sqlite\(end)") } }),
    ("the state taken away", { lab in for name in lab.names("cache/quiet") { lab.remove("cache/quiet/\(name)") } }),
  ]

  @Test(arguments: 0..<edits.count) func whateverChangesIsNoticed(_ index: Int) throws {
    let lab = try quietLab()
    let (name, edit) = Self.edits[index]
    edit(lab)
    #expect(lab.request().recall() == nil, "\(name)")
  }

  @Test func lostBytesAreNoticed() throws {
    let lab = try quietLab()
    lab.removeObject(try #require(try lab.output("x/figure", "figure")))
    #expect(lab.request().recall() == nil)
  }

  @Test func aRunElsewhereInTheCacheIsNoticed() throws {
    let lab = try quietLab()
    lab.overrides.parameters = [("samples", "300")]
    _ = try lab.run()
    lab.overrides.parameters = []
    #expect(lab.request().recall() == nil)
    // The figure of before is published again.
    #expect(try lab.run().summary.restored == 1)
    try EditStories.expectQuiet(lab)
  }

  /// Contents count: what only looks different is read once, and then it is known again.
  @Test func whatOnlyLooksDifferentIsNoChange() throws {
    let lab = try quietLab()
    let name = try #require(lab.names("cache/quiet").first)
    lab.touchAll()
    #expect(lab.request().recall()?.instances == 7)
    let text = try #require(lab.read("pipelines/x/fit.py"))
    lab.remove("pipelines/x/fit.py")
    lab.write("pipelines/x/fit.py", text)
    #expect(lab.request().recall()?.instances == 7)
    #expect(lab.names("cache/quiet") == [name])
  }

  /// A folder is replaced while a step runs: what has come to its place may be older than the run.
  @Test func whatIsReplacedDuringARunIsNotTakenForWhatWasRead() throws {
    let lab = Lab()
    lab.write("pipelines/x/d/a.py", "one\n")
    lab.write("pipelines/x/other/a.py", "two\n")
    lab.pipeline("steps: {a: {run: \"sim a {code} out {out.o}\", inputs: {code: d/a.py}, outputs: {o: o}}}")
    let session = try lab.session()
    let executor = SimulatedExecutor(
      store: session.store,
      gate: { [root = lab.root] _, _ in
        rename("\(root)/pipelines/x/d", "\(root)/pipelines/x/old")
        rename("\(root)/pipelines/x/other", "\(root)/pipelines/x/d")
        return true
      })
    #expect(try lab.run(in: session, executor: executor).counts == [1, 0, 0, 0, 0])
    #expect(lab.request().recall() == nil)
    #expect(try lab.run().counts == [1, 0, 0, 0, 0])
    try EditStories.expectQuiet(lab, unchanged: 1)
  }

  /// A step reads by a pattern what another publishes: it was judged by the copy of before.
  @Test func aCopyThatAnotherStepReadsIsNotTakenForWhatItRead() throws {
    let lab = Lab()
    lab.write("pipelines/x/a.py", "one\n")
    lab.write("pipelines/x/res/b.txt", "b\n")
    lab.pipeline(
      """
      steps:
        a: {run: "sim a {code} out {out.o}", inputs: {code: a.py}, outputs: {o: {path: o.txt, publish: res/x.txt}}}
        b: {run: "sim b {files} out {out.o}", inputs: {files: "res/*.txt"}, outputs: {o: o}}
      """)
    _ = try lab.run()
    _ = try lab.run()
    try EditStories.expectQuiet(lab, unchanged: 2)
    lab.write("pipelines/x/a.py", "two\n")
    #expect(try lab.run().counts == [1, 1, 0, 0, 0])
    #expect(lab.request().recall() == nil)
    #expect(try lab.run().counts == [1, 1, 0, 0, 0])
    try EditStories.expectQuiet(lab, unchanged: 2)
  }

  /// What a pattern matches can change without a name coming or going.
  @Test func aFolderThatBecomesAFileIsNoticed() throws {
    let lab = Lab()
    lab.write("pipelines/x/d/a.csv", "a\n")
    lab.makeParents("pipelines/x/d/z.csv/none")
    lab.pipeline("steps: {a: {run: \"sim a {files} out {out.o}\", inputs: {files: \"d/*.csv\"}, outputs: {o: o}}}")
    _ = try lab.run()
    try EditStories.expectQuiet(lab, unchanged: 1)
    rmdir("\(lab.root)/pipelines/x/d/z.csv")
    lab.write("pipelines/x/d/z.csv", "z\n")
    #expect(lab.request().recall() == nil)
    #expect(try lab.run().counts == [1, 0, 0, 0, 0])
  }

  /// The same bytes behind a link that leads out of the project are a mistake, and the long way says so.
  @Test func aFileThatBecomesALinkIsNoticed() throws {
    let lab = try quietLab()
    let away = Lab()
    let path = "\(lab.root)/pipelines/x/fit.py"
    rename(path, "\(away.root)/fit.py")
    symlink("\(away.root)/fit.py", path)
    #expect(lab.request().recall() == nil)
    let other = try quietLab()
    rename("\(other.root)/pipelines/x", "\(away.root)/x")
    symlink("\(away.root)/x", "\(other.root)/pipelines/x")
    #expect(other.request().recall() == nil)
  }

  /// Times that no clock of ours has.
  @Test func aFileOfAnotherCenturyIsAFile() throws {
    let lab = try quietLab()
    for year in [-9_000_000_000, 20_000_000_000, 1 << 60] {
      let times = [timespec(tv_sec: year, tv_nsec: 5), timespec(tv_sec: year, tv_nsec: 5)]
      utimensat(AT_FDCWD, "\(lab.root)/pipelines/x/fit.py", times, 0)
      #expect(lab.request().recall()?.instances == 7)
      try EditStories.expectQuiet(lab)
    }
  }

  @Test func eachRequestHasItsOwnAnswer() throws {
    let lab = try quietLab()
    #expect(lab.request(["x/data"]).recall() == nil)
    _ = try lab.run(["x/data"])
    #expect(lab.request(["x/data"]).recall()?.instances == 2)
    #expect(lab.request().recall()?.instances == 7)
  }

  @Test func aRunThatFailsRemembersNothing() throws {
    let lab = try quietLab()
    lab.write("pipelines/x/fit.py", "fail\n")
    _ = try lab.run()
    #expect(lab.request().recall() == nil)
    #expect(lab.names("cache/quiet") == [])
  }

  /// A damaged state is none: every byte of it counts.
  @Test func aDamagedStateIsNotBelieved() throws {
    let lab = try quietLab()
    let name = try #require(lab.names("cache/quiet").first)
    let path = "\(lab.root)/cache/quiet/\(name)"
    let sound = try #require(readFile(path))
    func put(_ bytes: some Collection<UInt8>) {
      let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      let bytes = Array(bytes)
      #expect(write(file, bytes, bytes.count) == bytes.count)
      close(file)
    }
    for at in sound.indices {
      var bytes = sound
      bytes[at] ^= 1 << UInt8(at % 8)
      put(bytes)
      #expect(lab.request().recall() == nil, "byte \(at)")
    }
    for length in stride(from: 0, to: sound.count, by: 7) {
      put(sound[..<length])
      #expect(lab.request().recall() == nil, "length \(length)")
    }
    put(sound + [0])
    #expect(lab.request().recall() == nil)
    put(sound)
    #expect(lab.request().recall()?.instances == 7)
  }

  /// Its numbers are not believed either, though the checksum is right: an offset or a count may lead anywhere.
  @Test func aForgedStateDoesNoHarm() throws {
    let lab = try quietLab()
    let name = try #require(lab.names("cache/quiet").first)
    let path = "\(lab.root)/cache/quiet/\(name)"
    let sound = try #require(readFile(path))
    var random = Seeded(7)
    for _ in 0..<2_000 {
      var bytes = sound
      for _ in 0..<3 { bytes[Int.random(in: 28..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
      bytes.withUnsafeMutableBytes { QuietState.seal($0) }
      let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      #expect(write(file, bytes, bytes.count) == bytes.count)
      close(file)
      _ = lab.request().recall()
    }
  }
}
