import RungCore

/// Reads the claims of a pipeline, when all names are known.
struct ClaimReader {
  let pipeline: PipelineDraft
  let names: TemplateResolver.Names
  let mistakes: Mistakes
  /// The outputs that claims refer to, with their places.
  private(set) var uses: [(output: StepOutput, node: YAMLNode)] = []

  init(pipeline: PipelineDraft, names: TemplateResolver.Names, mistakes: Mistakes) {
    self.pipeline = pipeline
    self.names = names
    self.mistakes = mistakes
  }

  /// The claims that could be read.
  mutating func read(_ entries: [YAMLNode.Entry]) -> [Claim] {
    var claims: [Claim] = []
    for entry in entries where mistakes.checkName(entry.key, what: "a claim") {
      if let claim = read(entry) { claims.append(claim) }
    }
    return claims
  }

  private mutating func read(_ entry: YAMLNode.Entry) -> Claim? {
    guard let fields = Fields(entry.value, known: Keys.claim, for: "claim '\(entry.name)'", mistakes: mistakes) else {
      return nil
    }
    let expectation = fields.word("expect", as: Claim.Expectation.self) ?? .holds
    let says = fields.text("says")
    let test: Claim.Test?
    if let node = fields["independent"] {
      for key in Keys.claim where !["says", "expect", "independent"].contains(key) {
        guard let other = fields.key(key) else { continue }
        mistakes.error("'\(key)' does not go with 'independent'", at: other)
      }
      test = independence(node).map { .independence($0) }
    } else {
      test = comparison(fields, entry).map { .comparison($0) }
    }
    return test.map {
      Claim(name: entry.name, says: says, test: $0, expectation: expectation, location: entry.key.location)
    }
  }

  // MARK: comparison

  private mutating func comparison(_ fields: Fields, _ entry: YAMLNode.Entry) -> Claim.Comparison? {
    var over: [String] = []
    for item in fields.list("over") ?? [] {
      guard let name = mistakes.text(item, for: "over") else { continue }
      if over.contains(name) { mistakes.error("the axis '\(name)' is here twice", at: item) }
      if let axis = known(axis: name, at: item) {
        if axis?.isReplicate == true {
          mistakes.error(
            "a claim is not evaluated over the replicates '\(name)': it is about their mean", at: item,
            notes: ["leave '\(name)' out of 'over'"])
        }
        over.append(name)
      }
    }
    let regime = fields["where"].flatMap { conditions($0) } ?? []
    let statistic = fields.word("statistic", as: Claim.Statistic.self) ?? .mean
    guard let node = fields["measured"] else {
      if fields.lacks("measured") {
        mistakes.error(
          "claim '\(entry.name)' does not say what is measured", at: entry.key,
          notes: ["add 'measured: STEP.OUTPUT#/POINTER'"])
      }
      return nil
    }
    let measured = quantity(node, over: over)
    guard let bound = bound(fields, entry, over: over), let measured else { return nil }
    return Claim.Comparison(measured: measured, bound: bound, over: over, regime: regime, statistic: statistic)
  }

  private mutating func bound(_ fields: Fields, _ entry: YAMLNode.Entry, over: [String]) -> Claim.Bound? {
    let given = ["predicted", "at_most", "at_least"].filter { fields.key($0) != nil }
    guard let first = given.first, let node = fields[first] else {
      if fields.lacks("predicted"), fields.lacks("at_most"), fields.lacks("at_least") {
        mistakes.error(
          "claim '\(entry.name)' does not say what is predicted", at: entry.key,
          notes: ["add 'predicted' and 'within', or 'at_most', or 'at_least'"])
      }
      return nil
    }
    for other in given.dropFirst() {
      guard let key = fields.key(other) else { continue }
      mistakes.error("'\(other)' does not go with '\(first)'", at: key, notes: ["make two claims of it"])
    }
    let value = quantity(node, over: over)
    if first != "predicted", let within = fields.key("within") {
      mistakes.error("'within' goes with 'predicted', not with '\(first)'", at: within)
    }
    switch first {
    case "at_most": return value.map { .atMost($0) }
    case "at_least": return value.map { .atLeast($0) }
    default:
      guard let within = fields["within"] else {
        if fields.lacks("within") {
          mistakes.error(
            "claim '\(entry.name)' has no tolerance", at: entry.key,
            notes: ["add 'within: {relative: 0.1}', or one of \(Keys.claimTolerance.joined(separator: ", "))"])
        }
        return nil
      }
      guard let tolerance = tolerance(within), let value else { return nil }
      return .within(tolerance, of: value)
    }
  }

  private func tolerance(_ node: YAMLNode) -> Claim.Tolerance? {
    if node.text == "interval" { return .interval }
    if node.text != nil {
      mistakes.error(
        "'\(node.text ?? "")' is no tolerance", at: node,
        notes: ["write {absolute: X}, {relative: X}, {log: X}, {sigma: K}, {z: K}, or 'interval'"])
      return nil
    }
    guard let fields = Fields(node, known: Keys.claimTolerance, for: "'within'", mistakes: mistakes) else { return nil }
    let given = Keys.claimTolerance.filter { fields.key($0) != nil }
    guard given.count == 1, let kind = given.first else {
      if !given.isEmpty || (node.entries ?? []).isEmpty {
        mistakes.error("'within' wants one kind of tolerance, not \(given.count)", at: node)
      }
      return nil
    }
    guard let entry = node[kind] else { return nil }
    var value = entry.json.double
    if value == nil, let text = entry.text { value = parameter(text)?.double }
    guard let value, value.isFinite, value >= 0 else {
      mistakes.error("'\(kind)' must be a number that is not negative, or the name of a parameter", at: entry)
      return nil
    }
    switch kind {
    case "absolute": return .absolute(value)
    case "relative": return .relative(value)
    case "log": return .log(value)
    case "sigma": return .sigma(value)
    default: return .standardErrors(value)
    }
  }

  private mutating func quantity(_ node: YAMLNode, over: [String]) -> Claim.Quantity? {
    if node.entries != nil { return exponent(node) }
    if let number = node.json.double, node.text != nil { return .number(number, name: nil) }
    guard let text = node.text, !node.isNull else {
      mistakes.expected("a number, a parameter, an axis, or STEP.OUTPUT#/POINTER", for: "a value", found: node)
      return nil
    }
    if text.contains("#") { return pointer(node).map { .pointer($0) } }
    let base = text.split(separator: ".").first.map(String.init) ?? text
    if pipeline.parameter(base) != nil {
      guard let value = parameter(text) else {
        mistakes.error("the parameter '\(base)' has no member '\(text.dropFirst(base.count + 1))'", at: node)
        return nil
      }
      guard let number = value.double else {
        mistakes.error("the parameter '\(text)' is no number: \(value.compact)", at: node)
        return nil
      }
      return .number(number, name: text)
    }
    if pipeline.axis(base) != nil {
      guard over.contains(base) else {
        mistakes.error(
          "the claim is not evaluated over the axis '\(base)'", at: node,
          notes: ["add it: 'over: [\((over + [base]).joined(separator: ", "))]'"])
        return nil
      }
      return .axis(text)
    }
    if pipeline.isIncomplete { return nil }
    mistakes.error(
      "there is no '\(text)'", at: node, name: text,
      among: pipeline.parameters.map(\.name) + pipeline.axes.map(\.name),
      of: "a value is a number, STEP.OUTPUT#/POINTER, or one of")
    return nil
  }

  private mutating func exponent(_ node: YAMLNode) -> Claim.Quantity? {
    guard let fields = Fields(node, known: ["exponent", "along"], for: "a value", mistakes: mistakes) else {
      return nil
    }
    guard let of = fields["exponent"], let along = fields["along"] else {
      if fields.lacks("exponent") || fields.lacks("along") {
        mistakes.error(
          "a power law needs 'exponent' and 'along'", at: node, notes: ["{exponent: STEP.OUTPUT#/POINTER, along: AXIS}"]
        )
      }
      return nil
    }
    let ordinate = pointer(of)
    guard let text = mistakes.text(along, for: "along") else { return nil }
    if text.contains("#") {
      guard let abscissa = pointer(along), let ordinate else { return nil }
      guard abscissa.output == ordinate.output else {
        mistakes.error("'along' must lie in the same output as 'exponent'", at: along)
        return nil
      }
      return .exponent(of: ordinate, along: .pointer(abscissa))
    }
    guard known(axis: text, at: along) != nil, let ordinate else { return nil }
    return .exponent(of: ordinate, along: .axis(text))
  }

  private mutating func pointer(_ node: YAMLNode) -> Claim.Pointer? {
    guard let text = mistakes.text(node, for: "a pointer") else { return nil }
    let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let place = JSONPointer(parts[1]) else {
      mistakes.error(
        "'\(text)' is no place in an output", at: node,
        notes: ["write STEP.OUTPUT#/NAME/NAME: a JSON Pointer after the '#'"])
      return nil
    }
    guard let output = output(String(parts[0]), at: node) else { return nil }
    return Claim.Pointer(output: output, place: place)
  }

  // MARK: independence

  private mutating func independence(_ node: YAMLNode) -> Claim.Independence? {
    guard let fields = Fields(node, known: ["result", "of"], for: "'independent'", mistakes: mistakes) else {
      return nil
    }
    guard let result = fields["result"], let of = fields["of"] else {
      if fields.lacks("result") || fields.lacks("of") {
        mistakes.error("'independent' needs 'result' and 'of'", at: node)
      }
      return nil
    }
    let made = mistakes.text(result, for: "result").flatMap { output($0, at: result) }
    if of.entries != nil {
      guard let parts = Fields(of, known: ["file"], for: "'of'", mistakes: mistakes), let file = parts["file"],
        let text = mistakes.text(file, for: "file")
      else { return nil }
      guard let path = RelativePath(text, in: of.source.folder), !path.text.isEmpty else {
        mistakes.error("'\(text)' leads out of the project", at: file)
        return nil
      }
      return made.map { Claim.Independence(result: $0, of: .file(path)) }
    }
    guard let text = mistakes.text(of, for: "of"), let subject = output(text, at: of), let made else { return nil }
    return Claim.Independence(result: made, of: .output(subject))
  }

  // MARK: names

  /// The output that a text `STEP.OUTPUT` or `PIPELINE/STEP.OUTPUT` names; nil after a mistake.
  mutating func output(_ text: String, at node: YAMLNode) -> StepOutput? {
    let slash = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let owner = slash.count == 2 ? slash[0] : pipeline.name
    let parts = (slash.last ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      mistakes.error("'\(text)' does not name an output of a step", at: node, notes: ["write STEP.OUTPUT"])
      return nil
    }
    guard let steps = names.outputs[owner] else {
      if !names.isIncomplete {
        mistakes.error(
          "there is no pipeline '\(owner)'", at: node, name: owner, among: names.outputs.keys.sorted(), of: "pipelines")
      }
      return nil
    }
    guard let outputs = steps[parts[0]] else {
      if !pipeline.isIncomplete {
        mistakes.error(
          "pipeline '\(owner)' has no step '\(parts[0])'", at: node, name: parts[0], among: steps.keys.sorted(),
          of: "its steps are")
      }
      return nil
    }
    if let outputs, !outputs.contains(parts[1]) {
      mistakes.error(
        "step '\(parts[0])' has no output '\(parts[1])'", at: node, name: parts[1], among: outputs,
        of: "its outputs are")
      return nil
    }
    let found = StepOutput(pipeline: owner, step: parts[0], output: parts[1], form: .files, source: text)
    uses.append((found, node))
    return found
  }

  // The axis of a name; nil after a mistake, `.some(nil)` for one whose declaration is wrong.
  private func known(axis name: String, at node: YAMLNode) -> Axis?? {
    if let found = pipeline.axis(name) { return .some(found) }
    if !pipeline.isIncomplete {
      mistakes.error("there is no axis '\(name)'", at: node, name: name, among: pipeline.axes.map(\.name), of: "axes")
    }
    return nil
  }

  private func parameter(_ text: String) -> JSON? {
    let path = text.split(separator: ".").map(String.init)
    guard let first = path.first, var value = pipeline.parameter(first) else { return nil }
    for member in path.dropFirst() {
      guard let next = value[member] else { return nil }
      value = next
    }
    return value
  }

  // MARK: where

  private func conditions(_ node: YAMLNode) -> [Claim.Condition]? {
    guard let text = mistakes.text(node, for: "where") else { return nil }
    var conditions: [Claim.Condition] = []
    for part in text.split(separator: " and ") {
      // The longer signs first, so that `<=` is not taken for `<`.
      let signs = Claim.Condition.Relation.allCases.sorted { $0.rawValue.count > $1.rawValue.count }
      guard let sign = signs.first(where: { part.contains($0.rawValue) }),
        let at = part.firstRange(of: sign.rawValue)
      else {
        mistakes.error(
          "'\(part)' is no condition", at: node,
          notes: ["write AXIS = VALUE, with =, !=, <, <=, > or >=; join with 'and'"])
        return nil
      }
      let axis = part[..<at.lowerBound].trimmed
      let value = part[at.upperBound...].drop { $0 == "=" }.trimmed
      let base = axis.split(separator: ".").first.map(String.init) ?? axis
      guard known(axis: base, at: node) != nil else { return nil }
      var resolved = YAMLNode.resolve(value)
      if case .string(let name) = resolved, let parameter = parameter(name) { resolved = parameter }
      if resolved.double == nil, sign != .equal, sign != .unequal {
        mistakes.error("'\(value)' is no number: only numbers can be larger or smaller", at: node)
        return nil
      }
      conditions.append(Claim.Condition(axis: axis, relation: sign, value: resolved))
    }
    return conditions
  }
}

extension StringProtocol {
  // Without blanks around.
  fileprivate var trimmed: String {
    let start = drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " }.reversed())
  }
}
