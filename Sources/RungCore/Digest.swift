/// The SHA-256 of some bytes: the name of an object, an action or a record.
///
/// Equality is equality of all 32 bytes. The order is that of the bytes, so a sorted list of digests is the same on
/// every machine. Text form: `sha256:` and 64 lower-case hexadecimal digits; the algorithm is part of the name so that
/// a later one cannot be mistaken for it.
public struct Digest: Hashable, Comparable, Sendable {
  // Big-endian words, so that comparing words compares bytes.
  private let w0, w1, w2, w3: UInt64

  /// The number of bytes in a digest.
  public static let byteCount = 32

  /// The prefix of the text form.
  public static let prefix = "sha256:"

  /// Takes exactly 32 bytes; anything else is nil.
  public init?(bytes: some Sequence<UInt8>) {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var count = 0
    for byte in bytes {
      switch count >> 3 {
      case 0: words.0 = words.0 << 8 | UInt64(byte)
      case 1: words.1 = words.1 << 8 | UInt64(byte)
      case 2: words.2 = words.2 << 8 | UInt64(byte)
      case 3: words.3 = words.3 << 8 | UInt64(byte)
      default: return nil
      }
      count += 1
    }
    guard count == Self.byteCount else { return nil }
    (w0, w1, w2, w3) = words
  }

  /// Takes exactly 32 bytes of memory; anything else is nil.
  public init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 {
      UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
    }
    (w0, w1, w2, w3) = (word(0), word(1), word(2), word(3))
  }

  init(words: (UInt64, UInt64, UInt64, UInt64)) {
    (w0, w1, w2, w3) = words
  }

  /// Reads the text form, with or without the `sha256:` prefix. Upper-case digits, other lengths and other algorithms
  /// are nil.
  public init?(_ text: some StringProtocol) {
    var digits = Substring(text).utf8
    if text.hasPrefix(Self.prefix) { digits = digits.dropFirst(Self.prefix.utf8.count) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    var high: UInt8?
    for digit in digits {
      let value: UInt8
      switch digit {
      case 48...57: value = digit - 48
      case 97...102: value = digit - 87
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    guard high == nil else { return nil }
    self.init(bytes: bytes)
  }

  /// The 32 bytes.
  public var bytes: [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(Self.byteCount)
    for word in [w0, w1, w2, w3] {
      for shift in stride(from: 56, through: 0, by: -8) { result.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return result
  }

  /// 64 lower-case hexadecimal digits, without the prefix: what `sha256sum` prints.
  public var hex: String {
    String(unsafeUninitializedCapacity: 64) { buffer in
      var at = 0
      for word in [w0, w1, w2, w3] {
        for shift in stride(from: 60, through: 0, by: -4) {
          let nibble = UInt8(truncatingIfNeeded: word >> shift) & 15
          buffer[at] = nibble < 10 ? 48 + nibble : 87 + nibble
          at += 1
        }
      }
      return at
    }
  }

  /// The first twelve digits of `hex`, for people. Never a key: two objects may share them.
  public var short: String { String(hex.prefix(12)) }

  /// The first eight bytes as a number: evenly spread, so a good shard or lock offset. Never a key.
  public var leadingWord: UInt64 { w0 }

  /// The order of the bytes.
  public static func < (a: Digest, b: Digest) -> Bool {
    (a.w0, a.w1, a.w2, a.w3) < (b.w0, b.w1, b.w2, b.w3)
  }
}

extension Digest: CustomStringConvertible {
  /// The text form, `sha256:…`.
  public var description: String { Self.prefix + hex }
}
