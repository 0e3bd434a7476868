import Glibc
import RungCore
import Testing

/// Axes whose values a step of the same run gives.
@Suite struct DynamicAxisStories {
  static let pipeline = """
    pipeline: scan
    axes: {x: {from: "plan.grid#/values"}}
    steps:
      plan:
        run: cp {grid} {out.grid}
        inputs: {grid: grid.json}
        outputs: {grid: grid.json}
      square:
        over: [x]
        run: |
          printf '{"y": %s}' $(( {x} * {x} )) > {out.y}
        outputs: {y: y.json}
      table:
        run: cp {square.y} {out.table}
        outputs: {table: {path: table.csv, publish: table.csv}}
    claims:
      power: {measured: {exponent: "square.y#/y", along: x}, predicted: 2, within: {absolute: 0.001}}
    """

  private func study(_ grid: String = #"{"values": [1, 2, 3]}"#) throws -> Sandbox {
    try Sandbox(["pipelines/scan/pipeline.yaml": Self.pipeline, "pipelines/scan/grid.json": grid])
  }

  @Test func valuesComeFromAStepOfTheRun() throws {
    let sandbox = try study()
    let plan = try sandbox.json(["plan", "--json"])
    #expect(plan["would_run"] == 1)
    #expect(plan["open"]?.array?.map { $0["step"]?.string } == ["scan/square", "scan/table", "scan/claims"])
    #expect(try sandbox.rung("plan").output.contains("1 would run, 0 undecided, 0 up to date, and at least 3 more"))
    let run = try sandbox.run()
    #expect(run.counts == Counts(ran: 6))
    #expect(run.events("run-finished").count == 1)
    #expect(sandbox.read("pipelines/scan/table.csv") == "x,y\n1,1\n2,4\n3,9\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 6))
    #expect(try sandbox.rung("run").errors.contains("nothing to do: 6 up to date"))
    #expect(try sandbox.rung("claims").code == 0)
    #expect(try sandbox.json(["status", "--json"])["current"] == true)

    // The step that gave the values is part of the lineage.
    let trace = try sandbox.json(["trace", "pipelines/scan/table.csv", "--json"])
    #expect(trace["steps"]?.array?.contains { $0["instance"] == "scan/plan" } == true)
    #expect(trace["sources"]?.array?.contains { $0["path"] == "pipelines/scan/grid.json" } == true)
  }

  @Test func onlyNewValuesRun() throws {
    let sandbox = try study()
    _ = try sandbox.run()
    try sandbox.write(#"{"values": [1, 2, 3, 4]}"#, to: "pipelines/scan/grid.json")
    #expect(try sandbox.run().steps == ["plan": 1, "square": 1, "table": 1, "claims": 1])
    try sandbox.write(#"{"values": [2, 1]}"#, to: "pipelines/scan/grid.json")
    #expect(try sandbox.run().steps == ["plan": 1, "table": 1, "claims": 1])
    #expect(sandbox.read("pipelines/scan/table.csv") == "x,y\n2,4\n1,1\n")
    // Another text, the same values.
    try sandbox.write(#"{"values":  [2, 1]}"#, to: "pipelines/scan/grid.json")
    #expect(try sandbox.run().steps == ["plan": 1])
    // One step alone, too.
    try sandbox.write(#"{"values": [5]}"#, to: "pipelines/scan/grid.json")
    #expect(try sandbox.run("square").steps == ["plan": 1, "square": 1])
  }

  @Test(arguments: [
    (#"{"values": []}"#, "which is empty"),
    (#"{"values": [1, 2, 1]}"#, "which has the value '1' twice"),
    (#"{"values": 3}"#, "which is no list"),
    (#"{"value": [3]}"#, "where there is nothing"),
    (#"{"values": ["a/b"]}"#, "in which 'a/b' cannot name an instance"),
    (#"{"values": [".."]}"#, "in which '..' cannot name an instance"),
    (#"{"values": [[1]]}"#, "in which [1] is neither a number nor a text"),
    (#"{"values": [NaN]}"#, "in which NaN is no number"),
    ("values: [1]", "is no JSON"),
    ("{\"values\": [" + (0..<100_000).map(String.init).joined(separator: ",") + "]}", "which has 100000 values"),
  ])
  func whatCannotBeAnAxisIsSaid(grid: String, problem: String) throws {
    let sandbox = try study(grid)
    let ended = try sandbox.rung("run")
    #expect(ended.code == 2, "\(ended.testDescription)")
    #expect(
      ended.errors.contains(
        "pipelines/scan/pipeline.yaml:2:8: error: the axis 'x' takes its values from plan.grid#/values"))
    #expect(ended.errors.contains(problem), "\(ended.errors)")
    // What ran is kept, and the rest of the project can be used.
    #expect(try sandbox.rung("status").code == 0)
    try sandbox.write(#"{"values": [1, 2]}"#, to: "pipelines/scan/grid.json")
    #expect(try sandbox.run().counts.ran == 5)
  }

  @Test func whatGivesTheValuesMayFail() throws {
    let sandbox = try study()
    try sandbox.edit("pipelines/scan/pipeline.yaml", "run: cp {grid} {out.grid}", "run: cp {grid} {out.grid} && exit 3")
    let run = try sandbox.run()
    #expect(run.finished.code == 1)
    #expect(run.counts == Counts(failed: 1))
    #expect(run.events("run-finished").count == 1)
  }

  /// Killed at any instant, the next run completes it with the same bytes.
  @Test func killedAtAnyInstantTheNextRunCompletes() throws {
    let sandbox = try study()
    var length = Instants.now()
    _ = try sandbox.run()
    length = Instants.now() - length
    let whole = sandbox.read("pipelines/scan/table.csv")
    var instants = Instants(seed: 5)
    for _ in 1...10 {
      let run = try sandbox.start(["run", "--json", "--force"])
      instants.wait(within: length)
      run.signal(SIGKILL)
      _ = try run.wait()
      #expect(try sandbox.run().finished.code == 0)
      #expect(sandbox.read("pipelines/scan/table.csv") == whole)
      #expect(try sandbox.run().counts == Counts(unchanged: 6))
    }
  }
}
