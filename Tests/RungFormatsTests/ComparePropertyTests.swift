import RungCore
import RungFormats
import Testing

/// Random documents, written in each format, and what becomes of them when a number changes a little or a lot.
@Suite struct ComparePropertyTests {
  /// SplitMix64, so that a failing seed can be named.
  struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// Numbers by rows of equal length, in one of the formats.
  struct Sheet {
    var rows: [[Double]]
    static let formats = ["a.json", "a.jsonl", "a.csv", "a.npy", "a.npz"]

    init(_ dice: inout Dice) {
      let width = Int.random(in: 1...5, using: &dice)
      rows = (0..<Int.random(in: 1...6, using: &dice)).map { _ in
        (0..<width).map { _ in
          let size = Double(sign: .plus, exponent: Int.random(in: -30...30, using: &dice), significand: 1)
          return (Bool.random(using: &dice) ? 1 : -1) * Double.random(in: 1..<2, using: &dice) * size
        }
      }
    }

    func bytes(_ format: String) -> [UInt8] {
      let lists = rows.map { "[" + $0.map { "\($0)" }.joined(separator: ", ") + "]" }
      let array = MadeNumPy.array("<f8", [rows.count, rows[0].count], MadeNumPy.doubles(Array(rows.joined())))
      switch format {
      case "a.json": return Array("{\"rows\": [\(lists.joined(separator: ", "))]}".utf8)
      case "a.jsonl": return Array(lists.joined(separator: "\n").utf8)
      case "a.csv": return Array(rows.map { $0.map { "\($0)" }.joined(separator: ",") }.joined(separator: "\n").utf8)
      case "a.npy": return array
      default: return MadeNumPy.archive([("x.npy", array)], isDeflated: true)
      }
    }
  }

  @Test(arguments: 0..<60) func aChangeCountsExactlyBeyondTheTolerance(_ seed: UInt64) throws {
    var dice = Dice(state: seed)
    let sheet = Sheet(&dice)
    let (row, column) = (
      Int.random(in: 0..<sheet.rows.count, using: &dice), Int.random(in: 0..<sheet.rows[0].count, using: &dice)
    )
    let relative = Double.random(in: 1e-9...1e-2, using: &dice)
    let isAbsolute = Bool.random(using: &dice)
    let old = sheet.rows[row][column]
    for (factor, isAllowed) in [(0.9, true), (1.1, false)] {
      var other = sheet
      // The new one is the larger, so the difference is `relative` of it.
      other.rows[row][column] = old / (1 - relative * factor)
      let distance = abs(other.rows[row][column] - old)
      let tolerance =
        isAbsolute ? NumberTolerance(absolute: distance / factor) : NumberTolerance(relative: relative)
      for format in Sheet.formats {
        let (a, b) = (sheet.bytes(format), other.bytes(format))
        let verdict = OutputComparison.compare(a, b, named: format, tolerance: tolerance)
        let note: Comment = "seed \(seed), \(format), \(verdict)"
        if isAllowed {
          #expect(
            verdict == .within(largestAbsolute: distance, largestRelative: distance / abs(other.rows[row][column])),
            note)
          // Both ways the same.
          #expect(OutputComparison.compare(b, a, named: format, tolerance: tolerance) == verdict, note)
        } else {
          guard case .different(let first) = verdict else {
            Issue.record(note)
            continue
          }
          #expect(first.contains("\(old) and \(other.rows[row][column])"), note)
          guard case .different(let reversed) = OutputComparison.compare(b, a, named: format, tolerance: tolerance)
          else {
            Issue.record(note)
            continue
          }
          #expect(
            reversed
              == first.replacing("\(old) and \(other.rows[row][column])", with: "\(other.rows[row][column]) and \(old)")
          )
        }
        // Without a tolerance only the same bytes are the same.
        #expect(OutputComparison.compare(a, a, named: format, tolerance: nil) == .identical)
        guard case .different = OutputComparison.compare(a, b, named: format, tolerance: nil) else {
          Issue.record(note)
          continue
        }
      }
    }
  }

  /// A random value; the numbers in it, told by the number of those before.
  private func value(_ dice: inout Dice, depth: Int, numbers: inout Int) -> JSON {
    switch Int.random(in: depth > 3 ? 4...7 : 0...7, using: &dice) {
    case 0, 1:
      return .array(
        (0..<Int.random(in: 0...3, using: &dice)).map { _ in value(&dice, depth: depth + 1, numbers: &numbers) })
    case 2, 3:
      let names = ["a/b", "~", "\"", "loss", "é", ""].shuffled(using: &dice).prefix(Int.random(in: 0...5, using: &dice))
      return .object(names.map { JSON.Member($0, value(&dice, depth: depth + 1, numbers: &numbers)) })
    case 4: return ["x", true, nil, false].randomElement(using: &dice) ?? nil
    default:
      numbers += 1
      return .number("\(Double(numbers) + 0.5)")
    }
  }

  /// The value with its numbers changed by `change`, and with the members of its objects the other way round.
  private func changed(_ value: JSON, isTurned: Bool, _ change: (String) -> String) -> JSON {
    switch value {
    case .number(let text): .number(change(text))
    case .array(let items): .array(items.map { changed($0, isTurned: isTurned, change) })
    case .object(let members):
      .object(
        (isTurned ? members.reversed() : members).map {
          JSON.Member($0.name, changed($0.value, isTurned: isTurned, change))
        })
    default: value
    }
  }

  @Test(arguments: 0..<200) func theOrderOfMembersChangesNoSentence(_ seed: UInt64) {
    var dice = Dice(state: seed)
    var count = 0
    let whole = value(&dice, depth: 0, numbers: &count)
    guard count > 0 else { return }
    let unlucky = Set((0..<2).map { _ in "\(Double(Int.random(in: 1...count, using: &dice)) + 0.5)" })
    func other(isTurned: Bool) -> [UInt8] {
      // Those that are not to differ are written in another way.
      Array(changed(whole, isTurned: isTurned) { unlucky.contains($0) ? "-1" : $0 + "0" }.pretty.utf8)
    }
    let plain = OutputComparison.compare(whole.compactBytes, other(isTurned: false), named: "a.json", tolerance: nearly)
    let turned = OutputComparison.compare(whole.compactBytes, other(isTurned: true), named: "a.json", tolerance: nearly)
    #expect(plain == turned, "seed \(seed): \(whole.compact)")
    guard case .different(let first) = plain else {
      Issue.record("seed \(seed): \(plain)")
      return
    }
    #expect(unlucky.contains { first.contains(": \($0) and -1") }, "seed \(seed): \(first)")
  }

  @Test(arguments: Sheet.formats + ["a.png", "a.txt"]) func noDamageStopsAComparison(_ format: String) {
    var dice = Dice(state: 7)
    let whole =
      format == "a.png"
      ? MadePNG(width: 5, height: 4, colour: 2, depth: 8, filters: [4]) { x, y, _ in x * y }.bytes
      : Sheet(&dice).bytes(format)
    func isDifferent(_ damaged: [UInt8]) -> Bool {
      for (a, b) in [(whole, damaged), (damaged, whole)] {
        if OutputComparison.compare(a, b, named: format, tolerance: nil) == .identical { return false }
        _ = OutputComparison.compare(a, b, named: format, tolerance: NumberTolerance(absolute: 1, relative: 1))
      }
      return true
    }
    for count in whole.indices { #expect(isDifferent(Array(whole[..<count]))) }
    for at in whole.indices {
      var damaged = whole
      damaged[at] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
      #expect(isDifferent(damaged))
      // Two files with the same damage in different places of it.
      damaged[at] = .random(in: 0...255, using: &dice)
      var twice = damaged
      twice[.random(in: twice.indices, using: &dice)] = .random(in: 0...255, using: &dice)
      _ = OutputComparison.compare(damaged, twice, named: format, tolerance: nearly)
    }
  }

  @Test func bombsAreBytes() {
    let zeros = [UInt8](repeating: 0, count: 8 << 20)
    let packed = Zlib.deflate(zeros, .none)
    // An archive that says its file has a hundred bytes.
    var small = MadeNumPy.archive([("w.npy", zeros)], isDeflated: true)
    let directory = small.count - 22 - 51
    for index in 0..<4 { small[directory + 24 + index] = index == 0 ? 100 : 0 }
    #expect(small.count < 20_000 && packed.count < 20_000)
    var other = small
    other[40] ^= 1
    #expect(
      OutputComparison.compare(small, other, named: "w.npz", tolerance: nearly)
        == OutputComparison.compare(small, other, named: "w.bin", tolerance: nearly))
    guard case .different(let first) = OutputComparison.compare(small, other, named: "w.npz", tolerance: nearly) else {
      Issue.record("the same")
      return
    }
    #expect(first.hasPrefix("byte 40: "))
    let deep = String(repeating: "[", count: 1_000_000)
    #expect(difference(deep, deep + "1", "m.json", nearly)?.hasPrefix("line 1: only") == false)
    let quotes = String(repeating: "\"", count: 200_001)
    #expect(difference(quotes, quotes + "x", "m.csv", nearly) != nil)
  }
}
