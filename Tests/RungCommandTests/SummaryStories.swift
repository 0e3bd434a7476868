import RungCore
import Testing

/// Means over replicates, and what one more of them makes run.
@Suite struct SummaryStories {
  static let pipeline = """
    pipeline: x
    axes: {width: [10, 20], seed: {replicates: 2}}
    steps:
      fit:
        over: [width, seed]
        run: 'echo "{\\"loss\\": $(({width} + 2 * {seed}))}" > {out.fit}'
        outputs: {fit: fit.json}
      figure:
        run: cat {fit.fit:summary} > {out.figure}
        outputs: {figure: {path: figure.csv, publish: figure.csv}}

    """

  @Test func anEleventhReplicateRunsOnlyItself() throws {
    let sandbox = try Sandbox(["pipelines/x/pipeline.yaml": Self.pipeline])
    #expect(try sandbox.run().steps == ["fit": 4, "figure": 1])
    let lines = try #require(sandbox.read("pipelines/x/figure.csv")).split(separator: "\n")
    #expect(lines[0] == "width,loss.mean,loss.sd,loss.low,loss.high,loss.n")
    #expect(lines[1].hasPrefix("10,11.0,1.41421") && lines[2].hasPrefix("20,21.0,1.41421") && lines.count == 3)
    try sandbox.edit("pipelines/x/pipeline.yaml", "replicates: 2", "replicates: 3")
    #expect(try sandbox.run().steps == ["fit": 2, "figure": 1])
    #expect(sandbox.read("pipelines/x/figure.csv")?.contains("10,12.0,2.0,") == true)
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
  }

  @Test func withoutReplicatesThereIsNothingToSummarise() throws {
    let sandbox = try Sandbox(["pipelines/x/pipeline.yaml": Self.pipeline])
    try sandbox.edit("pipelines/x/pipeline.yaml", "{replicates: 2}", "[0, 1]")
    let failed = try sandbox.rung("run")
    #expect(failed.code == 2)
    #expect(failed.errors.contains("'fit.fit:summary' is a summary of replicates, and 'fit' runs over none"))
  }
}
