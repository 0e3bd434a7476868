import Glibc
import RungCore
import RungEngine
import RungExec
import RungModel
import RungPlan
import RungStore

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
    let settings = session.project.settings
    var options = FleetExecutor.Options(
      project: session.project.root, cache: session.cache, version: Rung.version, limits: Self.limits(settings),
      staging: settings.staging?.bytes)
    options.variables = callerVariables()
    options.exchange = try Self.exchange(settings, cache: session.cache)
    let fleet = try FleetExecutor(options, cluster: Self.cluster(settings), store: session.store) { listener.tell($0) }
    made = fleet
    return fleet
  }

  /// Lets the workers go; returns when their jobs are over.
  func close() {
    made?.close()
    made = nil
  }

  // Where several machines see the cache's file system, its index is for one of them alone, and locks must be everybody's.
  private static func exchange(_ settings: ProjectSettings, cache: String) throws -> FleetExecutor.Exchange? {
    let named = settings.slurm.exchange.map { FleetExecutor.Exchange.address($0) }
    guard let kind = SharedFileSystem.name(of: cache) else { return named }
    if let problem = SharedFileSystem.lockProblem(of: cache) {
      throw RequestError(
        message: "workers on other machines cannot use the cache in '\(cache)', which lies on \(kind): \(problem)",
        hints: ["mount it with locks that all machines see, or put the cache elsewhere: 'cache' in rung.yaml"])
    }
    return named ?? .own
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
