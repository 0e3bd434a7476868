import RungCore
import RungModel

/// The tidy table that a collected `.json` output becomes.
///
/// A column for each axis (for a zipped axis or a table: one for each of its fields), then a column for each field of
/// the JSON values in the order in which they first appear; nested objects become `a.b`, lists stay JSON text. An output
/// that is a list of objects gives a row for each of them. A field with the name of an axis is called `output.field`.
/// CSV as in RFC 4180 with line feeds.
public struct CollectedTable: Sendable {
  private let axisColumns: [String]
  private let outputName: String
  private var fieldColumns: [String] = []
  private var fieldIndex: [String: Int] = [:]
  private var rows: [(axes: [String], cells: [Int: String])] = []

  /// An empty table over the axes of the producer of `outputName`.
  public init(axes: [Axis], outputName: String) {
    axisColumns = axes.flatMap { $0.fields.isEmpty ? [$0.name] : $0.fields }
    self.outputName = outputName
  }

  /// Adds what one instance measured.
  public mutating func add(values: [AxisValue], axes: [Axis], json: JSON) {
    var cells: [String] = []
    for (axis, value) in zip(axes, values) {
      if axis.fields.isEmpty {
        cells.append(Substitution.text(of: value.value))
      } else {
        cells += axis.fields.map { Substitution.text(of: value.value[$0] ?? .null) }
      }
    }
    if case .array(let items) = json, !items.isEmpty, items.allSatisfy({ $0.members != nil }) {
      for item in items { addRow(cells, item) }
    } else {
      addRow(cells, json)
    }
  }

  private mutating func addRow(_ axisCells: [String], _ json: JSON) {
    var cells: [Int: String] = [:]
    func visit(_ name: String, _ value: JSON, _ cells: inout [Int: String], _ table: inout CollectedTable) {
      if case .object(let members) = value {
        for member in members {
          visit(name.isEmpty ? member.name : "\(name).\(member.name)", member.value, &cells, &table)
        }
        return
      }
      var column = name.isEmpty ? "value" : name
      if table.axisColumns.contains(column) { column = "\(table.outputName).\(column)" }
      let index: Int
      if let known = table.fieldIndex[column] {
        index = known
      } else {
        index = table.fieldColumns.count
        table.fieldIndex[column] = index
        table.fieldColumns.append(column)
      }
      cells[index] = Substitution.text(of: value)
    }
    visit("", json, &cells, &self)
    rows.append((axisCells, cells))
  }

  /// The table as CSV, header first.
  public var csv: String {
    var out = Self.line(axisColumns + fieldColumns)
    for row in rows { out += Self.line(row.axes + fieldColumns.indices.map { row.cells[$0] ?? "" }) }
    return out
  }

  /// One line of CSV with its line feed.
  public static func line(_ cells: [String]) -> String {
    cells.map { cell in
      let special = cell.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
      return special
        ? "\"" + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : cell
    }.joined(separator: ",") + "\n"
  }
}
