import Glibc
import RungCore

// Arrays of NumPy by value, element by element as they lie in the first. Byte order and the order of indices may differ.
extension OutputComparison {
  /// `name` is that of the array in an archive.
  static func compareArrays(_ a: NumPyArray, _ b: NumPyArray, named name: String?, _ findings: inout Findings) {
    let title = name.map { "array \(Wording.quoted($0))" }
    let prefix = title.map { "\($0): " } ?? ""
    func shown(_ shape: [Int]) -> String { "[" + shape.map(String.init).joined(separator: ",") + "]" }
    guard a.shape == b.shape else {
      findings.differ("\(prefix)shapes \(shown(a.shape)) and \(shown(b.shape))")
      return
    }
    // The size of texts is only that of the longest of them.
    guard a.kind == b.kind, a.itemSize == b.itemSize || a.kind == .bytes || a.kind == .text else {
      findings.differ("\(prefix)elements of type \(a.typeName) and \(b.typeName)")
      return
    }
    guard let found = ArrayPair(a: a, b: b).compare(&findings) else { return }
    let place = a.shape.isEmpty ? "" : " \(shown(a.indices(found.first)))"
    let count = a.count == 1 ? "" : "; \(Wording.count(found.count)) of \(Wording.count(a.count)) elements differ"
    findings.differ("\(title ?? "element")\(place): \(found.what)\(count)")
  }
}

/// Two arrays of the same shape and kind.
private struct ArrayPair {
  let a: NumPyArray
  let b: NumPyArray

  /// The first element that differs, by its place in `a`; how many do; both values of the first.
  typealias Found = (first: Int, count: Int, what: String)

  /// Nil when none differs.
  func compare(_ findings: inout Findings) -> Found? {
    switch (a.kind, a.itemSize) {
    case (.boolean, _): compare(as: TruthElement.self, &findings)
    case (.integer, 1): compare(as: WholeElement<Int8>.self, &findings)
    case (.integer, 2): compare(as: WholeElement<Int16>.self, &findings)
    case (.integer, 4): compare(as: WholeElement<Int32>.self, &findings)
    case (.integer, _): compare(as: WholeElement<Int64>.self, &findings)
    case (.unsigned, 1): compare(as: WholeElement<UInt8>.self, &findings)
    case (.unsigned, 2): compare(as: WholeElement<UInt16>.self, &findings)
    case (.unsigned, 4): compare(as: WholeElement<UInt32>.self, &findings)
    case (.unsigned, _): compare(as: WholeElement<UInt64>.self, &findings)
    case (.float, 2): compare(as: HalfElement.self, &findings)
    case (.float, 4): compare(as: FloatElement.self, &findings)
    case (.float, _): compare(as: DoubleElement.self, &findings)
    case (.complex, 8): compare(as: ComplexElement<FloatElement>.self, &findings)
    case (.complex, _): compare(as: ComplexElement<DoubleElement>.self, &findings)
    case (.bytes, _), (.text, _): compareTexts()
    }
  }

  private func compare<Element: ArrayElement>(as: Element.Type, _ findings: inout Findings) -> Found? {
    a.data.withUnsafeBytes { x in
      b.data.withUnsafeBytes { y in
        // An array without elements may have no address; nothing is loaded then.
        guard let x = x.baseAddress, let y = y.baseAddress else { return nil }
        func pair(_ place: Int, _ other: Int) -> (Element, Element) {
          (
            Element(x + place * a.itemSize, isBigEndian: a.isBigEndian),
            Element(y + other * b.itemSize, isBigEndian: b.isBigEndian)
          )
        }
        let found = walk(x, y) { place, other in
          let (left, right) = pair(place, other)
          return left.isSame(right, &findings)
        }
        return found.map {
          let (left, right) = pair($0.first, $0.other)
          return ($0.first, $0.count, Wording.pair(left.text, right.text, left.double, right.double))
        }
      }
    }
  }

  private func compareTexts() -> Found? {
    func content(_ array: NumPyArray, _ place: Int) -> [UInt32] {
      let item = array.data.dropFirst(place * array.itemSize).prefix(array.itemSize)
      var units = item.map { UInt32($0) }
      if array.kind == .text {
        units = stride(from: 0, to: units.count, by: 4).map { at in
          (0..<4).reduce(0) { $0 << 8 | units[at + (array.isBigEndian ? $1 : 3 - $1)] }
        }
      }
      while units.last == 0 { units.removeLast() }
      return units
    }
    func shown(_ units: [UInt32]) -> String {
      let start = units.prefix(Wording.longest + 1)
      guard a.kind == .text else { return Wording.quoted(start.map { UInt8($0) }) }
      return Wording.quoted(String(String.UnicodeScalarView(start.map { Unicode.Scalar($0) ?? "\u{fffd}" })))
    }
    return a.data.withUnsafeBytes { x in
      b.data.withUnsafeBytes { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return nil }
        return walk(x, y) { content(a, $0) == content(b, $1) }.map {
          ($0.first, $0.count, "\(shown(content(a, $0.first))) and \(shown(content(b, $0.other)))")
        }
      }
    }
  }

  /// Asks for each element, by its places in both, whether it is the same; not where the bytes are.
  @inline(__always)
  private func walk(
    _ x: UnsafeRawPointer, _ y: UnsafeRawPointer, _ isSame: (Int, Int) -> Bool
  ) -> (first: Int, other: Int, count: Int)? {
    var found: (first: Int, other: Int, count: Int)?
    func note(_ place: Int, _ other: Int) {
      found = (found?.first ?? place, found?.other ?? other, (found?.count ?? 0) + 1)
    }
    guard a.isFortran == b.isFortran || a.shape.count < 2 else {
      var other = OtherOrder(a)
      for place in 0..<a.count {
        if !isSame(place, other.place) { note(place, other.place) }
        other.advance()
      }
      return found
    }
    let comparable = a.itemSize == b.itemSize && a.isBigEndian == b.isBigEndian
    let block = 512
    for start in stride(from: 0, to: a.count, by: block) {
      let end = min(start + block, a.count)
      let size = (end - start) * a.itemSize
      if comparable, memcmp(x + start * a.itemSize, y + start * a.itemSize, size) == 0 { continue }
      for place in start..<end where !isSame(place, place) { note(place, place) }
    }
    return found
  }
}

/// The places of an array's elements, one after the other, in an array with the other order of indices.
private struct OtherOrder {
  /// Lengths and steps of the directions, the one that moves fastest first.
  private var directions: [(length: Int, step: Int, index: Int)] = []
  private(set) var place = 0

  init(_ array: NumPyArray) {
    // What moves fastest here moves slowest there.
    let lengths = array.isFortran ? array.shape : array.shape.reversed()
    var step = array.count
    for length in lengths {
      // Without elements there is nothing to walk.
      step = length == 0 ? 0 : step / length
      directions.append((length, step, 0))
    }
  }

  mutating func advance() {
    for number in directions.indices {
      directions[number].index += 1
      place += directions[number].step
      guard directions[number].index == directions[number].length else { return }
      directions[number].index = 0
      place -= directions[number].step * directions[number].length
    }
  }
}
