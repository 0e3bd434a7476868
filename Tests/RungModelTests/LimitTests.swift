import Glibc
import RungCore
import RungModel
import Testing

/// Files that no honest author writes, and random damage to one that is right.
@Suite struct LimitTests {
  @Test func fiftyMegabytesAreToldBySize() {
    var project = MemoryProject()
    project.contents["pipelines/x/pipeline.yaml"] = [UInt8](repeating: UInt8(ascii: "a"), count: 50_000_000)
    let mistakes = project.mistakes()
    #expect(mistakes.map(\.message) == ["pipelines/x/pipeline.yaml is larger than 8 MB"])
  }

  // One cause, a thousand times told, and quickly: places are searched for within a budget.
  @Test func manyMistakesAreCounted() {
    let names = (0..<1500).map { "      {nope\($0)}" }.joined(separator: "\n")
    let text = "pipeline: x\nsteps:\n  s:\n    outputs: {o: o}\n    run: |\n\(names)\n"
    let mistakes = MemoryProject(pipeline: text).mistakes()
    #expect(mistakes.count == 1001)
    #expect(mistakes.first?.message == "and 500 more mistakes; only the first 1000 are shown")
    #expect(mistakes.last?.location?.line == 1005)
  }

  @Test func pathsHaveALength() {
    let path = String(repeating: "a/", count: 100_000) + "b"
    let text = "pipeline: x\nsteps: {s: {run: echo, outputs: {o: \(path), p: {path: p, publish: \(path)}}}}"
    #expect(
      MemoryProject(pipeline: text).mistakes().map(\.message)
        == Array(repeating: "the path is longer than 4096 bytes", count: 2))
  }

  @Test func deepNesting() {
    for text in [
      String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
      String(repeating: "- ", count: 100_000),
    ] {
      let mistakes = MemoryProject(pipeline: "parameters:\n  a: \n    \(text)").mistakes()
      #expect(mistakes.map(\.message) == ["nested more than 200 levels deep"])
    }
  }

  // 150 levels in an anchor, used 150 levels deep.
  @Test func depthCountsThroughAliases() {
    let open = String(repeating: "[", count: 150)
    let close = String(repeating: "]", count: 150)
    let text = "parameters:\n  a: &a \(open)\(close)\n  b: \(open)*a\(close)\n"
    #expect(MemoryProject(pipeline: text).mistakes().map(\.message) == ["nested more than 200 levels deep"])
  }

  @Test func longChainsOfSteps() throws {
    var text = "pipeline: x\nsteps:\n  s0: {run: \"echo > {out.o}\", outputs: {o: o}}\n"
    for i in 1..<3000 { text += "  s\(i): {run: \"cat {s\(i - 1).o} > {out.o}\", outputs: {o: o}}\n" }
    #expect(try MemoryProject(pipeline: text).load().pipelines[0].steps.count == 3000)
    var uses = "pipeline: x\nsteps:\n"
    for i in 0..<300 { uses += "  s\(i): {uses: s\(i + 1)}\n" }
    uses += "  s300: {run: \"echo > {out.o}\", outputs: {o: o}}\n"
    #expect(MemoryProject(pipeline: uses).mistakes().first?.message == "'uses' goes through more than 100 steps")
  }

  @Test func aliasesOfOrdinarySizeAreFine() throws {
    let text = """
      pipeline: x
      parameters: {a: &a [1, 2, 3], b: [*a, *a]}
      steps: {s: {run: "echo {b} > {out.o}", outputs: {o: o}}}
      """
    #expect(try MemoryProject(pipeline: text).load().pipelines[0].parameters[1].value == [[1, 2, 3], [1, 2, 3]])
  }

  /// Cuts, doubles, swaps and replaces pieces of the design's example. Whatever comes out, the reader returns, and what
  /// it says can be rendered.
  @Test func damagedFilesNeverCrash() throws {
    let original = Array(DesignExampleTests.text.utf8)
    let interesting = Array("{}[]:,&*!|>'\"%@`#-? \t\n\\\u{0}\u{e9}<.0/$".utf8) + [0xFF, 0xC3]
    var random = SplitMix(state: 42)
    for _ in 0..<3000 {
      var bytes = original
      for _ in 0..<(1 + random.next(5)) {
        guard !bytes.isEmpty else { break }
        let at = random.next(bytes.count)
        let end = min(bytes.count, at + 1 + random.next(40))
        switch random.next(5) {
        case 0: bytes.removeSubrange(at..<end)
        case 1: bytes.insert(contentsOf: bytes[at..<end], at: random.next(bytes.count))
        case 2: bytes[at] = interesting[random.next(interesting.count)]
        case 3: bytes.insert(interesting[random.next(interesting.count)], at: at)
        default: bytes.swapAt(at, random.next(bytes.count))
        }
      }
      var project = DesignExampleTests.project
      project.contents["pipelines/double-descent/pipeline.yaml"] = bytes
      for mistake in project.mistakes() {
        #expect(!mistake.rendered.isEmpty)
        if let location = mistake.location { #expect(location.line >= 1 && location.column >= 1) }
      }
    }
  }
}

/// A small generator of repeatable random numbers.
struct SplitMix {
  var state: UInt64

  /// From 0 up to, not including, `bound`.
  mutating func next(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}

/// The door to real files.
@Suite struct DiskTests {
  @Test func aProjectOnDisk() throws {
    var template = Array("/tmp/rung-model-XXXXXX".utf8CString)
    let root = try #require(mkdtemp(&template).map { String(cString: $0) })
    defer { _ = remove(root) }
    for folder in ["pipelines", "pipelines/x"] { #expect(mkdir("\(root)/\(folder)", 0o755) == 0) }
    var made: [String] = []
    defer {
      for path in made.reversed() { unlink("\(root)/\(path)") }
      for folder in ["pipelines/x", "pipelines"] { rmdir("\(root)/\(folder)") }
    }
    func write(_ path: String, _ text: String) throws {
      let file = try #require(fopen("\(root)/\(path)", "w"))
      fputs(text, file)
      fclose(file)
      made.append(path)
    }
    try write("pipelines/x/run.py", "")
    try write(
      "pipelines/x/pipeline.yaml",
      """
      pipeline: x
      steps:
        s: {run: "cat {a} {b} > {out.o}", inputs: {a: run.py, b: "*.py"}, outputs: {o: {path: o, publish: made/o}}}
      """)
    #expect(try Project.load(root: root, files: .onDisk(root: root)).pipelines.map(\.name) == ["x"])

    #expect(symlink("/etc/hostname", "\(root)/pipelines/x/away.py") == 0)
    #expect(symlink("/tmp", "\(root)/pipelines/x/made") == 0)
    #expect(mkfifo("\(root)/rung.yaml", 0o600) == 0)
    made += ["pipelines/x/away.py", "pipelines/x/made", "rung.yaml"]
    try write(
      "pipelines/x/pipeline.yaml",
      """
      pipeline: x
      steps:
        s: {run: "cat {a} > {out.o}", inputs: {a: away.py}, outputs: {o: {path: o, publish: made/o}}}
      """)
    do throws(Diagnostics) {
      _ = try Project.load(root: root, files: .onDisk(root: root))
      Issue.record("links out of the project are mistakes")
    } catch {
      #expect(
        error.items.map(\.message) == [
          "rung.yaml cannot be read: it is not a regular file",
          "pipelines/x/away.py is a symbolic link that leads out of the project",
          "pipelines/x/made/o leads out of the project through a symbolic link",
        ])
    }
  }
}
