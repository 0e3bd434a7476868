import RungCore

/// A run whose results are kept until it is unpinned.
public struct PinRow: Hashable, Sendable {
  /// The run.
  public var run: String
  /// The project that it belongs to.
  public var project: String
  /// When it was pinned, in nanoseconds since 1970.
  public var at: Int64
  /// Why, in the words of whoever pinned it; nil when nothing was said.
  public var because: String?

  /// A pin.
  public init(run: String, project: String, at: Int64, because: String? = nil) {
    self.run = run
    self.project = project
    self.at = at
    self.because = because
  }
}

/// That a run has taken a result from the cache. Written at most once a day for each result, so that a run that finds
/// nothing to do mostly writes nothing.
public struct UseRow: Hashable, Sendable {
  /// The record of the result.
  public var record: Digest
  /// When, in nanoseconds since 1970.
  public var at: Int64

  /// A use.
  public init(record: Digest, at: Int64) {
    self.record = record
    self.at = at
  }
}

/// Something of the user's that a published copy took the place of: no record names it, and it cannot be made again.
public struct DisplacedRow: Hashable, Sendable {
  /// The content, an object of the store.
  public var digest: Digest
  /// Whether it is a folder.
  public var isTree: Bool
  /// The project.
  public var project: String
  /// Where it lay in the project.
  public var path: String
  /// When, in nanoseconds since 1970.
  public var at: Int64

  /// An entry.
  public init(digest: Digest, isTree: Bool, project: String, path: String, at: Int64) {
    self.digest = digest
    self.isTree = isTree
    self.project = project
    self.path = path
    self.at = at
  }
}

/// That the bytes of a result were freed by a collection: that they are missing is no damage.
public struct CollectedRow: Hashable, Sendable {
  /// The record of the result, which stays.
  public var record: Digest
  /// When, in nanoseconds since 1970.
  public var at: Int64

  /// An entry.
  public init(record: Digest, at: Int64) {
    self.record = record
    self.at = at
  }
}
