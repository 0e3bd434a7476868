import RungCore

/// Whether a result was seen to come out the same whenever it was made: what the executions on record say, no promise.
public enum Reproducibility: String, Sendable {
  /// Several executions of the same thing made the same bytes.
  case yes
  /// They did not.
  case no
  /// There was one.
  case unknown

  /// One execution that came to a result.
  public struct Execution: Hashable, Sendable {
    /// The action key.
    public var key: Digest
    /// The sets of files that it was observed to read, where it was.
    public var observed: [Digest?]

    /// An execution; those with equal parts did the same thing.
    public init(key: Digest, observed: [Digest?]) {
      self.key = key
      self.observed = observed
    }
  }

  /// What can be said of each thing that was executed, from what every single execution made (the digests of its outputs,
  /// in the order of their declaration).
  public static func judge(_ executions: [(Execution, outputs: [Digest])]) -> [Execution: Reproducibility] {
    var first: [Execution: [Digest]] = [:]
    var verdicts: [Execution: Reproducibility] = [:]
    for (execution, outputs) in executions {
      guard let before = first[execution] else {
        first[execution] = outputs
        verdicts[execution] = .unknown
        continue
      }
      if before != outputs {
        verdicts[execution] = .no
      } else if verdicts[execution] == .unknown {
        verdicts[execution] = .yes
      }
    }
    return verdicts
  }
}
