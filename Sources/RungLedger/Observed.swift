import RungCore

/// What one execution was observed to read: the digests of its two `ObservedSet` objects. Both are nil where nothing was
/// observed.
public struct Observed: Hashable, Sendable {
  /// The files of the project.
  public var project: Digest?
  /// The other files of the machine.
  public var system: Digest?

  /// An observation; without sets, none.
  public init(project: Digest? = nil, system: Digest? = nil) {
    self.project = project
    self.system = system
  }
}
