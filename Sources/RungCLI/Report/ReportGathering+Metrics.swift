import RungCore
import RungEngine
import RungLedger
import RungModel
import RungPlan
import RungReport
import RungStore

extension ReportGathering {
  // A table of more columns is none that anybody reads.
  private static let mostColumns = 40
  // In bytes; larger JSON is data, not a measurement.
  private static let largestOutput: Int64 = 64 << 10
  // Longer lists are curves, not numbers of their own.
  private static let longestList = 4

  /// The instances `rows` of a step as a table, with the numbers in their JSON outputs.
  func table(
    _ planned: PlannedStep, _ rows: [BuildGraph.NodeID], _ states: [InstanceState]
  ) -> MetricTable {
    let axes = planned.axes.map { axis in
      MetricTable.AxisColumn(name: axis.name, labels: axis.values.map(\.label), isReplicate: axis.isReplicate)
    }
    let numbers = planned.axes.map { axis in
      Dictionary(axis.values.enumerated().map { ($1.label, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    }
    var places: [Int32] = []
    places.reserveCapacity(rows.count * axes.count)
    for row in rows {
      for axis in axes.indices {
        places.append(numbers[axis][planned.value(axis: axis, of: row - planned.first).label] ?? 0)
      }
    }
    let seconds = rows.map { row in record(row).map { Double($0.duration) / 1e9 } ?? .nan }
    var metrics = Metrics(count: rows.count, most: Self.mostColumns, longest: Self.longestList)
    let isOne = planned.step.outputs.count { Self.isJSON($0) } == 1
    let read = {
      for (index, row) in rows.enumerated() {
        guard let record = record(row), record.outcome == .succeeded else { continue }
        for output in record.outputs where output.kind != "tree" && output.path.hasSuffix(".json") {
          guard output.size <= Self.largestOutput else {
            metrics.large.insert(output.name)
            continue
          }
          guard let bytes = try? session.store.read(output.digest, limit: Self.largestOutput),
            let json = try? JSON(parsing: bytes)
          else { continue }
          metrics.add(json, isOne ? "" : output.name, row: index)
        }
      }
    }
    // Claims have a table of their own.
    if case .claims = planned.step.command {
    } else {
      // Together when that can be had: it is cheaper, and nothing else.
      if (try? session.store.together(read)) == nil { read() }
    }
    return MetricTable(
      axes: axes, places: places, states: states, seconds: seconds, columns: metrics.columns,
      leftOut: metrics.leftOut(largest: Self.largestOutput))
  }

  // As far as the declaration tells.
  private static func isJSON(_ output: Output) -> Bool { output.path.source.hasSuffix(".json") }
}

/// Numbers in JSON values, by the way to them, a column each.
private struct Metrics {
  private(set) var columns: [MetricTable.Column] = []
  /// Outputs that were too large to look into.
  var large: Set<String> = []
  private var places: [String: Int] = [:]
  private var beyond: Set<String> = []
  private var lists: Set<String> = []
  private let count: Int
  private let most: Int
  private let longest: Int

  init(count: Int, most: Int, longest: Int) {
    self.count = count
    self.most = most
    self.longest = longest
  }

  mutating func add(_ json: JSON, _ name: String, row: Int) { visit(json, name, row, depth: 0) }

  private mutating func visit(_ json: JSON, _ name: String, _ row: Int, depth: Int) {
    switch json {
    case .number:
      guard let value = json.double, value.isFinite else { return }
      set(value, name.isEmpty ? "value" : name, row)
    case .object(let members):
      guard depth < 8 else { return }
      for member in members {
        visit(member.value, name.isEmpty ? member.name : "\(name).\(member.name)", row, depth: depth + 1)
      }
    case .array(let items):
      // A list of objects is a table of its own.
      guard items.count <= longest, depth < 8, !items.contains(where: { $0.members != nil }) else {
        lists.insert(name.isEmpty ? "the whole output" : name)
        return
      }
      for (index, item) in items.enumerated() { visit(item, "\(name).\(index)", row, depth: depth + 1) }
    case .null, .bool, .string: return
    }
  }

  private mutating func set(_ value: Double, _ name: String, _ row: Int) {
    if let place = places[name] {
      columns[place].values[row] = value
      return
    }
    guard columns.count < most else {
      // Counted up to a bound: names may be made of data.
      if beyond.count < 10_000 { beyond.insert(name) }
      return
    }
    places[name] = columns.count
    var values = [Double](repeating: .nan, count: count)
    values[row] = value
    columns.append(MetricTable.Column(name: name, values: values))
  }

  func leftOut(largest: Int64) -> [String] {
    var sentences: [String] = []
    if !beyond.isEmpty { sentences.append("Left out: \(beyond.count) more numbers than the \(most) shown.") }
    if !lists.isEmpty { sentences.append("Left out: lists (\(Self.some(lists))).") }
    if !large.isEmpty {
      sentences.append("Left out: outputs of more than \(ByteCount(bytes: largest)) (\(Self.some(large))).")
    }
    return sentences
  }

  private static func some(_ names: Set<String>) -> String {
    let sorted = names.sorted()
    return sorted.prefix(6).joined(separator: ", ") + (sorted.count > 6 ? " and \(sorted.count - 6) more" : "")
  }
}
