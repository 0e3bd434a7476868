import RungCore
import RungModel
import Testing

@Suite struct AxisTests {
  private func axis(_ text: String, _ more: [String: String] = [:]) throws -> Axis {
    let pipeline = """
      pipeline: x
      axes:
        a: \(text)
      steps:
        s: {over: [a], run: "echo {a} > {out.o}", outputs: {o: o}}
      """
    let project = try MemoryProject(["pipelines/x/pipeline.yaml": pipeline].merging(more) { $1 }).load()
    return try #require(project.pipelines.first?.axes.first)
  }

  @Test(arguments: [
    ("[a, 2, 0.10, true, no, 1_000, 0x1F, \"3\"]", ["a", "2", "0.10", "true", "no", "1_000", "0x1F", "3"]),
    ("0..3", ["0", "1", "2", "3"]),
    ("{range: 0..9, step: 3}", ["0", "3", "6", "9"]),
    ("{range: -1..1, step: 0.5}", ["-1", "-0.5", "0", "0.5", "1"]),
    ("{range: 0..0.3, step: 0.1}", ["0", "0.1", "0.2", "0.3"]),
    ("{range: 3..1, step: -1}", ["3", "2", "1"]),
    ("{range: 1e-3..3e-3, step: 1e-3}", ["0.001", "0.002", "0.003"]),
    ("{log: [1e-4, 1, 5]}", ["0.0001", "0.001", "0.01", "0.1", "1"]),
    ("{log: [1, 100, 4]}", ["1", "4.64158883361", "21.5443469003", "100"]),
    ("{linear: [0, 1, 5]}", ["0", "0.25", "0.5", "0.75", "1"]),
    ("{values: [1, 2, 3], exclude: [2], include: [7]}", ["1", "3", "7"]),
    ("{zip: {lr: [0.1, 0.2], batch: [8, 16]}, include: [{lr: 1, batch: 2}]}", ["0.1-8", "0.2-16", "1-2"]),
    ("{replicates: 3}", ["0", "1", "2"]),
    ("{table: sites.csv}", ["north", "south"]),
    ("{table: sites.csv, key: code, exclude: [N1]}", ["S2"]),
  ])
  func labels(text: String, expected: [String]) throws {
    let csv = "name,code,height\r\nnorth,N1,3\r\nsouth,S2,\"4,5\"\r\n\r\n"
    #expect(try axis(text, ["pipelines/x/sites.csv": csv]).values.map(\.label) == expected)
  }

  @Test func valuesKeepTypesAndTexts() throws {
    #expect(
      try axis("[a, 2, 0.10, true, \"3\", ~]").values.map(\.value) == [
        "a", .number("2"), .number("0.10"), true, .string("3"), nil,
      ])
  }

  @Test func zippedValuesHaveFields() throws {
    let axis = try axis("{zip: {lr: [0.1], batch: [8]}}")
    #expect(axis.fields == ["lr", "batch"])
    #expect(axis.values[0].value == ["lr": .number("0.1"), "batch": 8])
  }

  @Test func tablesHaveColumns() throws {
    let csv = "name,note\n\"a\",\"say \"\"hi\"\",\nhere\"\nb,1.5\n"
    let axis = try axis("{table: t.csv}", ["pipelines/x/t.csv": csv])
    #expect(axis.fields == ["name", "note"])
    #expect(axis.table?.text == "pipelines/x/t.csv")
    #expect(axis.values.map { $0.value["note"] } == ["say \"hi\",\nhere", .number("1.5")])
  }

  @Test func replicatesAreMarked() throws {
    #expect(try axis("{replicates: 2}").isReplicate)
    #expect(try !axis("0..1").isReplicate)
    #expect(try axis("0..1").table == nil)
  }
}

@Suite struct StepTests {
  private func step(_ text: String, head: String = "") throws -> Step {
    let project = try MemoryProject([
      "pipelines/x/pipeline.yaml": "pipeline: x\n\(head)\nsteps:\n  s:\n\(text)", "rung.yaml": "pools: {licence: 2}",
    ]).load()
    return try #require(project.pipelines.first?.steps.first)
  }

  @Test func everyOption() throws {
    let step = try step(
      """
          kind: measure
          over: [a, b]
          exclude: [{a: 1, b: 2}]
          include: [{a: 9, b: 2}]
          run: [python, "{code}", "--n={n.deep}", "{{n}}", "${HOME}", "{}"]
          inputs: {code: run.py, csv: "tables/*.csv", dir: {path: tables}, both: {glob: "{run,fit}.py"}}
          outputs:
            one: {path: "{a}.json", publish: "out/{a}-{b}.json", tolerance: {absolute: 0.1}}
            dir: folder/
            other: {path: d, directory: true, compression: 19}
            bulk: {path: b, compression: raw}
            plain: {path: p, compression: auto}
          environment: {python: requirements.lock, interpreter: python3.11}
          resources: {cpus: 2, memory: 1.5 GB, gpus: 1, licence: 1}
          timeout: 5 min
          retries: 2
          env: {A: 1, B: "{a}", C: null}
          secrets: [TOKEN]
          network: true
          watch: strict
          keep: [state/ckpt]
          deterministic: false
      """,
      head: "parameters: {n: {deep: 3}}\naxes: {a: [1, 2], b: [2, 3]}"
    )
    #expect(step.kind == "measure")
    #expect(step.exclude == [["a": "1", "b": "2"]])
    #expect(step.include == [["a": AxisValue(label: "9", value: 9), "b": AxisValue(label: "2", value: 2)]])
    guard case .arguments(let words) = step.command else {
      Issue.record("a list uses no shell")
      return
    }
    #expect(words.map(\.source) == ["python", "{code}", "--n={n.deep}", "{n}", "${HOME}", "{}"])
    #expect(words[3].references.isEmpty)
    #expect(step.inputs.map(\.form) == [.path, .glob, .path, .glob])
    #expect(step.inputs.allSatisfy { $0.base.text == "pipelines/x" })
    #expect(step.outputs.map(\.isDirectory) == [false, true, true, false, false])
    #expect(step.outputs.map(\.compression) == [.auto, .auto, .level(19), .raw, .auto])
    #expect(step.outputs[1].path == Template(literal: "folder"))
    #expect(step.outputs[0].tolerance == Tolerance(absolute: 0.1))
    #expect(step.environment?.interpreter == "python3.11")
    #expect(
      step.resources == Resources(cpus: 2, memory: ByteCount(bytes: 1_500_000_000), gpus: 1, pools: ["licence": 1]))
    #expect(step.timeout?.seconds == 300)
    #expect(step.retries == 2)
    #expect(
      step.variables == [
        Variable(name: "A", value: Template(literal: "1")),
        Variable(name: "B", value: Template(segments: [.reference(.axis("a", field: nil))])),
        Variable(name: "C", value: nil),
      ])
    #expect(step.secrets == ["TOKEN"])
    #expect(step.network)
    #expect(step.watch == .strict)
    #expect(step.keep.map(\.text) == ["state/ckpt"])
    #expect(!step.deterministic)
  }

  @Test func bracesThatAreNoPlaceholders() throws {
    let text = #"awk '{print $1}' {a,b} {} ${HOME} {1..3} {a..z} '{"x": 1}' { x } {x-} {{ x }} ${{HOME}} {x:.2f}"#
    let step = try step("    run: |\n      \(text) > {out.o}\n    outputs: {o: o}", head: "parameters: {x-: 1}")
    guard case .shell(let template, _) = step.command else { return }
    #expect(template.references == [.parameter("x-", path: []), .output("o")])
    #expect(template.source == text.replacing("${{HOME}}", with: "${HOME}") + " > {out.o}\n")
  }

  @Test func formsAndOtherPipelines() throws {
    let x = "pipeline: x\nsteps:\n  s: {run: \"cat {y/t.o:files} {y/t.o:table} > {out.p}\", outputs: {p: p}}"
    let y = "pipeline: y\nsteps:\n  t: {run: \"echo > {out.o}\", outputs: {o: o.json}}"
    let project = try MemoryProject(["pipelines/x/pipeline.yaml": x, "pipelines/y/pipeline.yaml": y]).load()
    guard case .shell(let template, _) = project.pipelines[0].steps[0].command else { return }
    let made = template.references.compactMap { if case .step(let output) = $0 { output } else { nil } }
    #expect(made.map(\.form) == [.files, .table])
    #expect(made.map(\.pipeline) == ["y", "y"])
    #expect(made.map(\.source) == ["y/t.o:files", "y/t.o:table"])
  }

  @Test func defaultsLieUnderSteps() throws {
    let head = "defaults: {retries: 3, env: {A: 1, B: 2}, outputs: {log: log.txt}, timeout: 1 h}"
    let step = try step(
      "    run: echo > {out.o} 2> {out.log}\n    outputs: {o: o}\n    env: {B: 5}\n    timeout: null", head: head)
    #expect(step.retries == 3)
    #expect(step.variables.map { $0.value?.source } == ["1", "5"])
    #expect(step.outputs.map(\.name) == ["log", "o"])
    #expect(step.timeout == nil)
  }

  @Test func usesTakesAStepWithItsFolder() throws {
    let y = """
      pipeline: y
      environment: {python: requirements.lock}
      defaults: {retries: 1}
      steps:
        base:
          run: python {code} {n} > {out.o}
          inputs: {code: lib.py}
          outputs: {o: {path: o, publish: figures/o}}
      """
    let x = """
      pipeline: x
      parameters: {n: 2}
      defaults: {retries: 5, timeout: 1 h}
      steps:
        s: {uses: y/base, kind: train}
        t: {uses: s, inputs: {code: run.py}, outputs: {o: plain}}
      """
    let files = [
      "pipelines/x/pipeline.yaml": x, "pipelines/y/pipeline.yaml": y.replacing("{n}", with: "3"),
      "pipelines/y/lib.py": "", "pipelines/y/requirements.lock": "",
    ]
    let steps = try MemoryProject(files).load().pipelines[0].steps
    #expect(steps[0].inputs[0].base.text == "pipelines/y")
    #expect(steps[0].outputs[0].base.text == "pipelines/x")
    #expect(steps[0].environment?.pythonLock.text == "pipelines/y/requirements.lock")
    #expect(steps[0].retries == 1)
    #expect(steps[0].timeout?.seconds == 3600)
    #expect(steps[0].kind == "train")
    #expect(steps[1].inputs[0].base.text == "pipelines/x")
    #expect(steps[1].outputs[0].publish == nil)
    #expect(steps[1].kind == "train")
  }

  @Test func anchorsAndMergeKeys() throws {
    let step = try step(
      "    <<: *common\n    outputs: {o: o}\n    retries: 2",
      head: "parameters: {hidden: &common {run: \"echo > {out.o}\", retries: 1, kind: data}}")
    #expect(step.retries == 2)
    #expect(step.kind == "data")
  }
}

@Suite struct OverrideTests {
  static let text = """
    pipeline: x
    parameters: {samples: 200, model: {depth: 3, name: a}}
    axes: {width: [1, 2, 3], seed: {replicates: 5}}
    steps:
      s:
        over: [width, seed]
        exclude: [{width: 3}]
        include: [{width: 9, seed: 0}]
        run: "echo {samples} > {out.o}"
        outputs: {o: o}
    profiles:
      smoke: {parameters: {samples: 10}, axes: {width: [1], seed: {replicates: 2}}}
    """

  private func load(_ overrides: Overrides) throws -> Pipeline {
    try #require(try MemoryProject(pipeline: Self.text).load(overrides).pipelines.first)
  }

  @Test func profileReplaces() throws {
    let pipeline = try load(Overrides(profile: "smoke"))
    #expect(pipeline.parameters[0].value == 10)
    #expect(pipeline.axes.map(\.values.count) == [1, 2])
  }

  @Test func setReadsYAML() throws {
    let pipeline = try load(
      Overrides(parameters: [("samples", "[1, 0.50]"), ("x/model.depth", "7"), ("model.name", "a: b")]))
    #expect(pipeline.parameters[0].value == [1, .number("0.50")])
    #expect(pipeline.parameters[0].location == nil)
    #expect(pipeline.parameters[1].value == ["depth": 7, "name": "a: b"])
  }

  @Test func overCutsAxesAndIncludes() throws {
    let pipeline = try load(Overrides(axes: [("width", ["3", "1"]), ("x/seed", ["0"])]))
    #expect(pipeline.axes.map { $0.values.map(\.label) } == [["1", "3"], ["0"]])
    #expect(pipeline.steps[0].include.isEmpty)
  }

  @Test func watchGoesOverWhatFilesSay() throws {
    let text = "pipeline: x\nsteps:\n  a: {run: 'echo > {out.o}', outputs: {o: o}, watch: traced}\n"
    let project = MemoryProject(["pipelines/x/pipeline.yaml": text + "  b: {uses: a, watch: null}\n"])
    #expect(try project.load().pipelines[0].steps.map(\.watch) == [.traced, nil])
    let changed = try project.load(Overrides(watch: .declared))
    #expect(changed.pipelines[0].steps.map(\.watch) == [.declared, .declared])
  }

  // Two pipelines, each with an axis 'fold' of its own.
  private func two(_ axes: [(String, [String])]) throws(Diagnostics) -> [[String]] {
    func text(_ name: String, _ values: String) -> String {
      """
      pipeline: \(name)
      axes: {fold: \(values)}
      steps: {s: {over: [fold], include: [{fold: 77}], run: "echo > {out.o}", outputs: {o: o}}}
      """
    }
    let project = MemoryProject([
      "pipelines/a/pipeline.yaml": text("a", "0..3"), "pipelines/b/pipeline.yaml": text("b", "[x, y, 3]"),
    ])
    let pipelines = try project.load(Overrides(axes: axes)).pipelines
    return pipelines.map { $0.axes[0].values.map(\.label) + $0.steps[0].include.map { $0["fold"]?.label ?? "" } }
  }

  @Test func overLeavesAnAxisWithoutTheValuesWhole() throws {
    #expect(try two([("fold", ["1"])]) == [["1"], ["x", "y", "3", "77"]])
    #expect(try two([("fold", ["1", "y"])]) == [["1"], ["y"]])
    #expect(try two([("fold", ["3"])]) == [["3"], ["3"]])
    #expect(try two([("b/fold", ["x"])]) == [["0", "1", "2", "3", "77"], ["x"]])
  }

  @Test func overNamesTheValuesOfEachPipeline() {
    func said(_ axes: [(String, [String])]) -> [Diagnostic] {
      do throws(Diagnostics) {
        _ = try two(axes)
        return []
      } catch { return error.items }
    }
    let nowhere = said([("fold", ["1", "12345"])])
    #expect(nowhere.map(\.message) == ["--over fold=1,12345: axis 'fold' has no value '12345'"])
    #expect(nowhere.first?.notes == ["in pipeline 'a': 0, 1, 2, 3", "in pipeline 'b': x, y, 3"])
    let named = said([("a/fold", ["x"])])
    #expect(named.map(\.message) == ["--over a/fold=x: axis 'fold' has no value 'x'"])
    #expect(named.first?.notes == ["its values are: 0, 1, 2, 3"])
  }

  @Test(arguments: [
    (Overrides(profile: "smok"), "--profile smok: no pipeline has a profile of this name", "did you mean 'smoke'?"),
    (
      Overrides(parameters: [("sample", "1")]), "--set sample=1: there is no parameter 'sample'",
      "did you mean 'samples'?"
    ),
    (
      Overrides(parameters: [("model.dept", "1")]), "--set model.dept=1: the parameter 'model' has no member 'dept'",
      "did you mean 'depth'?"
    ),
    (
      Overrides(parameters: [("xx/samples", "1")]), "--set xx/samples=1: there is no pipeline 'xx'",
      "did you mean 'x'?"
    ),
    (
      Overrides(axes: [("widht", ["1"])]), "--over widht=1: there is no axis 'widht'", "did you mean 'width'?"
    ),
    (
      Overrides(axes: [("width", ["1", "44"])]), "--over width=1,44: axis 'width' has no value '44'",
      "its values are: 1, 2, 3"
    ),
  ])
  func mistakes(overrides: Overrides, message: String, note: String) {
    let found = MemoryProject(pipeline: Self.text).mistakes(overrides)
    #expect(found.map(\.message) == [message])
    #expect(found.first?.notes == [note])
  }
}

@Suite struct SettingsTests {
  @Test func watchLevels() throws {
    let settings = try MemoryProject(["rung.yaml": "watch: traced\nwatch_floor: declared\n"]).load().settings
    #expect(settings == ProjectSettings(watch: .traced, watchFloor: .declared))
    let staging = try MemoryProject(["rung.yaml": "staging: 20 GB"]).load().settings
    #expect(staging == ProjectSettings(staging: ByteCount(bytes: 20_000_000_000)))
    #expect(try MemoryProject(["rung.yaml": "watch_floor: null"]).load().settings == ProjectSettings())
    let wrong = MemoryProject(["rung.yaml": "watch_floor: strickt\n"]).mistakes()
    #expect(wrong.map(\.message) == ["'strickt' is no value for 'watch_floor'"])
    #expect(wrong.first?.notes == ["did you mean 'strict'?"])
    #expect(WatchLevel.allCases == [.declared, .traced, .strict])
    #expect(WatchLevel.allCases == WatchLevel.allCases.sorted() && WatchLevel.declared < .strict)
  }
}
