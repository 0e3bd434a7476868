import RungCore
import RungModel
import Testing

/// The example that the design begins with.
@Suite struct DesignExampleTests {
  static let text = """
    pipeline: double-descent
    about: The test error of random-feature regression peaks where width meets the number of samples.

    parameters:                     # any YAML value; `rung run --set samples=400` overrides one
      samples: 200
      noise: 0.1

    axes:                           # named axes; a step says which of them it runs over
      width: [20, 50, 100, 150, 200, 250, 400, 800]
      seed: {replicates: 10}        # seeds 0…9, summarised as mean and confidence interval

    environment: {python: requirements.lock}

    steps:
      data:
        kind: data
        over: [seed]
        run: python {code} --samples {samples} --noise {noise} --seed {seed} --out {out.set}
        inputs: {code: data.py}
        outputs: {set: data.npz}

      fit:
        kind: train
        over: [width, seed]
        run: python {code} --width {width} --data {data.set} --metrics {out.metrics}
        inputs: {code: fit.py}
        outputs: {metrics: fit.json}
        resources: {cpus: 1, memory: 1 GB}

      theory:
        kind: theory
        over: [width]
        run: python {code} --width {width} --samples {samples} --noise {noise} --out {out.risk}
        inputs: {code: theory.py}
        outputs: {risk: risk.json}

      figure:
        kind: analysis
        run: python {code} --measured {fit.metrics} --predicted {theory.risk} --figure {out.figure} --summary {out.summary}
        inputs: {code: figure.py}
        outputs:
          figure: {path: double-descent.svg, publish: figures/double-descent.svg}
          summary: summary.json

    claims:
      peak:
        says: The test error peaks where the width equals the number of samples.
        predicted: samples
        measured: figure.summary#/peak_width
        within: {relative: 0.15}
    """

  static var project: MemoryProject {
    var files = ["pipelines/double-descent/pipeline.yaml": text, "pipelines/double-descent/requirements.lock": ""]
    for name in ["data", "fit", "theory", "figure"] { files["pipelines/double-descent/\(name).py"] = "" }
    return MemoryProject(files)
  }

  @Test func loads() throws {
    let project = try Self.project.load()
    let pipeline = try #require(project.pipeline("double-descent"))
    #expect(pipeline.folder.text == "pipelines/double-descent")
    #expect(pipeline.steps.map(\.name) == ["data", "fit", "theory", "figure", "claims"])
    #expect(pipeline.axes.map(\.name) == ["width", "seed"])
    #expect(pipeline.axes[0].values.map(\.label) == ["20", "50", "100", "150", "200", "250", "400", "800"])
    #expect(pipeline.axes[1].isReplicate)
    #expect(pipeline.axes[1].values.map(\.value) == (0..<10).map { .int($0) })
    #expect(pipeline.parameters.map(\.value) == [.number("200"), .number("0.1")])
    let fit = pipeline.steps[1]
    #expect(fit.over == ["width", "seed"])
    #expect(fit.resources == Resources(cpus: 1, memory: ByteCount(bytes: 1_000_000_000)))
    #expect(fit.environment?.pythonLock.text == "pipelines/double-descent/requirements.lock")
    guard case .shell(let command, .sh) = fit.command else {
      Issue.record("fit runs in a shell")
      return
    }
    #expect(
      command.references == [
        .input("code"), .axis("width", field: nil),
        .step(StepOutput(pipeline: "double-descent", step: "data", output: "set", source: "data.set")),
        .output("metrics"),
      ])
    #expect(command.source == "python {code} --width {width} --data {data.set} --metrics {out.metrics}")
    let figure = try #require(pipeline.steps[3].outputs.first)
    #expect(figure.publish?.source == "figures/double-descent.svg")
    #expect(figure.base.text == "pipelines/double-descent")
  }

  @Test func claimsBecomeAStepThatJudgesThem() throws {
    let project = try Self.project.load()
    #expect(project.warnings.isEmpty)
    let step = try #require(project.pipeline("double-descent")?.steps.last)
    guard case .claims(let claims) = step.command, let claim = claims.first else {
      Issue.record("the last step judges claims")
      return
    }
    #expect(claim.name == "peak")
    #expect(claim.expectation == .holds)
    #expect(claim.location?.line == 46)
    #expect(
      claim.definition.compact
        == #"{"says":"The test error peaks where the width equals the number of samples.","measured":"figure.summary#/peak_width","predicted":"samples = 200.0","within":"relative 0.15","expect":"holds"}"#
    )
    #expect(step.command.outputs.map(\.source) == ["figure.summary"])
  }
}
