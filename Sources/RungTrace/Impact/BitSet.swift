/// A set of small numbers.
struct BitSet: Hashable, Sendable {
  // Without zeros at the end, so that equal sets are equal values.
  private var words: [UInt64] = []

  /// True when there is no number in it.
  var isEmpty: Bool { words.isEmpty }

  /// Adds a number, which must not be negative.
  mutating func insert(_ number: Int) {
    let word = number / 64
    while words.count <= word { words.append(0) }
    words[word] |= 1 << UInt64(number % 64)
  }

  /// Adds all numbers of another set.
  mutating func formUnion(_ other: BitSet) {
    while words.count < other.words.count { words.append(0) }
    for index in other.words.indices { words[index] |= other.words[index] }
  }

  /// The numbers, rising.
  var numbers: [Int] {
    words.indices.flatMap { word in (0..<64).filter { words[word] >> UInt64($0) & 1 == 1 }.map { word * 64 + $0 } }
  }
}
