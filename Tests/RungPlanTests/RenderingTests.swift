import Glibc
import RungCore
import RungModel
import RungPlan
import Testing

@Suite struct RenderingTests {
  @Test func harmlessWordsStayAsTheyAre() {
    for word in [
      "a", "200", "0.1", "fit.json", ".rung/in/fit.metrics/fit.json", "x=1", "a,b", "1e-4", "user@host", "50%",
    ] {
      #expect(Substitution.quoted(word) == word)
    }
    #expect(Substitution.quoted("") == "''")
    #expect(Substitution.quoted("it's") == #"'it'\''s'"#)
    #expect(Substitution.quoted("~") == "'~'")
  }

  // The shell itself is the judge: bytes that are no UTF-8 cannot occur in a String, all else can.
  @Test func aShellGivesQuotedTextsBack() throws {
    var random = Seeded(7)
    var script = ""
    var expected: [UInt8] = []
    for _ in 0..<400 {
      let length = Int.random(in: 0...24, using: &random)
      var text = ""
      for _ in 0..<length {
        let kind = Int.random(in: 0..<4, using: &random)
        let range: ClosedRange<UInt32> =
          kind == 0 ? 1...0x1F : kind == 1 ? 0x20...0x7E : kind == 2 ? 0x7F...0x2FF : 0x1F300...0x1F600
        if let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) { text.unicodeScalars.append(scalar) }
      }
      script += "printf '%s\\0' \(Substitution.quoted(text))\n"
      expected += Array(text.utf8) + [0]
    }
    #expect(try shellOutput(script) == expected)
  }

  private func shellOutput(_ script: String) throws -> [UInt8] {
    let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    let path = "\(base)/rung-quoting-\(getpid())-\(UInt32.random(in: .min ... .max))"
    let file = try #require(fopen(path, "w"))
    defer { unlink(path) }
    let bytes = Array(script.utf8)
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    fclose(file)
    let pipe = try #require(popen("sh \(path)", "re"))
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      output += buffer[..<count]
    }
    #expect(pclose(pipe) == 0)
    return output
  }

  @Test func valuesAppearAsWritten() {
    #expect(Substitution.text(of: .string("a b")) == "a b")
    #expect(Substitution.text(of: .number("0.10")) == "0.10")
    #expect(Substitution.text(of: .null) == "")
    #expect(Substitution.text(of: .bool(true)) == "true")
    #expect(Substitution.text(of: ["a": [1, "x"]]) == #"{"a":[1,"x"]}"#)
  }

  @Test func templatesAreFilledIn() {
    let values = Substitution(
      parameters: ["name": "a b", "model": ["depth": 3]],
      axes: ["w": AxisValue(label: "1", value: 1), "s": AxisValue(label: "x", value: ["lr": "0.1", "batch": 8])],
      inputs: ["code": ["f.py"], "many": ["a.txt", "b c.txt"]], outputs: ["o": "o.json"],
      steps: ["fit.m": ".rung/in/fit.m/fit.json"])
    func template(_ segments: Template.Segment...) -> Template { Template(segments: segments) }
    let name = template(.literal("--name "), .reference(.parameter("name", path: [])))
    #expect(values.shell(name) == "--name 'a b'")
    #expect(values.plain(name) == "--name a b")
    #expect(values.arguments(name) == ["--name a b"])
    #expect(values.shell(template(.reference(.parameter("model", path: ["depth"])))) == "3")
    #expect(values.shell(template(.reference(.axis("s", field: "batch")))) == "8")
    #expect(values.shell(template(.reference(.input("many")))) == "a.txt 'b c.txt'")
    #expect(values.arguments(template(.reference(.input("many")))) == ["a.txt", "b c.txt"])
    #expect(values.shell(template(.reference(.output("o")))) == "o.json")
    let fit = StepOutput(pipeline: "x", step: "fit", output: "m", source: "fit.m")
    #expect(values.shell(template(.reference(.step(fit)))) == ".rung/in/fit.m/fit.json")
  }

  @Test func workspacePathsNameTheReference() {
    let plain = StepOutput(pipeline: "x", step: "fit", output: "m", source: "fit.m")
    let table = StepOutput(pipeline: "x", step: "fit", output: "m", form: .table, source: "fit.m:table")
    #expect(WorkspaceLayout.input(plain, fileName: "fit.json") == ".rung/in/fit.m/fit.json")
    #expect(WorkspaceLayout.table(table) == ".rung/in/fit.m/table.csv")
    #expect(WorkspaceLayout.inputFolder(plain) == ".rung/in/fit.m")
  }

  @Test func onlyPlainCommandsGoWithoutAShell() {
    #expect(directArguments(of: "python fit.py --width 200") == ["python", "fit.py", "--width", "200"])
    #expect(directArguments(of: "  a   b  ") == ["a", "b"])
    for line in [
      "", "  ", "a > b", "a | b", "a; b", "X=1 a", "echo hi", "cd x", "a 'b c'", "a $X", "a *", "a ~", "a\tb", "a\nb",
      "a #b", "a {b}", "if x", "a `b`", "a (b)", "a \\b", "a !b", "a \"b\"", "a é",
    ] {
      #expect(directArguments(of: line) == nil, "\(line)")
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
