/// What a step says of itself while it runs: the lines of the file that `RUNG_EVENTS` names, one JSON object each.
///
/// `{"progress": 0.4}` tells how much is done, from 0 to 1; every other number is a metric, `{"step": 100, "loss": 0.31}`.
/// A number `b` within `a` is called `a.b`. Bytes may come in pieces that are cut anywhere, as a file grows; a line counts
/// when its line feed is there, the last one also without when `finish()` is called.
public struct StepEvents: Sendable {
  /// The variable that names the file.
  public static let variable = "RUNG_EVENTS"
  /// Longer lines are left out, in bytes.
  public static let longestLine = 64 << 10
  /// What comes after so many bytes of sound lines is left out.
  public static let largest = 16 << 20

  /// How much is done, from 0 to 1, as said last; nil when it was not said.
  public private(set) var progress: Double?
  /// The newest value of each metric, in the order in which they first appeared.
  public private(set) var latest: [(name: String, value: Double)] = []
  /// How many lines count.
  public private(set) var count = 0
  /// How many do not: they are no JSON objects, or too long, or too many.
  public private(set) var leftOut = 0
  /// The lines that count, each with its line feed.
  public private(set) var kept: [UInt8] = []
  private let isKeeping: Bool
  private var pending: [UInt8] = []
  private var isSkipping = false
  private var places: [String: Int] = [:]
  private var size = 0

  /// Nothing yet. `keeping`: whether `kept` is filled.
  public init(keeping: Bool = false) { isKeeping = keeping }

  /// Takes in the next bytes of the file.
  public mutating func take(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == 10 {
        if isSkipping { leftOut += 1 } else { line() }
        isSkipping = false
        pending.removeAll(keepingCapacity: true)
      } else if isSkipping {
        continue
      } else if pending.count == Self.longestLine {
        isSkipping = true
      } else {
        pending.append(byte)
      }
    }
  }

  /// Takes what is there of a last line.
  public mutating func finish() {
    if isSkipping { leftOut += 1 } else { line() }
    isSkipping = false
    pending = []
  }

  private mutating func line() {
    let isBlank = pending.allSatisfy { $0 == 0x20 || $0 == 9 || $0 == 13 }
    if isBlank { return }
    guard size + pending.count < Self.largest, let json = try? JSON(parsing: pending), let members = json.members else {
      leftOut += 1
      return
    }
    size += pending.count + 1
    count += 1
    if isKeeping { kept += pending + [10] }
    for (name, value) in Self.numbers(members) {
      if name == "progress" {
        progress = value.isFinite ? min(1, max(0, value)) : progress
      } else if let place = places[name] {
        latest[place].value = value
      } else {
        places[name] = latest.count
        latest.append((name, value))
      }
    }
  }

  /// The numbers of an object, with those of objects within it.
  public static func numbers(_ members: [JSON.Member], in prefix: String = "") -> [(name: String, value: Double)] {
    members.flatMap { member -> [(name: String, value: Double)] in
      let name = prefix.isEmpty ? member.name : "\(prefix).\(member.name)"
      if let inner = member.value.members { return numbers(inner, in: name) }
      return member.value.double.map { [(name, $0)] } ?? []
    }
  }
}

extension StepEvents {
  /// One metric as it went.
  public struct Series: Sendable {
    /// Its name.
    public let name: String
    /// What it is drawn over: `step`, `epoch`, `iteration` or `t`, whichever the lines have; nil for their number.
    public let over: String?
    /// The points, in the order of the lines.
    public fileprivate(set) var points: [(x: Double, y: Double)]
  }

  /// The metrics of the lines that were kept, in the order in which they first appeared.
  public static func series(of bytes: [UInt8]) -> [Series] {
    let abscissae = ["step", "epoch", "iteration", "t"]
    var found: [Series] = []
    var places: [String: Int] = [:]
    for (number, line) in bytes.split(separator: 10).enumerated() {
      guard let members = (try? JSON(parsing: Array(line)))?.members else { continue }
      let numbers = numbers(members).filter { $0.name != "progress" }
      let over = abscissae.first { name in numbers.contains { $0.name == name } }
      let x = numbers.first { $0.name == over }?.value ?? Double(number + 1)
      for (name, value) in numbers where name != over {
        if let place = places[name] {
          found[place].points.append((x, value))
        } else {
          places[name] = found.count
          found.append(Series(name: name, over: over, points: [(x, value)]))
        }
      }
    }
    return found
  }
}

/// What a progress bar in the output of a program says.
public struct PrintedProgress: Hashable, Sendable {
  /// How much is done, from 0 to 1.
  public var share: Double
  /// How many of how many, where the bar tells.
  public var done: String?

  /// Reads the bar of tqdm (`fit:  42%|████▏     | 42/100 [00:03<00:04, 12.9it/s]`), the last one in a line; nil where there
  /// is none. What lies between carriage returns is one state of the line: pass the last.
  public init?(_ line: String) {
    // NAME: PERCENT%|BAR| DONE/TOTAL [ELAPSED<LEFT, RATE]: the documented default `bar_format` of tqdm 4.
    guard let bar = line.range(of: "%|"), let end = line[bar.upperBound...].firstIndex(of: "|") else { return nil }
    let digits = line[..<bar.lowerBound].reversed().prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, let percent = Int(String(digits.reversed())), percent <= 100 else { return nil }
    share = Double(percent) / 100
    let rest = line[line.index(after: end)...].drop { $0 == " " }
    let word = String(rest.prefix { $0 != " " })
    let halves = word.split(separator: "/", omittingEmptySubsequences: false)
    if halves.count == 2, let done = Self.number(halves[0]), let total = Self.number(halves[1]), total > 0 {
      self.done = word
      share = min(1, max(0, done / total))
    }
  }

  // tqdm shortens numbers with `unit_scale`: 1.20k, 3.4M.
  private static func number(_ text: Substring) -> Double? {
    let factors: [Character: Double] = ["k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12]
    guard let last = text.last else { return nil }
    if let factor = factors[last] { return Double(text.dropLast()).map { $0 * factor } }
    return Double(text)
  }
}

extension String {
  // The last place of a short text; without Foundation.
  fileprivate func range(of text: String) -> Range<String.Index>? {
    var start = endIndex
    while start > startIndex {
      start = index(before: start)
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
    }
    return nil
  }
}
