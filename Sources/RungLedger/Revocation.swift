import RungCore

/// That an acceptance does not hold any more: a record object of the store (docs/formats/record.md).
public struct Revocation: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/revocation/1"

  /// The acceptance, by its record.
  public var acceptance: Digest
  /// Who says so.
  public var who: String
  /// Nanoseconds since 1970.
  public var at: Int64

  /// A revocation.
  public init(acceptance: Digest, who: String, at: Int64) {
    self.acceptance = acceptance
    self.who = who
    self.at = at
  }

  /// The revocation as JSON.
  public var json: JSON {
    [
      "format": .string(Self.format), "acceptance": .digest(acceptance), "who": .string(who), "at_ns": .int(at),
    ]
  }

  /// Reads a revocation. Nil when the JSON is none of this format.
  public init?(json: JSON) {
    guard json["format"]?.string == Self.format, let acceptance = json["acceptance"]?.digest else { return nil }
    self.init(acceptance: acceptance, who: json["who"]?.string ?? "", at: Int64(json["at_ns"]?.int ?? 0))
  }

  /// The bytes of the object.
  public var bytes: [UInt8] { json.compactBytes + [10] }
}
