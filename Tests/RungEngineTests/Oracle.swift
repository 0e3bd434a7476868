import RungCore

/// What must come of a run, found without any of Rung's code: a memo over contents, walked recursively.
struct Oracle {
  /// An instance of a step.
  struct Instance {
    let step: Int
    let values: [Int]
    let name: String
    var labels: String {
      name.contains("[") ? String(name.dropFirst(name.split(separator: "[")[0].count + 1).dropLast()) : ""
    }
  }
  /// A named part of a key.
  struct Field: Hashable {
    let name: String
    let value: String
    let isUpstream: Bool
  }
  struct Expectation {
    var instances: [Instance] = []
    var keys: [String: String] = [:]
    /// Keys that are executed and succeed.
    var executed: Set<String> = []
    var failed: Set<String> = []
    var skipped: Set<String> = []
    /// For each instance that has a result the digests of its outputs, by name.
    var results: [String: [String: Digest]] = [:]
    /// Why an instance runs, if it does.
    var reasons: [String: Set<String>] = [:]
    /// Of those, what is no matter of other steps.
    var ownReasons: [String: Set<String>] = [:]
  }

  // What is known of keys; contents whose bytes are there; published copies; what became of instances last.
  private var memo: [String: [String: String]] = [:]
  var stored: Set<String> = []
  var published: [String: String] = [:]
  private var last: [String: (fields: [Field], failed: Bool)] = [:]

  static func instances(_ experiment: Experiment) -> [Instance] {
    var all: [Instance] = []
    for (index, step) in experiment.steps.enumerated() {
      var rows: [[Int]] = [[]]
      for name in step.over {
        let values = experiment.axes.first { $0.name == name }?.values ?? []
        rows = rows.flatMap { row in values.map { row + [$0] } }
      }
      for row in rows {
        let labels = zip(step.over, row).map { "\($0)=\($1)" }.joined(separator: ",")
        all.append(Instance(step: index, values: row, name: "x/\(step.name)" + (row.isEmpty ? "" : "[\(labels)]")))
      }
    }
    return all
  }

  /// The digest under which a content of an output is stored.
  static func digest(_ content: String, isDirectory: Bool) -> Digest {
    let file = Digest(ofText: content)
    guard isDirectory else { return file }
    return DirectoryDigest.of(part: file, size: content.utf8.count)
  }

  /// Runs in the mind, and remembers.
  mutating func run(_ experiment: Experiment) -> Expectation {
    var expected = Expectation()
    expected.instances = Self.instances(experiment)
    let byStep = Dictionary(grouping: expected.instances) { $0.step }
    let knownBefore = Set(memo.keys)
    let storedBefore = stored
    restoredNames = []
    var used: Set<Int> = []
    for step in experiment.steps { for use in step.uses { used.insert(use.step) } }
    var results: [String: [String: String]] = [:]

    func sources(_ instance: Instance, _ use: Experiment.Use) -> [Instance] {
      let step = experiment.steps[instance.step]
      let maker = experiment.steps[use.step]
      return (byStep[use.step] ?? []).filter { candidate in
        zip(maker.over, candidate.values).allSatisfy { axis, value in
          guard let own = step.over.firstIndex(of: axis) else { return true }
          return instance.values[own] == value
        }
      }
    }
    func isCollected(_ instance: Instance, _ use: Experiment.Use) -> Bool {
      let step = experiment.steps[instance.step]
      return use.form != nil || !experiment.steps[use.step].over.allSatisfy(step.over.contains)
    }

    func fields(_ instance: Instance) -> [Field] {
      let step = experiment.steps[instance.step]
      var fields = [Field(name: "command", value: experiment.command(step), isUpstream: false)]
      for name in step.parameters {
        fields.append(
          Field(name: "parameter \(name)", value: "\(experiment.parameters[name, default: 0])", isUpstream: false))
      }
      fields.append(Field(name: "input code", value: experiment.scripts[step.script].text, isUpstream: false))
      if step.data != .none {
        let names = step.data == .file ? ["f0"] : experiment.data.keys.sorted()
        let text = names.map { "\($0) \(experiment.data[$0, default: 0])" }.joined(separator: "\n")
        fields.append(Field(name: "input data", value: "\(step.data) \(text)", isUpstream: false))
      }
      if step.namesAxes {
        for (axis, value) in zip(step.over, instance.values) {
          fields.append(Field(name: "axis \(axis)", value: "\(value)", isUpstream: false))
        }
      }
      for use in step.uses {
        let output = experiment.steps[use.step].outputs[use.output].name
        let members = sources(instance, use).map { "\($0.labels): \(results[$0.name]?[output] ?? "?")" }
        let value =
          isCollected(instance, use)
          ? members.joined(separator: "\n") : results[sources(instance, use)[0].name]?[output] ?? "?"
        fields.append(Field(name: "input \(experiment.source(use))", value: value, isUpstream: true))
      }
      return fields
    }

    func content(_ instance: Instance, _ use: Experiment.Use) -> [(path: String, bytes: [UInt8])] {
      let maker = experiment.steps[use.step]
      let output = maker.outputs[use.output]
      let makers = sources(instance, use)
      func text(_ instance: Instance) -> String { results[instance.name]?[output.name] ?? "" }
      guard isCollected(instance, use) else {
        return [(output.isDirectory ? "part" : "", Array(text(makers[0]).utf8))]
      }
      if use.form == "table" || (use.form == nil && output.isJSON) {
        var csv = (maker.over + ["v", "n"]).joined(separator: ",") + "\n"
        for made in makers {
          let value = text(made).split(separator: "\"")[3]
          csv += (made.values.map { "\($0)" } + [String(value), "1"]).joined(separator: ",") + "\n"
        }
        return [("", Array(csv.utf8))]
      }
      var index = (maker.over + ["path"]).joined(separator: ",") + "\n"
      var files: [(path: String, bytes: [UInt8])] = []
      for made in makers {
        let place = (made.labels.isEmpty ? "" : made.labels + "/") + output.fileName
        let cell = place.contains(",") ? "\"\(place)\"" : place
        index += (made.values.map { "\($0)" } + [cell]).joined(separator: ",") + "\n"
        files.append((place + (output.isDirectory ? "/part" : ""), Array(text(made).utf8)))
      }
      files.append(("index.csv", Array(index.utf8)))
      return files.sorted { $0.path < $1.path }
    }

    func simulate(_ instance: Instance) -> [String: String]? {
      let step = experiment.steps[instance.step]
      var words = ["sim", step.name, "@code", "n\(step.note)"]
      var contents: [String: [(path: String, bytes: [UInt8])]] = [
        "@code": [("", Array(experiment.scripts[step.script].text.utf8))]
      ]
      words += step.parameters.map { "\(experiment.parameters[$0, default: 0])" }
      if step.namesAxes { words += instance.values.map { "\($0)" } }
      func dataFile(_ name: String) -> [UInt8] { Array("data \(name) \(experiment.data[name, default: 0])\n".utf8) }
      switch step.data {
      case .none: break
      case .file:
        words.append("@data")
        contents["@data"] = [("", dataFile("f0"))]
      case .folder:
        words.append("@data")
        contents["@data"] = experiment.data.keys.sorted().map { ("\($0).txt", dataFile($0)) }
      case .glob:
        for name in experiment.data.keys.sorted() {
          words.append("@\(name)")
          contents["@\(name)"] = [("", dataFile(name))]
        }
      }
      for use in step.uses {
        words.append("@\(experiment.source(use))")
        contents["@\(experiment.source(use))"] = content(instance, use)
      }
      words.append("out")
      words += step.outputs.map(\.fileName)
      guard let made = Simulation.outputs(of: words, { contents[$0] }) else { return nil }
      return Dictionary(step.outputs.map { ($0.name, made[$0.fileName] ?? "") }) { a, _ in a }
    }

    // Makes the bytes that an instance reads, where they are gone.
    func provide(for instance: Instance) {
      for use in experiment.steps[instance.step].uses {
        let output = experiment.steps[use.step].outputs[use.output].name
        for maker in sources(instance, use) {
          guard let key = expected.keys[maker.name], let text = results[maker.name]?[output] else { continue }
          // Also of those whose bytes another instance with the same key has made again by now.
          if knownBefore.contains(key), !storedBefore.contains(text) {
            expected.reasons[maker.name] = ["object \(maker.name)"]
          }
          guard !stored.contains(text) else { continue }
          provide(for: maker)
          expected.executed.insert(key)
          stored.formUnion((results[maker.name] ?? [:]).values)
        }
      }
    }

    for instance in expected.instances {
      let step = experiment.steps[instance.step]
      let inputs = step.uses.flatMap { sources(instance, $0) }
      if inputs.contains(where: { results[$0.name] == nil }) {
        expected.skipped.insert(instance.name)
        continue
      }
      let fields = fields(instance)
      let key = fields.map { "\($0.name.utf8.count) \($0.name) \($0.value.utf8.count) \($0.value)" }.joined(
        separator: "\n")
      expected.keys[instance.name] = key
      let isVisible = !used.contains(instance.step) || step.outputs.contains(where: \.isPublished)
      let wasLost = isVisible && memo[key]?.values.contains { !storedBefore.contains($0) } == true
      if !knownBefore.contains(key) || wasLost {
        expected.reasons[instance.name] = reasons(instance.name, fields, isKnown: knownBefore.contains(key))
      }
      if let known = memo[key], !(isVisible && known.values.contains { !stored.contains($0) }) {
        results[instance.name] = known
      } else {
        provide(for: instance)
        if let made = simulate(instance) {
          memo[key] = made
          stored.formUnion(made.values)
          results[instance.name] = made
          expected.executed.insert(key)
        } else {
          expected.failed.insert(instance.name)
        }
      }
      let before = last[instance.name]?.fields
      expected.ownReasons[instance.name] =
        before.map { Self.differences($0.filter { !$0.isUpstream }, fields.filter { !$0.isUpstream }) } ?? []
      last[instance.name] = (fields, results[instance.name] == nil)
    }
    publish(experiment, expected.instances, results)
    for instance in expected.instances {
      guard let made = results[instance.name] else { continue }
      for output in experiment.steps[instance.step].outputs {
        expected.results[instance.name, default: [:]][output.name] = Self.digest(
          made[output.name] ?? "", isDirectory: output.isDirectory)
      }
    }
    return expected
  }

  private func reasons(_ name: String, _ fields: [Field], isKnown: Bool) -> Set<String> {
    if isKnown { return ["object \(name)"] }
    guard let last = last[name] else { return ["record \(name)"] }
    let differences = Self.differences(last.fields, fields)
    return differences.isEmpty ? ["\(last.failed ? "failure" : "object") \(name)"] : differences
  }

  private static func differences(_ old: [Field], _ new: [Field]) -> Set<String> {
    var names: Set<String> = []
    for field in new where !old.contains(field) { names.insert(field.name) }
    for field in old where !new.contains(where: { $0.name == field.name }) { names.insert(field.name) }
    return names
  }

  private mutating func publish(
    _ experiment: Experiment, _ instances: [Instance], _ results: [String: [String: String]]
  ) {
    for instance in instances {
      guard let made = results[instance.name] else { continue }
      let step = experiment.steps[instance.step]
      var restored = false
      for output in step.outputs where output.isPublished {
        let path = (["pipelines/x/pub/\(step.name)\(output.name)"] + instance.values.map { "\($0)" }).joined(
          separator: "-")
        if published[path] != made[output.name] { restored = true }
        published[path] = made[output.name]
      }
      if restored { restoredNames.insert(instance.name) }
    }
  }

  /// Instances whose published copies differed before the last run.
  var restoredNames: Set<String> = []
}
