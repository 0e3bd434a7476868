/// The keys that each mapping of the format may have: the one list for the readers, the suggestions and the JSON Schema.
enum Keys {
  /// A pipeline file.
  static let pipeline = [
    "pipeline", "about", "parameters", "axes", "environment", "defaults", "steps", "profiles", "claims",
  ]
  /// A step, and `defaults`.
  static let step = [
    "kind", "over", "exclude", "include", "run", "shell", "inputs", "outputs", "environment", "resources", "timeout",
    "grace", "executor", "retries", "env", "secrets", "network", "watch", "keep", "deterministic", "uses", "repeat",
  ]
  /// Keys of a step that make no sense for all steps at once.
  static let notForDefaults = ["uses", "repeat"]
  /// An axis written as a mapping.
  static let axis = [
    "values", "range", "step", "log", "linear", "zip", "table", "key", "replicates", "from", "exclude", "include",
  ]
  /// The keys of an axis of which there is exactly one.
  static let axisForms = ["values", "range", "log", "linear", "zip", "table", "replicates", "from"]
  /// An environment.
  static let environment = ["python", "interpreter"]
  /// An input written as a mapping.
  static let input = ["path", "glob"]
  /// An output written as a mapping.
  static let output = ["path", "publish", "directory", "tolerance", "compression", "recompute"]
  /// What `compression` may be besides a level.
  static let compression = ["auto", "raw"]
  /// A tolerance.
  static let tolerance = ["absolute", "relative"]
  /// Resources that are not pools.
  static let resources = ["cpus", "memory", "gpus"]
  /// A claim.
  static let claim = [
    "says", "measured", "predicted", "within", "at_most", "at_least", "over", "where", "statistic", "independent",
    "expect",
  ]
  /// How far a measurement may lie from a prediction.
  static let claimTolerance = ["absolute", "relative", "log", "sigma", "z"]
  /// A loop.
  static let loop = ["until", "at_most"]
  /// A profile.
  static let profile = ["parameters", "axes"]
  /// rung.yaml.
  static let settings = [
    "cache", "jobs", "watch", "watch_floor", "pools", "memory", "gpus", "staging", "stamps", "executor", "slurm",
    "remote", "trust",
  ]
  /// `slurm` of rung.yaml.
  static let slurm = [
    "partition", "account", "constraint", "time", "cpus", "memory", "gpus", "workers", "idle", "separate", "options",
    "exchange", "rung",
  ]
  /// A remote written as a mapping.
  static let remote = ["url", "name", "push"]
}
