import RungCore

// The forms of an axis that compute their values or read them from a file.
extension AxisReader {
  func range(_ node: YAMLNode, step: YAMLNode?) -> Draft? {
    let advice = ["a range is written FROM..TO, both ends included, and has 1 to \(Numbers.limit) values"]
    guard let text = node.text else {
      mistakes.expected("a range like 0..9", for: "range", found: node)
      return nil
    }
    var by = "1"
    if let step {
      guard let number = step.json.double, let text = step.text else {
        mistakes.expected("a number other than 0", for: "step", found: step)
        return nil
      }
      guard number != 0, number.isFinite else {
        mistakes.error("'step' must be a number other than 0, not \(Mistakes.shown(text))", at: step)
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
    guard bytes.count >= 4,
      let at = (1..<(bytes.count - 1)).first(where: { bytes[$0] == 0x2E && bytes[$0 + 1] == 0x2E })
    else { return nil }
    let from = String(decoding: bytes[..<at], as: UTF8.self)
    let to = String(decoding: bytes[(at + 2)...], as: UTF8.self)
    return (trim(from), trim(to))
  }

  private func trim(_ text: String) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  func spaced(_ node: YAMLNode, isLog: Bool) -> Draft? {
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
      mistakes.error("'\(form)' needs a count from 2 to \(Numbers.limit), not \(count)", at: items[2])
      return nil
    }
    guard !isLog || (from > 0 && to > 0) else {
      let wrong = from > 0 ? items[1] : items[0]
      mistakes.error("'log' needs numbers above 0, not \(Mistakes.shown(wrong.text ?? ""))", at: wrong)
      return nil
    }
    return numbers(Numbers.spaced(from: from, to: to, count: count, isLog: isLog), node)
  }

  // That the output exists is checked when all steps are known.
  func dynamic(_ node: YAMLNode) -> Draft? {
    guard let text = mistakes.text(node, for: "from") else { return nil }
    let halves = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let slash = halves[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let names = (slash.last ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(
      String.init)
    guard halves.count == 2, let place = JSONPointer(halves[1]), names.count == 2, !names[0].isEmpty,
      !names[1].isEmpty
    else {
      mistakes.error(
        "'\(text)' is no place in an output", at: node,
        notes: ["write STEP.OUTPUT#/NAME: the place of a list of values"])
      return nil
    }
    let output = StepOutput(
      pipeline: slash.count == 2 ? slash[0] : pipeline, step: names[0], output: names[1], form: .files,
      source: halves[0])
    return Draft(origin: AxisOrigin(output: output, place: place))
  }

  func zipped(_ node: YAMLNode, axis: String) -> Draft? {
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
          "'\(entry.name)' has \(Mistakes.count(values.count, "value")), but '\(draft.fields[0])' has \(first.count)",
          at: entry.value,
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

  func table(_ node: YAMLNode, key: YAMLNode?, axis: String) -> Draft? {
    guard let text = mistakes.text(node, for: "table") else { return nil }
    guard let path = RelativePath(text, in: node.source.folder), !path.text.isEmpty, files.staysInside(path) else {
      mistakes.error("'\(text)' lies outside the project", at: node)
      return nil
    }
    guard let rows = rows(of: path, node), let header = rows.first else { return nil }
    for (index, name) in header.cells.enumerated() {
      if !Names.isName(name) || header.cells[..<index].contains(name) {
        mistakes.error(
          Names.isName(name)
            ? "\(path) has two columns '\(name)'" : "the column '\(name)' of \(path) cannot name a field",
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
        "line \(row.line) of \(path) has \(Mistakes.count(row.cells.count, "cell")), but the header has \(header.cells.count)",
        at: node)
      return nil
    }
    var draft = Draft(fields: header.cells, table: path)
    draft.values = rows.dropFirst().map { row in
      let members = zip(header.cells, row.cells).map {
        JSON.Member($0, YAMLNode.isNumber($1) ? .number($1) : .string($1))
      }
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
}
