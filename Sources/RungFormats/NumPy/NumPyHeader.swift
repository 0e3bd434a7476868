import RungCore

/// The header of a `.npy` file, a dictionary in Python's notation:
/// `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 17), }`.
struct NumPyHeader {
  let type: String
  let isFortran: Bool
  let shape: [Int]

  init(_ bytes: ArraySlice<UInt8>) throws(FormatError) {
    var reader = LiteralReader(bytes: bytes, at: bytes.startIndex)
    var type: String?
    var isFortran: Bool?
    var shape: [Int]?
    try reader.expect("{")
    while !reader.take("}") {
      switch try reader.string() {
      case "descr" where type == nil:
        try reader.expect(":")
        type = try reader.string()
      case "fortran_order" where isFortran == nil:
        try reader.expect(":")
        isFortran = try reader.truth()
      case "shape" where shape == nil:
        try reader.expect(":")
        shape = try reader.numbers()
      default: throw reader.damage
      }
      guard reader.take(",") || reader.isBefore("}") else { throw reader.damage }
    }
    guard let type, let isFortran, let shape, reader.isAtEnd else { throw reader.damage }
    self.type = type
    self.isFortran = isFortran
    self.shape = shape
  }
}

private struct LiteralReader {
  let bytes: ArraySlice<UInt8>
  var at: Int

  let damage = FormatError("the header of the array is damaged, or is of a kind that Rung does not know")

  private mutating func skipSpace() {
    while at < bytes.endIndex, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
  }

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return at == bytes.endIndex
    }
  }

  mutating func isBefore(_ word: String) -> Bool {
    skipSpace()
    return bytes[at...].starts(with: word.utf8)
  }

  mutating func take(_ word: String) -> Bool {
    guard isBefore(word) else { return false }
    at += word.utf8.count
    return true
  }

  mutating func expect(_ word: String) throws(FormatError) { guard take(word) else { throw damage } }

  mutating func string() throws(FormatError) -> String {
    skipSpace()
    guard at < bytes.endIndex, bytes[at] == UInt8(ascii: "'") || bytes[at] == UInt8(ascii: "\"") else { throw damage }
    let start = at + 1
    guard let end = bytes[start...].firstIndex(of: bytes[at]), end - start <= 100 else { throw damage }
    at = end + 1
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  mutating func truth() throws(FormatError) -> Bool {
    if take("True") { return true }
    try expect("False")
    return false
  }

  /// A tuple of whole numbers; NumPy has at most 64 dimensions.
  mutating func numbers() throws(FormatError) -> [Int] {
    var numbers: [Int] = []
    try expect("(")
    while !take(")") {
      skipSpace()
      let digits = bytes[at...].prefix { (48...57).contains($0) }
      guard !digits.isEmpty, digits.count <= 18, numbers.count < 64 else { throw damage }
      numbers.append(digits.reduce(0) { $0 * 10 + Int($1 - 48) })
      at = digits.endIndex
      // Python 2 writes long numbers so.
      _ = take("L")
      guard take(",") || isBefore(")") else { throw damage }
    }
    return numbers
  }
}
