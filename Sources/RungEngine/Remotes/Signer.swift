import RungCore
import RungSign

/// Whoever gives results to others: a key, and a name for people.
public struct Signer: Sendable {
  private let secret: SecretKey
  private let by: String

  /// One who signs with a key; `by` is `user@host`.
  public init(_ secret: SecretKey, by: String) {
    self.secret = secret
    self.by = by
  }

  func sign(_ key: Digest, _ record: Digest) -> ResultSignature {
    ResultSignature(key: key, record: record, by: by, with: secret)
  }
}
