import RungCore
import RungModel
import RungPlan
import RungStore

/// Whether a round was the last of its loop.
enum LoopEnding: Equatable {
  /// It says so, or says that it was not.
  case says(Bool)
  /// It says neither: a sentence without a full stop.
  case unclear(String)

  init(_ loop: Loop, in document: JSON) {
    guard let value = document[loop.place] else {
      let names = document.members?.prefix(8).map(\.name).joined(separator: ", ") ?? ""
      self = .unclear(
        "there is nothing at \(loop.condition)" + (names.isEmpty ? "" : "; the members there are \(names)"))
      return
    }
    switch value {
    case .bool(let ended): self = .says(ended)
    case .null: self = .says(false)
    default: self = .unclear("\(loop.condition) is neither true nor false but \(String(value.compact.prefix(60)))")
    }
  }
}

extension ObjectStore {
  /// What an output of a round says. Bytes that cannot be read are unclear.
  func ending(of loop: Loop, _ digest: Digest) -> LoopEnding {
    do {
      return LoopEnding(loop, in: try JSON(parsing: try read(digest, limit: 64 << 20)))
    } catch let error as StoreError {
      return .unclear(error.message)
    } catch {
      return .unclear("the output '\(loop.output)' is no JSON: \(error)")
    }
  }
}

extension Session {
  /// The result that stands for an instance because its loop had ended before: that of the round before, or what stands
  /// for that. Nil for an instance that has to be looked at by itself. The round before must be known.
  func settled(_ instance: BuildGraph.NodeID) -> KnownResult? {
    // In place: a copy of the step would cost more than all the rest.
    let index = Int(graph.stepOfInstance[instance])
    guard let loop = graph.steps[index].step.loop,
      let round = graph.steps[index].round(of: instance - graph.steps[index].first), round > 1,
      let before = resolver.value.results[instance - 1]
    else { return nil }
    if before.settledBy != nil { return before }
    guard let output = before.outputs.first(where: { $0.name == loop.output }) else { return nil }
    let hasEnded: Bool
    if let known = loopEndings[loop]?[output.digest] {
      hasEnded = known
    } else {
      hasEnded = store.ending(of: loop, output.digest) == .says(true)
      loopEndings[loop, default: [:]][output.digest] = hasEnded
    }
    guard hasEnded else { return nil }
    return KnownResult(key: before.key, record: before.record, outputs: before.outputs, settledBy: instance - 1)
  }

  /// Surveyed instances, each once, and for rounds that a loop did not need the round with which it ended.
  public func executed(_ instances: [BuildGraph.NodeID]) -> [BuildGraph.NodeID] {
    var seen: Set<BuildGraph.NodeID> = []
    return instances.map(resolver.value.maker).filter { seen.insert($0).inserted }
  }

  /// Whether a known instance is a round that was not needed any more.
  func isSettled(_ instance: BuildGraph.NodeID) -> Bool { resolver.value.results[instance]?.settledBy != nil }
}
