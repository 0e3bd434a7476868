import RungCore
import Testing

@testable import RungModel

/// How inputs are written into pipeline files of every style.
@Suite struct EditorTests {
  static let head = "pipeline: x # the name\naxes: {width: [1, 2]}\nparameters: {samples: 3}\nsteps:\n"

  static func project(_ text: String, _ more: [String] = []) -> MemoryProject {
    var files = ["pipelines/x/pipeline.yaml": text]
    for path in ["pipelines/x/helper.py", "pipelines/x/data-1.csv", "pipelines/x/no[1].txt"] + more { files[path] = "" }
    return MemoryProject(files)
  }

  static func edit(
    _ text: String, step: String = "fit", adding inputs: [NewInput], more: [String] = []
  ) throws(Diagnostics) -> PipelineEdit {
    guard let file = RelativePath("pipelines/x/pipeline.yaml") else { throw Diagnostics("no path") }
    return try PipelineEditor.addingInputs(
      inputs, toStep: step, in: Array(text.utf8), file: file, files: project(text, more).files)
  }

  static func new(_ path: String, name: String? = nil, _ form: Input.Form = .path) throws -> NewInput {
    NewInput(name: name, path: try #require(RelativePath(path)), form: form)
  }

  /// The text after adding helper.py and ../../shared/common.py.
  static func edited(_ text: String) throws -> String {
    let edit = try edit(text, adding: [new("pipelines/x/helper.py"), new("shared/common.py")])
    #expect(edit.before == Array(text.utf8))
    return String(decoding: edit.text, as: UTF8.self)
  }

  // Each with the lines of the step before and after.
  @Test(arguments: [
    (
      "a mapping on a line", "    inputs: {code: fit.py}  # what it reads\n",
      "    inputs: {code: fit.py, helper: helper.py, common: ../../shared/common.py}  # what it reads\n"
    ),
    (
      "room inside", "    inputs: { code: fit.py }\n",
      "    inputs: { code: fit.py, helper: helper.py, common: ../../shared/common.py }\n"
    ),
    (
      "a comma behind", "    inputs: {code: fit.py,}\n",
      "    inputs: {code: fit.py, helper: helper.py, common: ../../shared/common.py,}\n"
    ),
    (
      "double quotes", "    inputs: {\"code\": \"fit.py\"}\n",
      "    inputs: {\"code\": \"fit.py\", \"helper\": \"helper.py\", \"common\": \"../../shared/common.py\"}\n"
    ),
    (
      "single quotes", "    inputs: {code: 'fit.py'}\n",
      "    inputs: {code: 'fit.py', helper: 'helper.py', common: '../../shared/common.py'}\n"
    ),
    ("an empty mapping", "    inputs: {}\n", "    inputs: {helper: helper.py, common: ../../shared/common.py}\n"),
    (
      "an empty mapping with room", "    inputs: { }\n",
      "    inputs: { helper: helper.py, common: ../../shared/common.py }\n"
    ),
    (
      "a list on a line", "    inputs: [fit.py, data.csv]\n",
      "    inputs: [fit.py, data.csv, helper.py, ../../shared/common.py]\n"
    ),
    ("an empty list", "    inputs: []\n", "    inputs: [helper.py, ../../shared/common.py]\n"),
    (
      "nothing", "    inputs:   # none yet\n",
      "    inputs: {helper: helper.py, common: ../../shared/common.py}   # none yet\n"
    ),
    (
      "null", "    inputs: null # none yet\n",
      "    inputs: {helper: helper.py, common: ../../shared/common.py} # none yet\n"
    ),
    ("no inputs", "", "    inputs: {helper: helper.py, common: ../../shared/common.py}\n"),
    (
      "lines", "    inputs:\n      code: fit.py  # the fit\n\n      # and then\n",
      "    inputs:\n      code: fit.py  # the fit\n      helper: helper.py\n      common: ../../shared/common.py\n\n      # and then\n"
    ),
    (
      "a mapping in lines", "    inputs:\n        code: {path: fit.py}\n        data:\n          path: data.csv\n",
      "    inputs:\n        code: {path: fit.py}\n        data:\n          path: data.csv\n        helper: helper.py\n        common: ../../shared/common.py\n"
    ),
    (
      "a text in lines", "    inputs:\n      code: >-\n        fit.py\n\n",
      "    inputs:\n      code: >-\n        fit.py\n      helper: helper.py\n      common: ../../shared/common.py\n\n"
    ),
    (
      "items", "    inputs:\n      - fit.py\n      - data.csv # data\n",
      "    inputs:\n      - fit.py\n      - data.csv # data\n      - helper.py\n      - ../../shared/common.py\n"
    ),
    (
      "items that do not stand out", "    inputs:\n    -   fit.py\n",
      "    inputs:\n    -   fit.py\n    -   helper.py\n    -   ../../shared/common.py\n"
    ),
    (
      "a mapping over lines", "    inputs: {\n      code: fit.py,\n      data: data.csv  # data\n    }\n",
      "    inputs: {\n      code: fit.py,\n      data: data.csv,  # data\n      helper: helper.py,\n      common: ../../shared/common.py\n    }\n"
    ),
    (
      "with a comma behind", "    inputs: {\n      code: fit.py,  # code\n    }\n",
      "    inputs: {\n      code: fit.py,  # code\n      helper: helper.py,\n      common: ../../shared/common.py,\n    }\n"
    ),
    (
      "closed on the last line", "    inputs: [fit.py,\n             data.csv]\n",
      "    inputs: [fit.py,\n             data.csv,\n             helper.py,\n             ../../shared/common.py]\n"
    ),
    (
      "commas in front", "    inputs:\n      { code: fit.py\n      , data: data.csv\n      }\n",
      "    inputs:\n      { code: fit.py\n      , data: data.csv\n      , helper: helper.py\n      , common: ../../shared/common.py\n      }\n"
    ),
    (
      "a comment inside", "    inputs: {code: fit.py # code\n      }\n",
      "    inputs: {code: fit.py, helper: helper.py, common: ../../shared/common.py # code\n      }\n"
    ),
  ])
  func keepsTheStyle(style: String, before: String, after: String) throws {
    let run = "  fit:\n    run: |\n      cat fit.py > {out.o}\n\n"
    let rest = "    outputs: {o: o}  # what it makes\n  other: {run: 'echo > {out.o}', outputs: {o: o}}\n"
    // What is not there comes right behind 'run'.
    let old = Self.head + run + before + rest
    let new =
      style == "no inputs"
      ? Self.head + run.dropLast() + after + "\n" + rest : Self.head + run + after + rest
    #expect(try Self.edited(old) == new)
    // Other breaks of lines, a byte order mark.
    let marked = "\u{FEFF}" + old.replacing("\n", with: "\r\n")
    #expect(try Self.edited(marked) == "\u{FEFF}" + new.replacing("\n", with: "\r\n"))
    // At the end of a file, with and without a break of lines there.
    let (cut, cutNew) = (
      Self.head + "  fit:\n    run: cat fit.py > {out.o}\n    outputs: {o: o}\n" + before,
      Self.head + "  fit:\n    run: cat fit.py > {out.o}\n    outputs: {o: o}\n" + after
    )
    guard style != "no inputs" else { return }
    #expect(try Self.edited(cut) == cutNew)
    guard !before.hasSuffix("\n\n"), !before.contains("# and then") else { return }
    #expect(try Self.edited(String(cut.dropLast())) == String(cutNew.dropLast()))
  }

  @Test(arguments: [
    (
      "  fit: {run: 'cat > {out.o}', outputs: {o: o}}\n",
      "  fit: {run: 'cat > {out.o}', inputs: {helper: helper.py, common: ../../shared/common.py}, outputs: {o: o}}\n"
    ),
    (
      "  fit: {\n    run: 'cat > {out.o}', # run\n    outputs: {o: o}\n  }\n",
      "  fit: {\n    run: 'cat > {out.o}', # run\n    inputs: {helper: helper.py, common: ../../shared/common.py},\n    outputs: {o: o}\n  }\n"
    ),
    (
      "  fit:\n      run: cat > {out.o}\n      outputs:\n          o: o\n",
      "  fit:\n      run: cat > {out.o}\n      inputs:\n          helper: helper.py\n          common: ../../shared/common.py\n      outputs:\n          o: o\n"
    ),
    (
      "  fit:\n    outputs: {o: o}\n    run: cat > {out.o}",
      "  fit:\n    outputs: {o: o}\n    run: cat > {out.o}\n    inputs: {helper: helper.py, common: ../../shared/common.py}"
    ),
    (
      "  fit: {run: 'cat > {out.o}', inputs: , outputs: {o: o}}\n",
      "  fit: {run: 'cat > {out.o}', inputs: {helper: helper.py, common: ../../shared/common.py} , outputs: {o: o}}\n"
    ),
    (
      "  fit:\n    run: cat > {out.o}\n    inputs:\n    outputs:\n      o: o\n",
      "  fit:\n    run: cat > {out.o}\n    inputs:\n      helper: helper.py\n      common: ../../shared/common.py\n    outputs:\n      o: o\n"
    ),
  ])
  func inputsThatAreNotThere(before: String, after: String) throws {
    #expect(try Self.edited(Self.head + before) == Self.head + after)
  }

  @Test(arguments: [
    (
      "\n      <<: *base\n      inputs: &own\n        <<: *e\n        code: &code fit.py\n        data: *code  # again",
      "again", "again\n        helper: helper.py\n        common: ../../shared/common.py"
    ),
    (
      "\n      <<: *base\n      inputs:\n          <<: *e\n",
      "          <<: *e", "          helper: helper.py\n          common: ../../shared/common.py\n          <<: *e"
    ),
    (" {<<: *base, inputs: {<<: *e}}", "{<<: *e}", "{helper: helper.py, common: ../../shared/common.py, <<: *e}"),
    (
      " {<<: *base, inputs: {code: fit.py, <<: *e}}", "fit.py,",
      "fit.py, helper: helper.py, common: ../../shared/common.py,"
    ),
    (" {<<: *base, inputs: [fit.py, *a]}", "*a]", "*a, helper.py, ../../shared/common.py]"),
    (
      "\n      <<: *base\n      inputs:\n      - fit.py\n      - *a\n", "- *a\n",
      "- *a\n      - helper.py\n      - ../../shared/common.py\n"
    ),
  ])
  func anchorsAliasesAndMerges(fit: String, old: String, new: String) throws {
    let base = "{run: \"cat > {out.o}\", outputs: {o: o}, env: &e {A: &a fit.py}}"
    let text = "pipeline: x\nsteps:\n    base: &base \(base)\n    fit:\(fit)"
    #expect(try Self.edited(text) == text.replacing(old, with: new))
  }

  static let step = "run: 'cat > {out.o}', outputs: {o: o}"

  @Test(arguments: [
    ("", "  fit: {uses: other}\n  other: {\(step), inputs: {code: fit.py}}\n", "not written in the step itself"),
    ("defaults: {inputs: {code: fit.py}}\n", "  fit: {\(step)}\n", "not written in the step itself"),
    ("", "  other: &o {\(step), inputs: {code: fit.py}}\n  fit: {<<: *o}\n", "not written in the step itself"),
    ("", "  other: &o {\(step)}\n  fit: *o\n", "not written out here"),
    ("", "  other: {\(step), inputs: &i {code: fit.py}}\n  fit: {\(step), inputs: *i}\n", "its inputs are an alias"),
    (
      "", "  fit: {\(step), inputs: &i {code: fit.py}}\n  other: {\(step), inputs: *i}\n", "step 'x/other' would change"
    ),
    ("", "  fit: &f {\(step)}\n  other: {<<: *f}\n", "step 'x/other' would change"),
    ("", "  fit: {\(step)}\n  other: {uses: fit}\n", "step 'x/other' would change"),
    ("defaults: {inputs: {code: fit.py}}\n", "  fit: {\(step), inputs: ~}\n", "would not be those of before"),
  ])
  func refuses(top: String, steps: String, reason: String) throws {
    let text = "pipeline: x\n\(top)steps:\n\(steps)"
    let refused = try #require(throws: Diagnostics.self) {
      try Self.edit(text, adding: [Self.new("pipelines/x/helper.py"), Self.new("pipelines/x/no[1].txt")])
    }
    #expect(refused.items.count == 1)
    #expect(refused.items.first?.message.contains(reason) == true, "\(refused)")
    #expect(
      refused.items.first?.notes == [
        "write them by hand, under 'inputs' of the step:", "  helper: helper.py", "  no_1: {path: \"no[1].txt\"}",
      ])
  }

  @Test func whatTheProjectSays() throws {
    let text = Self.head + "  fit: {\(Self.step)}\n"
    func said(_ inputs: NewInput..., step: String = "fit") throws -> String {
      try #require(throws: Diagnostics.self) { try Self.edit(text, step: step, adding: inputs) }.description
    }
    #expect(try said(Self.new("pipelines/x/away.py")).contains("then: there is no file pipelines/x/away.py"))
    #expect(try said(Self.new("pipelines/x/helper.py", name: "width")).contains("the name 'width' is taken"))
    #expect(try said(Self.new("pipelines/x/helper.py", name: "1")).contains("'1' cannot name an input"))
    #expect(try said(step: "fitt").contains("did you mean 'fit'?"))
  }

  @Test func namesAreNotTaken() throws {
    let text = Self.head + "  fit: {\(Self.step), inputs: {helper: fit.py}}\n"
    let paths = [
      "pipelines/x/helper.py", "pipelines/x/lib/helper.sh", "pipelines/x/data-1.csv", "pipelines/x/width.csv",
      "pipelines/x/samples", "pipelines/x/out.txt", "pipelines/x/1.csv", "pipelines/x/.env", "pipelines/x/no",
      "pipelines/x/ä.csv", "pipelines/x/a.tar.gz", "pipelines/x/null", "pipelines/x/Makefile",
    ]
    let edit = try Self.edit(
      text, adding: paths.map { try Self.new($0) } + [Self.new("pipelines/x/tables/*.csv", .glob)], more: paths)
    #expect(
      edit.added.map(\.name) == [
        "helper_2", "helper_3", "data_1", "width_2", "samples_2", "out_2", "_1", "env", "no_2", "input", "a_tar",
        "null_2", "Makefile", "tables",
      ])
  }
}
