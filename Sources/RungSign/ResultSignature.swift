import RungCore

/// That somebody vouches for a result: this record is what came of the action with this key. An object beside the result
/// at a remote.
///
/// A record names all that went in and came out by digest, and the records before it, so a signature of its digest covers
/// the whole lineage.
public struct ResultSignature: Hashable, Sendable {
  /// The name of the format.
  public static let format = "rung/result-signature/1"
  /// The largest object that is one, in bytes.
  public static let largest: Int64 = 4096

  /// The action key.
  public let key: Digest
  /// The record of the execution.
  public let record: Digest
  /// Who signed, for people: `user@host`. Signed like the rest, and no more than a claim of whoever holds the key.
  public let by: String
  /// The key to check it with. That this one is trusted is for the reader to know.
  public let publicKey: PublicKey
  // Of `message`.
  private let signature: [UInt8]

  /// Signs.
  public init(key: Digest, record: Digest, by: String, with secret: SecretKey) {
    self.key = key
    self.record = record
    self.by = String(by.prefix(200))
    publicKey = secret.publicKey
    signature = secret.signature(of: Self.message(key, record, self.by))
  }

  /// Reads the bytes of the object. Nil when they are none, and when they are not exactly what `bytes` writes. Says nothing
  /// about whether the signature fits: see `isGenuine`.
  public init?(bytes: [UInt8]) {
    guard bytes.count <= Int(Self.largest), let json = try? JSON(parsing: bytes),
      json["format"]?.string == Self.format, let key = json["key"]?.digest, let record = json["record"]?.digest,
      let by = json["by"]?.string,
      let publicKey = (json["public_key"]?.string).flatMap(Base64.bytes).flatMap(PublicKey.init(bytes:)),
      let signature = (json["signature"]?.string).flatMap(Base64.bytes)
    else { return nil }
    self.key = key
    self.record = record
    self.by = by
    self.publicKey = publicKey
    self.signature = signature
    guard self.bytes == bytes else { return nil }
  }

  /// Whether the holder of the key has signed just this.
  public var isGenuine: Bool { publicKey.verifies(signature, of: Self.message(key, record, by)) }

  /// The bytes of the object: one line of JSON.
  public var bytes: [UInt8] {
    let json: JSON = [
      "format": .string(Self.format), "key": .digest(key), "record": .digest(record), "by": .string(by),
      "public_key": .string(Base64.text(publicKey.bytes)), "signature": .string(Base64.text(signature)),
    ]
    return json.compactBytes + [10]
  }

  // The framed hash of what is vouched for, in its own domain: never the message of another kind of signature.
  private static func message(_ key: Digest, _ record: Digest, _ by: String) -> [UInt8] {
    var hash = FramedHash(domain: format)
    hash.field("key", key)
    hash.field("record", record)
    hash.field("by", by)
    return Array(hash.digest().bytes)
  }
}
