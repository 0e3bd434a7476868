import Glibc
import RungCore
import Testing

/// Copies of results in the project.
@Suite struct PublishingStories {
  static let pipeline = """
    pipeline: x
    steps:
      make:
        run: |
          mkdir -p {out.folder}/sub
          echo 1 > {out.folder}/sub/one
          printf '#!/bin/sh\\necho hi\\n' > {out.tool}
          chmod +x {out.tool}
        outputs:
          folder: {path: folder/, publish: results/folder}
          tool: {path: tool, publish: results/tool}
    """

  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox(["pipelines/x/pipeline.yaml": Self.pipeline])
    #expect(try sandbox.run().counts == Counts(ran: 1))
  }

  @Test func aFolderIsPutBackAsItWas() throws {
    try sandbox.write("mine\n", to: "pipelines/x/results/folder/new")
    try sandbox.remove("pipelines/x/results/folder/sub/one")
    let report = try sandbox.run()
    #expect(report.counts == Counts(unchanged: 1, restored: 1))
    #expect(try sandbox.files("pipelines/x/results/folder") == ["pipelines/x/results/folder/sub/one"])
    #expect(report.events("warning").first?["message"]?.string?.contains("kept") == true)
    let digest = Digest(of: Array("mine\n".utf8))
    #expect(try sandbox.rung("cache", "cat", digest.hex).output == "mine\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
  }

  @Test func everythingThatIsGoneIsPutBackAsOneResult() throws {
    try #require(try Sandbox.program("/bin/rm", ["-rf", "\(sandbox.project)/pipelines/x/results"]).code == 0)
    let report = try sandbox.run()
    #expect(report.counts == Counts(unchanged: 1, restored: 1))
    #expect(report.events("published").count == 2)
    #expect(access("\(sandbox.project)/pipelines/x/results/tool", X_OK) == 0)
  }

  @Test func aProgramThatCannotBeExecutedAnyMoreIsPutBack() throws {
    try #require(chmod("\(sandbox.project)/pipelines/x/results/tool", 0o644) == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 1, restored: 1))
  }

  @Test func aPlaceThatCannotBeWrittenIsTold() throws {
    try #require(try Sandbox.program("/bin/rm", ["-rf", "\(sandbox.project)/pipelines/x/results"]).code == 0)
    try sandbox.write("in the way\n", to: "pipelines/x/results")
    let report = try sandbox.run()
    let event = report.events("not-published").first
    #expect(event?["path"]?.string?.hasPrefix("pipelines/x/results/") == true)
    #expect(event?["problem"]?.string?.isEmpty == false)
    #expect(sandbox.read("pipelines/x/results") == "in the way\n")
    #expect(report.finished.code == 3)
  }
}
