import RungCore
import RungPlan

/// What a run tells all of its workers.
struct FleetSettings: Sendable {
  /// The version of Rung; a worker of another one does not begin.
  var version: String
  /// The project's folder.
  var project: String
  /// The cache.
  var cache: String
  /// How much of the disk inputs may take that steps have in common, in bytes.
  var staging: Int64?
  /// How long a worker waits for another run when its run is gone, in nanoseconds.
  var patience: Int64
  /// The address through which objects go, where run and workers cannot use one store; nil where they can.
  var exchange: String?

  var json: JSON {
    [
      "version": .string(version), "project": .string(project), "cache": .string(cache),
      "staging": staging.map { .int($0) } ?? .null, "patience_ns": .int(patience), "exchange": .optional(exchange),
    ]
  }

  init(version: String, project: String, cache: String, staging: Int64?, patience: Int64, exchange: String?) {
    self.exchange = exchange
    self.version = version
    self.project = project
    self.cache = cache
    self.staging = staging
    self.patience = patience
  }

  init?(json: JSON) {
    guard let version = json["version"]?.string, let project = json["project"]?.string,
      let cache = json["cache"]?.string, let patience = json["patience_ns"]?.int
    else { return nil }
    self.init(
      version: version, project: project, cache: cache, staging: json["staging"]?.int.map(Int64.init),
      patience: Int64(patience), exchange: json["exchange"]?.string)
  }
}

extension Fleet.Size {
  var json: JSON { ["cpus": .int(cpus), "memory": .int(memory), "gpus": .int(gpus)] }

  init?(json: JSON) {
    guard let cpus = json["cpus"]?.int, let memory = json["memory"]?.int, let gpus = json["gpus"]?.int else {
      return nil
    }
    self.init(cpus: cpus, memory: Int64(memory), gpus: gpus)
  }
}

extension Fleet.Loss {
  var word: String {
    switch self {
    case .left: "left"
    case .machine: "machine"
    case .memory: "memory"
    case .time: "time"
    case .preempted: "preempted"
    }
  }

  init?(word: String) {
    guard let loss = Self.allCases.first(where: { $0.word == word }) else { return nil }
    self = loss
  }
}
