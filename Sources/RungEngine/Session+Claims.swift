import RungCore
import RungLedger
import RungModel
import RungPlan

/// How a pipeline's claims stand.
public struct ClaimStanding: Sendable {
  /// The pipeline.
  public let pipeline: String
  /// The instance that judges its claims.
  public let instance: String
  /// The claims as declared, in the order of the file.
  public var claims: [Claim]
  /// The verdicts as they were stored, by the name of the claim; empty when none were found.
  public let verdicts: [String: JSON]
  /// Whether they are about what the steps give now.
  public let isCurrent: Bool
  /// The record of the judgement; nil when there is none.
  public let record: Digest?
}

extension Session {
  /// The instances that judge claims, among those that targets name; all for no targets.
  public func judging(_ pipelines: Set<String>?) -> [BuildGraph.NodeID] {
    graph.steps.filter { step in
      guard case .claims = step.step.command else { return false }
      return pipelines?.contains(graph.pipelines[step.pipeline].name) ?? true
    }.map(\.first)
  }

  /// How the claims stand that surveyed instances judge: by what is up to date, else by what was judged last.
  public func standing(ofClaims instances: [BuildGraph.NodeID], _ survey: Survey) -> [ClaimStanding] {
    instances.compactMap { instance in
      let planned = graph.step(of: instance)
      guard case .claims(let claims) = planned.step.command else { return nil }
      let isCurrent = survey.standing[instance] == .current
      var record: Digest?
      var output: Digest?
      if isCurrent, let known = resolver.value.results[instance] {
        record = known.record
        output = known.outputs.first?.digest
      } else if let last = lastRecord(of: instance), last.record.outcome == .succeeded {
        record = last.digest
        output = last.record.outputs.first?.digest
      }
      let list = output.flatMap { try? store.read($0, limit: 1 << 28) }.flatMap { try? JSON(parsing: $0).array } ?? []
      let verdicts = Dictionary(
        list.compactMap { verdict in verdict["name"]?.string.map { ($0, verdict) } }, uniquingKeysWith: { $1 })
      return ClaimStanding(
        pipeline: graph.pipelines[planned.pipeline].name, instance: graph.name(of: instance), claims: claims,
        verdicts: verdicts, isCurrent: isCurrent, record: record)
    }
  }
}
