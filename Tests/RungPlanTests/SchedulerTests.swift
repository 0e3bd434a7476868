import RungModel
import RungPlan
import Testing

/// The scheduler driven by random events, its promises checked after each.
@Suite struct SchedulerTests {
  @Test func promisesHoldWhateverHappens() throws {
    for seed in 0..<3000 {
      var driver = try Driver(UInt64(seed))
      driver.run()
      #expect(driver.problems == [], "seed \(seed)")
      if !driver.problems.isEmpty { return }
    }
  }

  @Test func aLargeStepDoesNotStarve() throws {
    // 1,000 small steps keep three of four slots busy; the large one wants all four and comes first in the order.
    let graph = try BuildGraph([
      pipeline(axes: [axis("a", numbers(1000))], [step("large"), step("small", over: ["a"])])
    ])
    var priorities = [Double](repeating: 1, count: graph.nodeCount)
    priorities[0] = 0.5
    for first in [true, false] {
      priorities[0] = first ? 2 : 0.5
      var scheduler = Scheduler(
        graph: graph, needed: [Bool](repeating: true, count: graph.nodeCount),
        demands: [.init(slots: 4), .init(slots: 1)], priorities: priorities, capacity: .init(slots: 4), keepGoing: true)
      var running: [Int] = []
      var launched: [Int] = []
      var events: [Scheduler.Event] = [.start]
      // The large one is found to have to run only after the small ones keep the machine busy.
      while let event = events.first {
        events.removeFirst()
        for command in scheduler.handle(event) {
          switch command {
          case .check(let nodes):
            events += nodes.filter { $0 != 0 }.map { .mustRun($0) }
            if nodes.contains(0) { events.insert(.mustRun(0), at: min(8, events.count)) }
          case .launch(let node, _):
            running.append(node)
            launched.append(node)
          case .skip: Issue.record("nothing fails here")
          case .finish: #expect(running.isEmpty)
          }
        }
        if events.isEmpty, !running.isEmpty { events.append(.succeeded(running.removeFirst())) }
      }
      #expect(launched.count == 1001)
      let place = try #require(launched.firstIndex(of: 0))
      if first { #expect(place < 80) } else { #expect(place == 1000) }
    }
  }

  @Test func aMakerThatCannotMakeLostBytesAgainEndsItsReaders() throws {
    let graph = try BuildGraph([
      pipeline([step("m"), step("a", uses: ["m"]), step("b", uses: ["m"]), step("c", uses: ["b"])])
    ])
    var scheduler = Scheduler(
      graph: graph, needed: [Bool](repeating: true, count: 4), demands: [.init(), .init(), .init(), .init()],
      priorities: [0, 0, 0, 0], capacity: .init(slots: 4), keepGoing: true)
    let story: [(Scheduler.Event, [Scheduler.Command])] = [
      (.start, [.check([0])]),
      (.upToDate(0), [.check([1, 2])]),
      (.mustRun(1), [.launch(1, gpus: [])]),
      (.mustRun(2), [.launch(2, gpus: [])]),
      (.inputsLost(1, makers: [0]), [.check([0])]),
      (.mustRun(0), [.launch(0, gpus: [])]),
      (.failed(0, retry: false), [.skip([1])]),
      (.inputsLost(2, makers: [0]), [.skip([2]), .skip([3]), .finish]),
    ]
    for (event, commands) in story {
      let answer = scheduler.handle(event)
      #expect(answer == commands)
    }
  }

  @Test func nothingNeededIsFinishedAtOnce() throws {
    let graph = try BuildGraph([pipeline([step("m")])])
    var scheduler = Scheduler(
      graph: graph, needed: [false], demands: [.init()], priorities: [0], capacity: .init(slots: 1), keepGoing: true)
    let answers = [scheduler.handle(.start), scheduler.handle(.stop)]
    #expect(answers == [[.finish], []])
  }
}

/// Plays the engine, badly: everything that may happen does.
private struct Driver {
  private var random: Seeded
  private let graph: BuildGraph
  private let needed: [Bool]
  private let demands: [Scheduler.Demand]
  private let capacity: Scheduler.Capacity
  private let priorities: [Double]
  private let stops: Bool
  private let fails: Bool
  private var scheduler: Scheduler
  private var running: [Int: [String]] = [:]
  private var held: Set<Int> = []
  private var ended: [Int: String] = [:]
  private var everDone: Set<Int> = []
  private var losses = 0
  private var checking: Set<Int> = []
  private var finishes = 0
  private var queue: [Scheduler.Event] = [.start]
  var problems: [String] = []

  init(_ seed: UInt64) throws {
    var random = Seeded(seed)
    graph = try randomGraph(&random)
    let graph = graph
    capacity = Scheduler.Capacity(
      slots: Int.random(in: 1...4, using: &random), memory: 100, gpus: ["0", "1", "2"], pools: ["p": 2])
    let slots = capacity.slots
    demands = graph.steps.map { _ in
      Scheduler.Demand(
        slots: Int.random(in: 1...slots, using: &random), memory: Int64.random(in: 0...100, using: &random),
        gpus: Int.random(in: 0...3, using: &random), pools: Bool.random(using: &random) ? ["p": 2] : [:])
    }
    let targets = (0..<graph.instanceCount).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    needed = Targets(graph, published: [:]).closure(of: targets)
    priorities = graph.remainingPaths(durations: graph.steps.map { _ in 1 })
    stops = Int.random(in: 0..<4, using: &random) == 0
    fails = Bool.random(using: &random)
    scheduler = Scheduler(
      graph: graph, needed: needed, demands: demands, priorities: priorities, capacity: capacity,
      keepGoing: Bool.random(using: &random))
    self.random = random
  }

  private func chance(_ one: Int, _ random: inout Seeded) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }

  mutating func run() {
    for _ in 0..<20_000 {
      guard finishes == 0 else { break }
      guard let event = next() else {
        problems.append("nothing runs, nothing is held, and it is not finished")
        return
      }
      for command in scheduler.handle(event) { perform(command) }
      checkCapacity()
      if !problems.isEmpty { return }
    }
    if finishes != 1 { problems.append("finished \(finishes) times") }
    if scheduler.unfinished != 0 { problems.append("\(scheduler.unfinished) left") }
    if scheduler.handle(.stop) != [] { problems.append("says something after the end") }
    for node in 0..<graph.nodeCount {
      let state = scheduler.state(of: node)
      let good: [Scheduler.State] = needed[node] ? [.done, .failed, .skipped] : [.unneeded]
      if !good.contains(state) { problems.append("\(node) ends as \(state)") }
      if node < graph.instanceCount, needed[node], ended[node] != "\(state)" {
        problems.append("\(node) is \(state), told as \(ended[node] ?? "nothing")")
      }
    }
  }

  private mutating func next() -> Scheduler.Event? {
    if !queue.isEmpty { return queue.removeFirst() }
    if stops, chance(8, &random) { return .stop }
    let choices = checking.sorted() + running.keys.sorted() + held.sorted()
    guard let node = choices.randomElement(using: &random) else { return nil }
    if checking.remove(node) != nil {
      switch Int.random(in: 0..<6, using: &random) {
      case 0:
        ended[node] = "done"
        everDone.insert(node)
        return .upToDate(node)
      case 1:
        held.insert(node)
        return .busy(node)
      default: return .mustRun(node)
      }
    }
    if held.remove(node) != nil { return .released(node) }
    running[node] = nil
    switch Int.random(in: 0..<10, using: &random) {
    case 0 where fails:
      ended[node] = "failed"
      return .failed(node, retry: false)
    case 1:
      // With a stop the retry is refused, and it has failed.
      ended[node] = "failed"
      return .failed(node, retry: true)
    case 2:
      held.insert(node)
      return .busy(node)
    case 3, 4:
      let makers = graph.dependencies(of: node).flatMap { $0 < graph.instanceCount ? [$0] : graph.dependencies(of: $0) }
      let lost = Set(makers).sorted().filter { _ in chance(2, &random) }
      guard !lost.isEmpty, losses < 50 else { break }
      losses += 1
      return .inputsLost(node, makers: lost)
    default: break
    }
    ended[node] = "done"
    everDone.insert(node)
    return .succeeded(node)
  }

  private mutating func perform(_ command: Scheduler.Command) {
    switch command {
    case .check(let nodes):
      for node in nodes {
        if node >= graph.instanceCount { problems.append("a collection is to be checked") }
        if !checking.insert(node).inserted { problems.append("\(node) is checked twice at once") }
        expectInputs(node, "checked")
      }
    case .launch(let node, let gpus):
      if running[node] != nil { problems.append("\(node) runs twice at once") }
      if gpus.count != demands[Int(graph.stepOfInstance[node])].gpus { problems.append("\(node) has \(gpus)") }
      expectInputs(node, "launched")
      running[node] = gpus
    case .skip(let nodes):
      for node in nodes {
        held.remove(node)
        checking.remove(node)
        ended[node] = "skipped"
      }
    case .finish:
      finishes += 1
      if !running.isEmpty { problems.append("finished while steps run") }
    }
  }

  // Everything that a node needs has been done; it may be being made again.
  private mutating func expectInputs(_ node: Int, _ what: String) {
    for needed in graph.dependencies(of: node) where needed < graph.instanceCount && !everDone.contains(needed) {
      problems.append("\(node) is \(what) before \(needed) is done")
    }
  }

  private mutating func checkCapacity() {
    let wanted = running.keys.map { demands[Int(graph.stepOfInstance[$0])] }
    if wanted.reduce(0, { $0 + $1.slots }) > capacity.slots { problems.append("too many slots") }
    if wanted.reduce(0, { $0 + $1.memory }) > capacity.memory { problems.append("too much memory") }
    if wanted.reduce(0, { $0 + ($1.pools["p"] ?? 0) }) > 2 { problems.append("too much of the pool") }
    let gpus = running.values.flatMap { $0 }
    if Set(gpus).count != gpus.count || !Set(gpus).isSubset(of: capacity.gpus) { problems.append("GPUs \(gpus)") }
  }
}
