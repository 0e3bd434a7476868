/// An element of an array as its bytes give it.
protocol ArrayElement {
  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool)
  func isSame(_ other: Self, _ findings: inout Findings) -> Bool
  /// For people.
  var text: String { get }
  /// For the relative difference; NaN where there is none to tell.
  var double: Double { get }
}

struct TruthElement: ArrayElement {
  private let value: Bool

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) { value = pointer.load(as: UInt8.self) != 0 }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool { value == other.value }
  var text: String { value ? "True" : "False" }
  var double: Double { .nan }
}

struct WholeElement<Number: FixedWidthInteger & BitwiseCopyable>: ArrayElement {
  private let value: Number

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) {
    let stored = pointer.loadUnaligned(as: Number.self)
    value = isBigEndian ? Number(bigEndian: stored) : Number(littleEndian: stored)
  }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool { findings.accepts(value, other.value) }
  var text: String { "\(value)" }
  var double: Double { Double(value) }
}

struct DoubleElement: ArrayElement {
  let double: Double

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) {
    let bits = pointer.loadUnaligned(as: UInt64.self)
    double = Double(bitPattern: isBigEndian ? UInt64(bigEndian: bits) : UInt64(littleEndian: bits))
  }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool { findings.accepts(double, other.double) }
  var text: String { "\(double)" }
}

struct FloatElement: ArrayElement {
  private let value: Float

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) {
    let bits = pointer.loadUnaligned(as: UInt32.self)
    value = Float(bitPattern: isBigEndian ? UInt32(bigEndian: bits) : UInt32(littleEndian: bits))
  }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool { findings.accepts(double, other.double) }
  var text: String { "\(value)" }
  var double: Double { Double(value) }
}

/// IEEE 754 binary16.
struct HalfElement: ArrayElement {
  let double: Double

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) {
    let stored = pointer.loadUnaligned(as: UInt16.self)
    let bits = isBigEndian ? UInt16(bigEndian: stored) : UInt16(littleEndian: stored)
    let fraction = Double(bits & 0x3FF) / 1024
    let exponent = Int(bits >> 10 & 0x1F)
    let size: Double =
      switch exponent {
      case 0: fraction * 0x1p-14
      case 31: fraction == 0 ? .infinity : .nan
      default: Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction)
      }
    double = bits >> 15 == 0 ? size : -size
  }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool { findings.accepts(double, other.double) }
  /// With the digits that a half has; in between there is none.
  var text: String { "\(Float(double))" }
}

struct ComplexElement<Part: ArrayElement>: ArrayElement {
  private let re: Part
  private let im: Part

  init(_ pointer: UnsafeRawPointer, isBigEndian: Bool) {
    re = Part(pointer, isBigEndian: isBigEndian)
    im = Part(pointer + MemoryLayout<Part>.size, isBigEndian: isBigEndian)
  }

  func isSame(_ other: Self, _ findings: inout Findings) -> Bool {
    findings.accepts((re.double, im.double), (other.re.double, other.im.double))
  }
  var text: String { "\(re.text)\(im.text.hasPrefix("-") ? "" : "+")\(im.text)i" }
  var double: Double { .nan }
}
