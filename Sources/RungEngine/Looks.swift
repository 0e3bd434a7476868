import RungCore

/// What a run saw where it looked at the disk, so that a later one can find out cheaply that all is as it was.
struct Looks {
  /// What was at a path.
  enum Seen: Hashable {
    case absent
    case file(Digest, executable: Bool)
    case folder
    /// A folder whose names counted: the digest of these, each with what kind of thing it is.
    case listing(Digest)
    case link(Digest)
    /// A regular file, whatever is in it.
    case anyFile
    /// Neither, or one that may not be read.
    case other
  }

  /// Relative to the project, or absolute; links followed.
  private(set) var followed: [String: Seen] = [:]
  /// The same, links not followed.
  private(set) var unfollowed: [String: Seen] = [:]
  /// Published copies, links followed: apart from the rest, because a run writes there itself, and what a step was judged by
  /// must not be taken for what lies there afterwards.
  private(set) var copies: [String: Seen] = [:]
  /// The path was seen in two ways: the disk has changed in the middle of the run.
  private(set) var isContradictory = false

  /// Notes what is at a path.
  mutating func note(_ path: String, follows: Bool, _ seen: Seen) {
    let clash = follows ? Self.merge(&followed, path, seen) : Self.merge(&unfollowed, path, seen)
    if clash { isContradictory = true }
  }

  /// Notes what a published copy is; what was noted of it before does not count any more.
  mutating func note(copy path: String, _ seen: Seen) { copies[path] = seen }

  // True when the two cannot both be.
  private static func merge(_ seen: inout [String: Seen], _ path: String, _ new: Seen) -> Bool {
    guard let old = seen.updateValue(new, forKey: path), old != new else { return false }
    switch (old, new) {
    // That its names counted says more than that it is a folder.
    case (.listing, .folder): seen[path] = old
    case (.folder, .listing): break
    default: return true
    }
    return false
  }

}
