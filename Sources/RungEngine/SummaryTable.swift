import RungClaims
import RungCore
import RungModel
import RungPlan

/// The table that `:summary` makes of a collected `.json` output: what its replicates have in common.
///
/// A row for each combination of the values of the axes that are no replicates. A number `a.b` of the JSON values becomes
/// the columns `a.b.mean`, `a.b.sd` (with n - 1), `a.b.low` and `a.b.high` (the ends of Student's 95 % interval of the
/// mean) and `a.b.n`, the number of replicates that have it. Lists of numbers of one length are taken element by element
/// and stay JSON lists. What else is the same in all replicates has a column of its own name. An output that is a list of
/// objects gives a row for each of them, which are matched by position. Cells are empty where there is nothing to say.
struct SummaryTable {
  private let axes: [Axis]
  private let kept: [Int]
  private var groups: [(labels: [String], values: [AxisValue], members: [[JSON]])] = []
  private var places: [[String]: Int] = [:]

  /// What cannot be put together, for a person.
  struct Problem: Error { let message: String }

  /// An empty table over the axes of a step that runs over replicates.
  init(axes: [Axis]) {
    self.axes = axes
    kept = axes.indices.filter { !axes[$0].isReplicate }
  }

  /// Adds what one instance measured.
  mutating func add(values: [AxisValue], json: JSON) {
    var rows = [json]
    if case .array(let items) = json, !items.isEmpty, items.allSatisfy({ $0.members != nil }) { rows = items }
    let labels = kept.map { values[$0].label }
    if let place = places[labels] {
      groups[place].members.append(rows)
    } else {
      places[labels] = groups.count
      groups.append((labels, kept.map { values[$0] }, [rows]))
    }
  }

  /// The table as CSV, header first. Throws when replicates have lists of different lengths.
  func csv() throws(Problem) -> String {
    let names = kept.flatMap { axes[$0].fields.isEmpty ? [axes[$0].name] : axes[$0].fields }
    var columns: [String] = []
    var known: [String: Int] = [:]
    var rows: [(axes: [String], cells: [Int: String])] = []
    for group in groups {
      let count = group.members[0].count
      guard group.members.allSatisfy({ $0.count == count }) else {
        let label = zip(kept, group.labels).map { "\(axes[$0].name)=\($1)" }.joined(separator: ",")
        throw Problem(message: "the replicates\(label.isEmpty ? "" : " of \(label)") are lists of different lengths")
      }
      for position in 0..<count {
        var cells: [Int: String] = [:]
        for (name, text) in Self.cells(group.members.map { $0[position] }, beside: names) {
          let column = known[name] ?? columns.count
          if column == columns.count {
            known[name] = column
            columns.append(name)
          }
          cells[column] = text
        }
        rows.append((axisCells(group.values), cells))
      }
    }
    var text = CollectedTable.line(names + columns)
    for row in rows { text += CollectedTable.line(row.axes + columns.indices.map { row.cells[$0] ?? "" }) }
    return text
  }

  private func axisCells(_ values: [AxisValue]) -> [String] {
    zip(kept, values).flatMap { index, value in
      axes[index].fields.isEmpty
        ? [Substitution.text(of: value.value)]
        : axes[index].fields.map { Substitution.text(of: value.value[$0] ?? .null) }
    }
  }

  // The columns that the replicates of one row give, in the order in which fields first appear.
  private static func cells(_ replicates: [JSON], beside axes: [String]) -> [(String, String)] {
    var order: [String] = []
    var values: [String: [JSON]] = [:]
    func visit(_ name: String, _ value: JSON) {
      if case .object(let members) = value {
        for member in members { visit(name.isEmpty ? member.name : "\(name).\(member.name)", member.value) }
        return
      }
      let name = name.isEmpty ? "value" : name
      if values[name] == nil { order.append(name) }
      values[name, default: []].append(value)
    }
    for replicate in replicates { visit("", replicate) }
    var cells: [(String, String)] = []
    for name in order {
      let found = (values[name] ?? []).filter { $0 != .null }
      if let numbers = all(found, { $0.double }) {
        let summary = Summary(numbers)
        cells += zip(Summary.names, summary.values).map { ("\(name).\($0)", $1.map(text) ?? "") }
        cells.append(("\(name).n", "\(numbers.count)"))
      } else if let lists = all(found, { $0.array.flatMap { all($0) { $0.double } } }),
        let length = lists.first?.count, length > 0, lists.allSatisfy({ $0.count == length })
      {
        let summaries = (0..<length).map { index in Summary(lists.map { $0[index] }) }
        for (part, partName) in Summary.names.enumerated() {
          let items = summaries.compactMap { $0.values[part] }
          let list = items.map(text).joined(separator: ",")
          cells.append(("\(name).\(partName)", items.count == length ? "[\(list)]" : ""))
        }
        cells.append(("\(name).n", "\(lists.count)"))
      } else if let first = found.first, found.count == replicates.count, found.allSatisfy({ $0 == first }),
        !axes.contains(name)
      {
        cells.append((name, Substitution.text(of: first)))
      }
    }
    return cells
  }

  // Nothing where one has none.
  private static func all<T>(_ values: [JSON], _ read: (JSON) -> T?) -> [T]? {
    let found = values.compactMap(read)
    return found.count == values.count && !found.isEmpty ? found : nil
  }

  // As JSON has it, and Python writes what JSON has no word for.
  private static func text(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    if number.isInfinite { return number < 0 ? "-Infinity" : "Infinity" }
    return JSON.double(number).compact
  }

  // Mean, standard deviation and the ends of the interval, as far as there are any.
  private struct Summary {
    static let names = ["mean", "sd", "low", "high"]
    let values: [Double?]

    // A replicate that diverged makes the mean no number, and nothing is known of the rest.
    init(_ replicates: [Double]) {
      guard replicates.allSatisfy(\.isFinite) else {
        values = [replicates.reduce(0, +), nil, nil, nil]
        return
      }
      let estimate = Estimate(of: replicates)
      values = [estimate.value, estimate.deviation, estimate.interval?.lowerBound, estimate.interval?.upperBound]
    }
  }
}
