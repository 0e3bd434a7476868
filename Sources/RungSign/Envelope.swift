import RungCore

/// A signed statement: a DSSE envelope (https://github.com/secure-systems-lab/dsse, version 1.0.2), the form in which
/// in-toto statements are passed on.
public struct Envelope: Hashable, Sendable {
  /// The type of a payload that is an in-toto statement.
  public static let statementType = "application/vnd.in-toto+json"

  /// A signature and the key that made it.
  public struct Signature: Hashable, Sendable {
    /// The key's name, `PublicKey.id`. A hint: it is not signed.
    public let keyID: String
    /// Of `preAuthenticationEncoding`.
    public let bytes: [UInt8]
  }

  /// What the payload is.
  public let payloadType: String
  /// What is signed.
  public let payload: [UInt8]
  /// By whom.
  public let signatures: [Signature]

  /// A statement signed with a key.
  public init(statement: JSON, key: SecretKey) {
    payloadType = Self.statementType
    payload = statement.compactBytes
    let message = Self.preAuthenticationEncoding(payloadType, payload)
    signatures = [Signature(keyID: key.publicKey.id, bytes: key.signature(of: message))]
  }

  /// Reads the bytes of an envelope. Nil when they are none, and when they are not exactly what `bytes` writes: an
  /// envelope with one byte changed is no envelope, wherever that byte is.
  public init?(bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let type = json["payloadType"]?.string,
      let payload = (json["payload"]?.string).flatMap(Base64.bytes), let list = json["signatures"]?.array
    else { return nil }
    payloadType = type
    self.payload = payload
    signatures = list.compactMap { signature in
      guard let bytes = (signature["sig"]?.string).flatMap(Base64.bytes), let id = signature["keyid"]?.string else {
        return nil
      }
      return Signature(keyID: id, bytes: bytes)
    }
    guard self.bytes == bytes else { return nil }
  }

  /// The envelope as one line of JSON.
  public var bytes: [UInt8] {
    let json: JSON = [
      "payload": .string(Base64.text(payload)), "payloadType": .string(payloadType),
      "signatures": .array(
        signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.text($0.bytes))] }),
    ]
    return json.compactBytes + [10]
  }

  /// Whether one of the signatures says that it was made with this key, and was.
  public func isSigned(by key: PublicKey) -> Bool {
    let message = Self.preAuthenticationEncoding(payloadType, payload)
    return signatures.contains { $0.keyID == key.id && key.verifies($0.bytes, of: message) }
  }

  /// What is signed (DSSE, "PAE"): type and payload, their lengths before them, so that neither can pass for the other.
  static func preAuthenticationEncoding(_ type: String, _ payload: [UInt8]) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }
}
