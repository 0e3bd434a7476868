import RungCore

/// What browsers are told of a run that goes on: a value, as JSON.
struct LiveSnapshot {
  let run: String
  let picture: RunPicture
  let details: [String: LiveScreen.Detail]
  /// By instance: the last lines that it printed, fit for showing.
  let logs: [String: [String]]
  let messages: [(kind: String, text: String)]
  /// What the run said when it had ended.
  let summary: JSON?
  /// In nanoseconds, of the clock of the picture.
  let now: Int64

  /// No more instances than these are told of one by one.
  static let mostShown = 24

  var json: JSON {
    let sum = picture.sum
    func seconds(since: Int64) -> JSON { .double(Double(max(0, now - since) / 100_000_000) / 10) }
    return [
      "run": .string(run), "instances": .int(picture.total), "done": .int(sum.done), "current": .int(sum.unchanged),
      "ran": .int(sum.ran), "failed": .int(sum.failed), "skipped": .int(sum.skipped), "jobs": .int(picture.jobs),
      "open": .bool(picture.steps.contains { $0.isLoop && $0.total > $0.done }),
      "seconds": seconds(since: picture.started),
      "left": sum.done < picture.total ? picture.secondsLeft.map { .double($0.rounded(.up)) } ?? .null : 0,
      "steps": .array(
        picture.steps.map { step in
          [
            "step": .string(step.path), "instances": .int(step.total), "done": .int(step.done),
            "failed": .int(step.failed), "running": .int(step.running), "loop": .bool(step.isLoop),
          ]
        }),
      "running": .array(
        picture.running.prefix(Self.mostShown).map { entry in
          let detail = details[entry.instance]
          return [
            "instance": .string(entry.instance), "seconds": seconds(since: entry.since),
            "progress": detail?.progress.map { .double($0) } ?? .null, "done": .optional(detail?.done),
            "metrics": .array(
              (detail?.metrics ?? []).prefix(20).map { ["name": .string($0.name), "value": .double($0.value)] }),
            "log": .array((logs[entry.instance] ?? []).map { .string($0) }),
          ]
        }),
      "more": .int(max(0, picture.running.count - Self.mostShown)),
      "messages": .array(messages.map { ["kind": .string($0.kind), "text": .string($0.text)] }),
      "summary": summary ?? .null,
    ]
  }

  /// What is told when no run goes on.
  static let idle: JSON = ["run": .null]
}
