import RungCore
import RungEngine
import RungLedger
import RungModel
import RungPlan
import RungStore

/// What `rung show --plot` draws: a metric of a step's instances over one of its axes, or of an instance as it went.
struct ShowPlot {
  let metric: String
  let over: String?
  let isLogX: Bool
  let isLogY: Bool

  // Larger outputs are data, not metrics, in bytes.
  private static let largest: Int64 = 4 << 20

  /// One instance and what is known of it.
  private struct Member {
    let instance: BuildGraph.NodeID
    let record: Record
    var value: Double?
  }

  /// The plot. Throws `RequestError` for what cannot be drawn.
  func plot(of instances: [BuildGraph.NodeID], _ session: Session) throws -> TerminalPlot {
    var members: [Member] = []
    var names: [String] = []
    for instance in instances {
      guard let record = session.lastRecord(of: instance)?.record, record.outcome == .succeeded || instances.count == 1
      else { continue }
      let metrics = Self.metrics(of: record, session.store)
      for (name, _) in metrics where !names.contains(name) { names.append(name) }
      members.append(Member(instance: instance, record: record, value: metrics.first { $0.name == metric }?.value))
    }
    guard !members.isEmpty else {
      throw RequestError(message: "nothing has run that could be drawn", hints: ["`rung run` runs it"])
    }
    if instances.count > 1, members.contains(where: { $0.value != nil }) { return try sweep(members, session) }
    return try courses(members, names, session)
  }

  // As it went, from what the step said of itself.
  private func courses(_ members: [Member], _ names: [String], _ session: Session) throws -> TerminalPlot {
    var series: [TerminalPlot.Series] = []
    var known = names
    var over = "line"
    for member in members {
      guard let digest = member.record.events,
        let bytes = try? session.store.read(digest, limit: Int64(StepEvents.largest))
      else { continue }
      for found in StepEvents.series(of: bytes) {
        if !known.contains(found.name) { known.append(found.name) }
        guard found.name == metric else { continue }
        over = found.over ?? over
        series.append(
          .init(name: members.count == 1 ? "" : session.graph.name(of: member.instance), points: found.points))
      }
    }
    guard !series.isEmpty else {
      var hints =
        known.isEmpty
        ? [
          "it has no numbers: those in JSON outputs are drawn, and what steps append to the file that RUNG_EVENTS names"
        ]
        : ["the numbers that are known: \(known.prefix(12).joined(separator: ", "))"]
      if let near = nearest(metric, among: known) { hints.insert("did you mean '\(near)'?", at: 0) }
      throw RequestError(message: "no number is called '\(metric)'", hints: hints)
    }
    guard series.count <= TerminalPlot.most else {
      throw RequestError(
        message: "\(series.count) curves cannot be told apart; at most \(TerminalPlot.most) can",
        hints: ["name fewer instances, such as 'step[width=100,seed=0]'"])
    }
    return TerminalPlot(x: over, y: metric, series: series, isLogX: isLogX, isLogY: isLogY)
  }

  // Over an axis; replicates are averaged, other axes give series.
  private func sweep(_ members: [Member], _ session: Session) throws -> TerminalPlot {
    let step = session.graph.step(of: members[0].instance)
    guard members.allSatisfy({ session.graph.step(of: $0.instance).path == step.path }) else {
      throw RequestError(message: "the targets are of several steps", hints: ["name one step"])
    }
    func values(_ axis: Int) -> [AxisValue] {
      members.map { step.value(axis: axis, of: $0.instance - step.first) }
    }
    let varying = step.outerAxes.indices.filter { axis in Set(values(axis).map(\.label)).count > 1 }
    let names = step.outerAxes.map(\.name)
    guard
      let axis = over.map({ name in varying.first { names[$0] == name } })
        ?? varying.first(where: { !step.outerAxes[$0].isReplicate }) ?? varying.first
    else {
      throw RequestError(
        message: over.map { "'\(step.path)' does not vary over '\($0)'" } ?? "there is only one instance to draw",
        hints: ["it runs over \(names.joined(separator: ", "))"])
    }
    let isReplicate = step.outerAxes.map(\.isReplicate)
    let others = varying.filter { $0 != axis && !isReplicate[$0] }
    let places = unique(values(axis).map(\.label))
    let numbers = Dictionary(
      values(axis).map { ($0.label, $0.value.double) }, uniquingKeysWith: { first, _ in first })
    let isNumeric = numbers.values.allSatisfy { $0 != nil }
    var order: [String] = []
    var sums: [String: [String: (sum: Double, count: Int)]] = [:]
    for member in members {
      guard let value = member.value else { continue }
      let local = member.instance - step.first
      let series = others.map { "\(names[$0])=\(step.value(axis: $0, of: local).label)" }.joined(separator: ", ")
      let place = step.value(axis: axis, of: local).label
      if sums[series] == nil { order.append(series) }
      let before = sums[series]?[place] ?? (0, 0)
      sums[series, default: [:]][place] = (before.sum + value, before.count + 1)
    }
    guard order.count <= TerminalPlot.most else {
      throw RequestError(
        message: "\(order.count) series cannot be told apart; at most \(TerminalPlot.most) can",
        hints: [
          "choose some of \(others.map { names[$0] }.joined(separator: ", ")), such as '\(step.path)[\(order[0])]'"
        ])
    }
    let series = order.map { name in
      TerminalPlot.Series(
        name: name,
        points: places.enumerated().compactMap { index, label in
          guard let cell = sums[name]?[label] else { return nil }
          let x = isNumeric ? numbers[label].flatMap(\.self) ?? Double(index) : Double(index)
          return (x, cell.sum / Double(cell.count))
        })
    }
    let most = sums.values.flatMap(\.values).map(\.count).max() ?? 1
    return TerminalPlot(
      x: names[axis], y: most > 1 ? "\(metric), means of \(most)" : metric, series: series,
      labels: isNumeric ? [] : places, isLogX: isLogX && isNumeric, isLogY: isLogY)
  }

  // The numbers in the JSON outputs of an execution: `OUTPUT.NAME`, and `NAME` where only one output has it.
  private static func metrics(of record: Record, _ store: ObjectStore) -> [(name: String, value: Double)] {
    var found: [(output: String, name: String, value: Double)] = []
    for output in record.outputs where output.path.hasSuffix(".json") && output.size <= largest {
      guard let bytes = try? store.read(output.digest, limit: largest), let json = try? JSON(parsing: bytes),
        let members = json.members
      else { continue }
      found += StepEvents.numbers(members).map { (output.name, $0.name, $0.value) }
    }
    let counts = Dictionary(grouping: found, by: \.name).mapValues(\.count)
    return found.flatMap { entry -> [(name: String, value: Double)] in
      let whole = ("\(entry.output).\(entry.name)", entry.value)
      return counts[entry.name] == 1 ? [(entry.name, entry.value), whole] : [whole]
    }
  }
}

// Texts in the order in which they first appear, each once.
private func unique(_ texts: [String]) -> [String] {
  var seen: Set<String> = []
  return texts.filter { seen.insert($0).inserted }
}
