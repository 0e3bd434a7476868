import RungCore

/// Decides what happens next in a run. A value without I/O: the engine tells it what happened and performs what it
/// answers.
///
/// Every needed node is always in exactly one state, changed only in `move(_:to:)`. A node is checked when everything it
/// needs is there; what must run is launched, the longest remaining path first, as far as slots, memory, GPUs and pools
/// allow. A step that does not fit lets others pass, but not for ever: after `patience` of them nothing else starts
/// until it does.
public struct Scheduler: Sendable {
  /// Where a node is on its way.
  public enum State: UInt8, Sendable {
    /// Not needed for what was asked.
    case unneeded
    /// Waits for nodes that it needs.
    case waiting
    /// The engine is looking up whether its result is known.
    case checking
    /// Somebody else is making the same result: another process, or another instance with an equal key.
    case held
    /// Must run, as soon as there is room.
    case ready
    /// Runs.
    case running
    /// Its result is known.
    case done
    /// Was tried and failed.
    case failed
    /// Not tried, because something that it needs failed or the run was stopped.
    case skipped
  }

  /// What happened.
  public enum Event: Sendable {
    /// The run begins.
    case start
    /// The result is in the cache.
    case upToDate(BuildGraph.NodeID)
    /// The result must be made.
    case mustRun(BuildGraph.NodeID)
    /// Somebody else is making it; `released` will follow.
    case busy(BuildGraph.NodeID)
    /// What held a node is over: look again, unless the node has been given up meanwhile.
    case released(BuildGraph.NodeID)
    /// A running step has succeeded.
    case succeeded(BuildGraph.NodeID)
    /// A running step has failed; `retry` if it may be tried again.
    case failed(BuildGraph.NodeID, retry: Bool)
    /// The bytes of some inputs of a running step are gone or damaged: their makers must run again.
    case inputsLost(BuildGraph.NodeID, makers: [BuildGraph.NodeID])
    /// Nothing new may start.
    case stop
  }

  /// What the engine has to do.
  public enum Command: Sendable, Equatable {
    /// Everything these need is known: look whether their results are.
    case check([BuildGraph.NodeID])
    /// Start a step, with these GPU device ids.
    case launch(BuildGraph.NodeID, gpus: [String])
    /// These will not be tried.
    case skip([BuildGraph.NodeID])
    /// Nothing is left to do.
    case finish
  }

  /// What steps may use together.
  public struct Capacity: Sendable {
    /// Processors' worth of steps at a time; at least 1.
    public var slots: Int
    /// Bytes of main memory.
    public var memory: Int64
    /// GPU device ids.
    public var gpus: [String]
    /// Units of named pools.
    public var pools: [String: Int]

    /// A capacity.
    public init(slots: Int, memory: Int64 = .max, gpus: [String] = [], pools: [String: Int] = [:]) {
      self.slots = max(1, slots)
      self.memory = memory
      self.gpus = gpus
      self.pools = pools
    }
  }

  /// What a step needs while it runs.
  public struct Demand: Sendable, Hashable {
    /// Slots; never more than there are.
    public var slots: Int
    /// Bytes of main memory.
    public var memory: Int64
    /// Whole GPUs.
    public var gpus: Int
    /// Units of named pools.
    public var pools: [String: Int]

    /// A demand; one slot by default.
    public init(slots: Int = 1, memory: Int64 = 0, gpus: Int = 0, pools: [String: Int] = [:]) {
      self.slots = slots
      self.memory = memory
      self.gpus = gpus
      self.pools = pools
    }
  }

  /// How many launches a step that does not fit lets pass.
  static let patience = 64

  private let graph: BuildGraph
  private let demands: [Demand]
  private let keepGoing: Bool
  private let priorities: [Double]
  private var states: [State]
  private var missing: [Int32]
  private var free: Capacity
  private var queue = ReadyQueue()
  private var held: [BuildGraph.NodeID: (demand: Demand, gpus: [String])] = [:]
  // Nodes that run again because their bytes were lost. Their dependents in the graph have been told of them before;
  // only those in `extraDependents` wait for them now.
  private var rebuilding: Set<BuildGraph.NodeID> = []
  private var extraDependents: [BuildGraph.NodeID: [BuildGraph.NodeID]] = [:]
  private var passed = 0
  private var open = 0
  private var stopped = false
  private var finished = false

  /// A run that is to bring the needed nodes up to date.
  ///
  /// - Parameters:
  ///   - needed: for each node whether it is wanted.
  ///   - demands: for each step of the graph what its instances need; each fits into `capacity`.
  ///   - priorities: for each node the length of the longest path that begins with it; larger starts first.
  public init(
    graph: BuildGraph, needed: [Bool], demands: [Demand], priorities: [Double], capacity: Capacity, keepGoing: Bool
  ) {
    self.graph = graph
    self.demands = demands
    self.priorities = priorities
    self.keepGoing = keepGoing
    free = capacity
    states = needed.map { $0 ? .waiting : .unneeded }
    missing = graph.dependencyCounts
    open = needed.count { $0 }
  }

  /// The state of a node.
  public func state(of node: BuildGraph.NodeID) -> State { states[node] }

  /// Whether nothing new starts any more.
  public var isStopped: Bool { stopped }

  /// How many needed nodes are neither done nor failed nor skipped.
  public var unfinished: Int { open }

  /// The nodes that run now, in no order.
  public var running: [BuildGraph.NodeID] { Array(held.keys) }

  /// Takes in what happened and says what to do, in order.
  public mutating func handle(_ event: Event) -> [Command] {
    var commands: [Command] = []
    switch event {
    case .start:
      let initial = states.indices.filter { states[$0] == .waiting && missing[$0] == 0 }
      check(initial, &commands)
    case .upToDate(let node):
      release(node)
      settle(node, .done, &commands)
    case .mustRun(let node):
      if stopped {
        settle(node, .skipped, &commands)
        commands.append(.skip([node]))
      } else {
        move(node, to: .ready)
        queue.push(node, priorities[node])
      }
    case .busy(let node):
      release(node)
      move(node, to: .held)
    case .released(let node):
      // It may have been given up since: the maker failed, and nothing new starts.
      if states[node] == .held { check([node], &commands) }
    case .succeeded(let node):
      release(node)
      settle(node, .done, &commands)
    case .failed(let node, let retry):
      release(node)
      if retry && !stopped {
        move(node, to: .ready)
        queue.push(node, priorities[node])
      } else {
        settle(node, .failed, &commands)
        if !keepGoing { stop(&commands) }
      }
    case .inputsLost(let node, let makers):
      release(node)
      rebuild(makers, for: node, &commands)
    case .stop:
      stop(&commands)
    }
    launch(&commands)
    if open == 0, !finished {
      finished = true
      commands.append(.finish)
    }
    return commands
  }

  // MARK: moves

  private mutating func move(_ node: BuildGraph.NodeID, to state: State) {
    let from = states[node]
    let allowed =
      switch (from, state) {
      case (.waiting, .checking), (.held, .checking), (.checking, .done), (.checking, .ready), (.checking, .held),
        (.ready, .running), (.running, .done), (.running, .failed), (.running, .ready), (.running, .held),
        (.running, .waiting), (.done, .checking), (.waiting, .done), (.waiting, .skipped), (.ready, .skipped),
        (.held, .skipped), (.checking, .skipped):
        true
      default: false
      }
    precondition(
      allowed, "scheduler: \(graph.instanceCount > node ? graph.name(of: node) : "collection") \(from) → \(state)")
    states[node] = state
  }

  private mutating func check(_ nodes: [BuildGraph.NodeID], _ commands: inout [Command]) {
    var instances: [BuildGraph.NodeID] = []
    var worklist = nodes
    while let node = worklist.popLast() {
      if node < graph.instanceCount {
        move(node, to: .checking)
        instances.append(node)
      } else {
        // A collection is there as soon as its members are.
        move(node, to: .done)
        open -= 1
        worklist += unblocked(by: node)
      }
    }
    if !instances.isEmpty { commands.append(.check(instances.sorted())) }
  }

  // The nodes for which `node` was the last thing missing.
  private mutating func unblocked(by node: BuildGraph.NodeID) -> [BuildGraph.NodeID] {
    var next: [BuildGraph.NodeID] = []
    for dependent in waitingNodes(for: node) where states[dependent] == .waiting {
      missing[dependent] -= 1
      if missing[dependent] == 0 { next.append(dependent) }
    }
    return next
  }

  private mutating func waitingNodes(for node: BuildGraph.NodeID) -> [BuildGraph.NodeID] {
    let extra = extraDependents.removeValue(forKey: node) ?? []
    if rebuilding.remove(node) != nil { return extra }
    return graph.dependents(of: node).map(Int.init) + extra
  }

  private mutating func settle(_ node: BuildGraph.NodeID, _ state: State, _ commands: inout [Command]) {
    move(node, to: state)
    open -= 1
    switch state {
    case .done: check(unblocked(by: node), &commands)
    default: skipDependents(of: node, &commands)
    }
  }

  private mutating func skipDependents(of node: BuildGraph.NodeID, _ commands: inout [Command]) {
    var skipped: [BuildGraph.NodeID] = []
    var worklist = [node]
    while let current = worklist.popLast() {
      for dependent in waitingNodes(for: current) where states[dependent] == .waiting {
        move(dependent, to: .skipped)
        open -= 1
        if dependent < graph.instanceCount { skipped.append(dependent) }
        worklist.append(dependent)
      }
    }
    if !skipped.isEmpty { commands.append(.skip(skipped.sorted())) }
  }

  private mutating func stop(_ commands: inout [Command]) {
    guard !stopped else { return }
    stopped = true
    var skipped: [BuildGraph.NodeID] = []
    for node in states.indices where [.waiting, .ready, .held].contains(states[node]) {
      move(node, to: .skipped)
      open -= 1
      if node < graph.instanceCount { skipped.append(node) }
    }
    queue = ReadyQueue()
    if !skipped.isEmpty { commands.append(.skip(skipped)) }
  }

  // The makers of lost bytes are looked at again although their results were known; `node` waits for them. It is given
  // up when they cannot run: the run was stopped, or one of them has been tried again already and failed.
  private mutating func rebuild(
    _ makers: [BuildGraph.NodeID], for node: BuildGraph.NodeID, _ commands: inout [Command]
  ) {
    move(node, to: .waiting)
    missing[node] = 0
    if stopped || makers.contains(where: { states[$0] == .failed || states[$0] == .skipped }) {
      commands.append(.skip([node]))
      settle(node, .skipped, &commands)
      return
    }
    var again: [BuildGraph.NodeID] = []
    for maker in Set(makers).sorted() {
      if states[maker] == .done {
        rebuilding.insert(maker)
        move(maker, to: .checking)
        open += 1
        again.append(maker)
      }
      missing[node] += 1
      extraDependents[maker, default: []].append(node)
    }
    if !again.isEmpty { commands.append(.check(again)) }
    if missing[node] == 0 { check([node], &commands) }
  }

  // MARK: resources

  private mutating func release(_ node: BuildGraph.NodeID) {
    guard let grant = held.removeValue(forKey: node) else { return }
    free.slots += grant.demand.slots
    free.memory += grant.demand.memory
    free.gpus += grant.gpus
    free.gpus.sort()
    for (pool, units) in grant.demand.pools { free.pools[pool, default: 0] += units }
  }

  private func fits(_ demand: Demand) -> Bool {
    demand.slots <= free.slots && demand.memory <= free.memory && demand.gpus <= free.gpus.count
      && demand.pools.allSatisfy { $0.value <= free.pools[$0.key, default: 0] }
  }

  private mutating func launch(_ commands: inout [Command]) {
    guard !stopped, free.slots > 0 else { return }
    var waiting: [BuildGraph.NodeID] = []
    while free.slots > 0, let node = queue.pop() {
      let demand = demands[Int(graph.stepOfInstance[node])]
      guard fits(demand) else {
        waiting.append(node)
        if passed >= Self.patience || waiting.count > Self.patience { break }
        continue
      }
      if !waiting.isEmpty { passed += 1 } else { passed = 0 }
      free.slots -= demand.slots
      free.memory -= demand.memory
      let gpus = Array(free.gpus.prefix(demand.gpus))
      free.gpus.removeFirst(demand.gpus)
      for (pool, units) in demand.pools { free.pools[pool, default: 0] -= units }
      held[node] = (demand, gpus)
      move(node, to: .running)
      commands.append(.launch(node, gpus: gpus))
    }
    for node in waiting { queue.push(node, priorities[node]) }
  }
}
