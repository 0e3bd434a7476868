import RungCore
import RungModel

extension Scheduler.Demand {
  /// What each step of the graph needs while it runs, in the graph's order; slots are cut to what there is. Throws when a
  /// step of which an instance is needed wants more of anything else than there is: all such mistakes at once.
  public static func of(
    _ graph: BuildGraph, needed: [Bool], capacity: Scheduler.Capacity
  ) throws(Diagnostics) -> [Scheduler.Demand] {
    var problems: [Diagnostic] = []
    var demands: [Scheduler.Demand] = []
    for step in graph.steps {
      let wants = step.step.resources
      let memory = wants.memory?.bytes ?? 0
      if (step.first..<(step.first + step.count)).contains(where: { needed[$0] }) {
        if wants.gpus > capacity.gpus.count {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(wants.gpus) \(wants.gpus == 1 ? "GPU" : "GPUs"); there are \(capacity.gpus.count)",
              at: step.step.location, notes: ["`gpus` in rung.yaml says which GPUs steps may use"]))
        }
        if memory > capacity.memory {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(ByteCount(bytes: memory)) of memory; steps may use \(ByteCount(bytes: capacity.memory))",
              at: step.step.location))
        }
        for (pool, units) in wants.pools.sorted(by: { $0.key < $1.key }) where units > capacity.pools[pool, default: 0]
        {
          problems.append(
            Diagnostic(
              .error,
              "step '\(step.path)' needs \(units) of '\(pool)'; there are \(capacity.pools[pool, default: 0])",
              at: step.step.location, notes: ["`pools` in rung.yaml says how many there are"]))
        }
      }
      demands.append(
        Scheduler.Demand(
          slots: min(wants.cpus, capacity.slots), memory: memory, gpus: wants.gpus, pools: wants.pools))
    }
    guard problems.isEmpty else { throw Diagnostics(problems) }
    return demands
  }
}
