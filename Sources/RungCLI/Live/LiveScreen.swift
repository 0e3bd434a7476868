import RungCore

/// Draws a run that goes on, as lines that fit a window: a decision, made from values alone.
struct LiveScreen {
  /// What is known of an instance that runs, beyond that it does.
  struct Detail: Sendable {
    /// How much is done, from 0 to 1.
    var progress: Double?
    /// How many of how many.
    var done: String?
    /// The newest metrics.
    var metrics: [(name: String, value: Double)] = []
    /// The last line that it printed, fit for a terminal.
    var lastLine = ""
  }

  /// What the steps use together.
  struct Load: Sendable, Hashable {
    /// Processors' worth.
    var processors: Double
    /// In bytes.
    var memory: Int64
  }

  let picture: RunPicture
  /// By instance.
  let details: [String: Detail]
  let load: Load?
  let now: Int64
  let columns: Int
  let rows: Int

  /// The instances that get a line of their own.
  static func shown(_ picture: RunPicture, rows: Int) -> [RunPicture.Running] {
    Array(picture.running.prefix(max(1, min(10, (rows - 4) / 2))))
  }

  /// The lines, at most `rows - 1`.
  var lines: [ScreenLine] {
    let shown = Self.shown(picture, rows: rows)
    var lines = [header]
    var own = shown.map(instance)
    if picture.running.count > shown.count {
      own.append(ScreenLine("  and \(picture.running.count - shown.count) more", .dim))
    }
    if let first = shown.first, let last = details[first.instance]?.lastLine, !last.isEmpty, columns > 20 {
      own.insert(ScreenLine("    " + ScreenLine.fit(last, columns - 5), .dim), at: 1)
    }
    let room = rows - 1 - lines.count - own.count
    if room >= 2 { lines += steps(atMost: min(room, 8)) }
    lines += own
    return Array(lines.prefix(max(1, rows - 1)))
  }

  // What everything comes to.
  private var header: ScreenLine {
    let sum = picture.sum
    let width = max(8, min(30, columns / 4))
    var line = bar(sum, width: width)
    let isOpen = picture.steps.contains { $0.isLoop && $0.total > $0.done }
    line.add(" \(sum.done)/\(isOpen ? "≤" : "")\(picture.total)")
    let elapsed = "\(TimeSpan(nanoseconds: now - picture.started))"
    var parts: [(String, ScreenLine.Look)] = []
    if sum.failed > 0 { parts.append(("\(sum.failed) failed", .red)) }
    if let seconds = picture.secondsLeft, sum.done < picture.total, seconds > 0 {
      parts.append((isOpen ? "at most " : "about ", .plain))
      parts[parts.count - 1].0 += "\(Self.about(seconds)) left"
    }
    if sum.unchanged > 0 { parts.append(("\(sum.unchanged) up to date", .plain)) }
    if let load {
      let processors = Decimal.text(load.processors, digits: load.processors < 10 ? 1 : 0)
      parts.append(("\(processors) cpu, \(ByteCount(bytes: load.memory))", .dim))
    }
    // What matters most comes first, and what does not fit is left out.
    for (text, look) in parts where line.width + 2 + ScreenLine.width(of: text) + 2 + elapsed.count <= columns {
      line.add(", ")
      line.add(text, look)
    }
    line.add(" ")
    line.add(elapsed, .dim)
    return line
  }

  // The steps of which something is left, those first that run.
  private func steps(atMost most: Int) -> [ScreenLine] {
    let open = picture.steps.filter { $0.total > $0.done || $0.running > 0 }
    if open.count < 2, open.allSatisfy({ $0.total == picture.total }) { return [] }
    let chosen = open.filter { $0.running > 0 } + open.filter { $0.running == 0 }
    let isCut = chosen.count > most
    let shown = chosen.prefix(isCut ? most - 1 : most)
    let order = Dictionary(picture.steps.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { first, _ in first })
    let sorted = shown.sorted { order[$0.path, default: 0] < order[$1.path, default: 0] }
    let names = sorted.map { ScreenLine.fit($0.path, max(10, columns / 2 - 4)) }
    let name = names.map(ScreenLine.width(of:)).max() ?? 0
    let counts = sorted.map { "\($0.done)/\($0.isLoop && $0.total > $0.done ? "≤" : "")\($0.total)" }
    let count = counts.map(\.count).max() ?? 0
    let width = max(4, min(20, columns - name - count - 30))
    var lines = zip(sorted, zip(names, counts)).map { step, words in
      var line = ScreenLine("  " + words.0)
      line.pad(to: name + 4)
      let drawn = bar(step, width: width)
      line.append(drawn)
      line.pad(to: name + 4 + width + 1 + count - words.1.count)
      line.add(words.1)
      if step.running > 0 { line.add("  \(step.running) running") }
      if step.failed > 0 {
        line.add("  ")
        line.add("\(step.failed) failed", .red)
      }
      return line
    }
    if isCut { lines.append(ScreenLine("  and \(chosen.count - shown.count) more steps", .dim)) }
    return lines
  }

  // One that runs.
  private func instance(_ entry: RunPicture.Running) -> ScreenLine {
    let elapsed = "\(TimeSpan(nanoseconds: now - entry.since))"
    var words: [(String, ScreenLine.Look)] = []
    if let detail = details[entry.instance] {
      if let progress = detail.progress {
        words.append((detail.done ?? "\(Int((progress * 100).rounded(.down))) %", .plain))
        // What is left at the pace so far.
        let seconds = Double(now - entry.since) / 1e9
        if progress > 0.02, progress < 1, seconds > 1 {
          words.append(("\(Self.about(seconds * (1 - progress) / progress)) left", .dim))
        }
      }
      for metric in detail.metrics { words.append(("\(metric.name) \(Self.short(metric.value))", .plain)) }
    }
    // The name first, cut if it must be; then as many words as fit.
    let least = min(ScreenLine.width(of: entry.instance), max(20, columns / 2))
    var line = ScreenLine("  ")
    var chosen: [(String, ScreenLine.Look)] = []
    var taken = 2 + least + 2 + elapsed.count
    for word in words where taken + 2 + ScreenLine.width(of: word.0) <= columns {
      chosen.append(word)
      taken += 2 + ScreenLine.width(of: word.0)
    }
    let name = ScreenLine.fit(entry.instance, columns - (taken - least))
    line.add(name)
    for (text, look) in chosen {
      line.add("  ")
      line.add(text, look)
    }
    line.add("  ")
    line.add(elapsed, .dim)
    return line
  }

  private func bar(_ step: RunPicture.Step, width: Int) -> ScreenLine {
    let total = max(1, step.total)
    let filled = min(width, width * step.done / total)
    let red = step.failed == 0 ? 0 : max(1, filled * step.failed / max(1, step.done))
    var line = ScreenLine()
    line.add(String(repeating: "━", count: max(0, filled - red)), .green)
    line.add(String(repeating: "━", count: min(filled, red)), .red)
    line.add(String(repeating: "─", count: width - filled), .dim)
    return line
  }

  /// A time that is only estimated, in whole seconds, minutes or hours.
  static func about(_ seconds: Double) -> String {
    let whole = Int64(min(max(1, seconds.rounded(.up)), 1e9))
    let coarse = whole < 60 ? whole : whole < 3600 ? whole / 10 * 10 : whole / 60 * 60
    return "\(TimeSpan(nanoseconds: coarse * 1_000_000_000))"
  }

  /// A number in at most four digits.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    if value == value.rounded(), abs(value) < 1e9 { return "\(Int(value))" }
    let size = abs(value)
    if size >= 0.001, size < 1e6 {
      return Decimal.text(value, digits: size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)
    }
    var exponent = 0
    var mantissa = value
    while abs(mantissa) >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while abs(mantissa) < 1, mantissa != 0 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(Decimal.text(mantissa, digits: 1))e\(exponent)"
  }
}

extension ScreenLine {
  /// Appends another line.
  mutating func append(_ other: ScreenLine) {
    for (text, look) in other.parts { add(text, look) }
  }
}

/// Numbers with a fixed count of decimals.
enum Decimal {
  static func text(_ value: Double, digits: Int) -> String {
    var factor = 1.0
    for _ in 0..<digits { factor *= 10 }
    let scaled = Int64((abs(value) * factor).rounded())
    let whole = scaled / Int64(factor)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(whole)" }
    var rest = "\(scaled % Int64(factor))"
    while rest.count < digits { rest = "0" + rest }
    return "\(sign)\(whole).\(rest)"
  }
}
