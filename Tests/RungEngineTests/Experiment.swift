import RungCore

/// A random project as a value: its text can be written, its results foretold (`Oracle`).
struct Experiment {
  struct Script {
    var body: Int
    var comment = 0
    var isCoarse: Bool
    var fails = false
    var text: String {
      "\(fails ? "fail\n" : "")\(isCoarse ? "coarse\n" : "")body \(body)\n# comment \(comment)\n"
    }
  }
  struct Output {
    var name: String
    var fileName: String
    var isDirectory = false
    var isPublished = false
    var isJSON: Bool { fileName.hasSuffix(".json") }
  }
  struct Use {
    var step: Int
    var output: Int
    var form: String?
  }
  enum DataUse: String { case none, file, folder, glob }
  struct Step {
    var name: String
    var over: [String]
    // Whether the command names the axes; if not, all instances have one key.
    var namesAxes: Bool
    var script: Int
    var uses: [Use]
    var parameters: [String]
    var data: DataUse
    var note = 0
    var outputs: [Output]
  }

  var axes: [(name: String, values: [Int])] = []
  var parameters: [String: Int] = [:]
  var scripts: [Script] = []
  var data: [String: Int] = [:]
  var steps: [Step] = []

  init(_ random: inout Seeded) {
    for name in ["a", "b"].prefix(Int.random(in: 0...2, using: &random)) {
      axes.append((name, Array(1...Int.random(in: 1...4, using: &random))))
    }
    parameters = ["p": 1, "q": 1]
    data = ["f0": 1, "f1": 1]
    for index in 0..<Int.random(in: 1...4, using: &random) {
      scripts.append(Script(body: index, isCoarse: Int.random(in: 0..<3, using: &random) == 0))
    }
    for index in 0..<Int.random(in: 2...12, using: &random) { steps.append(newStep(index, &random)) }
  }

  private func newStep(_ index: Int, _ random: inout Seeded) -> Step {
    let over = axes.map(\.name).filter { _ in Bool.random(using: &random) }
    var uses: [Use] = []
    for _ in 0..<(index == 0 ? 0 : Int.random(in: 0...3, using: &random)) {
      let step = Int.random(in: max(0, index - 5)..<index, using: &random)
      let output = Int.random(in: 0..<steps[step].outputs.count, using: &random)
      var form: String?
      if Int.random(in: 0..<4, using: &random) == 0 {
        form = steps[step].outputs[output].isJSON && Bool.random(using: &random) ? "table" : "files"
      }
      if uses.contains(where: { $0.step == step && $0.output == output }) { continue }
      uses.append(Use(step: step, output: output, form: form))
    }
    var outputs: [Output] = []
    for number in 0..<Int.random(in: 1...2, using: &random) {
      let kind = Int.random(in: 0..<5, using: &random)
      outputs.append(
        Output(
          name: "o\(number)", fileName: "s\(index)o\(number)" + (kind == 0 ? "" : kind < 3 ? ".json" : ".txt"),
          isDirectory: kind == 0, isPublished: kind != 0 && Int.random(in: 0..<4, using: &random) == 0))
    }
    // Instances that are not told apart by their command must not be told apart by what they read either: two keys with
    // equal results would make it a matter of chance which of them restores lost bytes.
    let isAlike = uses.allSatisfy { use in !steps[use.step].over.contains(where: over.contains) }
    let data: [DataUse] = [.none, .none, .file, .folder, .glob]
    return Step(
      name: "s\(index)", over: over, namesAxes: !isAlike || Int.random(in: 0..<4, using: &random) != 0,
      script: Int.random(in: 0..<scripts.count, using: &random), uses: uses,
      parameters: ["p", "q"].filter { _ in Int.random(in: 0..<3, using: &random) == 0 },
      data: data[Int.random(in: 0..<data.count, using: &random)], outputs: outputs)
  }

  // MARK: text

  func source(_ use: Use) -> String {
    "s\(use.step).\(steps[use.step].outputs[use.output].name)" + (use.form.map { ":\($0)" } ?? "")
  }

  func command(_ step: Step) -> String {
    var words = ["sim", step.name, "{code}", "n\(step.note)"]
    words += step.parameters.map { "{\($0)}" }
    if step.namesAxes { words += step.over.map { "{\($0)}" } }
    if step.data != .none { words.append("{data}") }
    words += step.uses.map { "{\(source($0))}" }
    words.append("out")
    words += step.outputs.map { "{out.\($0.name)}" }
    return words.joined(separator: " ")
  }

  func publishPath(_ step: Step, _ output: Output) -> String {
    (["pub/\(step.name)\(output.name)"] + step.over.map { "{\($0)}" }).joined(separator: "-")
  }

  var yaml: String {
    var text = "pipeline: x\nparameters: {p: \(parameters["p", default: 0]), q: \(parameters["q", default: 0])}\n"
    if !axes.isEmpty { text += "axes:\n" + axes.map { "  \($0.name): \($0.values)\n" }.joined() }
    text += "steps:\n"
    for step in steps {
      text += "  \(step.name):\n"
      if !step.over.isEmpty { text += "    over: [\(step.over.joined(separator: ", "))]\n" }
      text += "    run: \"\(command(step))\"\n    inputs:\n      code: c\(step.script).py\n"
      switch step.data {
      case .none: break
      case .file: text += "      data: data/f0.txt\n"
      case .folder: text += "      data: data\n"
      case .glob: text += "      data: \"data/*.txt\"\n"
      }
      text += "    outputs:\n"
      for output in step.outputs {
        text += "      \(output.name): {path: \"\(output.fileName)\(output.isDirectory ? "/" : "")\""
        if output.isPublished { text += ", publish: \"\(publishPath(step, output))\"" }
        text += "}\n"
      }
    }
    return text
  }

  /// Everything that the project's files hold, by path.
  var files: [String: String] {
    var files = ["pipelines/x/pipeline.yaml": yaml]
    for (index, script) in scripts.enumerated() { files["pipelines/x/c\(index).py"] = script.text }
    for (name, value) in data { files["pipelines/x/data/\(name).txt"] = "data \(name) \(value)\n" }
    return files
  }
}

/// A change to an experiment, or to what lies around; replayed from its seed, so that a story can be cut shorter.
struct Edit: CustomStringConvertible {
  enum Kind: CaseIterable {
    case scriptBody, scriptComment, parameter, axisValue, command, data, dataFile, deleteObject, deletePublished
    case editPublished, fail, touch, undo
  }
  let kind: Kind
  let seed: UInt64
  var description: String { "\(kind)(\(seed))" }

  static func random(_ random: inout Seeded) -> Edit {
    let kinds = Kind.allCases + [.scriptBody, .scriptComment, .parameter, .axisValue, .deleteObject, .undo]
    return Edit(kind: kinds[Int.random(in: 0..<kinds.count, using: &random)], seed: random.next() % 100_000)
  }

  /// Changes the experiment; does nothing for what lies around it.
  func apply(to experiment: inout Experiment) {
    var random = Seeded(seed)
    let script = Int.random(in: 0..<experiment.scripts.count, using: &random)
    switch kind {
    case .scriptBody: experiment.scripts[script].body = Int.random(in: 0...9, using: &random)
    case .scriptComment: experiment.scripts[script].comment += 1
    case .parameter:
      experiment.parameters[Bool.random(using: &random) ? "p" : "q"] = Int.random(in: 1...4, using: &random)
    case .axisValue:
      guard !experiment.axes.isEmpty else { return }
      let axis = Int.random(in: 0..<experiment.axes.count, using: &random)
      var values = experiment.axes[axis].values
      if values.count > 1, values.count > 3 || Bool.random(using: &random) {
        values.remove(at: Int.random(in: 0..<values.count, using: &random))
      } else if let new = (1...5).shuffled(using: &random).first(where: { !values.contains($0) }) {
        values.insert(new, at: Int.random(in: 0...values.count, using: &random))
      }
      experiment.axes[axis].values = values
    case .command: experiment.steps[Int.random(in: 0..<experiment.steps.count, using: &random)].note += 1
    case .data: experiment.data[Bool.random(using: &random) ? "f0" : "f1", default: 0] += 1
    case .dataFile:
      if experiment.data["f2"] == nil { experiment.data["f2"] = 1 } else { experiment.data["f2"] = nil }
    case .fail: experiment.scripts[script].fails.toggle()
    case .deleteObject, .deletePublished, .editPublished, .touch, .undo: break
    }
  }
}

/// A generator that gives the same numbers for the same seed on every machine (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
