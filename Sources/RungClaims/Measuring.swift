import Glibc
import RungCore
import RungModel

/// Finds the numbers that a claim speaks of in what the steps made.
struct Measuring {
  /// By the source text of the reference.
  let evidence: [String: Evidence]
  let claim: Claim.Comparison

  /// One combination of the values of the axes that the claim is evaluated over.
  struct Cell: Hashable {
    var values: [String: AxisValue]
    /// `width=512`, in the order of `over`; empty for a claim without axes.
    var labels: [(axis: String, label: String)]

    static func == (a: Cell, b: Cell) -> Bool { a.values == b.values }
    func hash(into hasher: inout Hasher) { hasher.combine(values) }

    var text: String { labels.map { "\($0.axis)=\($0.label)" }.joined(separator: ",") }
  }

  /// The cells, in the order of the instances.
  func cells() throws(ClaimProblem) -> [Cell] {
    guard !claim.over.isEmpty else { return [Cell(values: [:], labels: [])] }
    // The axes are those of what is measured; what is predicted for them all may run over none.
    let sources = claim.measured.outputs + boundQuantity.outputs
    for output in sources {
      guard let found = evidence[output.source] else { continue }
      let names = found.axes.map(\.name)
      guard claim.over.allSatisfy(names.contains) else { continue }
      var cells: [Cell] = []
      var seen: Set<Cell> = []
      for member in found.members where isInRegime(member, found.axes) {
        let values = Dictionary(zip(names, member.values), uniquingKeysWith: { first, _ in first })
        let own = values.filter { claim.over.contains($0.key) }
        let cell = Cell(values: own, labels: claim.over.map { ($0, own[$0]?.label ?? "") })
        if seen.insert(cell).inserted { cells.append(cell) }
      }
      guard !cells.isEmpty else {
        throw ClaimProblem(
          "no instance of \(output.source) lies where \(claim.regime.map(\.text).joined(separator: " and "))")
      }
      return cells
    }
    throw ClaimProblem(
      "no output of the claim runs over \(claim.over.map { "'\($0)'" }.joined(separator: " and ")), which it is evaluated over"
    )
  }

  /// What it is held against.
  var boundQuantity: Claim.Quantity {
    switch claim.bound {
    case .within(_, let quantity), .atMost(let quantity), .atLeast(let quantity): quantity
    }
  }

  private func isInRegime(_ member: Evidence.Member, _ axes: [Axis]) -> Bool {
    for condition in claim.regime {
      let parts = condition.axis.split(separator: ".", maxSplits: 1).map(String.init)
      // An axis that the step lacks says nothing of its instances.
      guard let index = axes.firstIndex(where: { $0.name == parts[0] }) else { continue }
      let value = member.values[index]
      let shown = parts.count == 2 ? value.value[parts[1]] ?? .null : value.value
      if !condition.holds(for: shown, label: parts.count == 2 ? nil : value.label) { return false }
    }
    return true
  }

  /// The estimates of a quantity in a cell: one, or one for each member that `*` meets, with its way.
  func estimates(
    of quantity: Claim.Quantity, in cell: Cell
  ) throws(ClaimProblem) -> [(way: String?, estimate: Estimate)] {
    switch quantity {
    case .number(let value, _): return [(nil, Estimate(value: value))]
    case .axis(let name):
      let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
      let value = cell.values[parts[0]]?.value ?? .null
      let shown = parts.count == 2 ? value[parts[1]] ?? .null : value
      guard let number = shown.double else { throw ClaimProblem("\(name) is no number: \(shown.compact)") }
      return [(nil, Estimate(value: number))]
    case .pointer(let pointer):
      let group = try members(of: pointer.output, in: cell, along: nil)
      return try combined(pointer, group.map { (place(of: $0, pointer.output), $0.document) })
    case .exponent(let pointer, .axis(let axis)):
      return [(nil, try exponent(of: pointer, along: axis, in: cell))]
    case .exponent(let pointer, .pointer(let abscissa)):
      return [(nil, try exponent(of: pointer, along: abscissa, in: cell))]
    }
  }

  // The instances of a step that belong to a cell: beside replicates and the axis that a power law runs along there is
  // just one.
  private func members(
    of output: StepOutput, in cell: Cell, along: String?
  ) throws(ClaimProblem) -> [Evidence.Member] {
    guard let found = evidence[output.source] else { throw ClaimProblem("nothing is known of \(output.source)") }
    let kept = found.members.filter { member in
      isInRegime(member, found.axes)
        && zip(found.axes, member.values).allSatisfy { axis, value in
          cell.values[axis.name].map { $0.label == value.label } ?? true
        }
    }
    guard !kept.isEmpty else {
      let place = cell.labels.isEmpty ? "" : " at \(cell.text)"
      throw ClaimProblem("there is no instance of \(output.source)\(place) to look at")
    }
    for (index, axis) in found.axes.enumerated() where !axis.isReplicate && axis.name != along {
      let labels = Set(kept.map { $0.values[index].label })
      if labels.count > 1 {
        throw ClaimProblem(
          "\(output.source) has \(labels.count) values of the axis '\(axis.name)': name it in 'over', or choose one by 'where'"
        )
      }
    }
    return kept
  }

  private func place(of member: Evidence.Member, _ output: StepOutput) -> String {
    guard let axes = evidence[output.source]?.axes, !axes.isEmpty else { return output.source }
    return "\(output.source)[\(zip(axes, member.values).map { "\($0.name)=\($1.label)" }.joined(separator: ","))]"
  }

  // The statistic of a place in documents of replicates.
  private func combined(
    _ pointer: Claim.Pointer, _ documents: [(place: String, document: Evidence.Member.Document)]
  ) throws(ClaimProblem) -> [(way: String?, estimate: Estimate)] {
    var ways: [String] = []
    var values: [[Double]] = []
    for (index, (place, document)) in documents.enumerated() {
      let found = try found(pointer, in: document, place)
      if index == 0 {
        ways = found.map(\.way)
        if documents.count == 1, let given = found.first?.value, found.count == 1, let estimate = Self.given(given) {
          return [(nil, estimate)]
        }
        if documents.count == 1, found.contains(where: { Self.given($0.value) != nil }) {
          return try found.map { item throws(ClaimProblem) -> (way: String?, estimate: Estimate) in
            if let given = Self.given(item.value) { return (item.way, given) }
            return (item.way, Estimate(value: try Self.number(item.value, pointer, place, item.way)))
          }
        }
        values = Array(repeating: [], count: found.count)
      }
      guard found.map(\.way) == ways else {
        throw ClaimProblem("\(place)#\(pointer.place.text) has other members than the first replicate")
      }
      for (slot, item) in found.enumerated() {
        values[slot].append(try Self.number(item.value, pointer, place, item.way))
      }
    }
    let isSet = pointer.place.tokens.contains("*")
    return zip(ways, values).map { (isSet ? $0 : nil, Estimate(of: $1, by: claim.statistic)) }
  }

  // An object that carries its own interval: {"value": 1.5, "interval": [1.2, 1.8], "n": 12}.
  private static func given(_ json: JSON) -> Estimate? {
    guard let value = json["value"]?.double, value.isFinite else { return nil }
    var estimate = Estimate(value: value, count: max(1, json["n"]?.int ?? 1))
    if let ends = json["interval"]?.array?.compactMap(\.double), ends.count == 2, ends[0] <= ends[1], ends[0].isFinite,
      ends[1].isFinite
    {
      estimate.interval = ends[0]...ends[1]
      estimate.error =
        (ends[1] - ends[0]) / 2 / (estimate.count > 1 ? Student.quantile(estimate.count - 1) : 1.959963984540054)
    }
    return estimate
  }

  private static func number(
    _ json: JSON, _ pointer: Claim.Pointer, _ place: String, _ way: String
  ) throws(ClaimProblem) -> Double {
    let shown = "\(place)#\(way)"
    if let number = json.double ?? json["value"]?.double {
      guard number.isFinite else { throw ClaimProblem("\(shown) is \(number)") }
      return number
    }
    // As Python writes what JSON cannot.
    switch json {
    case .string(let text):
      throw ClaimProblem("\(shown) is no number but the text \(JSON.string(String(text.prefix(40))).compact)")
    case .null: throw ClaimProblem("\(shown) is null, not a number")
    case .bool: throw ClaimProblem("\(shown) is a truth value, not a number")
    case .array(let items):
      throw ClaimProblem("\(shown) is a list of \(items.count), not a number; '*' stands for each")
    case .object: throw ClaimProblem("\(shown) is an object, not a number; '*' stands for each member")
    case .number(let text): throw ClaimProblem("\(shown) is \(text), which is beyond what a double holds")
    }
  }

  private func found(
    _ pointer: Claim.Pointer, in document: Evidence.Member.Document, _ place: String
  ) throws(ClaimProblem) -> [(way: String, value: JSON)] {
    guard case .value(let root) = document else {
      if case .unreadable(let why) = document { throw ClaimProblem("\(place) cannot be read: \(why)") }
      return []
    }
    var found: [(way: String, value: JSON)] = [("", root)]
    for (depth, token) in pointer.place.tokens.enumerated() {
      var next: [(way: String, value: JSON)] = []
      for (way, value) in found {
        let escaped = JSONPointer.escaped(token)
        if token == "*" {
          switch value {
          case .array(let items): next += items.enumerated().map { ("\(way)/\($0.offset)", $0.element) }
          case .object(let members): next += members.map { ("\(way)/\($0.name)", $0.value) }
          default: throw ClaimProblem("\(place)#\(way) has no members that '*' could stand for")
          }
        } else if let member = value.member(token) {
          next.append(("\(way)/\(escaped)", member))
        } else {
          var message = "there is nothing at \(place)#\(way)/\(escaped)"
          if let members = value.members {
            let near = nearest(token, among: members.map(\.name))
            message +=
              near.map { "; is '\($0)' meant?" }
              ?? "; the members there are \(members.prefix(8).map(\.name).joined(separator: ", "))"
          } else if case .array(let items) = value {
            message += "; the list there has \(items.count) items"
          } else if depth > 0 {
            message += "; what is there is no object"
          }
          throw ClaimProblem(message)
        }
      }
      found = next
    }
    guard !found.isEmpty else { throw ClaimProblem("\(place)#\(pointer.place.text) is empty") }
    return found
  }

  private func exponent(
    of pointer: Claim.Pointer, along axis: String, in cell: Cell
  ) throws(ClaimProblem) -> Estimate {
    let group = try members(of: pointer.output, in: cell, along: axis)
    guard let index = evidence[pointer.output.source]?.axes.firstIndex(where: { $0.name == axis }) else {
      throw ClaimProblem("\(pointer.output.source) does not run over '\(axis)'")
    }
    var x: [Double] = []
    var y: [[Double]] = []
    for member in group {
      let value = member.values[index]
      guard let number = value.value.double, number > 0 else {
        throw ClaimProblem("a power law runs along positive numbers, not \(axis)=\(value.label)")
      }
      let place = place(of: member, pointer.output)
      let found = try found(pointer, in: member.document, place)
      guard found.count == 1, let item = found.first else {
        throw ClaimProblem("\(place)#\(pointer.place.text) is not one number")
      }
      let measured = try Self.number(item.value, pointer, place, item.way)
      guard measured > 0 else {
        throw ClaimProblem("a power law goes through positive numbers; \(place)#\(item.way) is \(measured)")
      }
      if let at = x.firstIndex(of: number) {
        y[at].append(measured)
      } else {
        x.append(number)
        y.append([measured])
      }
    }
    guard x.count > 1 else { throw ClaimProblem("a power law along '\(axis)' needs at least two of its values") }
    return Estimate.exponent(x: x, y: y, by: claim.statistic)
  }

  private func exponent(
    of pointer: Claim.Pointer, along abscissa: Claim.Pointer, in cell: Cell
  ) throws(ClaimProblem) -> Estimate {
    var x: [Double] = []
    var y: [[Double]] = []
    for member in try members(of: pointer.output, in: cell, along: nil) {
      let place = place(of: member, pointer.output)
      let ordinates = try found(pointer, in: member.document, place)
      let abscissae = try found(abscissa, in: member.document, place)
      guard ordinates.count == abscissae.count else {
        throw ClaimProblem(
          "\(place) has \(ordinates.count) numbers at #\(pointer.place.text) and \(abscissae.count) at #\(abscissa.place.text)"
        )
      }
      let values = try abscissae.map { item throws(ClaimProblem) in
        try Self.number(item.value, abscissa, place, item.way)
      }
      if x.isEmpty {
        x = values
        y = Array(repeating: [], count: values.count)
      }
      guard x == values else {
        throw ClaimProblem("\(place)#\(abscissa.place.text) has other values than the first replicate")
      }
      for (slot, item) in ordinates.enumerated() {
        let number = try Self.number(item.value, pointer, place, item.way)
        guard number > 0, x[slot] > 0 else {
          throw ClaimProblem("a power law goes through positive numbers; \(place)#\(item.way) is \(number)")
        }
        y[slot].append(number)
      }
    }
    guard Set(x).count > 1 else { throw ClaimProblem("a power law needs at least two points that differ") }
    return Estimate.exponent(x: x, y: y, by: claim.statistic)
  }
}

extension Claim.Condition {
  /// Whether an axis value meets it. Numbers compare as numbers, all else as text.
  func holds(for shown: JSON, label: String?) -> Bool {
    if let left = shown.double, let right = value.double {
      switch relation {
      case .equal: return left == right
      case .unequal: return left != right
      case .below: return left < right
      case .atMost: return left <= right
      case .above: return left > right
      case .atLeast: return left >= right
      }
    }
    let text = if case .string(let text) = value { text } else { value.compact }
    let own = label ?? (shown.string ?? shown.compact)
    let isSame = own == text || shown.string == text
    return relation == .equal ? isSame : relation == .unequal ? !isSame : false
  }
}
