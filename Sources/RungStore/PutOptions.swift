import RungCore

/// How an object's bytes are to be stored. Never a part of its name.
public enum Compression: Hashable, Sendable {
  /// As measured: what does not shrink is stored as it is, numbers are grouped by byte where that helps.
  case auto
  /// As they are.
  case raw
  /// At this level of zstd, 1 to 19.
  case level(Int)
}

/// What the store may be told about bytes that are put.
public struct PutOptions: Sendable {
  /// How to store them.
  public var compression: Compression
  /// Earlier versions of the same thing, the likeliest first: what they share with it is then stored once, where a
  /// measurement says that this pays. Of a folder: earlier versions of the folder.
  public var earlier: [Digest]

  /// Options; by default the store decides.
  public init(compression: Compression = .auto, earlier: [Digest] = []) {
    self.compression = compression
    self.earlier = earlier
  }
}
