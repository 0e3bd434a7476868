import RungCore

/// Reads the declaration of an axis into its values.
struct AxisReader {
  let files: ProjectFiles
  let mistakes: Mistakes

  // The values of one form, before exclude and include.
  private struct Draft {
    var fields: [String] = []
    var values: [(value: AxisValue, node: YAMLNode)] = []
    var isReplicate = false
  }

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
    guard !values.isEmpty else {
      mistakes.error("axis '\(name)' has no values", at: node, notes: ["give it at least one, like [1, 2, 3]"])
      return nil
    }
    return Axis(
      name: name, fields: draft.fields, values: values, isReplicate: draft.isReplicate, location: key.location)
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
      mistakes.error(
        "dynamic axes ('from') are not supported yet by this version", at: fields.key(form) ?? value,
        notes: ["list the values, or compute them into a CSV file and use 'table'"])
      return nil
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

  private func enough(_ count: Int, _ node: YAMLNode?) -> Bool {
    guard count > Numbers.limit, let node else { return true }
    mistakes.error("an axis may have at most \(Numbers.limit) values, not \(count)", at: node)
    return false
  }

  private func numbers(_ texts: [String], _ node: YAMLNode) -> Draft {
    Draft(values: texts.map { (AxisValue(label: $0, value: .number($0)), node) })
  }

  private func range(_ node: YAMLNode, step: YAMLNode?) -> Draft? {
    let advice = ["a range is written FROM..TO, both ends included, and has 1 to \(Numbers.limit) values"]
    guard let text = node.text else {
      mistakes.expected("a range like 0..9", for: "range", found: node)
      return nil
    }
    var by = "1"
    if let step {
      guard let number = step.json.double, number != 0, let text = step.text else {
        mistakes.expected("a number other than 0", for: "step", found: step)
        return nil
      }
      by = text
    }
    guard let dots = dots(in: text), let values = Numbers.range(from: dots.from, to: dots.to, step: by) else {
      mistakes.error("'\(text)'\(step == nil ? "" : " with step \(by)") is no range", at: node, notes: advice)
      return nil
    }
    return numbers(values, node)
  }

  private func dots(in text: String) -> (from: String, to: String)? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 4, let at = (1..<(bytes.count - 1)).first(where: { bytes[$0] == 0x2E && bytes[$0 + 1] == 0x2E })
    else { return nil }
    let from = String(decoding: bytes[..<at], as: UTF8.self)
    let to = String(decoding: bytes[(at + 2)...], as: UTF8.self)
    return (trim(from), trim(to))
  }

  private func trim(_ text: String) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  private func spaced(_ node: YAMLNode, isLog: Bool) -> Draft? {
    let form = isLog ? "log" : "linear"
    guard let items = node.items, items.count == 3, let from = items[0].json.double, let to = items[1].json.double,
      from.isFinite, to.isFinite, let count = items[2].json.int
    else {
      mistakes.error(
        "expected [FROM, TO, COUNT] for '\(form)'", at: node,
        notes: ["like \(isLog ? "log: [1e-4, 1, 9]" : "linear: [0, 1, 11]")"])
      return nil
    }
    guard (1...Numbers.limit).contains(count), count > 1 || from == to else {
      mistakes.error("'\(form)' needs a count from 2 to \(Numbers.limit)", at: items[2])
      return nil
    }
    guard !isLog || (from > 0 && to > 0) else {
      mistakes.error("'log' needs numbers above 0", at: from > 0 ? items[1] : items[0])
      return nil
    }
    return numbers(Numbers.spaced(from: from, to: to, count: count, isLog: isLog), node)
  }

  private func zipped(_ node: YAMLNode, axis: String) -> Draft? {
    guard let entries = node.entries, !entries.isEmpty else {
      mistakes.expected("a mapping of names to lists", for: "zip", found: node)
      return nil
    }
    var draft = Draft()
    var sound = true
    var columns: [[JSON]] = []
    var texts: [[String]] = []
    for entry in entries {
      guard mistakes.checkName(entry.key, what: "a field") else {
        sound = false
        continue
      }
      draft.fields.append(entry.name)
      guard let items = entry.value.items else {
        mistakes.expected("a list", for: entry.name, found: entry.value)
        sound = false
        continue
      }
      let values = items.compactMap { scalar($0, axis: entry.name) }
      if values.count < items.count { sound = false }
      if let first = columns.first, first.count != values.count, sound {
        mistakes.error(
          "'\(entry.name)' has \(Mistakes.count(values.count, "value")), but '\(draft.fields[0])' has \(first.count)", at: entry.value,
          notes: ["zipped lists must have the same length"])
        sound = false
      }
      columns.append(values.map(\.value))
      texts.append(values.map(\.label))
    }
    guard sound, let rows = columns.first?.count, enough(rows, node) else { return nil }
    draft.values = (0..<rows).map { row in
      let members = zip(draft.fields, columns).map { JSON.Member($0, $1[row]) }
      return (AxisValue(label: texts.map { $0[row] }.joined(separator: "-"), value: .object(members)), node)
    }
    return draft
  }

  private func table(_ node: YAMLNode, key: YAMLNode?, axis: String) -> Draft? {
    guard let text = mistakes.text(node, for: "table") else { return nil }
    guard let path = RelativePath(text, in: node.source.folder), !path.text.isEmpty, files.staysInside(path) else {
      mistakes.error("'\(text)' lies outside the project", at: node)
      return nil
    }
    guard let rows = rows(of: path, node), let header = rows.first else { return nil }
    for (index, name) in header.cells.enumerated() {
      if !Names.isName(name) || header.cells[..<index].contains(name) {
        mistakes.error(
          Names.isName(name) ? "\(path) has two columns '\(name)'" : "the column '\(name)' of \(path) cannot name a field",
          at: node, notes: ["a name begins with a letter or _ and goes on with letters, digits, _ and -"])
        return nil
      }
    }
    var keyIndex = 0
    if let key {
      guard let wanted = mistakes.text(key, for: "key") else { return nil }
      guard let index = header.cells.firstIndex(of: wanted) else {
        mistakes.error("\(path) has no column '\(wanted)'", at: key, name: wanted, among: header.cells, of: "it has")
        return nil
      }
      keyIndex = index
    }
    guard enough(rows.count - 1, node) else { return nil }
    for row in rows where row.cells.count != header.cells.count {
      mistakes.error(
        "line \(row.line) of \(path) has \(Mistakes.count(row.cells.count, "cell")), but the header has \(header.cells.count)", at: node)
      return nil
    }
    var draft = Draft(fields: header.cells)
    draft.values = rows.dropFirst().map { row in
      let members = zip(header.cells, row.cells).map { JSON.Member($0, YAMLNode.isNumber($1) ? .number($1) : .string($1)) }
      return (AxisValue(label: row.cells[keyIndex], value: .object(members)), node)
    }
    return draft
  }

  private func rows(of path: RelativePath, _ node: YAMLNode) -> [CSV.Row]? {
    let limit = 64_000_000
    let bytes: [UInt8]?
    do { bytes = try files.read(path, limit) } catch {
      mistakes.error("\(path) cannot be read: \(error)", at: node)
      return nil
    }
    guard let bytes else {
      mistakes.error(
        "there is no file \(path)", at: node, notes: [FileChecks.suggestion(for: path, files: files)].compactMap { $0 })
      return nil
    }
    guard bytes.count <= limit else {
      mistakes.error("\(path) is larger than \(ByteCount(bytes: Int64(limit)))", at: node)
      return nil
    }
    do throws(CSV.Malformed) {
      let rows = try CSV(bytes).rows
      if rows.isEmpty { mistakes.error("\(path) is empty", at: node, notes: ["it needs a line of column names"]) }
      return rows
    } catch {
      mistakes.error("line \(error.line) of \(path) is no CSV: \(error.reason)", at: node)
      return nil
    }
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
            "the value '\(Mistakes.shown(value.label))' of axis '\(name)' cannot name an instance: \(problem)", at: item)
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
