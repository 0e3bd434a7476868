import RungCore

/// An array in a `.npy` file (NumPy's format description, NEP 1), versions 1 to 3: one type of elements, no objects and no
/// structures.
public struct NumPyArray: Sendable {
  /// What an element is.
  public enum Kind: String, Sendable {
    /// True or false, a byte.
    case boolean = "b"
    /// A whole number with a sign, of 1, 2, 4 or 8 bytes.
    case integer = "i"
    /// A whole number without one, of 1, 2, 4 or 8 bytes.
    case unsigned = "u"
    /// A number of IEEE 754, of 2, 4 or 8 bytes.
    case float = "f"
    /// Two of those, of 8 or 16 bytes together.
    case complex = "c"
    /// Bytes, filled up with zeros.
    case bytes = "S"
    /// Characters of four bytes each, filled up with zeros.
    case text = "U"
  }

  /// What the elements are.
  public let kind: Kind
  /// How much an element takes, in bytes; at least 1.
  public let itemSize: Int
  /// Whether numbers have their largest byte first.
  public let isBigEndian: Bool
  /// How long it is in each direction; empty for a single element.
  public let shape: [Int]
  /// Whether the first index moves fastest in `data`, as in Fortran.
  public let isFortran: Bool
  /// Number of elements.
  public let count: Int
  /// The elements: `count` times `itemSize` bytes.
  public let data: ArraySlice<UInt8>

  /// Reads a file. Throws for one that is none, is damaged or cut short, or has elements of another kind.
  public init(_ bytes: [UInt8]) throws(FormatError) {
    guard bytes.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]), bytes.count >= 10 else {
      throw FormatError("it does not begin as a NumPy array does")
    }
    let lengthSize: Int
    switch bytes[6] {
    case 1: lengthSize = 2
    case 2, 3: lengthSize = 4
    default: throw FormatError("the array has version \(bytes[6]), which Rung does not know")
    }
    let start = 8 + lengthSize
    guard bytes.count >= start, bytes.littleEndian(8, lengthSize) <= bytes.count - start else {
      throw FormatError("the array ends within its header")
    }
    let end = start + bytes.littleEndian(8, lengthSize)
    let header = try NumPyHeader(bytes[start..<end])
    let form = try Self.form(header.type)
    var total = 1
    for length in header.shape {
      let (product, isTooLarge) = total.multipliedReportingOverflow(by: length)
      guard !isTooLarge else { throw FormatError("the array is larger than its file") }
      total = product
    }
    let (size, isTooLarge) = total.multipliedReportingOverflow(by: form.size)
    guard !isTooLarge, size == bytes.count - end else {
      throw FormatError("the array has \(bytes.count - end) bytes, which does not fit its shape")
    }
    kind = form.kind
    itemSize = form.size
    isBigEndian = form.isBigEndian
    shape = header.shape
    isFortran = header.isFortran
    count = total
    data = bytes[end...]
  }

  /// The type as NumPy prints it: `float64`, `int8`, `bool`, `S5`.
  public var typeName: String {
    switch kind {
    case .boolean: "bool"
    case .integer: "int\(itemSize * 8)"
    case .unsigned: "uint\(itemSize * 8)"
    case .float: "float\(itemSize * 8)"
    case .complex: "complex\(itemSize * 8)"
    case .bytes: "S\(itemSize)"
    case .text: "U\(itemSize / 4)"
    }
  }

  /// The indices of the element that lies at a place in `data`, counted in elements.
  func indices(_ place: Int) -> [Int] {
    var rest = place
    var result: [Int] = []
    for length in isFortran ? shape : shape.reversed() {
      result.append(rest % length)
      rest /= length
    }
    return isFortran ? result : result.reversed()
  }

  // A type string of NumPy's array interface: byte order, kind, size.
  private static func form(_ type: String) throws(FormatError) -> (kind: Kind, size: Int, isBigEndian: Bool) {
    let unknown = FormatError("the array has elements of type \(Wording.quoted(type)), which Rung does not know")
    var rest = Substring(type)
    var isBigEndian = false
    if let order = rest.first, "<>|=".contains(order) {
      isBigEndian = order == ">"
      rest = rest.dropFirst()
    }
    guard let kind = rest.first.flatMap({ Kind(rawValue: String($0)) }), let length = Int(rest.dropFirst()),
      length > 0, length < 1 << 28
    else { throw unknown }
    let sizes: [Int]? =
      switch kind {
      case .boolean: [1]
      case .integer, .unsigned: [1, 2, 4, 8]
      case .float: [2, 4, 8]
      case .complex: [8, 16]
      case .bytes, .text: nil
      }
    guard sizes?.contains(length) ?? true else { throw unknown }
    return (kind, kind == .text ? length * 4 : length, isBigEndian)
  }
}
