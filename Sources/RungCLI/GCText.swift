import RungCore
import RungEngine
import RungPlan

extension CollectionReport {
  /// What people are told; ends with a line break. `age`: how long after its last use a result is kept.
  func text(age: TimeSpan) -> String {
    let style = Style.output
    var lines: [String] = []
    let freed = ByteCount(bytes: collected?.bytes ?? bytes)
    let rest = ByteCount(bytes: keptBytes + bytes - (collected?.bytes ?? bytes))
    if objects == 0 {
      lines.append("nothing to free; \(rest) are in use")
    } else {
      lines.append("\(style.bold("\(collected == nil ? "would free" : "freed") \(freed)")); \(rest) stay")
    }
    if !dropped.isEmpty {
      var table = TextTable(header: ["step", "results", "frees", "to rebuild", "reproducible"], numeric: [1, 2, 3])
      let steps = self.steps
      for step in steps {
        table.add([
          step.step, "\(step.results)", "\(ByteCount(bytes: step.bytes))", "\(TimeSpan(nanoseconds: step.duration))",
          Self.words(step.reproducible),
        ])
      }
      if steps.count > 1 {
        table.add([
          "all", "\(dropped.count)", "\(ByteCount(bytes: bytes - strayBytes))",
          "\(TimeSpan(nanoseconds: rebuilding))", "",
        ])
      }
      lines += ["", table.text, ""]
    }
    if strayObjects > 0 {
      lines.append("nothing refers to \(Self.count(strayObjects, "object")) of \(ByteCount(bytes: strayBytes))")
    }
    if !passed.isEmpty {
      lines.append("outputs of \(Self.count(passed.count, "result")) go that are made again when something reads them")
    }
    if !kept.isEmpty { lines.append("kept: \(keptWords(age))") }
    if let spared = collected?.spared, spared > 0 {
      lines.append("spared \(Self.count(spared, "object")) that a running process relies on")
    }
    if !unreadable.isEmpty {
      lines.append("what nothing refers to is kept, because \(Self.count(unreadable.count, "record")) cannot be read")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func keptWords(_ age: TimeSpan) -> String {
    let words = Retention.Keeping.allCases.compactMap { why -> String? in
      guard let count = kept[why] else { return nil }
      switch why {
      case .pinned: return "\(count) pinned"
      case .published: return "\(count) published"
      case .current: return "\(count) current"
      case .needed: return "\(count) that these were made from"
      case .recent: return "\(count) of use in the last \(Self.days(age))"
      case .shared: return "\(count) with the bytes of others"
      }
    }
    let sum = kept.values.reduce(0, +)
    return "\(Self.count(sum, "result")) (\(words.joined(separator: ", ")))"
  }

  private static func words(_ counts: [Reproducibility: Int]) -> String {
    let known: [(Reproducibility, String)] = [(.yes, "yes"), (.no, "no"), (.unknown, "not known")]
    let words = known.filter { counts[$0.0, default: 0] > 0 }
    if words.count == 1 { return words[0].1 }
    return words.map { "\(counts[$0.0, default: 0]) \($0.1)" }.joined(separator: ", ")
  }

  private static func count(_ number: Int, _ noun: String) -> String {
    number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
  }

  private static func days(_ age: TimeSpan) -> String {
    let day: Int64 = 86_400_000_000_000
    guard age.nanoseconds >= day, age.nanoseconds % day == 0 else { return "\(age)" }
    return count(Int(age.nanoseconds / day), "day")
  }

  /// The same for programs; docs/formats/json.md lists the members.
  func json(cache: String) -> JSON {
    [
      "cache": .string(cache), "dry_run": .bool(collected == nil),
      "freed_objects": .int(collected?.objects ?? objects), "freed_bytes": .int(collected?.bytes ?? bytes),
      "spared_objects": .int(collected?.spared ?? 0),
      "kept_bytes": .int(keptBytes + bytes - (collected?.bytes ?? bytes)),
      "max_size": maxSize.map { .int($0) } ?? .null, "fits": .bool(fits),
      "stray_objects": .int(strayObjects), "stray_bytes": .int(strayBytes),
      "rebuild_ns": .int(rebuilding), "recomputable": .int(passed.count),
      "kept": .object(Retention.Keeping.allCases.map { JSON.Member($0.rawValue, .int(kept[$0, default: 0])) }),
      "steps": .array(
        steps.map { step in
          [
            "step": .string(step.step), "results": .int(step.results), "freed_bytes": .int(step.bytes),
            "rebuild_ns": .int(step.duration),
            "reproducible": [
              "yes": .int(step.reproducible[.yes, default: 0]), "no": .int(step.reproducible[.no, default: 0]),
              "unknown": .int(step.reproducible[.unknown, default: 0]),
            ],
          ]
        }),
      "dropped": .array(
        dropped.map {
          [
            "instance": .string($0.instance), "record": .digest($0.record), "why": .string($0.why.rawValue),
            "freed_bytes": .int($0.bytes), "duration_ns": .int($0.duration), "last_used_ns": .int($0.lastUsed),
            "reproducible": .string($0.reproducible.rawValue),
          ]
        }),
      "unreadable": .array(unreadable.map { .string($0) }),
    ]
  }
}
