import RungCore

/// Where a step was executed, when that was a job of a cluster.
public struct StepPlace: Hashable, Sendable {
  /// The host's name.
  public var host: String
  /// The cluster's software: `slurm`.
  public var cluster: String
  /// The job, as the cluster calls it.
  public var job: String
  /// The node, as the cluster calls it.
  public var node: String
  /// The partition, if the cluster says.
  public var partition: String?

  /// A place.
  public init(host: String, cluster: String, job: String, node: String, partition: String? = nil) {
    self.host = host
    self.cluster = cluster
    self.job = job
    self.node = node
    self.partition = partition
  }

  /// As `init(json:)` reads it.
  public var json: JSON {
    [
      "host": .string(host), "cluster": .string(cluster), "job": .string(job), "node": .string(node),
      "partition": .optional(partition),
    ]
  }

  /// Nil when it is no place.
  public init?(json: JSON) {
    guard let host = json["host"]?.string, let cluster = json["cluster"]?.string, let job = json["job"]?.string,
      let node = json["node"]?.string
    else { return nil }
    self.init(host: host, cluster: cluster, job: job, node: node, partition: json["partition"]?.string)
  }
}

/// What a step was seen to use, kept in the store already by the worker that executed it: only there the files are what
/// the step saw.
public struct KeptObservation: Hashable, Sendable {
  /// The set of project files, an object.
  public var project: Digest?
  /// The set of files of the machine, an object.
  public var system: Digest?
  /// Why it is not the whole truth, sentences.
  public var problems: [String]
  /// Files that changed while the step ran.
  public var changed: [String]

  /// What was kept.
  public init(project: Digest? = nil, system: Digest? = nil, problems: [String] = [], changed: [String] = []) {
    self.project = project
    self.system = system
    self.problems = problems
    self.changed = changed
  }
}
