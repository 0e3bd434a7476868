import RungExec
import RungModel
import RungPlan

/// What a run is asked to do.
public struct RunOptions: Sendable {
  /// The instances wanted; what they need is brought up to date too.
  public var targets: [BuildGraph.NodeID]
  /// Processors' worth of steps at a time; nil for what the project or the machine says.
  public var jobs: Int?
  /// Whether steps that do not depend on a failed one still run.
  public var keepGoing = false
  /// Whether the targets run although their results are known.
  public var force = false
  /// Whether copies of outputs are put into the project.
  public var publishes = true
  /// What steps see otherwise than usual, to put their results to the test; nil for nothing.
  public var variation: Variation?
  /// Where results are looked for that are not in the cache, and given to; nil for nowhere.
  public var remotes: RemoteCaches?
  /// The words of the command line, for the record of the run.
  public var arguments: [String] = []

  /// A run of these instances.
  public init(targets: [BuildGraph.NodeID]) { self.targets = targets }
}
