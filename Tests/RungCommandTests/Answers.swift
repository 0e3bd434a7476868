import RungCore
import Testing

/// How many step instances of a run came to which end.
struct Counts: Equatable, CustomTestStringConvertible {
  var ran = 0
  var unchanged = 0
  var restored = 0
  var failed = 0
  var skipped = 0

  var testDescription: String {
    "ran \(ran), unchanged \(unchanged), restored \(restored), failed \(failed), skipped \(skipped)"
  }
}

/// What `run --json` told.
struct RunReport {
  /// The numbers of the last event.
  let counts: Counts
  /// How many instances of each step ran, by the step's name without its pipeline.
  let steps: [String: Int]
  /// All events.
  let events: [JSON]
  /// How the command ended.
  let finished: Finished

  init(_ finished: Finished) throws {
    self.finished = finished
    events = try finished.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    let last = try #require(events.last, "no event; \(finished.testDescription)")
    try #require(last["event"]?.string == "run-finished")
    func number(_ name: String) throws -> Int { try #require(last[name]?.int, "no \(name) in \(last.compact)") }
    counts = Counts(
      ran: try number("ran"), unchanged: try number("unchanged"), restored: try number("restored"),
      failed: try number("failed"), skipped: try number("skipped"))
    var steps: [String: Int] = [:]
    for event in events where event["event"]?.string == "step-finished" {
      let name = try #require(event["instance"]?.string).prefix { $0 != "[" }
      steps[String(name.split(separator: "/").last ?? name), default: 0] += 1
    }
    self.steps = steps
  }

  /// The events of a kind.
  func events(_ kind: String) -> [JSON] { events.filter { $0["event"]?.string == kind } }
}

extension Sandbox {
  /// `rung run --json` with more words.
  @discardableResult
  func run(_ arguments: String..., with own: [String: String] = [:]) throws -> RunReport {
    try RunReport(try start(["run", "--json"] + arguments, with: own).wait())
  }

  /// What `rung why --json` gives as reasons, each as `field name`, those of steps upstream behind `<`:
  /// `upstream pipeline/fit < input code`.
  func why(_ step: String, _ arguments: String...) throws -> [String] {
    func tell(_ reason: JSON) -> [String] {
      let own = [reason["field"]?.string ?? "?", reason["name"]?.string ?? "?"].joined(separator: " ")
      let deeper = (reason["because"]?.array ?? []).flatMap(tell)
      return deeper.isEmpty ? [own] : deeper.map { "\(own) < \($0)" }
    }
    return try json(["why", step, "--json"] + arguments)["reasons"]?.array?.flatMap(tell) ?? []
  }

  /// How `rung why` says that a step stands.
  func standing(_ step: String, _ arguments: String...) throws -> String {
    try json(["why", step, "--json"] + arguments)["standing"]?.string ?? "?"
  }

  /// The JSON that a verb prints.
  func json(_ arguments: [String]) throws -> JSON {
    let finished = try start(arguments).wait()
    try #require(finished.code == 0, "\(finished.testDescription)")
    return try JSON(parsing: finished.output)
  }
}
