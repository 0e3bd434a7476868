import RungCore

/// The index entry of a `Verification`.
public struct VerificationRow: Hashable, Sendable {
  /// The verification's own digest.
  public var digest: Digest
  /// The record of the execution that was done again.
  public var record: Digest
  /// Its instance.
  public var instance: String
  /// Its action key.
  public var key: Digest
  /// Where it was done again.
  public var host: String
  /// Nanoseconds since 1970.
  public var at: Int64
  /// A word of `Verification.Verdict`.
  public var verdict: String

  /// An entry.
  public init(
    digest: Digest, record: Digest, instance: String, key: Digest, host: String, at: Int64, verdict: String
  ) {
    self.digest = digest
    self.record = record
    self.instance = instance
    self.key = key
    self.host = host
    self.at = at
    self.verdict = verdict
  }

  /// The entry of a verification.
  public init(_ digest: Digest, _ verification: Verification) {
    self.init(
      digest: digest, record: verification.record, instance: verification.instance, key: verification.key,
      host: verification.host, at: verification.at, verdict: verification.verdict.rawValue)
  }
}

/// The index entry of an `Acceptance`.
public struct AcceptanceRow: Hashable, Sendable {
  /// The acceptance's own digest.
  public var digest: Digest
  /// The project.
  public var project: String
  /// The instance.
  public var instance: String
  /// The action key that it has now.
  public var key: Digest
  /// The record of the result that stands.
  public var record: Digest
  /// Nanoseconds since 1970.
  public var at: Int64
  /// When it was revoked, in nanoseconds since 1970; nil while it holds.
  public var revoked: Int64?

  /// An entry.
  public init(
    digest: Digest, project: String, instance: String, key: Digest, record: Digest, at: Int64, revoked: Int64? = nil
  ) {
    self.digest = digest
    self.project = project
    self.instance = instance
    self.key = key
    self.record = record
    self.at = at
    self.revoked = revoked
  }
}
