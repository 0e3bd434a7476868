import RungCore
import RungEngine
import RungModel
import RungPlan
import Testing

/// Edit, run, expect that exactly these steps ran; then expect that nothing runs.
@Suite struct EditStories {
  /// data[seed] → fit[width, seed] → figure, the shape of most experiments.
  static func lab() -> Lab {
    let lab = Lab()
    lab.write("pipelines/x/data.py", "data\n")
    lab.write("pipelines/x/fit.py", "fit\n")
    lab.write("pipelines/x/figure.py", "figure\n")
    lab.pipeline(
      """
      parameters: {noise: 0.1, samples: 200}
      axes: {width: [1, 2], seed: {replicates: 2}}
      steps:
        data:
          over: [seed]
          run: sim data {code} {noise} {seed} out {out.set}
          inputs: {code: data.py}
          outputs: {set: data.txt}
        fit:
          over: [width, seed]
          run: sim fit {code} {width} {data.set} out {out.metrics}
          inputs: {code: fit.py}
          outputs: {metrics: fit.json}
        figure:
          run: sim figure {code} {fit.metrics} {samples} out {out.figure}
          inputs: {code: figure.py}
          outputs: {figure: {path: figure.txt, publish: figures/figure.txt}}
      """)
    return lab
  }

  static let fits = [
    "x/fit[width=1,seed=0]", "x/fit[width=1,seed=1]", "x/fit[width=2,seed=0]", "x/fit[width=2,seed=1]",
  ]
  static let all = ["x/data[seed=0]", "x/data[seed=1]", "x/figure"] + fits

  /// Nothing is planned, nothing runs.
  static func expectQuiet(_ lab: Lab, unchanged: Int = 7, sourceLocation: Testing.SourceLocation = #_sourceLocation)
    throws
  {
    #expect(try lab.plan() == [:], sourceLocation: sourceLocation)
    let again = try lab.run()
    #expect(again.counts == [0, unchanged, 0, 0, 0], sourceLocation: sourceLocation)
    #expect(again.executed == [], sourceLocation: sourceLocation)
    // And from now on that is known without a plan.
    #expect(lab.request().recall()?.instances == unchanged, sourceLocation: sourceLocation)
  }

  @Test func theFirstRunRunsEverythingAndTheSecondNothing() throws {
    let lab = Self.lab()
    let plan = try lab.plan()
    #expect(plan.keys.sorted() == Self.all.sorted())
    #expect(plan["x/data[seed=0]"]?.reasons == ["record x/data[seed=0]"])
    #expect(plan["x/figure"]?.standing == .undecided)
    let first = try lab.run()
    #expect(first.executed == Self.all.sorted())
    #expect(first.counts == [7, 0, 0, 0, 0])
    #expect(first.warnings == [])
    #expect(lab.read("pipelines/x/figures/figure.txt")?.hasPrefix("figure figure.txt") == true)
    try Self.expectQuiet(lab)
    #expect(try lab.why("x/figure").reasons == ["record x/figure"])
  }

  @Test func aHostThatCannotWatchSaysSoInEveryRun() throws {
    let lab = Self.lab()
    lab.overrides.watch = nil
    for counts in [[7, 0, 0, 0, 0], [0, 7, 0, 0, 0]] {
      let ran = try lab.run()
      #expect(ran.counts == counts)
      #expect(ran.warnings.count == 1)
      #expect(ran.warnings.first?.hasPrefix("this host cannot watch x/data and 2 more steps as 'traced'") == true)
    }
    // A result of a lesser level counts where no better can be had.
    lab.overrides.watch = .declared
    try Self.expectQuiet(lab)
  }

  @Test func touchingEverythingRunsNothing() throws {
    let lab = Self.lab()
    _ = try lab.run()
    lab.touchAll()
    try Self.expectQuiet(lab)
  }

  @Test func aCommentThatChangesNoResultStopsAtItsStep() throws {
    let lab = Self.lab()
    _ = try lab.run()
    lab.write("pipelines/x/data.py", "data\n# a comment\n")
    let plan = try lab.plan()
    #expect(plan["x/data[seed=0]"]?.reasons == ["input code"])
    #expect(plan["x/data[seed=0]"]?.why.reasons.first?.diff == ["@@ -1,1 +1,2 @@", " data", "+# a comment"])
    #expect(plan["x/fit[width=1,seed=0]"]?.reasons == ["upstream x/data[seed=0]"])
    #expect(plan["x/fit[width=1,seed=0]"]?.standing == .undecided)
    #expect(plan["x/figure"]?.reasons == ["upstream x/data"])
    let ran = try lab.run()
    #expect(ran.executed == ["x/data[seed=0]", "x/data[seed=1]"])
    #expect(ran.counts == [2, 5, 0, 0, 0])
    #expect(try lab.why("x/data[seed=0]").reasons == ["input code"])
    try Self.expectQuiet(lab)
  }

  @Test func aChangedScriptRunsItsStepAndWhatReadsTheResults() throws {
    let lab = Self.lab()
    _ = try lab.run()
    lab.write("pipelines/x/fit.py", "fit better\n")
    let plan = try lab.plan()
    #expect(plan.keys.sorted() == (Self.fits + ["x/figure"]).sorted())
    #expect(plan["x/fit[width=2,seed=1]"]?.reasons == ["input code"])
    let ran = try lab.run()
    #expect(ran.executed == (Self.fits + ["x/figure"]).sorted())
    #expect(try lab.why("x/fit[width=2,seed=1]").reasons == ["input code"])
    let figure = try lab.why("x/figure")
    #expect(figure.reasons == ["input fit.metrics"])
    #expect(figure.why.reasons.first?.members.changed == Self.fits)
    try Self.expectQuiet(lab)
  }

  @Test func aParameterChangedAndChangedBackRunsNothing() throws {
    let lab = Self.lab()
    _ = try lab.run()
    lab.overrides.parameters = [("noise", "0.2")]
    #expect(try lab.plan()["x/data[seed=0]"]?.reasons == ["parameter noise"])
    let changed = try lab.run()
    #expect(changed.executed == Self.all.sorted())
    #expect(try lab.why("x/data[seed=1]").reasons == ["parameter noise"])
    lab.overrides.parameters = []
    let back = try lab.run()
    #expect(back.executed == [])
    #expect(back.counts == [0, 7, 1, 0, 0])
    #expect(try lab.why("x/data[seed=1]").reasons == ["parameter noise"])
    try Self.expectQuiet(lab)
  }

  @Test func aParameterThatAStepDoesNotUseIsNothingToIt() throws {
    let lab = Self.lab()
    _ = try lab.run()
    lab.overrides.parameters = [("samples", "300")]
    #expect(try lab.plan().mapValues(\.reasons) == ["x/figure": ["parameter samples"]])
    #expect(try lab.run().executed == ["x/figure"])
  }

  @Test func aReplicateMoreRunsOnlyWhatIsNew() throws {
    let lab = Self.lab()
    _ = try lab.run()
    let text = lab.read("pipelines/x/pipeline.yaml") ?? ""
    lab.write("pipelines/x/pipeline.yaml", text.replacing("replicates: 2", with: "replicates: 3"))
    let new = ["x/data[seed=2]", "x/figure", "x/fit[width=1,seed=2]", "x/fit[width=2,seed=2]"]
    #expect(try lab.plan().keys.sorted() == new)
    #expect(try lab.run().executed == new)
    let figure = try lab.why("x/figure")
    #expect(figure.reasons == ["input fit.metrics"])
    #expect(figure.why.reasons.first?.members.added == ["x/fit[width=1,seed=2]", "x/fit[width=2,seed=2]"])
    #expect(figure.why.reasons.first?.members.changed == [])
    try Self.expectQuiet(lab, unchanged: 10)
    lab.write("pipelines/x/pipeline.yaml", text)
    #expect(try lab.run().executed == [])
  }

  @Test func aDeletedPublishedFileIsRestored() throws {
    let lab = Self.lab()
    _ = try lab.run()
    let figure = lab.read("pipelines/x/figures/figure.txt")
    lab.remove("pipelines/x/figures/figure.txt")
    #expect(try lab.plan() == [:])
    let restored = try lab.run()
    #expect(restored.counts == [0, 7, 1, 0, 0])
    #expect(lab.read("pipelines/x/figures/figure.txt") == figure)
    try Self.expectQuiet(lab)
  }

  @Test func whatWasWrittenOverAPublishedFileIsKept() throws {
    let lab = Self.lab()
    _ = try lab.run()
    let figure = lab.read("pipelines/x/figures/figure.txt")
    lab.write("pipelines/x/figures/figure.txt", "drawn by hand\n")
    let restored = try lab.run()
    #expect(restored.counts == [0, 7, 1, 0, 0])
    #expect(lab.read("pipelines/x/figures/figure.txt") == figure)
    #expect(lab.holds(Digest(ofText: "drawn by hand\n")))
    #expect(restored.warnings.count == 1)
    #expect(restored.warnings.first?.contains("changed by hand") == true)
    try Self.expectQuiet(lab)
  }

  @Test func forceRunsTheTargetsAndNothingElse() throws {
    let lab = Self.lab()
    _ = try lab.run()
    #expect(try lab.plan(["x/data"], forced: true)["x/data[seed=0]"]?.reasons == ["force x/data[seed=0]"])
    let forced = try lab.run(["x/data"]) { $0.force = true }
    #expect(forced.executed == ["x/data[seed=0]", "x/data[seed=1]"])
    #expect(try lab.why("x/data[seed=0]").reasons == ["force x/data[seed=0]"])
    try Self.expectQuiet(lab)
  }
}
