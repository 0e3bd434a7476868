import RungCore
import Testing

@testable import RungModel

/// Random layouts and file names: none is refused, and none is damaged.
@Suite struct EditorPropertyTests {
  // Numbers that are the same in every run (SplitMix64).
  struct Random: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
    mutating func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &self)] }
  }

  static let letters = Array("abz09_-. '\"#:{}[]*?&!|>%@`~,=<\\$äß中\u{A0}\u{7}\t\n\u{85}\u{2028}\u{FEFF}").map(
    String.init)

  static func name(_ random: inout Random) -> String {
    if random.chance(10) {
      return random.pick(["null", "true", "1", "-", "~", "{x}", "{{x}}", "${x}", "on", "=", "..."])
    }
    while true {
      let length = Int.random(in: 1...8, using: &random)
      let name = (0..<length).map { _ in random.chance(60) ? random.pick(["a", "b", ".", "1"]) : random.pick(letters) }
        .joined()
      if name != ".", name != ".." { return name }
    }
  }

  // The block of inputs of a step that stands at `indent`.
  static func inputs(_ random: inout Random, indent: String, inFlow: Bool) -> String {
    let quote = random.pick(["", "", "'", "\""])
    func scalar(_ text: String) -> String { quote + text + quote }
    let space = random.pick(["", " "])
    let comment = random.pick(["", "", "  # why", " #"])
    let isList = random.chance(40)
    let values = Array(["fit.py", "data.csv", "run.py"].prefix(Int.random(in: 0...3, using: &random)))
    let names = ["code", "data", "_x"]
    let members = values.enumerated().map { isList ? scalar($1) : "\(names[$0]): \(scalar($1))" }
    let (open, close) = isList ? ("[", "]") : ("{", "}")
    let trailing = !values.isEmpty && random.chance(20) ? "," : ""
    if inFlow || values.isEmpty || random.chance(30) {
      if values.isEmpty, random.chance(50) {
        return "inputs:" + random.pick([" null", inFlow ? " " : "", " ~"]) + (inFlow ? "" : comment)
      }
      return
        "inputs: \(open)\(space)\(members.joined(separator: random.pick([", ", ","]) ))\(trailing)\(space)\(close)\(inFlow ? "" : comment)"
    }
    let deeper = indent + String(repeating: " ", count: Int.random(in: 1...5, using: &random))
    if random.chance(40) {
      let lines = members.enumerated().map { index, member in
        "\n\(deeper)\(member)\(index < members.count - 1 ? "," : trailing)\(comment)"
      }
      return "inputs: \(open)\(random.pick(["", comment.hasPrefix(" ") ? comment : ""]))\(lines.joined())"
        + (comment.isEmpty && random.chance(50) ? close : "\n\(indent)\(close)")
    }
    let dash = isList ? "-" + String(repeating: " ", count: Int.random(in: 1...3, using: &random)) : ""
    let start = isList && random.chance(30) ? indent : deeper
    let between = random.pick(["\n", "\n", "\n\n", "\n\(start)# between\n"])
    return "inputs:\(comment)\n" + members.map { "\(start)\(dash)\($0)\(comment)" }.joined(separator: between)
  }

  static func file(_ random: inout Random) -> String {
    let step = String(repeating: " ", count: Int.random(in: 1...4, using: &random))
    let indent = step + String(repeating: " ", count: Int.random(in: 1...4, using: &random))
    let inFlow = random.chance(20)
    var keys = [
      random.pick(
        ["run: 'cat > {out.o}'"]
          + (inFlow ? [] : ["run: |\n\(indent)  cat > {out.o}\n", "run: >-\n\(indent)   cat\n\(indent)   > {out.o}"])),
      random.pick(["outputs: {o: o.txt}"] + (inFlow ? [] : ["outputs:\n\(indent)   o:\n\(indent)     path: o.txt"])),
      "kind: train",
    ]
    if random.chance(85) { keys.append(inputs(&random, indent: indent, inFlow: inFlow)) }
    keys.shuffle(using: &random)
    let fit =
      inFlow
      ? "fit: {\(keys.joined(separator: ", "))}"
      : "fit:\n" + keys.map { indent + $0 }.joined(separator: random.pick(["\n", "\n", "\n\n", "\n\(indent)# and\n"]))
    let other = "other: {run: 'cat {fit.o} > {out.o}', outputs: {o: o}}"
    let steps =
      [fit, other].shuffled(using: &random).map { step + $0 }.joined(separator: "\n")
      + random.pick(["\n", "", "\n\n", "\n# end"])
    let text = "# a file\npipeline: x\nparameters: {a: 1}\nsteps:\n\(steps)"
    return (random.chance(10) ? "\u{FEFF}" : "") + (random.chance(25) ? text.replacing("\n", with: "\r\n") : text)
  }

  @Test func everyEditIsWhatItSays() throws {
    var refused: [String] = []
    let rounds = 500
    for seed in 0..<rounds {
      var random = Random(state: UInt64(seed))
      let text = Self.file(&random)
      let paths = Set(
        (0...Int.random(in: 0...3, using: &random)).map { _ in
          random.pick(["pipelines/x/", "pipelines/x/s u/", "shared/", ""]) + Self.name(&random)
        }
      ).sorted()
      let before = Array(text.utf8)
      let wanted = try paths.map { try EditorTests.new($0) }
      let edit: PipelineEdit
      do throws(Diagnostics) { edit = try EditorTests.edit(text, adding: wanted, more: paths) } catch {
        refused.append("seed \(seed): \(error)\n\(text)")
        continue
      }
      #expect(edit.before == before, "seed \(seed)")
      #expect(edit.added.map(\.path) == wanted.map(\.path))
      // Every old byte is still there, in the old order.
      var rest = edit.text[...]
      for byte in before where edit.replaced.isEmpty {
        guard let place = rest.firstIndex(of: byte) else {
          Issue.record("seed \(seed): a byte is lost")
          break
        }
        rest = rest[(place + 1)...]
      }
      // The step reads the files of before and the new ones, however they are written.
      var project = EditorTests.project(text, paths)
      func files(_ name: String) throws -> Set<RelativePath> {
        let step = try #require(try project.load().pipelines.first?.steps.first { $0.name == name })
        return Set(
          try step.inputs.map { input in
            #expect(input.form == .path && input.path.references.isEmpty)
            return try #require(
              RelativePath(
                input.path.segments.map { if case .literal(let text) = $0 { text } else { "" } }.joined(),
                in: input.base))
          })
      }
      let (old, other) = (try files("fit"), try files("other"))
      project.contents["pipelines/x/pipeline.yaml"] = edit.text
      #expect(try files("fit") == old.union(wanted.map(\.path)), "seed \(seed)")
      #expect(try files("other") == other)
      // Its own style has the line breaks of the file.
      if text.contains("\r\n") {
        #expect(!String(decoding: edit.text, as: UTF8.self).replacing("\r\n", with: "").contains("\n"), "seed \(seed)")
      }
    }
    #expect(refused.isEmpty, "\(refused.prefix(10).joined(separator: "\n----\n"))")
  }
}
