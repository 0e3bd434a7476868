import Glibc
import RungCore
import RungEngine
import Synchronization

/// Shows a run to whoever started it.
protocol RunView: Sendable {
  /// Before the first event.
  func begin()
  /// From any thread.
  func observe(_ event: RunEvent)
  /// After the last event.
  func end()
}

extension RunView {
  func begin() {}
  func end() {}
}

/// Lines for a pipe, a file or CI.
final class PlainRunView: RunView {
  private struct State {
    var total = 0
    var done = 0
  }

  private let quiet: Bool
  private let state = Mutex(State())

  init(quiet: Bool) { self.quiet = quiet }

  func observe(_ event: RunEvent) {
    let style = Style.errors
    switch event {
    case .started(_, let instances, _): state.withLock { $0.total = instances }
    case .unchanged: state.withLock { $0.done += 1 }
    case .settled: state.withLock { $0.total -= 1 }
    case .skipped(let instances): state.withLock { $0.done += instances.count }
    case .stepSucceeded(let instance, _, let duration, _):
      let place = advance()
      if !quiet { Console.complain("\(style.dim(place)) \(instance) \(style.dim("(\(duration))"))") }
    case .stepFailed(let failure):
      _ = advance()
      Console.complain(RunText.failure(failure, style))
    case .finished(let summary): if !quiet { Console.complain(RunText.summary(summary, style)) }
    default:
      if let line = RunText.line(event, style), !quiet || RunText.isWarning(event) { Console.complain(line) }
    }
  }

  private func advance() -> String {
    state.withLock { state in
      state.done += 1
      return "[\(state.done)/\(state.total)]"
    }
  }
}

/// One JSON object a line on standard output.
final class JSONRunView: RunView {
  private let lock = Mutex(())

  func observe(_ event: RunEvent) {
    guard let json = RunText.json(event) else { return }
    lock.withLock { _ in Console.write(json.compact + "\n", to: STDOUT_FILENO) }
  }
}

/// The words for events.
enum RunText {
  static func isWarning(_ event: RunEvent) -> Bool {
    switch event {
    case .warning, .retrying, .notPublished, .claim: true
    default: false
    }
  }

  /// A line for events that are not about the progress of a step.
  static func line(_ event: RunEvent, _ style: Style) -> String? {
    switch event {
    case .warning(let text): "\(style.yellow("warning:")) \(text)"
    case .claim(let pipeline, let verdict):
      "\(style.yellow("claim:")) "
        + ClaimWords.sentence("\(pipeline)/\(verdict.claim.name)", verdict.json(pipeline: pipeline), says: nil)
    case .resuming(let instance, let attempts):
      style.dim(
        "resuming \(instance) with what \(attempts == 1 ? "an attempt" : "\(attempts) attempts") before it kept")
    case .environment(let text): style.dim("environment: \(text)")
    case .waiting(let instance): style.dim("waiting for another process that runs \(instance)")
    case .fetched(let instance, let from, let by, _):
      "fetched \(instance) "
        + style.dim(
          "from \(from)\(by.map { ", signed by \(WhyText.printable($0))" } ?? ", whose bytes were lost here")")
    case .giving(let left): style.dim("giving results to remotes: \(left) left")
    case .published(let path, true): "restored \(path)"
    case .published(let path, false): "published \(path)"
    case .notPublished(_, let problem): "\(style.red("error:")) \(problem); the result is safe in the cache"
    case .retrying(let instance, let attempt, let of, let problem):
      "\(style.yellow("retrying")) \(instance): \(problem) (attempt \(attempt) of \(of))"
    default: nil
    }
  }

  /// Everything that a person needs who sees a step fail.
  static func failure(_ failure: StepFailure, _ style: Style) -> String {
    // What a pipeline file and a step's file names say must not steer the terminal.
    func lines(of text: String) -> [String] {
      text.split(separator: "\n", omittingEmptySubsequences: false).map { WhyText.printable(String($0)) }
    }
    let problem = lines(of: failure.problem)
    var told = ["\(style.red("failed:")) \(style.bold(failure.instance)): \(problem.first ?? "")"]
    told += problem.dropFirst().map { "  \($0)" }
    let command = lines(of: failure.command)
    told.append("  command: \(command.first ?? "")")
    told += command.dropFirst().filter { !$0.isEmpty }.map { "           \($0)" }
    if !failure.tail.isEmpty {
      told.append("  the last lines that it printed:")
      told += failure.tail.map { "    \($0)" }
    }
    if failure.record != nil { told.append("  more: rung log '\(failure.instance)', rung show '\(failure.instance)'") }
    return told.joined(separator: "\n")
  }

  /// The last line of a run.
  static func summary(_ summary: RunSummary, _ style: Style) -> String {
    var parts: [String] = []
    func add(_ count: Int, _ word: String) { if count > 0 { parts.append("\(count) \(word)") } }
    add(summary.ran, "ran")
    add(summary.unchanged, "up to date")
    add(summary.fetched, "fetched")
    add(summary.restored, "restored")
    add(summary.failed, "failed")
    add(summary.skipped, "not tried")
    let time = style.dim("(\(summary.duration))")
    if summary.interrupted { return "\(style.yellow("interrupted:")) \(parts.joined(separator: ", ")) \(time)" }
    add(summary.unpublished, "not published")
    if summary.failed > 0 { return "\(style.red("failed:")) \(parts.joined(separator: ", ")) \(time)" }
    if summary.unpublished > 0 { return "\(style.red("failed:")) \(parts.joined(separator: ", ")) \(time)" }
    if summary.ran + summary.restored + summary.fetched == 0 {
      return "\(style.green("nothing to do:")) \(summary.unchanged) up to date \(time)"
    }
    return "\(style.green("done:")) \(parts.joined(separator: ", ")) \(time)"
  }

  /// The event for programs (docs/formats/json.md); nil for those that programs read from the last one.
  static func json(_ event: RunEvent) -> JSON? {
    switch event {
    case .started(let run, let instances, let jobs):
      ["event": "run-started", "run": .string(run), "instances": .int(instances), "jobs": .int(jobs)]
    case .unchanged, .settled: nil
    case .stepStarted(let instance, _, let attempt, _):
      ["event": "step-started", "instance": .string(instance), "attempt": .int(attempt)]
    case .stepSucceeded(let instance, _, let duration, let record):
      [
        "event": "step-finished", "instance": .string(instance), "duration_ns": .int(duration.nanoseconds),
        "record": .digest(record),
      ]
    case .stepFailed(let failure):
      [
        "event": "step-failed", "instance": .string(failure.instance), "problem": .string(failure.problem),
        "command": .string(failure.command), "exit": failure.exitCode.map { .int($0) } ?? .null,
        "signal": failure.signal.map { .int($0) } ?? .null, "tail": .array(failure.tail.map { .string($0) }),
        "record": failure.record.map { .digest($0) } ?? .null,
      ]
    case .retrying(let instance, let attempt, let of, let problem):
      [
        "event": "step-retrying", "instance": .string(instance), "attempt": .int(attempt), "of": .int(of),
        "problem": .string(problem),
      ]
    case .skipped(let instances):
      ["event": "steps-skipped", "instances": .array(instances.map { .string($0) })]
    case .fetched(let instance, let from, let by, let record):
      [
        "event": "fetched", "instance": .string(instance), "remote": .string(from), "signed_by": .optional(by),
        "record": .digest(record),
      ]
    case .giving(let left): ["event": "giving", "left": .int(left)]
    case .waiting(let instance): ["event": "step-waiting", "instance": .string(instance)]
    case .published(let path, let restored):
      ["event": "published", "path": .string(path), "restored": .bool(restored)]
    case .notPublished(let path, let problem):
      ["event": "not-published", "path": .string(path), "problem": .string(problem)]
    case .resuming(let instance, let attempts):
      ["event": "step-resuming", "instance": .string(instance), "attempts": .int(attempts)]
    case .environment(let text): ["event": "environment", "message": .string(text)]
    case .warning(let text): ["event": "warning", "message": .string(text)]
    case .claim(let pipeline, let verdict):
      .object([.init("event", "claim")] + (verdict.json(pipeline: pipeline).members ?? []))
    case .finished(let summary):
      [
        "event": "run-finished", "ran": .int(summary.ran), "unchanged": .int(summary.unchanged),
        "restored": .int(summary.restored), "failed": .int(summary.failed), "skipped": .int(summary.skipped),
        "unpublished": .int(summary.unpublished), "fetched": .int(summary.fetched),
        "run": .string(summary.run), "interrupted": .bool(summary.interrupted),
        "duration_ns": .int(summary.duration.nanoseconds), "fault": .optional(summary.fault),
      ]
    }
  }
}
