import ArgumentParser
import Glibc
import RungClaims
import RungCore
import RungEngine
import RungModel

struct ClaimsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "claims",
    abstract: "Show each claim: predicted, measured, tolerance, verdict, and whether it came out as expected.",
    discussion: """
      Claims are judged by `rung run`; nothing runs here. The exit code is 0 when every claim was judged on what the \
      steps give now and came out as expected, else 1.
      """)

  @Argument(help: ArgumentHelp("Pipelines, or PIPELINE/CLAIM; everything without it.", valueName: "pipeline"))
  var wanted: [String] = []

  @Flag(name: .long, help: "Show every cell of claims that are evaluated over axes.")
  var cells = false

  @OptionGroup var project: ProjectOptions

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, _) = try project.open(ingesting: false)
    let known = session.judging(nil)
    let all = session.standing(ofClaims: known, try session.survey(known))
    session.remember()
    let standings = try chosen(all)
    if standings.isEmpty, !json {
      Console.complain("no pipeline of this project claims anything (docs/formats/claims.md)")
      return
    }
    let rows = standings.flatMap(ClaimRow.rows)
    if json {
      Console.print(JSON.object([.init("claims", .array(rows.map(\.json)))]).pretty)
    } else {
      ClaimText(rows: rows, cells: cells).print()
    }
    if rows.contains(where: { !$0.isAsExpected || !$0.isCurrent }) { throw ExitNow(code: ExitStatus.stepFailed) }
  }

  private func chosen(_ all: [ClaimStanding]) throws -> [ClaimStanding] {
    guard !wanted.isEmpty else { return all }
    var result: [ClaimStanding] = []
    for text in wanted {
      let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
      guard let standing = all.first(where: { $0.pipeline == parts[0] }) else {
        let near = nearest(parts[0], among: all.map(\.pipeline))
        throw RequestError(
          message: "no pipeline '\(parts[0])' claims anything",
          hints: [near.map { "did you mean '\($0)'?" } ?? "`rung claims` lists all claims"])
      }
      guard parts.count == 2, parts[1] != Step.claims else {
        result.append(standing)
        continue
      }
      let claims = standing.claims.filter { $0.name == parts[1] }
      guard !claims.isEmpty else {
        let near = nearest(parts[1], among: standing.claims.map(\.name))
        throw RequestError(
          message: "the pipeline '\(parts[0])' has no claim '\(parts[1])'",
          hints: [near.map { "did you mean '\($0)'?" } ?? "`rung claims \(parts[0])` lists them"])
      }
      var part = standing
      part.claims = claims
      result.append(part)
    }
    return result
  }
}

/// A claim with what is known of it.
struct ClaimRow {
  let pipeline: String
  let claim: Claim
  let verdict: JSON?
  let isCurrent: Bool
  let record: Digest?

  static func rows(_ standing: ClaimStanding) -> [ClaimRow] {
    standing.claims.map {
      ClaimRow(
        pipeline: standing.pipeline, claim: $0, verdict: standing.verdicts[$0.name], isCurrent: standing.isCurrent,
        record: standing.record)
    }
  }

  var word: String { verdict?["verdict"]?.string ?? "not judged" }

  /// By what is expected now: the author may have changed their mind since.
  var isAsExpected: Bool { word == claim.expectation.rawValue }

  var json: JSON {
    var members =
      verdict?.members ?? [
        .init("name", .string(claim.name)), .init("pipeline", .string(pipeline)), .init("says", .optional(claim.says)),
        .init("predicted", .null), .init("measured", .null), .init("interval", .null), .init("n", 0),
        .init("tolerance", .null), .init("verdict", .null), .init("expected", .string(claim.expectation.rawValue)),
        .init("as_expected", false), .init("claim", claim.definition),
      ]
    members += [.init("current", .bool(isCurrent)), .init("record", record.map { .digest($0) } ?? .null)]
    return .object(members)
  }
}

/// The table for people.
struct ClaimText {
  let rows: [ClaimRow]
  let cells: Bool
  private let style = Style.output

  init(rows: [ClaimRow], cells: Bool) {
    self.rows = rows
    self.cells = cells
  }

  func print() {
    var table = TextTable(header: ["claim", "predicted", "measured", "tolerance", "verdict"])
    for row in rows {
      let number = Self.numbers(row.verdict ?? .null)
      table.add([
        "\(row.pipeline)/\(row.claim.name)", number.predicted, number.measured,
        row.verdict?["tolerance"]?.string ?? "", judged(row),
      ])
      for cell in cells ? row.verdict?["cells"]?.array ?? [] : [] {
        let number = Self.numbers(cell)
        table.add(["  \(Self.place(cell))", number.predicted, number.measured, "", cell["verdict"]?.string ?? ""])
      }
    }
    Console.print(colored(table.text))
    for row in rows { note(row) }
    let unjudged = rows.filter { $0.verdict == nil }.map(\.pipeline)
    let pipelines = unjudged.enumerated().filter { index, name in !unjudged[..<index].contains(name) }.map(\.element)
    if !pipelines.isEmpty {
      Console.print("\(unjudged.count) not judged yet; this does it: rung run \(pipelines.joined(separator: " "))")
    }
    let wrong = rows.count { !$0.isAsExpected }
    let breaking = rows.count { $0.isAsExpected && $0.claim.expectation == .breaks }
    let stale = rows.count { !$0.isCurrent && $0.verdict != nil }
    let count = rows.count == 1 ? "1 claim" : "\(rows.count) claims"
    if wrong == 0 {
      let boundary = breaking == 0 ? "" : ", of which \(breaking) where theory was expected to break"
      Console.print(style.green("\(count), all as expected\(boundary)"))
    } else {
      Console.print(style.red("\(wrong) of \(count) not as expected"))
    }
    if stale > 0 {
      Console.print(style.yellow("\(stale) were judged before the latest changes; `rung run` judges them again"))
    }
  }

  private func judged(_ row: ClaimRow) -> String {
    if row.verdict == nil { return "not judged" }
    let stale = row.isCurrent ? "" : " (before changes)"
    return row.isAsExpected ? "\(row.word)\(stale)" : "\(row.word), expected: \(row.claim.expectation.rawValue)\(stale)"
  }

  // Colours go on last: the table counts characters.
  private func colored(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return lines.enumerated().map { index, line in
      if index == 0 { return style.dim(line) }
      return line.contains(", expected: ") || line.hasSuffix("not judged") ? style.red(line) : line
    }.joined(separator: "\n")
  }

  private func note(_ row: ClaimRow) {
    guard !row.isAsExpected else { return }
    guard let verdict = row.verdict else { return }
    Console.print(ClaimWords.sentence("\(row.pipeline)/\(row.claim.name)", verdict, says: row.claim.says))
  }

  static func place(_ verdict: JSON) -> String { ClaimWords.place(verdict) }

  static func numbers(_ verdict: JSON) -> (predicted: String, measured: String) { ClaimWords.numbers(verdict) }
}

/// Words for one verdict, in its JSON form.
enum ClaimWords {
  /// Six digits at most.
  static func number(_ value: Double) -> String {
    if value == 0 { return "0" }
    let size = abs(value)
    if size >= 1e6 || size < 1e-4 { return scientific(value) }
    let digits = max(0, min(9, 3 - Int(log10(size).rounded(.down))))
    return trimmed(fixed(value, digits))
  }

  static func numbers(_ verdict: JSON) -> (predicted: String, measured: String) {
    let predicted = verdict["predicted"]?.double.map(number) ?? "–"
    guard let value = verdict["measured"]?.double else { return (predicted, "–") }
    var measured = number(value)
    let ends = verdict["interval"]?.array?.compactMap(\.double) ?? []
    if ends.count == 2 {
      let off = abs((ends[0] + ends[1]) / 2 - value)
      let half = (ends[1] - ends[0]) / 2
      // Not symmetric: a median, or what an analysis computed.
      measured +=
        off <= 0.01 * half
        ? " ± \(number(rounded(half)))" : " [\(number(rounded(ends[0]))), \(number(rounded(ends[1])))]"
    }
    if let n = verdict["n"]?.int, n > 1 { measured += " (n=\(n))" }
    return (predicted, measured)
  }

  static func place(_ verdict: JSON) -> String {
    (verdict["at"]?.members ?? []).map {
      $0.name == "at" ? $0.value.string ?? "" : "\($0.name)=\($0.value.string ?? "")"
    }
    .joined(separator: ",")
  }

  /// What came out otherwise than expected.
  static func sentence(_ name: String, _ verdict: JSON, says: String?) -> String {
    let word = verdict["verdict"]?.string ?? "?"
    var place = place(verdict)
    if !place.isEmpty { place = " at \(place)" }
    let numbers = numbers(verdict)
    var text = "\(name): "
    switch word {
    case "error": text += "cannot be judged\(place)"
    case "undecided": text += "undecided\(place)"
    default: text += "\(word)\(place), although it was expected \(word == "holds" ? "to break" : "to hold")"
    }
    if word != "error", verdict["measured"]?.double != nil {
      let bound = verdict["tolerance"]?.string ?? ""
      text +=
        ": predicted \(bound.hasPrefix("at ") ? "\(bound) " : "")\(numbers.predicted), measured \(numbers.measured)"
    }
    if let problem = verdict["problem"]?.string { text += ": \(WhyText.printable(problem))" }
    if word == "undecided" {
      if let more = verdict["more_replicates"]?.int {
        text += "; about \(more) more replicates would decide it"
      } else {
        text += "; the interval covers both sides"
      }
    }
    if let says { text += "\n  (\(WhyText.printable(says)))" }
    return text
  }

  // Two digits of an uncertainty are enough.
  private static func rounded(_ value: Double) -> Double {
    guard value != 0, value.isFinite else { return value }
    let unit = pow(10, (log10(abs(value))).rounded(.down) - 2)
    return (value / unit).rounded() * unit
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10, Double(digits))
    let whole = Int((abs(value) * scale).rounded())
    let text = String(whole)
    let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
    let sign = value < 0 && whole != 0 ? "-" : ""
    return digits == 0 ? sign + padded : "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var text = text
    while text.last == "0" { text.removeLast() }
    if text.last == "." { text.removeLast() }
    return text
  }

  private static func scientific(_ value: Double) -> String {
    let exponent = Int(log10(abs(value)).rounded(.down))
    return "\(trimmed(fixed(value / pow(10, Double(exponent)), 3)))e\(exponent)"
  }
}
