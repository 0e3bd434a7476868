import RungCore

/// Who executes steps.
public enum ExecutorKind: String, Hashable, Sendable, CaseIterable {
  /// Processes of this machine.
  case local
  /// Workers in allocations of a Slurm cluster.
  case slurm
}

extension ProjectSettings {
  /// What `slurm` in rung.yaml says of the workers of a run.
  public struct Slurm: Hashable, Sendable {
    /// The partition; nil for the cluster's default.
    public var partition: String?
    /// The account that is charged.
    public var account: String?
    /// Features that nodes must have.
    public var constraint: String?
    /// How long a worker lives.
    public var time = TimeSpan(nanoseconds: 3600_000_000_000)
    /// Processors of a worker.
    public var cpus = 1
    /// Main memory of a worker; nil for the partition's default, which nobody counts then.
    public var memory: ByteCount?
    /// GPUs of a worker.
    public var gpus = 0
    /// How many jobs there are at a time.
    public var workers = 4
    /// A worker with nothing to do ends after so long.
    public var idle = TimeSpan(nanoseconds: 60_000_000_000)
    /// Steps with a longer timeout get a job of their own; nil for those that do not fit into a worker's time.
    public var separate: TimeSpan?
    /// More options for sbatch, as they are.
    public var options: [String] = []
    /// The address of a remote cache through which objects go to workers and back, or a folder that all nodes see; nil
    /// where workers can use the cache itself.
    public var exchange: String?
    /// The path of rung on the nodes; nil for that of this program.
    public var rung: String?

    /// What is meant where rung.yaml says nothing.
    public init() {}
  }
}
