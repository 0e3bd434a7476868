import RungCore
import RungModel
import RungPlan
import Testing

@Suite struct GraphTests {
  @Test func stepsBroadcastAndCollect() throws {
    let graph = try BuildGraph([
      pipeline(
        axes: [axis("w", ["1", "2"]), axis("s", ["0", "1"])],
        [
          step("data", over: ["s"], output: "d.npz"), step("fit", over: ["w", "s"], uses: ["data"]),
          step("mean", over: ["w"], uses: ["fit"]), step("figure", uses: ["fit", "mean"]),
        ])
    ])
    #expect(graph.instanceCount == 2 + 4 + 2 + 1)
    #expect(graph.needs("x/fit[w=2,s=1]") == ["x/data[s=1]"])
    #expect(graph.needs("x/mean[w=2]") == ["(x/fit[w=2,s=0] x/fit[w=2,s=1])"])
    #expect(
      graph.needs("x/figure") == [
        "(x/fit[w=1,s=0] x/fit[w=1,s=1] x/fit[w=2,s=0] x/fit[w=2,s=1])", "(x/mean[w=1] x/mean[w=2])",
      ])
    #expect(graph.collections.map(\.form) == [.table, .table, .table, .table])
    #expect(Array(graph.instanceOrder) == Array(0..<9))
  }

  @Test func axesMeetByLabelWhateverTheirOrder() throws {
    let graph = try BuildGraph([
      pipeline(
        axes: [axis("w", ["1", "2"]), axis("s", ["0", "1"])],
        [step("a", over: ["w", "s"]), step("b", over: ["s", "w"], uses: ["a"])])
    ])
    #expect(graph.needs("x/b[s=1,w=2]") == ["x/a[w=2,s=1]"])
  }

  @Test func pipelinesMeetByTheNamesOfAxes() throws {
    let graph = try BuildGraph([
      pipeline(axes: [axis("s", ["1", "0"])], [step("use", over: ["s"], uses: ["y/make"])]),
      pipeline(named: "y", axes: [axis("s", ["0", "1"])], [step("make", over: ["s"])]),
    ])
    #expect(graph.needs("x/use[s=0]") == ["y/make[s=0]"])
    #expect(
      Array(graph.instanceOrder).map(graph.name(of:)) == ["y/make[s=0]", "y/make[s=1]", "x/use[s=1]", "x/use[s=0]"])
  }

  @Test func aFormMakesACollectionOfOne() throws {
    let graph = try BuildGraph([pipeline([step("a"), step("b", uses: ["a:files"]), step("c", uses: ["a:table"])])])
    #expect(graph.collections.map(\.form) == [.files, .table])
    #expect(graph.needs("x/b") == ["(x/a)"])
  }

  @Test func combinationsAreLeftOutAndAdded() throws {
    let axes = [axis("w", ["1", "2"]), axis("s", ["0", "1"])]
    let graph = try BuildGraph([
      pipeline(
        axes: axes,
        [
          step(
            "a", over: ["w", "s"], exclude: [["w": "1", "s": "1"], ["w": "2", "s": "0"]],
            include: [
              ["w": AxisValue(label: "9", value: 9), "s": AxisValue(label: "0", value: 0)],
              ["w": AxisValue(label: "1", value: 1), "s": AxisValue(label: "0", value: 0)],
            ])
        ])
    ])
    #expect((0..<graph.instanceCount).map(graph.name(of:)) == ["x/a[w=1,s=0]", "x/a[w=2,s=1]", "x/a[w=9,s=0]"])
    let missing = mistakes {
      _ = try BuildGraph([
        pipeline(axes: axes, [step("a", over: ["w"], exclude: [["w": "1"]]), step("b", over: ["w"], uses: ["a"])])
      ])
    }
    #expect(missing?.contains("x/b[w=1] needs 'a.o' of an instance that does not exist") == true)
    let none = mistakes {
      _ = try BuildGraph([pipeline(axes: axes, [step("a", over: ["w"], exclude: [["w": "1"], ["w": "2"]])])])
    }
    #expect(none?.contains("'exclude' leaves out all") == true)
  }

  @Test func tooManyInstancesAreRefused() throws {
    let axes = ["a", "b"].map { axis($0, numbers(4000)) }
    let found = mistakes { _ = try BuildGraph([pipeline(axes: axes, [step("big", over: ["a", "b"])])]) }
    #expect(found?.contains("would have 16000000 instances") == true)
  }

  @Test func aSharedCollectionKeepsTheGraphSmall() throws {
    let graph = try BuildGraph([
      pipeline(
        axes: [axis("a", numbers(3000)), axis("b", numbers(3000))],
        [step("make", over: ["a"]), step("use", over: ["b"], uses: ["make"])])
    ])
    #expect(graph.instanceCount == 6000)
    #expect(graph.collections.count == 1)
    #expect(graph.collections[0].members.count == 3000)
    #expect((0..<graph.nodeCount).reduce(0) { $0 + graph.dependents(of: $1).count } == 6000)
  }

  // Every edge seen from both ends; every instance after those that it needs.
  @Test func randomGraphsAreConsistent() throws {
    var random = Seeded(3)
    for _ in 0..<100 {
      let graph = try randomGraph(&random)
      var forward: [[Int]: Int] = [:]
      var backward: [[Int]: Int] = [:]
      for node in 0..<graph.nodeCount {
        for dependent in graph.dependents(of: node) { forward[[node, Int(dependent)], default: 0] += 1 }
        let needed = graph.dependencies(of: node)
        #expect(needed.count == Int(graph.dependencyCounts[node]))
        for other in needed { backward[[other, node], default: 0] += 1 }
      }
      #expect(forward == backward)
      var place = [Int](repeating: 0, count: graph.instanceCount)
      for (index, node) in graph.instanceOrder.enumerated() { place[node] = index }
      for node in 0..<graph.instanceCount {
        for needed in graph.dependencies(of: node).flatMap({
          $0 < graph.instanceCount ? [$0] : graph.dependencies(of: $0)
        }) {
          #expect(place[needed] < place[node])
        }
      }
    }
  }

  @Test func remainingPathsAreTheLongest() throws {
    var random = Seeded(5)
    for _ in 0..<50 {
      let graph = try randomGraph(&random)
      let durations = graph.steps.map { _ in Double(Int.random(in: 1...9, using: &random)) }
      let paths = graph.remainingPaths(durations: durations)
      var memo: [Int: Double] = [:]
      func longest(_ node: Int) -> Double {
        if let known = memo[node] { return known }
        let rest = graph.dependents(of: node).map { longest(Int($0)) }.max() ?? 0
        let own = node < graph.instanceCount ? durations[Int(graph.stepOfInstance[node])] : 0
        memo[node] = own + rest
        return own + rest
      }
      for node in 0..<graph.nodeCount { #expect(paths[node] == longest(node)) }
    }
  }
}

/// 2 to 8 steps over up to two axes.
func randomGraph(_ random: inout Seeded) throws -> BuildGraph {
  let axes = ["a", "b"].map { axis($0, numbers(Int.random(in: 1...4, using: &random))) }
  var steps: [Step] = []
  for index in 0..<Int.random(in: 2...8, using: &random) {
    let over = axes.map(\.name).filter { _ in Bool.random(using: &random) }
    var uses: [String] = []
    for _ in 0..<(index == 0 ? 0 : Int.random(in: 0...3, using: &random)) {
      let form = ["", "", ":files", ":table"][Int.random(in: 0..<4, using: &random)]
      uses.append("s\(Int.random(in: 0..<index, using: &random))\(form)")
    }
    steps.append(step("s\(index)", over: over, uses: uses))
  }
  return try BuildGraph([pipeline(axes: axes, steps)])
}
