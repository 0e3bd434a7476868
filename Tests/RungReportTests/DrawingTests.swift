import Testing

@testable import RungReport

/// Graphs, charts, timelines: where things go.
@Suite struct DrawingTests {
  @Test func usersLieBehindMakers() {
    let edges = [(0, 1), (1, 2), (0, 2), (2, 4), (3, 4)].map { LayeredGraph.Edge(from: $0, to: $1) }
    let graph = LayeredGraph(count: 5, edges: edges)
    #expect(graph.layers == [0, 1, 2, 0, 3])
    #expect(graph.bends[.init(from: 0, to: 2)]?.count == 1)
    // A file lies right before the step that reads it.
    #expect(LayeredGraph(count: 5, edges: edges, late: 3..<4).layers == [0, 1, 2, 2, 3])
    #expect(LayeredGraph(count: 0, edges: []).layers.isEmpty)
    // Cycles and edges to nowhere do no harm.
    #expect(LayeredGraph(count: 2, edges: [.init(from: 1, to: 0), .init(from: 0, to: 9)]).layers == [0, 0])
  }

  @Test(arguments: 0..<40)
  func nodesNeverLieOnEachOtherAndEdgesLeadOn(seed: Int) {
    var state = UInt64(seed) &+ 1
    func dice(_ below: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(below))
    }
    let count = 1 + dice(30)
    // Edges that lead back, or nowhere, are left out.
    let edges = (0..<dice(60)).map { _ in LayeredGraph.Edge(from: dice(count), to: dice(count + 2) - 1) }
    let graph = LayeredGraph(count: count, edges: edges)
    for edge in edges where edge.from < edge.to && edge.to < count {
      #expect(graph.layers[edge.from] < graph.layers[edge.to])
      let span = graph.layers[edge.to] - graph.layers[edge.from]
      #expect(graph.bends[edge]?.count ?? 0 == span - 1)
    }
    for a in 0..<count {
      #expect(graph.layers[a] < graph.layerCount && graph.places[a] >= 0.5 - 1e-9)
      #expect(graph.places[a] <= graph.width - 0.5 + 1e-9)
      for b in 0..<a where graph.layers[a] == graph.layers[b] {
        #expect((graph.places[a] - graph.places[b]).magnitude >= 1 - 1e-9)
      }
    }
  }

  static func table(_ labels: [String], replicates: Int, _ value: (Int, Int) -> Double) -> MetricTable {
    var places: [Int32] = []
    var values: [Double] = []
    for x in labels.indices {
      for seed in 0..<replicates {
        places += [Int32(x), Int32(seed)]
        values.append(value(x, seed))
      }
    }
    return MetricTable(
      axes: [
        .init(name: "width", labels: labels, isReplicate: false),
        .init(name: "seed", labels: (0..<replicates).map(String.init), isReplicate: true),
      ],
      places: places, states: values.map { _ in .current }, seconds: values.map { _ in 0.5 },
      columns: [.init(name: "loss", values: values)])
  }

  @Test func replicatesBecomeMeanAndBand() {
    let table = Self.table(["10", "2", "300"], replicates: 4) { x, seed in Double(x) + Double(seed) / 10 }
    let chart = LineChart(table, column: table.columns[0], over: .init(along: 0))
    let points = chart.lines[0].points
    // By value, not by the order of the file.
    #expect(points.map(\.label) == ["2", "10", "300"])
    #expect(points.allSatisfy { $0.count == 4 && $0.low < $0.mean && $0.mean < $0.high })
    #expect(abs(points[0].mean - 1.15) < 1e-12)
    // Student's t with three degrees of freedom.
    #expect(abs(points[0].high - points[0].mean - 3.18245 * 0.129099 / 2) < 1e-4)
    var out = HTML()
    chart.add(to: &out, name: "loss")
    #expect(out.string.contains("loss over width: least 0.15 at 10, most 2.15 at 300"))
    #expect(!out.string.contains("NaN") && !out.string.contains("nan"))
  }

  @Test func aFirstLookIsOverTheAxisWithTheMostNumbers() {
    func view(_ axes: (String, [String], Bool)...) -> MetricTable.View? {
      MetricTable(
        axes: axes.map { .init(name: $0.0, labels: $0.1, isReplicate: $0.2) }, places: [], states: [], seconds: []
      ).view
    }
    let seed = ("seed", ["0", "1", "2", "3", "4"], true)
    #expect(view(seed) == nil && view() == nil && view(("one", ["1"], false), seed) == nil)
    #expect(view(("method", ["a", "b"], false), ("n", ["1", "2", "3"], false), seed) == .init(along: 1, by: 0))
    #expect(view(("n", ["1", "2", "3"], false), ("m", ["1", "2", "3", "4"], false)) == .init(along: 1, by: 0))
    #expect(view(("method", ["a", "b", "c"], false)) == .init(along: 0, by: nil))
    let many = (1...20).map(String.init)
    #expect(view(("n", many, false), ("m", many, false)) == .init(along: 0, by: nil))
  }

  @Test func eachValueOfAnotherAxisIsALine() {
    let labels = ["x", "y"]
    let table = MetricTable(
      axes: [
        .init(name: "n", labels: ["1", "2", "3"], isReplicate: false),
        .init(name: "m", labels: labels, isReplicate: false),
      ],
      places: (0..<6).flatMap { [Int32($0 / 2), Int32($0 % 2)] },
      states: [.current, .current, .current, .current, .current, .current],
      seconds: [1, 1, 1, 1, 1, 1], columns: [.init(name: "loss", values: [1, 10, 2, 20, 3, 30])])
    let chart = LineChart(table, column: table.columns[0], over: .init(along: 0, by: 1))
    #expect(chart.lines.map(\.label) == labels && chart.lines[1].points.map(\.mean) == [10, 20, 30])
    #expect(chart.words("loss") == "loss over n, 2 lines: least 1 at 1, most 30 at 3")
    #expect(table.isGrid)
  }

  @Test func numbersThatAreMissingLeaveGaps() {
    let table = Self.table(["a", "b", "c"], replicates: 2) { x, seed in x == 1 || seed == 1 ? .nan : 5 }
    let chart = LineChart(table, column: table.columns[0], over: .init(along: 0))
    let points = chart.lines[0].points
    #expect(points.map(\.label) == ["a", "c"] && points[0].low == 5)
    var out = HTML()
    chart.add(to: &out, name: "loss")
    #expect(!out.string.contains("nan"))
  }

  @Test func scalesAreRound() {
    #expect(Scale([0, 8], from: 0, to: 1, decades: 2).ticks == [0, 2, 4, 6, 8])
    #expect(
      Scale([1, 10_000], from: 0, to: 1, decades: 2).ticks.map(Fixed.tick) == ["1", "10", "100", "1000", "10000"])
    #expect(Scale([20, 700], from: 0, to: 1, decades: 1).ticks.map(Fixed.tick) == ["20", "50", "100", "200", "500"])
    let flat = Scale([3, 3], from: 0, to: 10, decades: 2)
    #expect(flat(3) == 5 && flat.ticks.count > 1)
    let log = Scale([1, 100], from: 0, to: 100, decades: 2)
    #expect(abs(log(10) - 50) < 1e-9)
  }

  private func run(_ spans: [(Int64, Int64, [Int])]) -> [RunValues.Execution] {
    spans.enumerated().map { index, span in
      RunValues.Execution(
        instance: "p/s[i=\(index)]", step: "p/s", start: span.0 * 1_000_000_000, duration: span.1 * 1_000_000_000,
        cpu: nil,
        memory: nil, outcome: "succeeded", needs: span.2)
    }
  }

  @Test func executionsGetTheFirstFreeSlot() {
    #expect(Slots.of(run([(0, 4, []), (0, 2, []), (2, 3, []), (4, 1, []), (4, 1, [])])) == [0, 1, 1, 0, 2])
    #expect(Slots.of([]) == [])
  }

  @Test func theCriticalPathIsWhatTheEndWaitedFor() {
    // 0 → 2 → 4; 1 is long and needed by nothing that ends last.
    let executions = run([(0, 2, []), (0, 9, []), (2, 3, [0]), (2, 1, [0]), (5, 6, [3, 2])])
    #expect(CriticalPath.of(executions) == [0, 2, 4])
    #expect(CriticalPath.of([]) == [])
    // Foreign records may name each other in a circle, or nothing that is there.
    #expect(CriticalPath.of(run([(0, 1, [1]), (1, 1, [0, 7])])) == [0, 1])
  }

  @Test func longNamesKeepBothEnds() {
    #expect(GraphDrawing.fit("a-very-long-name-of-a-step-of-mine", 23) == "a-very-long-n…p-of-mine")
    #expect(GraphDrawing.fit("short", 23) == "short")
  }
}
