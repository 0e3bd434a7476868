/// Numbers and texts for the body of a frame: numbers little-endian, texts and bytes with their length (4 bytes) before
/// them.
public struct WireWriter {
  /// What was added so far.
  public private(set) var bytes: [UInt8] = []

  /// Nothing so far.
  public init() {}

  /// Adds a number.
  public mutating func add<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }

  /// Adds a text.
  public mutating func add(_ text: String) {
    let utf8 = Array(text.utf8)
    add(UInt32(utf8.count))
    bytes += utf8
  }
}

/// Takes them out again; whatever does not fit is nil, and nothing that comes is believed.
public struct WireReader {
  private var rest: UnsafeRawBufferPointer

  /// The body of a frame.
  public init(_ body: UnsafeRawBufferPointer) { rest = body }

  /// Takes a number.
  public mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number? {
    let size = MemoryLayout<Number>.size
    guard rest.count >= size else { return nil }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[size...]) }
    return Number(littleEndian: rest.loadUnaligned(as: Number.self))
  }

  /// Takes a text.
  public mutating func text() -> String? {
    guard let count: UInt32 = number(), Int(count) <= rest.count else { return nil }
    return bytes(Int(count)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Takes so many bytes.
  public mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= rest.count else { return nil }
    defer { rest = UnsafeRawBufferPointer(rebasing: rest[count...]) }
    return UnsafeRawBufferPointer(rebasing: rest[..<count])
  }

  /// Everything that is left.
  public mutating func everything() -> UnsafeRawBufferPointer {
    defer { rest = UnsafeRawBufferPointer(start: nil, count: 0) }
    return rest
  }
}
