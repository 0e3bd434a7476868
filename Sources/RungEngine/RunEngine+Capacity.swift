import RungCore
import RungModel
import RungPlan

// How much of this machine and of others steps may use together.
extension RunEngine {
  static func capacity(
    _ session: Session, _ options: RunOptions, _ fleet: FleetExecutor? = nil, _ needed: [Bool] = []
  ) -> Scheduler.Capacity {
    let settings = session.project.settings
    let here = Scheduler.Capacity(
      slots: options.jobs ?? settings.jobs ?? session.host.processors,
      memory: settings.memory?.bytes ?? session.host.memory, gpus: settings.gpus ?? session.host.gpus,
      pools: settings.pools)
    guard let fleet else { return here }
    var largest = Fleet.Size()
    for (index, step) in session.graph.steps.enumerated() where session.isElsewhere(step: index) {
      guard (step.first..<(step.first + step.count)).contains(where: { needed[$0] }) else { continue }
      let wants = step.step.resources
      largest.cpus = max(largest.cpus, wants.cpus)
      largest.memory = max(largest.memory, wants.memory?.bytes ?? 0)
      largest.gpus = max(largest.gpus, wants.gpus)
    }
    let there = fleet.capacity(largest: largest)
    // Steps that are executed here are held back by a pool of their own.
    var pools = here.pools
    pools[hereProcessors] = here.slots
    pools[hereMemory] = Int(clamping: here.memory >> 20)
    return Scheduler.Capacity(
      slots: there.cpus + here.slots,
      memory: there.memory == .max ? .max : there.memory + here.memory,
      gpus: (0..<there.gpus).map { "\($0)" }, pools: pools)
  }

  // Names that no pool of a pipeline file can have.
  private static let hereProcessors = "processors of this machine"
  private static let hereMemory = "memory of this machine"

  // The ids of GPUs come from the workers: those of this machine cannot be told from them.
  static func localGPUs(_ session: Session, _ needed: [Bool]) -> [Diagnostic] {
    session.graph.steps.enumerated().compactMap { index, step in
      guard step.step.resources.gpus > 0, !session.isElsewhere(step: index),
        (step.first..<(step.first + step.count)).contains(where: { needed[$0] })
      else { return nil }
      return Diagnostic(
        .error,
        "step '\(step.path)' needs a GPU of this machine ('executor: local') in a run that has workers elsewhere",
        at: step.step.location,
        notes: ["let a worker execute it, or bring it up to date first: rung run --executor local \(step.path)"])
    }
  }

  // Steps that stay here get no more together than this machine has.
  static func bindToHere(_ demands: inout [Scheduler.Demand], _ session: Session, _ options: RunOptions) {
    let here = capacity(session, options)
    for index in demands.indices where !session.isElsewhere(step: index) {
      demands[index].pools[hereProcessors] = min(demands[index].slots, here.slots)
      demands[index].pools[hereMemory] = Int(clamping: min(demands[index].memory, here.memory) >> 20)
    }
  }
}

extension Session {
  /// Whether a step is executed by a worker elsewhere, when the run has some.
  func isElsewhere(step index: Int) -> Bool {
    let step = graph.steps[index].step
    if case .claims = step.command { return false }
    return (step.executor ?? executor) != .local
  }

  /// Whether some of these instances are executed elsewhere.
  public func needsFleet(_ targets: [BuildGraph.NodeID]) -> Bool {
    let needed = self.targets.closure(of: targets)
    return graph.steps.indices.contains { index in
      let step = graph.steps[index]
      return isElsewhere(step: index) && (step.first..<(step.first + step.count)).contains { needed[$0] }
    }
  }

  /// What the steps that would run for certain need of a cluster, in the order of the graph.
  public func fleetNeeds(_ survey: Survey) -> [Fleet.Need] {
    graph.instanceOrder.compactMap { instance in
      let index = Int(graph.stepOfInstance[instance])
      guard survey.standing[instance] == .wouldRun, isElsewhere(step: index) else { return nil }
      let step = graph.steps[index].step
      let size = Fleet.Size(
        cpus: step.resources.cpus, memory: step.resources.memory?.bytes ?? 0, gpus: step.resources.gpus)
      return Fleet.Need(size: size, time: step.timeout?.nanoseconds, resumes: !step.keep.isEmpty)
    }
  }
}
