import RungCore

/// What a source has touched: the published files and the latest results that were made from it, and which content of it
/// that was.
public struct Impact: Sendable {
  /// A content that the source had when it was read.
  public struct Content: Hashable, Sendable {
    /// The content; of a folder its manifest.
    public let digest: Digest
    /// Whether the source has it now.
    public let isCurrent: Bool
    /// Where it lay in the project, sorted.
    public let paths: [String]
    /// The steps (`pipeline/step`) that read it themselves, sorted.
    public let readers: [String]
  }

  /// A published file that the source is behind.
  public struct Figure: Hashable, Sendable {
    /// Where it was published.
    public let path: String
    /// Its content, as it was published.
    public let digest: Digest
    /// The instance that made it.
    public let instance: String
    /// The output's name.
    public let output: String
    /// The record of its making.
    public let record: Digest
    /// The contents of the source that are behind it, as indices of `contents`.
    public let contents: [Int]
    /// The steps on the way from the source to it, makers first.
    public let through: [String]
  }

  /// An instance whose latest result the source is behind.
  public struct Touched: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// `pipeline/step`.
    public let step: String
    /// The record of its latest result.
    public let record: Digest
    /// The contents of the source that are behind it, as indices of `contents`.
    public let contents: [Int]
    /// True when it reads the source itself.
    public let isDirect: Bool
  }

  /// The source as it was asked for.
  public let source: String
  /// Its path in the project; nil when it is known by its content alone.
  public let path: String?
  /// What it holds now; nil when there is nothing at the path.
  public let digest: Digest?
  /// Every content of it that is behind something, the current one first.
  public let contents: [Content]
  /// By path.
  public let figures: [Figure]
  /// By name.
  public let instances: [Touched]
  /// What could not be read, on the way to any published file or latest result.
  public let incomplete: [Lineage.Gap]
}
