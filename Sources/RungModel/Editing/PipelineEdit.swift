import RungCore

/// A pipeline file with declared inputs added to one of its steps.
public struct PipelineEdit: Hashable, Sendable {
  /// The whole file.
  public var text: [UInt8]
  /// The inputs that were added, in their order.
  public var added: [Added]
  /// The parts of `text` that were not there before, in their order, apart from each other. Without them, and with
  /// `replaced` in the place of the first, `text` is what it was.
  public var insertions: [Range<Int>]
  /// What the first insertion took the place of: a `null` or `~`; empty for anything else.
  public var replaced: [UInt8]

  /// An input as it was written.
  public struct Added: Hashable, Sendable {
    /// The name; nil in a list, which has none.
    public var name: String?
    /// From the project's root: a path, or a glob.
    public var path: RelativePath

    /// An input that was added.
    public init(name: String?, path: RelativePath) {
      self.name = name
      self.path = path
    }
  }

  /// An edit from its parts.
  public init(text: [UInt8], added: [Added], insertions: [Range<Int>], replaced: [UInt8] = []) {
    self.text = text
    self.added = added
    self.insertions = insertions
    self.replaced = replaced
  }

  /// The file as it was before.
  public var before: [UInt8] {
    var bytes: [UInt8] = []
    var at = 0
    for (index, insertion) in insertions.enumerated() {
      bytes += text[at..<insertion.lowerBound]
      if index == 0 { bytes += replaced }
      at = insertion.upperBound
    }
    return bytes + text[at...]
  }
}
