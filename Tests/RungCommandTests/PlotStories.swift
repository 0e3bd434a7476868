import RungCore
import Testing

/// `rung show --plot`.
@Suite struct PlotStories {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {width: [10, 20, 40], kind: [a, b], seed: {replicates: 2}}
      steps:
        fit:
          over: [width, kind, seed]
          run: |
            echo "{\\"loss\\": $(({width} + {seed})), \\"of\\": {\\"n\\": 3}}" > {out.m}
            for i in 1 2 3; do echo "{\\"step\\": $i, \\"train\\": $((9 / i))}" >> $RUNG_EVENTS; done
          outputs: {m: m.json}

      """
    ])
    #expect(try sandbox.run().finished.code == 0)
  }

  @Test func aNumberOverAnAxis() throws {
    let plot = try sandbox.rung("show", "fit", "--plot", "loss")
    #expect(plot.code == 0 && plot.output.hasPrefix("loss, means of 2\n"), "\(plot.testDescription)")
    #expect(plot.output.contains("● kind=a") && plot.output.contains("○ kind=b"))
    #expect(plot.output.split(separator: "\n").last(where: { $0.contains("width") })?.contains("10") == true)
    #expect(try sandbox.rung("show", "fit", "--plot", "of.n", "--along", "kind", "--log", "x").output.contains("b"))
    #expect(try sandbox.rung("show", "fit", "--plot", "m.loss").code == 0)
  }

  @Test func theCourseOfAnInstance() throws {
    let plot = try sandbox.rung("show", "fit[width=10,kind=a,seed=0]", "--plot", "train")
    #expect(plot.output.hasPrefix("train\n") && plot.output.contains("step"), "\(plot.testDescription)")
  }

  @Test func whatCannotBeDrawnIsSaid() throws {
    let unknown = try sandbox.rung("show", "fit", "--plot", "los")
    #expect(unknown.code == 2 && unknown.errors.contains("no number is called 'los'"))
    #expect(unknown.errors.contains("did you mean 'loss'?"))
    let axis = try sandbox.rung("show", "fit", "--plot", "loss", "--along", "depth")
    #expect(axis.code == 2 && axis.errors.contains("does not vary over 'depth'"))
    #expect(axis.errors.contains("it runs over width, kind, seed"))
    let many = try sandbox.rung("show", "fit", "--plot", "train")
    #expect(many.code == 2 && many.errors.contains("12 curves cannot be told apart"))
    #expect(try sandbox.rung("show", "fit", "--along", "width").code == 2)
  }
}
