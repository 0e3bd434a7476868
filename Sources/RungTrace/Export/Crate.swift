import RungCore

/// A research object as a folder: `ro-crate-metadata.json`, and the files that it describes, named by their digests.
public struct Crate: Sendable {
  /// The name of the file that describes the others.
  public static let metadataName = "ro-crate-metadata.json"

  /// A file or folder that belongs into the crate.
  public struct Payload: Hashable, Sendable {
    /// Where: inside the crate, at a place of its own and in no other payload.
    public let path: RelativePath
    /// The content; of a folder, its manifest.
    public let digest: Digest
    /// `file`, `executable` or `tree`.
    public let kind: String
  }

  /// What the crate says of itself.
  public let metadata: JSON
  /// What is to be put beside it, in an order in which it can be written.
  public let payload: [Payload]
  /// What the crate names by digest alone, although it was wanted, since its bytes are not in the cache: for people.
  public let absent: [String]
}

/// Finds a place for everything that goes into a crate, so that no two things meet however records call them.
struct CratePlaces {
  private(set) var payload: [Crate.Payload] = []
  private(set) var absent: [String] = []
  private var taken: Set<String> = []
  private let has: (Digest) -> Bool

  /// `has`: whether the cache has the bytes of an object.
  init(has: @escaping (Digest) -> Bool) { self.has = has }

  /// Takes something in, at the first of these places that is free and lies in nothing that is there already. Nil when
  /// the cache lacks its bytes, or no place can hold it.
  mutating func place(_ digest: Digest, kind: String, at candidates: [String]) -> RelativePath? {
    guard has(digest) else {
      absent.append(candidates.first ?? digest.description)
      return nil
    }
    for candidate in candidates where !candidate.utf8.contains(0) {
      // Nothing that a record calls `../x` or `a//b` gets a place under that name.
      guard let path = RelativePath(candidate), path.text == candidate, isFree(path) else { continue }
      taken.insert(path.text)
      payload.append(.init(path: path, digest: digest, kind: kind))
      return path
    }
    absent.append(candidates.first ?? digest.description)
    return nil
  }

  // Nothing is at the path or above it. What comes later in the order of paths cannot be above it, and the folders of a
  // crate have names that no payload has.
  private func isFree(_ path: RelativePath) -> Bool {
    var path = path
    while !path.text.isEmpty {
      if taken.contains(path.text) { return false }
      path = path.parent
    }
    return true
  }
}
