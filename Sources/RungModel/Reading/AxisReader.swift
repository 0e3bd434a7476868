import RungCore

/// Reads the declaration of an axis into its values.
struct AxisReader {
  let files: ProjectFiles
  let mistakes: Mistakes

  // The values of one form, before exclude and include.
  struct Draft {
    var fields: [String] = []
    var values: [(value: AxisValue, node: YAMLNode)] = []
    var isReplicate = false
    var table: RelativePath?
    var origin: AxisOrigin?
  }

  /// The pipeline whose axes are read.
  var pipeline = ""

  /// The axis; nil after a mistake.
  func read(name: String, key: YAMLNode, value node: YAMLNode) -> Axis? {
    guard let draft = draft(name: name, node) else { return nil }
    var values: [AxisValue] = []
    var seen: Set<String> = []
    var sound = true
    values.reserveCapacity(draft.values.count)
    for (value, place) in draft.values {
      if let problem = Names.problem(label: value.label) {
        mistakes.error(
          "the value '\(Mistakes.shown(value.label))' of axis '\(name)' cannot name an instance: \(problem)", at: place,
          notes: ["values name instances and folders; put long or special texts into parameters or a table's columns"])
        sound = false
      } else if !seen.insert(value.label).inserted {
        mistakes.error("axis '\(name)' has the value '\(value.label)' twice", at: place)
        sound = false
      } else {
        values.append(value)
      }
    }
    guard sound else { return nil }
    if node.entries != nil, let changed = change(values, seen, by: node, name: name, fields: draft.fields) {
      values = changed
    }
    guard !values.isEmpty || draft.origin != nil else {
      mistakes.error("axis '\(name)' has no values", at: node, notes: ["give it at least one, like [1, 2, 3]"])
      return nil
    }
    return Axis(
      name: name, fields: draft.fields, values: values, isReplicate: draft.isReplicate, table: draft.table,
      origin: draft.origin, location: key.location)
  }

  private func draft(name: String, _ node: YAMLNode) -> Draft? {
    if let items = node.items { return scalars(items, axis: name) }
    if let text = node.text, !node.isNull {
      guard text.contains("..") else {
        mistakes.expected("a list, a range like 0..9 or a mapping", for: name, found: node)
        return nil
      }
      return range(node, step: nil)
    }
    guard node.entries != nil else {
      mistakes.error("axis '\(name)' has no values", at: node, notes: ["give it at least one, like [1, 2, 3]"])
      return nil
    }
    guard let fields = Fields(node, known: Keys.axis, for: "axis '\(name)'", mistakes: mistakes) else { return nil }
    let forms = Keys.axisForms.filter { fields.key($0) != nil }
    guard let form = forms.first, forms.count == 1, let value = node[form] else {
      let all = Keys.axisForms.filter { $0 != "from" }.joined(separator: ", ")
      if forms.isEmpty {
        if !Keys.axisForms.allSatisfy(fields.lacks) { return nil }
        mistakes.error("axis '\(name)' does not say what its values are", at: node, notes: ["it needs one of \(all)"])
      } else {
        mistakes.error("axis '\(name)' has both '\(forms[0])' and '\(forms[1])'", at: node, notes: ["keep one"])
      }
      return nil
    }
    if let step = fields.key("step"), form != "range" { mistakes.error("'step' goes with 'range' only", at: step) }
    if let key = fields.key("key"), form != "table" { mistakes.error("'key' goes with 'table' only", at: key) }
    switch form {
    case "values":
      guard let items = value.items else { break }
      return scalars(items, axis: name)
    case "range": return range(value, step: fields["step"])
    case "log", "linear": return spaced(value, isLog: form == "log")
    case "zip": return zipped(value, axis: name)
    case "table": return table(value, key: fields["key"], axis: name)
    case "replicates":
      guard let count = mistakes.int(value, for: form, in: 1...Numbers.limit) else { return nil }
      var draft = Draft(isReplicate: true)
      draft.values = (0..<count).map { (AxisValue(label: String($0), value: .int($0)), value) }
      return draft
    default:
      for key in ["exclude", "include"] {
        guard let other = fields.key(key) else { continue }
        mistakes.error("'\(key)' does not go with 'from': the values are not known yet", at: other)
        return nil
      }
      return dynamic(value)
    }
    mistakes.expected("a list", for: form, found: value)
    return nil
  }

  /// A value of an axis of single values; nil after a mistake.
  func scalar(_ node: YAMLNode, axis: String) -> AxisValue? {
    guard let text = node.text else {
      mistakes.expected("a text, a number or a truth value", for: axis, found: node)
      return nil
    }
    return AxisValue(label: node.isNull ? "null" : text, value: node.json)
  }

  private func scalars(_ items: [YAMLNode], axis: String) -> Draft? {
    guard enough(items.count, items.last) else { return nil }
    var draft = Draft()
    var sound = true
    draft.values.reserveCapacity(items.count)
    for item in items {
      if let value = scalar(item, axis: axis) { draft.values.append((value, item)) } else { sound = false }
    }
    return sound ? draft : nil
  }

  func enough(_ count: Int, _ node: YAMLNode?) -> Bool {
    guard count > Numbers.limit, let node else { return true }
    mistakes.error("an axis may have at most \(Numbers.limit) values, not \(count)", at: node)
    return false
  }

  func numbers(_ texts: [String], _ node: YAMLNode) -> Draft {
    Draft(values: texts.map { (AxisValue(label: $0, value: .number($0)), node) })
  }

  // Applies `exclude` and `include`; nil after a mistake.
  private func change(
    _ values: [AxisValue], _ labels: Set<String>, by node: YAMLNode, name: String, fields: [String]
  ) -> [AxisValue]? {
    var values = values
    var labels = labels
    if let exclude = node["exclude"], !exclude.isNull {
      guard let items = exclude.items else {
        mistakes.expected("a list", for: "exclude", found: exclude)
        return nil
      }
      var out: Set<String> = []
      for item in items {
        guard let value = scalar(item, axis: "exclude") else { continue }
        if labels.contains(value.label) {
          out.insert(value.label)
        } else {
          mistakes.error(
            "axis '\(name)' has no value '\(value.label)'", at: item, name: value.label,
            among: values.map(\.label), of: "its values are")
        }
      }
      values.removeAll { out.contains($0.label) }
      labels.subtract(out)
    }
    if let include = node["include"], !include.isNull {
      guard let items = include.items else {
        mistakes.expected("a list", for: "include", found: include)
        return nil
      }
      for item in items {
        guard let value = added(item, axis: name, fields: fields) else { continue }
        if let problem = Names.problem(label: value.label) {
          mistakes.error(
            "the value '\(Mistakes.shown(value.label))' of axis '\(name)' cannot name an instance: \(problem)", at: item
          )
        } else if labels.insert(value.label).inserted {
          values.append(value)
        } else {
          mistakes.error("axis '\(name)' has the value '\(value.label)' twice", at: item)
        }
      }
    }
    return values
  }

  /// A value that `include` adds: a scalar, or for an axis with fields a mapping with each of them.
  func added(_ node: YAMLNode, axis: String, fields: [String]) -> AxisValue? {
    if fields.isEmpty { return scalar(node, axis: axis) }
    guard let given = Fields(node, known: fields, for: "a value of '\(axis)'", mistakes: mistakes) else { return nil }
    var members: [JSON.Member] = []
    var texts: [String] = []
    for field in fields {
      guard let value = given.node[field] else {
        mistakes.error("the field '\(field)' is missing", at: node)
        return nil
      }
      guard let scalar = scalar(value, axis: field) else { return nil }
      members.append(JSON.Member(field, scalar.value))
      texts.append(scalar.label)
    }
    return AxisValue(label: texts.joined(separator: "-"), value: .object(members))
  }
}
