/// Hashes typed fields so that no two different lists of fields have the same bytes.
///
/// The format, version 1 (pinned by golden values in FramingTests):
///
/// - the stream starts with the domain, as a field of its own: what kind of thing is hashed, with its version
///   (`rung/key/1`), so that a key can never equal a tree;
/// - a field is: the length of its tag (u32, little-endian), the tag in UTF-8, the length of its value (u64,
///   little-endian), the value;
/// - a digest as a value is its 32 bytes; a number is its decimal text; a text is its UTF-8;
/// - a list is a field with the number of items as its value, followed by the items as fields.
///
/// Because every length is written, `("ab", "c")` and `("a", "bc")` differ.
public struct FramedHash: Sendable {
  private var hash = SHA256()

  /// Starts the hash of a thing of the kind `domain`, for example `rung/key/1`.
  public init(domain: String) {
    field("domain", domain)
  }

  /// Appends raw bytes under a tag.
  public mutating func field(_ tag: String, bytes: some Collection<UInt8>) {
    var tag = tag
    tag.withUTF8 { utf8 in
      length(UInt32(utf8.count))
      hash.update(UnsafeRawBufferPointer(utf8))
    }
    length(UInt64(bytes.count))
    hash.update(bytes)
  }

  /// Appends a text.
  public mutating func field(_ tag: String, _ value: String) {
    field(tag, bytes: Array(value.utf8))
  }

  /// Appends a digest.
  public mutating func field(_ tag: String, _ value: Digest) {
    field(tag, bytes: value.bytes)
  }

  /// Appends a whole number.
  public mutating func field(_ tag: String, _ value: Int) {
    field(tag, String(value))
  }

  /// The digest of what was appended so far.
  public func digest() -> Digest { hash.digest() }

  private mutating func length(_ value: some FixedWidthInteger) {
    var little = value.littleEndian
    withUnsafeBytes(of: &little) { hash.update($0) }
  }
}
