import RungCore
import RungModel
import RungPlan
import Testing

@Suite struct TargetTests {
  static func targets() throws -> (BuildGraph, Targets) {
    let graph = try BuildGraph([
      pipeline(
        named: "dd", axes: [axis("width", ["10", "20"]), axis("seed", ["0", "1"])],
        [
          step("data", over: ["seed"]), step("fit", over: ["width", "seed"], uses: ["dd/data"]),
          step("figure", uses: ["dd/fit"]),
        ]),
      pipeline(named: "other", [step("data"), step("plot")]),
    ])
    let figure = graph.node("dd/figure") ?? -1
    return (graph, Targets(graph, published: ["pipelines/dd/figures/fig.svg": figure]))
  }

  @Test(arguments: [
    ("dd/figure", "dd/figure"), ("figure", "dd/figure"), ("plot", "other/plot"), ("other", "other/data other/plot"),
    ("other/", "other/data other/plot"), ("dd/fit[width=20]", "dd/fit[width=20,seed=0] dd/fit[width=20,seed=1]"),
    ("dd/fit[seed=1,width=10]", "dd/fit[width=10,seed=1]"),
    ("fit[width=*0,seed=0]", "dd/fit[width=10,seed=0] dd/fit[width=20,seed=0]"),
    ("*/data", "dd/data[seed=0] dd/data[seed=1] other/data"), ("dd/f?gure", "dd/figure"),
    ("o*", "other/data other/plot"),
    ("pipelines/dd/figures/fig.svg", "dd/figure"), ("./pipelines/dd/../dd/figures/fig.svg", "dd/figure"),
    ("dd/data[seed=1]", "dd/data[seed=1]"),
  ])
  func aTextNamesInstances(text: String, names: String) throws {
    let (graph, targets) = try Self.targets()
    #expect(try targets.instances([text]).map(graph.name(of:)).joined(separator: " ") == names)
  }

  @Test func aPublishedFileIsNamedFromTheCallersFolder() throws {
    let (graph, targets) = try Self.targets()
    let folder = try #require(RelativePath("pipelines/dd"))
    #expect(try targets.instances(["figures/fig.svg"], from: folder).map(graph.name(of:)) == ["dd/figure"])
    #expect(try targets.instances([]).count == graph.instanceCount)
    #expect(try targets.instances(["dd/figure", "figure"]).count == 1)
  }

  @Test(arguments: [
    ("figur", "did you mean 'figure'?"), ("dd/fti", "did you mean 'dd/fit'?"),
    ("data", "'data' could be any of 'dd/data', 'other/data'"),
    ("dd/fit[width=30]", "no instance of 'dd/fit' matches"), ("dd/fit[wdith=10]", "its axes are width, seed"),
    ("plot[seed=1]", "runs over no axes"), ("zzzzzzzz", "the pipelines are dd, other"),
    ("dd/fit[10]", "no instance of 'dd/fit'"),
    ("/etc/passwd", "nothing is called"), ("", "nothing is called"),
  ])
  func aTextThatNamesNothingIsExplained(text: String, part: String) throws {
    let (_, targets) = try Self.targets()
    let told = mistakes { _ = try targets.instances([text]) }
    #expect(told?.contains(part) == true, "\(told ?? "nothing")")
  }

  @Test func allMistakesAreToldAtOnce() throws {
    let (_, targets) = try Self.targets()
    let told = mistakes { _ = try targets.instances(["nope1", "dd", "nope2"]) } ?? ""
    #expect(told.contains("nope1") && told.contains("nope2"))
  }

  @Test func theClosureHoldsWhatIsNeeded() throws {
    let (graph, targets) = try Self.targets()
    let needed = targets.closure(of: try targets.instances(["dd/fit[width=10,seed=1]"]))
    #expect(
      (0..<graph.instanceCount).filter { needed[$0] }.map(graph.name(of:)) == [
        "dd/data[seed=1]", "dd/fit[width=10,seed=1]",
      ])
    #expect(targets.closure(of: try targets.instances(["figure"])).count { $0 } == 2 + 4 + 1 + 1)
  }
}

@Suite struct CollectedTableTests {
  @Test func valuesBecomeTidyRows() throws {
    let zipped = Axis(name: "set", fields: ["lr", "batch"], values: [])
    let axes = [axis("w", ["1"]), zipped]
    var table = CollectedTable(axes: axes, outputName: "m")
    let set = AxisValue(label: "0", value: ["lr": .number("0.10"), "batch": 8])
    let one = AxisValue(label: "1", value: 1)
    table.add(
      values: [one, set], axes: axes, json: try JSON(parsing: #"{"loss": 0.50, "at": {"x": 1, "y": [1, 2]}, "w": "q"}"#)
    )
    table.add(values: [one, set], axes: axes, json: try JSON(parsing: #"[{"loss": 2}, {"note": "a \"b\", c"}]"#))
    table.add(values: [one, set], axes: axes, json: .number("7"))
    table.add(values: [one, set], axes: axes, json: try JSON(parsing: "[1, 2]"))
    #expect(
      table.csv == """
        w,lr,batch,loss,at.x,at.y,m.w,note,value
        1,0.10,8,0.50,1,"[1,2]",q,,
        1,0.10,8,2,,,,,
        1,0.10,8,,,,,"a ""b"", c",
        1,0.10,8,,,,,,7
        1,0.10,8,,,,,,"[1,2]"

        """)
  }

  @Test func anEmptyTableIsItsHeader() {
    #expect(CollectedTable(axes: [axis("w", ["1"])], outputName: "m").csv == "w\n")
  }

  @Test func cellsAreQuotedWhereTheyMustBe() {
    #expect(
      CollectedTable.line(["a", "b,c", "d\"e", "f\ng", "h\ri", " "]) == "a,\"b,c\",\"d\"\"e\",\"f\ng\",\"h\ri\", \n")
  }
}
