import RungCore
import RungEngine
import RungPlan

/// What a run would ask of a cluster, for `rung run --dry-run`.
struct FleetPreview {
  /// Equal allocations.
  struct Submission {
    /// How many.
    var count: Int
    /// The command that asks for them.
    var command: [String]
  }

  /// How many steps would begin at once in workers.
  let steps: Int
  /// What would be asked for them, alike ones together.
  let submissions: [Submission]
  private let cluster: String

  /// For the instances that would run for certain; nil when none of them is for a cluster.
  init?(_ session: Session, _ survey: Survey) {
    let settings = session.project.settings
    let needs = session.fleetNeeds(survey)
    guard !needs.isEmpty else { return nil }
    var fleet = Fleet(limits: RunFleet.limits(settings))
    let cluster = RunFleet.cluster(settings)
    var counts: [Fleet.Allocation: Int] = [:]
    var kinds: [Fleet.Allocation] = []
    for (id, need) in needs.enumerated() { _ = fleet.handle(.wanted(id, need), now: 0) }
    for case .submit(_, let allocation, let count) in fleet.handle(.tick, now: 0) {
      var kind = allocation
      kind.task = nil
      if counts.updateValue(counts[kind, default: 0] + count, forKey: kind) == nil { kinds.append(kind) }
    }
    steps = needs.count
    self.cluster = cluster.name
    submissions = kinds.map { kind in
      let count = counts[kind] ?? 1
      return Submission(
        count: count,
        command: cluster.command(
          kind, count: count, fleet: "\(session.cache)/fleet/NAME",
          note: JobNote(fleet: "NAME", size: kind.size, time: kind.time, task: nil).text))
    }
  }

  /// For people, a line each.
  var lines: [String] {
    let jobs = submissions.reduce(0) { $0 + $1.count }
    return [
      "\(steps) \(steps == 1 ? "step" : "steps") would begin at once, in \(jobs) \(cluster) \(jobs == 1 ? "job" : "jobs"):"
    ] + submissions.map { "  " + $0.command.map(Substitution.quoted).joined(separator: " ") }
  }

  /// For programs.
  var json: JSON {
    .array(
      submissions.map { ["count": .int($0.count), "command": .array($0.command.map { .string($0) })] })
  }
}
