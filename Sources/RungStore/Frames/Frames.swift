/// What is known of one piece of an object: where its stored bytes lie and how many plain bytes they stand for.
struct Segment: Sendable {
  /// The index of its file among the sources of the object.
  var source: Int32
  /// True for plain bytes, false for one zstd frame.
  var isRaw: Bool
  /// How its bytes were grouped before compressing.
  var planes: BytePlanes
  /// Where the stored bytes begin in their file.
  var offset: Int64
  /// How many stored bytes there are.
  var stored: Int
  /// How many plain bytes they stand for.
  var plain: Int
}

/// The sizes that the store works with, in bytes.
enum Frames {
  /// Plain bytes in a frame of a large object: a range costs at most one of them, and cutting costs less than 1 % of
  /// the compression (docs/decisions/0011-store-format-2.md).
  static let plain = 2 << 20
  /// The most plain bytes that a reader accepts in a frame with a table.
  static let mostPlain = 8 << 20
  /// Objects of at most this size go into packs.
  static let packed = 64 << 10
}
