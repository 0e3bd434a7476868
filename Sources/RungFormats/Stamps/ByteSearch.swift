import Glibc

/// Finds words in bytes.
enum ByteSearch {
  /// The first place of a byte at `start` or behind it; nil when there is none.
  static func place(of byte: UInt8, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    guard start >= 0, start < bytes.count, let base = bytes.baseAddress else { return nil }
    guard let found = memchr(base + start, Int32(byte), bytes.count - start) else { return nil }
    return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
  }

  /// The first place of a word at `start` or behind it; nil when there is none. Looks at no byte more often than the
  /// word is long.
  static func place(of word: StaticString, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
    var at = start
    while let found = place(of: word.utf8Start[0], in: bytes, from: at) {
      if holds(word, bytes, at: found) { return found }
      at = found + 1
    }
    return nil
  }

  /// Whether a word begins at a place.
  static func holds(_ word: StaticString, _ bytes: UnsafeBufferPointer<UInt8>, at place: Int) -> Bool {
    guard place >= 0, bytes.count - place >= word.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
    return memcmp(base + place, word.utf8Start, word.utf8CodeUnitCount) == 0
  }
}
