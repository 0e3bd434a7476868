import RungCore

extension Claim {
  /// What is claimed, for the key of the step that judges it, its record and programs: equal claims, equal values.
  public var definition: JSON {
    var members: [JSON.Member] = []
    if let says { members.append(.init("says", .string(says))) }
    switch test {
    case .comparison(let comparison):
      members.append(.init("measured", .string(comparison.measured.text)))
      switch comparison.bound {
      case .within(let tolerance, let quantity):
        members.append(.init("predicted", quantity.definition))
        members.append(.init("within", .string(tolerance.text)))
      case .atMost(let quantity): members.append(.init("at_most", quantity.definition))
      case .atLeast(let quantity): members.append(.init("at_least", quantity.definition))
      }
      if !comparison.over.isEmpty { members.append(.init("over", .array(comparison.over.map { .string($0) }))) }
      if !comparison.regime.isEmpty {
        members.append(.init("where", .string(comparison.regime.map(\.text).joined(separator: " and "))))
      }
      if comparison.statistic != .mean { members.append(.init("statistic", .string(comparison.statistic.rawValue))) }
    case .independence(let independence):
      members.append(.init("independent", .string(independence.result.source)))
      members.append(.init("of", .string(independence.subject.text)))
    }
    members.append(.init("expect", .string(expectation.rawValue)))
    return .object(members)
  }
}

extension Claim.Tolerance {
  /// `relative 0.15`, for people and programs.
  public var text: String {
    switch self {
    case .absolute(let value): "absolute \(JSON.double(value).compact)"
    case .relative(let value): "relative \(JSON.double(value).compact)"
    case .log(let value): "log \(JSON.double(value).compact)"
    case .sigma(let value): "\(JSON.double(value).compact) sigma"
    case .standardErrors(let value): "z \(JSON.double(value).compact)"
    case .interval: "interval"
    }
  }
}

extension Claim.Independence.Subject {
  /// As the file has it.
  public var text: String {
    switch self {
    case .output(let output): output.source
    case .file(let path): path.text
    }
  }
}

extension Claim.Quantity {
  // A parameter counts with its value.
  fileprivate var definition: JSON {
    if case .number(let value, let name?) = self { return .string("\(name) = \(JSON.double(value).compact)") }
    return .string(text)
  }
}
