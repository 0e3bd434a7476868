import ArgumentParser
import RungCore
import RungEngine
import RungLedger
import RungPlan

struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Tell why a step would run, or why it last ran.",
    discussion: """
      Names what differs between the keys of the two results: the parameter, the input with its diff, the environment. \
      For a step with many instances, those with the same reasons are told together.
      """)

  @Argument(help: "The step, instance or published file.")
  var step: String

  @OptionGroup var project: ProjectOptions

  @OptionGroup var watch: WatchOption

  @Flag(name: .long, help: "Print JSON, for programs.")
  var json = false

  func run() throws {
    let (session, place) = try project.open(ingesting: false, watch: try watch.level())
    let named = try session.targets.instances(ProjectOptions.targets([step], in: session), from: place)
    let survey = try session.survey(named)
    defer { session.remember() }
    let answers = try session.executed(named).map { try session.why($0, survey) }
    if json { printJSON(answers) } else { printText(answers) }
  }

  private func printJSON(_ answers: [Why]) {
    var seen: Set<Why.Explained> = []
    var union: [JSON] = []
    for reason in answers.flatMap(\.reasons) where seen.insert(reason).inserted { union.append(WhyText.json(reason)) }
    let instances = answers.map { why -> JSON in
      [
        "instance": .string(why.instance), "standing": .string(WhyText.word(why.standing)),
        "reasons": .array(why.reasons.map(WhyText.json)), "last": Self.json(why.last),
        "accepted": why.accepted?.json ?? .null,
      ]
    }
    let json: JSON = [
      "step": .string(step), "standing": .string(Self.worst(answers)), "reasons": .array(union),
      "instances": .array(instances),
    ]
    Console.print(json.pretty)
  }

  private static func json(_ entry: HistoryEntry?) -> JSON {
    guard let entry else { return .null }
    return [
      "outcome": .string(entry.outcome), "run": .string(entry.run), "key": .digest(entry.key),
      "record": entry.record.map { .digest($0) } ?? .null, "at_ns": .int(entry.at),
    ]
  }

  private static func worst(_ answers: [Why]) -> String {
    for standing in [Survey.Standing.wouldRun, .undecided] where answers.contains(where: { $0.standing == standing }) {
      return WhyText.word(standing)
    }
    return WhyText.word(.current)
  }

  private func printText(_ answers: [Why]) {
    let style = Style.output
    struct Group: Hashable {
      let standing: Survey.Standing
      let detail: Why.Detail
      let outcome: String?
      let accepted: String?
      let reasons: [Why.Explained]
    }
    var order: [Group] = []
    var members: [Group: [Why]] = [:]
    for why in answers {
      // New instances differ only by their names.
      let reasons = why.reasons.map { explained in
        explained.reason.field == "record" ? Why.Explained(reason: Reason(field: "record")) : explained
      }
      let group = Group(
        standing: why.standing, detail: why.detail, outcome: why.last?.outcome,
        accepted: why.accepted.map(AcceptanceText.line), reasons: reasons)
      if members[group] == nil { order.append(group) }
      members[group, default: []].append(why)
    }
    for (index, group) in order.enumerated() {
      let group_members = members[group] ?? []
      if index > 0 { Console.print("") }
      let first = group_members.first?.instance ?? ""
      let name = group_members.count == 1 ? first : "\(first) and \(group_members.count - 1) more"
      Console.print(
        "\(style.bold(name)) \(headline(group.standing, group.detail, group_members.first?.last, many: group_members.count > 1))"
      )
      if let accepted = group.accepted { Console.print("  \(style.yellow("but it stands:")) \(accepted)") }
      let past = group.standing == .current && group.detail == .none
      for line in WhyText.lines(group.reasons, style, diffs: true, past: past) {
        Console.print("  " + line)
      }
    }
  }

  private func headline(
    _ standing: Survey.Standing, _ detail: Why.Detail, _ last: HistoryEntry?, many: Bool
  ) -> String {
    let isUpToDate = many ? "are up to date" : "is up to date"
    switch standing {
    case .wouldRun: return "would run:"
    case .undecided: return "may run, depending on what comes before it:"
    case .current, .unneeded:
      if detail == .unpublished { return "\(isUpToDate), but not what is published of \(many ? "them" : "it"):" }
      if detail == .returned {
        return "\(isUpToDate); \(many ? "their results are" : "its result is") in the cache from an earlier run:"
      }
      guard let last else { return isUpToDate }
      let when = WhenText.text(last.at)
      if last.outcome == "restored" { return "\(isUpToDate); the published copy was put back \(when):" }
      if last.outcome == "fetched" {
        return "\(isUpToDate); \(many ? "their results were" : "its result was") fetched from a remote \(when):"
      }
      return last.outcome == "cached"
        ? "\(isUpToDate); \(many ? "their results were" : "its result was") taken from the cache \(when):"
        : "\(isUpToDate); \(many ? "they" : "it") ran \(when):"
    }
  }
}
