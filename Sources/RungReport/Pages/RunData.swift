import RungCore

/// What all executions of one step in a run took together.
struct StepTotal {
  let step: String
  var count = 0
  var failed = 0
  // In nanoseconds.
  var duration: Int64 = 0
  var cpu: Int64 = 0
  // The most of one execution, in bytes.
  var memory: Int64 = 0

  /// In the order in which the steps first ran.
  static func of(_ run: RunValues) -> [StepTotal] {
    var totals: [StepTotal] = []
    var places: [String: Int] = [:]
    for execution in run.executions {
      let place = places[execution.step] ?? totals.count
      if place == totals.count {
        places[execution.step] = place
        totals.append(StepTotal(step: execution.step))
      }
      totals[place].count += 1
      if execution.outcome != "succeeded" { totals[place].failed += 1 }
      totals[place].duration &+= execution.duration
      totals[place].cpu &+= execution.cpu ?? 0
      totals[place].memory = max(totals[place].memory, execution.memory ?? 0)
    }
    return totals
  }
}

/// Runs as data for the script.
enum RunData {
  // Of all runs together in the comparison; what is more is compared by steps alone.
  private static let mostExecutions = 40_000

  /// The executions of one run: `steps` and `outcomes` are named once, `rows` are `[instance, step, start, duration, cpu,
  /// memory, outcome, slot, critical]`, times in seconds, memory in bytes.
  static func json(_ run: RunValues, slots: [Int], critical: Set<Int>) -> [UInt8] {
    var steps = Names()
    var outcomes = Names()
    let rows = run.executions.enumerated().map { index, execution -> JSON in
      [
        .string(String(execution.instance.dropFirst(execution.step.count))), .int(steps.index(of: execution.step)),
        seconds(execution.start), seconds(execution.duration), execution.cpu.map(seconds) ?? .null,
        execution.memory.map { .int($0) } ?? .null, .int(outcomes.index(of: execution.outcome)), .int(slots[index]),
        .int(critical.contains(index) ? 1 : 0),
      ]
    }
    let json: JSON = [
      "steps": .array(steps.items.map { .string($0) }), "outcomes": .array(outcomes.items.map { .string($0) }),
      "rows": .array(rows),
    ]
    return json.compactBytes
  }

  /// For each run what its steps took, and for each execution what came out.
  static func comparison(_ runs: [RunValues]) -> [UInt8] {
    var steps = Names()
    var left = mostExecutions
    let list = runs.map { run -> JSON in
      let totals = StepTotal.of(run).map { total -> JSON in
        [
          .int(steps.index(of: total.step)), .int(total.count), seconds(total.duration), seconds(total.cpu),
          .int(total.memory), .int(total.failed),
        ]
      }
      let isWhole = run.executions.count <= left
      if isWhole { left -= run.executions.count }
      let results = (isWhole ? run.executions : []).map { execution -> JSON in
        [
          .string(String(execution.instance.dropFirst(execution.step.count))), .int(steps.index(of: execution.step)),
          seconds(execution.duration), .string(execution.outputs.joined(separator: " ")), .string(execution.outcome),
        ]
      }
      return [
        "id": .string(run.id), "when": .string(WhenWords.minute(run.started)),
        "arguments": .string(PlainText.cut(run.arguments, 200)),
        "page": .string("\(Slug.of(run.id)).html"),
        "took": run.finished.map { seconds($0 - run.started) } ?? .null, "ran": .int(run.ran),
        "unchanged": .int(run.unchanged), "failed": .int(run.failed), "whole": .bool(isWhole),
        "facts": .array(run.facts.map { [.string($0.name), .string($0.text)] }), "totals": .array(totals),
        "results": .array(results),
      ]
    }
    let json: JSON = ["steps": .array(steps.items.map { .string($0) }), "runs": .array(list)]
    return json.compactBytes
  }

  private static func seconds(_ nanoseconds: Int64) -> JSON {
    .number(Fixed.text(Double(nanoseconds) / 1e9, digits: 4))
  }

  // Each name once, in the order in which they come.
  private struct Names {
    private(set) var items: [String] = []
    private var places: [String: Int] = [:]

    mutating func index(of name: String) -> Int {
      if let known = places[name] { return known }
      places[name] = items.count
      items.append(name)
      return items.count - 1
    }
  }
}
