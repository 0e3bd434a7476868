import RungCore
import RungStore

/// How two folders differ.
public struct FolderChange: Hashable, Sendable {
  /// Paths that only the new one has, sorted.
  public private(set) var added: [String] = []
  /// Paths that only the old one has, sorted.
  public private(set) var removed: [String] = []
  /// Paths in both with other contents, sorted.
  public private(set) var changed: [String] = []

  // As deep as the store goes.
  private static let deepest = 200

  /// Compares two folders by their manifests; equal parts are not looked into. Nil when a manifest is not in the cache.
  init?(_ old: Digest, _ new: Digest, _ store: ObjectStore) {
    guard compare(old, new, "", depth: 0, store) else { return nil }
    added.sort()
    removed.sort()
    changed.sort()
  }

  private mutating func compare(
    _ old: Digest, _ new: Digest, _ prefix: String, depth: Int, _ store: ObjectStore
  ) -> Bool {
    if old == new { return true }
    guard depth < Self.deepest, let before = try? store.tree(old), let after = try? store.tree(new) else {
      return false
    }
    let was = Dictionary(before.entries.map { ($0.name, $0.kind) }, uniquingKeysWith: { first, _ in first })
    for entry in after.entries {
      let path = prefix + entry.name
      guard let kind = was[entry.name] else {
        added.append(path)
        continue
      }
      if kind == entry.kind { continue }
      if case .directory(let a, _) = kind, case .directory(let b, _) = entry.kind {
        guard compare(a, b, path + "/", depth: depth + 1, store) else { return false }
      } else {
        changed.append(path)
      }
    }
    let now = Set(after.entries.map(\.name))
    removed += before.entries.map(\.name).filter { !now.contains($0) }.map { prefix + $0 }
    return true
  }
}
