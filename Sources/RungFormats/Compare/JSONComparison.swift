import RungCore

/// A JSON text, as errors of this module speak of it.
struct JSONDocument {
  let value: JSON

  /// The most bytes that are read by value: parsed they take many times as much.
  static let longest = 64 << 20

  init(_ bytes: [UInt8]) throws(FormatError) {
    guard bytes.count <= Self.longest else { throw FormatError("it has more than \(Self.longest >> 20) MiB") }
    do throws(JSON.ParseError) { value = try JSON(parsing: bytes) } catch { throw FormatError("\(error)") }
  }

  /// A JSON text on each line; empty lines are left out.
  static func lines(_ bytes: [UInt8]) throws(FormatError) -> [(line: Int, value: JSON)] {
    guard bytes.count <= longest else { throw FormatError("it has more than \(longest >> 20) MiB") }
    var result: [(line: Int, value: JSON)] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) else { continue }
      do throws(JSON.ParseError) { result.append((index + 1, try JSON(parsing: line))) } catch {
        throw FormatError("line \(index + 1) is \(error)")
      }
    }
    return result
  }
}

// JSON by value.
extension OutputComparison {
  static func compareJSON(_ a: JSON, _ b: JSON, _ findings: inout Findings) {
    if let mismatch = mismatch(a, b, &findings) { findings.differ(mismatch.sentence) }
  }

  static func compareJSONLines(
    _ a: [(line: Int, value: JSON)], _ b: [(line: Int, value: JSON)], _ findings: inout Findings
  ) {
    for (a, b) in zip(a, b) {
      if let mismatch = mismatch(a.value, b.value, &findings) {
        findings.differ("line \(Wording.count(a.line)): \(mismatch.sentence)")
        return
      }
    }
    if a.count != b.count { findings.differ("\(Wording.count(a.count)) and \(Wording.count(b.count, "value"))") }
  }

  /// Two values that are not the same, and where; the steps of the way to them from the last to the first.
  private struct Mismatch {
    let what: String
    var way: [String] = []

    var sentence: String { "\(Wording.pointer(way.reversed())): \(what)" }
  }

  private static func mismatch(_ a: JSON, _ b: JSON, _ findings: inout Findings) -> Mismatch? {
    switch (a, b) {
    case (.null, .null): return nil
    case (.bool(let x), .bool(let y)) where x == y: return nil
    case (.string(let x), .string(let y)) where x.utf8.elementsEqual(y.utf8): return nil
    case (.number(let x), .number(let y)):
      guard x != y else { return nil }
      let (p, q) = (NumberText(x), NumberText(y))
      if let p, let q, p.isSame(q, &findings) { return nil }
      return Mismatch(what: Wording.pair(Wording.number(x), Wording.number(y), p?.double ?? .nan, q?.double ?? .nan))
    case (.array(let x), .array(let y)):
      for (index, (x, y)) in zip(x, y).enumerated() {
        if var mismatch = mismatch(x, y, &findings) {
          mismatch.way.append(String(index))
          return mismatch
        }
      }
      return x.count == y.count
        ? nil : Mismatch(what: "\(Wording.count(x.count)) and \(Wording.count(y.count, "item"))")
    case (.object(let x), .object(let y)): return mismatch(x, y, &findings)
    default: return Mismatch(what: "\(shown(a)) and \(shown(b))")
    }
  }

  private static func mismatch(
    _ a: [JSON.Member], _ b: [JSON.Member], _ findings: inout Findings
  ) -> Mismatch? {
    let isSameOrder = a.count == b.count && zip(a, b).allSatisfy { $0.name == $1.name }
    let byName = isSameOrder ? [:] : Dictionary(b.map { ($0.name, $0.value) }) { first, _ in first }
    for (index, member) in a.enumerated() {
      guard let other = isSameOrder ? b[index].value : byName[member.name] else {
        return Mismatch(what: "only in the first (\(shown(member.value)))", way: [member.name])
      }
      if var mismatch = mismatch(member.value, other, &findings) {
        mismatch.way.append(member.name)
        return mismatch
      }
    }
    guard !isSameOrder, a.count != b.count else { return nil }
    let names = Set(a.map(\.name))
    return b.first { !names.contains($0.name) }.map {
      Mismatch(what: "only in the second (\(shown($0.value)))", way: [$0.name])
    }
  }

  private static func shown(_ value: JSON) -> String {
    switch value {
    case .null, .bool: value.compact
    case .number(let text): Wording.number(text)
    case .string(let text): Wording.quoted(text)
    case .array(let items): "a list of \(Wording.count(items.count))"
    case .object(let members): "an object of \(Wording.count(members.count))"
    }
  }
}
