internal import CSHA256

/// A running SHA-256 (FIPS 180-4). A value: a copy goes its own way.
public struct SHA256: Sendable {
  private var state = csha256_t()

  /// The hash of nothing so far.
  public init() { csha256_init(&state) }

  /// Appends bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    csha256_update(&state, start, bytes.count)
  }

  /// Appends bytes.
  public mutating func update(_ bytes: some Collection<UInt8>) {
    let contiguous: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
    if contiguous == nil { Array(bytes).withUnsafeBytes { update($0) } }
  }

  /// The digest of everything appended so far. More may be appended afterwards.
  public func digest() -> Digest {
    var copy = state
    var out: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &out) { raw in
      csha256_final(&copy, raw.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    return Digest(words: (out.0.bigEndian, out.1.bigEndian, out.2.bigEndian, out.3.bigEndian))
  }

  /// True when the processor's SHA instructions do the work.
  public static var isAccelerated: Bool { csha256_accelerated() != 0 }

  /// For tests: compute in portable C although the instructions exist. The digests are the same.
  public static func forcePortable(_ on: Bool) { csha256_force_portable(on ? 1 : 0) }
}

extension Digest {
  /// The digest of bytes in memory.
  public init(of bytes: some Collection<UInt8>) {
    var hash = SHA256()
    hash.update(bytes)
    self = hash.digest()
  }

  /// The digest of the UTF-8 bytes of a text.
  public init(ofText text: String) {
    self.init(of: Array(text.utf8))
  }

  /// The digest of no bytes at all. An object of this name always exists.
  public static let empty = Digest(of: [])
}
