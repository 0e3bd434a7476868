import RungCore

/// Where a dynamic axis takes its values from: `{from: plan.grid#/values}`.
public struct AxisOrigin: Hashable, Sendable {
  /// The output of a step with one instance.
  public var output: StepOutput
  /// The place in its JSON at which the list lies.
  public var place: JSONPointer

  /// More values than this come from a mistake.
  public static let limit = 10_000

  /// An origin.
  public init(output: StepOutput, place: JSONPointer) {
    self.output = output
    self.place = place
  }

  /// As the file has it.
  public var text: String { "\(output.source)#\(place.text)" }

  /// The values in the output of the step, for the axis of this name. Throws what is wrong with them.
  public func values(in document: JSON, axis: Axis) throws(Diagnostics) -> [AxisValue] {
    func wrong(_ problem: String, _ notes: [String] = []) -> Diagnostics {
      Diagnostics("the axis '\(axis.name)' takes its values from \(text), \(problem)", at: axis.location, notes: notes)
    }
    guard let value = document[place] else {
      let names = document.members?.prefix(8).map(\.name).joined(separator: ", ") ?? ""
      throw wrong("where there is nothing", names.isEmpty ? [] : ["the members of the output are \(names)"])
    }
    guard case .array(let items) = value else { throw wrong("which is no list") }
    guard !items.isEmpty else { throw wrong("which is empty", ["an axis has at least one value"]) }
    guard items.count <= Self.limit else {
      throw wrong(
        "which has \(items.count) values", ["a dynamic axis may have \(Self.limit); write a coarser grid"])
    }
    var values: [AxisValue] = []
    var labels: Set<String> = []
    for item in items {
      let label: String
      switch item {
      case .number(let text): label = text
      case .string(let text): label = text
      case .bool(let value): label = value ? "true" : "false"
      default:
        throw wrong("in which \(String(item.compact.prefix(60))) is neither a number nor a text")
      }
      if case .number(let text) = item, Double(text)?.isFinite != true { throw wrong("in which \(text) is no number") }
      if let problem = Names.problem(label: label) {
        throw wrong("in which '\(String(label.prefix(60)))' cannot name an instance: \(problem)")
      }
      guard labels.insert(label).inserted else { throw wrong("which has the value '\(label)' twice") }
      values.append(AxisValue(label: label, value: item))
    }
    return values
  }
}
