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
