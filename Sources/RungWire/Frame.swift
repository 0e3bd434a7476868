/// One message of a conversation between two programs: how long the rest is (4 bytes), its kind (1 byte), the number of
/// the request that it is about (4 bytes), and its body. Numbers are little-endian.
public struct Frame {
  /// What kind of message it is; the conversation gives it a meaning.
  public let kind: UInt8
  /// Which request it belongs to.
  public let request: UInt32
  /// Its bytes, valid until the next frame is asked for.
  public let body: UnsafeRawBufferPointer

  /// The most bytes of a body. A longer frame is nonsense, whatever its length says.
  public static let mostBytes = 1 << 20
  /// The bytes before the body.
  static let headerBytes = 9
}

/// Why a conversation is over.
public enum WireError: Error, Hashable, Sendable {
  /// The other side has closed it.
  case closed
  /// It said nothing for as long as it was waited for.
  case silent
  /// A frame that cannot be one.
  case nonsense
  /// A system call failed with this number.
  case system(Int32)
}
