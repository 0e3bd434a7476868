import Glibc
import RungCore
import RungEngine
import RungExec
import RungModel
import RungPlan

/// The workers of one `rung run`, for all of its stages: there from the first that needs them.
final class RunFleet {
  private var made: FleetExecutor?
  // Workers may outlast a stage: what is told is told to the view of the one that goes on.
  private let listener = FleetListener()

  /// The executor for these targets; nil when all that they need is executed here.
  func executor(
    for session: Session, _ targets: [BuildGraph.NodeID], warn: @escaping @Sendable (String) -> Void
  ) throws -> FleetExecutor? {
    guard session.needsFleet(targets) else { return made }
    listener.set(warn)
    if let made { return made }
    let listener = listener
    let fleet = try FleetExecutor(
      FleetExecutor.Options(
        project: session.project.root, cache: session.cache, version: Rung.version,
        limits: Self.limits(session.project.settings), staging: session.project.settings.staging?.bytes),
      cluster: Self.cluster(session.project.settings), store: session.store
    ) { listener.tell($0) }
    made = fleet
    return fleet
  }

  /// Lets the workers go; returns when their jobs are over.
  func close() {
    made?.close()
    made = nil
  }

  /// Slurm, as rung.yaml describes it.
  static func cluster(_ settings: ProjectSettings) -> any Cluster {
    let own = realpath("/proc/self/exe", nil)
    defer { free(own) }
    return SlurmCluster(
      settings.slurm, variables: callerVariables(), rung: own.map { String(cString: $0) } ?? "rung")
  }

  /// What rung.yaml allows.
  static func limits(_ settings: ProjectSettings) -> Fleet.Limits {
    let slurm = settings.slurm
    return Fleet.Limits(
      worker: Fleet.Size(cpus: slurm.cpus, memory: slurm.memory?.bytes ?? 0, gpus: slurm.gpus),
      time: slurm.time.nanoseconds, workers: slurm.workers, idle: slurm.idle.nanoseconds,
      separate: slurm.separate?.nanoseconds)
  }
}
