import RungSign

/// Whose results are accepted: one's own, and those signed with the keys that the project names (`trust` in rung.yaml).
public struct Trust: Sendable {
  private let keys: Set<String>

  /// Trust in these keys, by `PublicKey.id`.
  public init(keys: Set<String>) { self.keys = keys }

  /// Whether results signed with this key are accepted.
  func accepts(_ key: PublicKey) -> Bool { keys.contains(key.id) }
}
