internal import CRungStore

/// Divides a stream of bytes into chunks by what they contain (FastCDC), so that versions of a file have most chunks in
/// common though bytes were put in or taken out; and at given offsets, where the content's own parts meet.
///
/// The chunks depend on the bytes, the sizes and the given offsets alone: not on the blocks in which the stream arrives.
/// A value: a copy goes its own way. Needs no buffer.
struct Chunker: Sendable {
  /// How long chunks are. The average is a power of two of at least 256, 64 <= smallest <= average <= largest.
  struct Sizes: Hashable, Sendable {
    var smallest: Int
    var average: Int
    var largest: Int

    /// What the store uses. Chunks are shared only between files that were cut with the same sizes.
    static let standard = Sizes(smallest: 128 << 10, average: 512 << 10, largest: 2 << 20)
  }

  /// Small tensors share a chunk until it is this long.
  static let smallestPart = 16 << 10

  private let sizes: Sizes
  private var kernel = rung_chunker_t()
  private var forced: ArraySlice<Int64> = []
  // Of the stream: where the unfinished chunk starts, and how far the bytes were taken.
  private var start: Int64 = 0
  private var position: Int64 = 0

  /// A chunker at the start of a stream. `cuts` are offsets in it where parts of the content meet, in any order; if the
  /// last part's end is known, with that.
  ///
  /// A chunk ends wherever a part of at least `smallest` begins or ends, so that what lies between two large tensors (a
  /// header, small tensors) is a chunk of its own and they are the same chunks whatever it says. Of smaller parts as
  /// many share a chunk as it takes to reach `smallestPart`. Closer than that before such an end the content makes none,
  /// unless the chunk would grow beyond `largest`.
  init(sizes: Sizes = .standard, cuts: [Int64] = []) {
    self.sizes = sizes
    let sound = rung_chunker_init(&kernel, sizes.smallest, sizes.average, sizes.largest)
    precondition(sound == 1, "impossible chunk sizes \(sizes)")
    let offsets = cuts.filter { $0 > 0 }.sorted()
    for (index, cut) in offsets.enumerated() {
      let before = index > 0 ? cut - offsets[index - 1] : cut
      let after = index + 1 < offsets.count ? offsets[index + 1] - cut : 0
      if max(before, after) >= Int64(sizes.smallest) || cut - (forced.last ?? 0) >= Int64(Self.smallestPart) {
        forced.append(cut)
      }
    }
  }

  /// How far the unfinished chunk has grown. At the end of the stream this is the length of the last chunk; 0: none.
  var unfinished: Int { Int(position - start) }

  /// Takes bytes up to the end of a chunk, at most all of them. `ends`: a chunk ends with the last that was taken.
  mutating func take(_ bytes: UnsafeRawBufferPointer) -> (count: Int, ends: Bool) {
    var count = 0
    while count < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      if let cut = forced.first, cut - start <= Int64(sizes.largest) {
        let free = cut - Int64(Self.smallestPart) - position
        if free > 0 {
          count += search(rest, atMost: free)
        } else {
          let step = min(rest.count, Int(cut - position))
          count += step
          position += Int64(step)
          if position == cut { endChunk() }
        }
      } else {
        // The chunk ends before the next given cut in any case.
        count += search(rest)
      }
      if position == start { return (count, true) }
    }
    return (count, false)
  }

  /// The lengths of the chunks that end within the next bytes.
  mutating func lengths(_ bytes: UnsafeRawBufferPointer) -> [Int] {
    var found: [Int] = []
    var at = 0
    while at < bytes.count {
      let before = unfinished
      let piece = take(UnsafeRawBufferPointer(rebasing: bytes[at...]))
      at += piece.count
      if piece.ends { found.append(before + piece.count) }
    }
    return found
  }

  // Lets the content decide. Returns how many bytes were taken; a chunk has ended when `start` is `position`.
  private mutating func search(_ bytes: UnsafeRawBufferPointer, atMost limit: Int64 = .max) -> Int {
    var ends: Int32 = 0
    let count = rung_chunker_take(&kernel, bytes.baseAddress, Int(min(Int64(bytes.count), limit)), &ends)
    position += Int64(count)
    if ends != 0 { endChunk() }
    return count
  }

  private mutating func endChunk() {
    rung_chunker_restart(&kernel)
    start = position
    while let cut = forced.first, cut <= start { forced.removeFirst() }
  }
}
