import RungCore

/// A record object of any kind that is kept for ever.
public enum AnyRecord: Hashable, Sendable {
  /// One execution of a step instance.
  case execution(Record)
  /// A run.
  case run(RunRecord)
  /// An execution done again, and compared.
  case verification(Verification)
  /// A change that does not matter.
  case acceptance(Acceptance)
  /// That it does, after all.
  case revocation(Revocation)

  /// Reads a record from the bytes of its object. Nil when it is of no format that this version knows.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes) else { return nil }
    switch json["format"]?.string {
    case RunRecord.format:
      guard let run = RunRecord(json: json) else { return nil }
      self = .run(run)
    case Verification.format:
      guard let verification = Verification(json: json) else { return nil }
      self = .verification(verification)
    case Acceptance.format:
      guard let acceptance = Acceptance(json: json) else { return nil }
      self = .acceptance(acceptance)
    case Revocation.format:
      guard let revocation = Revocation(json: json) else { return nil }
      self = .revocation(revocation)
    default:
      guard let record = Record(json: json) else { return nil }
      self = .execution(record)
    }
  }
}
