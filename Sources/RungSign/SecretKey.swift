import CSodium
import RungCore

/// An Ed25519 secret key: what is signed with.
public struct SecretKey: Sendable {
  // What stands before the 32 bytes of the seed in a PrivateKeyInfo (RFC 8410, section 7).
  private static let header: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]
  private static let label = "PRIVATE KEY"

  private let seed: [UInt8]
  private let expanded: [UInt8]
  /// The key that checks what this one has signed.
  public let publicKey: PublicKey

  /// The key that follows from 32 bytes, which must be secret and random. Nil for another number of bytes.
  init?(seed: [UInt8]) {
    guard seed.count == Int(crypto_sign_SEEDBYTES), sodium_init() >= 0 else { return nil }
    var open = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
    var expanded = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
    guard crypto_sign_seed_keypair(&open, &expanded, seed) == 0, let publicKey = PublicKey(bytes: open) else {
      return nil
    }
    self.seed = seed
    self.expanded = expanded
    self.publicKey = publicKey
  }

  /// A new key from the system's source of randomness; nil when that cannot be used.
  public static func random() -> SecretKey? {
    guard sodium_init() >= 0 else { return nil }
    var seed = [UInt8](repeating: 0, count: Int(crypto_sign_SEEDBYTES))
    randombytes_buf(&seed, seed.count)
    return SecretKey(seed: seed)
  }

  /// Reads a PEM text with a PrivateKeyInfo, such as `openssl genpkey -algorithm ed25519` writes. Nil when it is anything
  /// else, an encrypted key included.
  public init?(pem: String) {
    guard let der = PEM.bytes(Self.label, pem), der.starts(with: Self.header) else { return nil }
    self.init(seed: Array(der.dropFirst(Self.header.count)))
  }

  /// The key in PEM, ending with a line break. To be kept from everybody else.
  public var pem: String { PEM.text(Self.label, Self.header + seed) }

  /// The 64 bytes of the signature of a message; always the same for the same message.
  public func signature(of message: [UInt8]) -> [UInt8] {
    var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
    // Cannot fail: libsodium returns 0 always.
    crypto_sign_detached(&signature, nil, message, UInt64(message.count), expanded)
    return signature
  }
}
