internal import CRungStore

/// A check of bytes that is about ten times as fast as SHA-256: it finds accidents, not intent.
public enum CRC32C {
  /// The CRC-32C (Castagnoli) of the bytes, or of those before and these together when given the checksum of those.
  public static func of(_ bytes: UnsafeRawBufferPointer, after before: UInt32 = 0) -> UInt32 {
    rung_crc32c(before, bytes.baseAddress, bytes.count)
  }

  /// The same of an array.
  static func of(_ bytes: [UInt8], after before: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { of($0, after: before) }
  }
}
