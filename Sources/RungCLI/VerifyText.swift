import RungCore
import RungEngine
import RungLedger

/// What was found by executing steps again, in words.
struct VerifyText {
  let findings: [Rerun.Finding]
  let times: Int
  /// Instances whose inputs were changed meanwhile.
  var unjudged: [String] = []

  /// Everything that is known of one instance, over all repetitions.
  private struct Row {
    let name: String
    let isDeclared: Bool
    var verdicts: [Verification.Verdict] = []
    var worst: Verification?
    var follows = false
  }

  private var rows: [Row] {
    var rows: [Row] = []
    var places: [String: Int] = [:]
    for finding in findings {
      let place = places[finding.name] ?? rows.count
      if place == rows.count {
        places[finding.name] = place
        rows.append(Row(name: finding.name, isDeclared: finding.isDeclared))
      }
      let verification = finding.verification
      rows[place].verdicts.append(verification.verdict)
      rows[place].follows = rows[place].follows || finding.follows
      let before = rows[place].worst?.verdict ?? .identical
      if verification.verdict != .identical, Verification.Verdict.worst([before, verification.verdict]) != before {
        rows[place].worst = verification
      }
    }
    return rows
  }

  /// Whether anything differs that the pipeline does not declare to.
  var differs: Bool {
    !unjudged.isEmpty
      || rows.contains { row in !row.isDeclared && (row.worst?.verdict == .different || row.worst?.verdict == .failed) }
  }

  /// For people.
  func text(quiet: Bool) -> String {
    let style = Style.output
    let rows = rows
    var text = ""
    var counts: [Verification.Verdict: Int] = [:]
    for row in rows {
      counts[row.worst?.verdict ?? .identical, default: 0] += 1
      guard let worst = row.worst else { continue }
      if quiet, worst.verdict == .within || row.isDeclared { continue }
      text += "\(word(worst.verdict, row.isDeclared, style)) \(row.name)"
      let often = row.verdicts.count { $0 == worst.verdict }
      if row.verdicts.count > 1 { text += " (\(often) of \(row.verdicts.count) times)" }
      text += "\n"
      if let problem = worst.problem, worst.verdict == .failed { text += "  \(WhyText.printable(problem))\n" }
      for output in worst.outputs {
        guard let difference = output.difference else { continue }
        text += "  \(output.name): \(WhyText.printable(difference))\n"
      }
    }
    if let first = unjudged.first {
      let names = unjudged.count == 1 ? first : "\(first) and \(unjudged.count - 1) more"
      text += "\(style.red("not verified:")) \(names): what they read was changed meanwhile\n"
    }
    if quiet { return text }
    let parts = Verification.Verdict.allCases.compactMap { verdict -> String? in
      guard let count = counts[verdict] else { return nil }
      return "\(count) \(name(verdict))"
    }
    let followers = rows.count { $0.follows }
    text += "\(rows.count) \(rows.count == 1 ? "instance" : "instances") executed again"
    if times > 1 { text += ", \(times) times" }
    text += ": \(parts.joined(separator: ", "))\n"
    if followers > 0 {
      text +=
        "\(followers) of them read what came out otherwise; they were judged with the inputs that they had before\n"
    }
    return text
  }

  private func name(_ verdict: Verification.Verdict) -> String {
    switch verdict {
    case .identical: "identical"
    case .within: "within the tolerance"
    case .different: "different"
    case .failed: "failed"
    }
  }

  private func word(_ verdict: Verification.Verdict, _ isDeclared: Bool, _ style: Style) -> String {
    switch verdict {
    case .identical, .within: "within the tolerance:"
    case .different: isDeclared ? "different, as declared:" : style.red("different:")
    case .failed: style.red("failed:")
    }
  }

  /// For programs.
  var json: JSON {
    var counts: [Verification.Verdict: Int] = [:]
    for row in rows { counts[row.worst?.verdict ?? .identical, default: 0] += 1 }
    let results = findings.map { finding -> JSON in
      let verification = finding.verification
      let outputs = verification.outputs.map { output -> JSON in
        [
          "name": .string(output.name), "verdict": .string(output.verdict.rawValue),
          "expected": .digest(output.expected), "made": output.made.map { .digest($0) } ?? .null,
          "difference": .optional(output.difference),
        ]
      }
      return [
        "instance": .string(finding.name), "record": .digest(verification.record),
        "repetition": .int(verification.repetition), "verdict": .string(verification.verdict.rawValue),
        "declared": .bool(finding.isDeclared), "follows": .bool(finding.follows),
        "varied": .array(verification.varied.map { .string($0) }), "problem": .optional(verification.problem),
        "duration_ns": .int(verification.duration), "outputs": .array(outputs),
      ]
    }
    return [
      "instances": .int(rows.count), "times": .int(times), "identical": .int(counts[.identical] ?? 0),
      "within": .int(counts[.within] ?? 0), "different": .int(counts[.different] ?? 0),
      "failed": .int(counts[.failed] ?? 0), "unjudged": .array(unjudged.map { .string($0) }),
      "results": .array(results),
    ]
  }
}
