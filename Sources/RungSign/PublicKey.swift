import CSodium
import RungCore

/// An Ed25519 public key (RFC 8032): what a signature is checked with.
public struct PublicKey: Hashable, Sendable {
  // What stands before the 32 bytes of a key in a SubjectPublicKeyInfo (RFC 8410, section 4).
  private static let header: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
  private static let label = "PUBLIC KEY"

  /// The 32 bytes.
  public let bytes: [UInt8]

  /// Nil unless there are 32 bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == Int(crypto_sign_PUBLICKEYBYTES) else { return nil }
    self.bytes = bytes
  }

  /// Reads a PEM text with a SubjectPublicKeyInfo, such as `openssl pkey -pubout` writes. Nil when it is anything else.
  public init?(pem: String) {
    guard let der = PEM.bytes(Self.label, pem), der.starts(with: Self.header) else { return nil }
    self.init(bytes: Array(der.dropFirst(Self.header.count)))
  }

  /// The key in PEM, ending with a line break.
  public var pem: String { PEM.text(Self.label, der) }

  /// The key's name in envelopes: the digest of its SubjectPublicKeyInfo in DER.
  public var id: String { Digest(of: der).description }

  private var der: [UInt8] { Self.header + bytes }

  /// Whether a signature of a message was made with the secret key that belongs to this one.
  public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == Int(crypto_sign_BYTES), sodium_init() >= 0 else { return false }
    return crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes) == 0
  }
}
