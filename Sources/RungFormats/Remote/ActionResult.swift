import RungCore

/// What is kept under an action key at a remote: the `ActionResult` message of the Bazel Remote Execution API, version 2,
/// as far as Rung uses it. Its output files are names of objects with paths that say what each is for; a server that knows
/// the message checks that all of them are there.
///
/// Bytes of any origin can be read: what is no such message is nil, and never costs more than its own size.
public struct ActionResult: Hashable, Sendable {
  /// A file that the message names.
  public struct File: Hashable, Sendable {
    /// Its path.
    public var path: String
    /// The content.
    public var digest: Digest
    /// In bytes.
    public var size: Int64

    /// A file.
    public init(path: String, digest: Digest, size: Int64) {
      self.path = path
      self.digest = digest
      self.size = size
    }
  }

  /// `output_files`, in the order of the message.
  public var files: [File]

  /// A result that names these files.
  public init(files: [File]) { self.files = files }

  /// The message: `output_files` (field 2), each with `path` (1) and `digest` (2), which has `hash` (1) and
  /// `size_bytes` (2). The same result always has the same bytes.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(files.count * 100)
    for file in files {
      var digest: [UInt8] = []
      Self.put(field: 1, Array(file.digest.hex.utf8), to: &digest)
      if file.size > 0 {
        digest.append(2 << 3)
        Self.put(varint: UInt64(file.size), to: &digest)
      }
      var message: [UInt8] = []
      Self.put(field: 1, Array(file.path.utf8), to: &message)
      Self.put(field: 2, digest, to: &message)
      Self.put(field: 2, message, to: &out)
    }
    return out
  }

  /// Reads a message. Fields that this version does not use are passed over. Nil for bytes that are no message, and when a
  /// file has no digest, one that is not a SHA-256, or a size below zero.
  public init?(bytes: [UInt8]) {
    var files: [File] = []
    let isSound = Self.forEachField(bytes[...]) { number, value in
      guard number == 2 else { return true }
      guard case .bytes(let message) = value, let file = Self.file(message) else { return false }
      files.append(file)
      return true
    }
    guard isSound else { return nil }
    self.files = files
  }

  private static func file(_ bytes: ArraySlice<UInt8>) -> File? {
    var path = ""
    var digest: (Digest, Int64)?
    let isSound = forEachField(bytes) { number, value in
      switch (number, value) {
      case (1, .bytes(let text)):
        guard let text = String(validating: text, as: UTF8.self) else { return false }
        path = text
      case (2, .bytes(let message)):
        digest = self.digest(message)
        return digest != nil
      case (1, _), (2, _): return false
      default: break
      }
      return true
    }
    guard isSound, let (digest, size) = digest else { return nil }
    return File(path: path, digest: digest, size: size)
  }

  private static func digest(_ bytes: ArraySlice<UInt8>) -> (Digest, Int64)? {
    var hash: Digest?
    var size: Int64 = 0
    let isSound = forEachField(bytes) { number, value in
      switch (number, value) {
      case (1, .bytes(let text)):
        guard text.count == 2 * Digest.byteCount else { return false }
        hash = Digest(String(decoding: text, as: UTF8.self))
        return hash != nil
      case (2, .number(let number)):
        guard let number = Int64(exactly: number) else { return false }
        size = number
      case (1, _), (2, _): return false
      default: break
      }
      return true
    }
    guard isSound, let hash else { return nil }
    return (hash, size)
  }

  // MARK: the wire format of protocol buffers

  private enum Value {
    case number(UInt64)
    case bytes(ArraySlice<UInt8>)
    /// Of a fixed width: no field that is used here.
    case other
  }

  // False when the bytes are no message or `body` says so. Groups, which nobody writes any more, are refused.
  private static func forEachField(_ bytes: ArraySlice<UInt8>, _ body: (UInt64, Value) -> Bool) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      guard let tag = varint(&rest), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return false }
      let value: Value
      switch tag & 7 {
      case 0:
        guard let number = varint(&rest) else { return false }
        value = .number(number)
      case 1, 5:
        let width = tag & 7 == 1 ? 8 : 4
        guard rest.count >= width else { return false }
        rest = rest.dropFirst(width)
        value = .other
      case 2:
        guard let length = varint(&rest), length <= UInt64(rest.count) else { return false }
        value = .bytes(rest.prefix(Int(length)))
        rest = rest.dropFirst(Int(length))
      default: return false
      }
      guard body(tag >> 3, value) else { return false }
    }
    return true
  }

  private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
    var number: UInt64 = 0
    for place in 0..<10 {
      guard let byte = rest.popFirst() else { return nil }
      // Of the tenth byte one bit has room.
      guard place < 9 || byte <= 1 else { return nil }
      number |= UInt64(byte & 0x7F) << UInt64(7 * place)
      if byte & 0x80 == 0 { return number }
    }
    return nil
  }

  private static func put(varint number: UInt64, to out: inout [UInt8]) {
    var number = number
    while number >= 0x80 {
      out.append(UInt8(truncatingIfNeeded: number) | 0x80)
      number >>= 7
    }
    out.append(UInt8(number))
  }

  private static func put(field: UInt8, _ bytes: [UInt8], to out: inout [UInt8]) {
    out.append(field << 3 | 2)
    put(varint: UInt64(bytes.count), to: &out)
    out += bytes
  }
}
