import Glibc
import RungCore
import Testing

/// Which of the ways to read or find a file are recorded, and that a result is used again exactly as long as what was
/// recorded is so.
@Suite struct TruthTableStories {
  /// A program that looks at files.
  enum Language: String, CaseIterable {
    case c, staticC, threadedC, python, shell

    var ways: [Way] {
      switch self {
      case .c: Way.system + Way.dynamic + (TruthPrograms.runs32Bits ? Way.foreign : [])
      // Attempts to write, and what cannot be followed, are the same in all of them.
      case .staticC: Way.system.filter { !$0.overlay && $0.incomplete == nil }
      case .threadedC: Way.dynamic + Way.system.filter { $0.isOneFile && !$0.overlay && $0.incomplete == nil }
      case .python: Way.python
      case .shell: Way.shell
      }
    }

    /// The file in the project, and how it is called.
    var program: (file: String, command: String)? {
      switch self {
      case .c: ("look", "bin/look")
      case .staticC: ("look-static", "bin/look-static")
      case .threadedC: ("look-threads", "bin/look-threads")
      case .python: ("look.py", "/usr/bin/python3 bin/look.py")
      case .shell: nil
      }
    }
  }

  /// What the kernel allows: all; all but telling somebody of system calls; no namespaces and so no private view.
  enum Kernel: CaseIterable { case whole, silent, narrow }

  /// What differs where nobody is told.
  static let different: [Language] = [.c, .python, .shell]

  /// Every language where all is allowed and where nobody is told by seccomp; two where there is no private view.
  static let cases =
    Language.allCases.flatMap { [($0, Kernel.whole), ($0, Kernel.silent)] } + [(.c, .narrow), (.shell, .narrow)]

  @Test(arguments: cases)
  func whatWasSeenIsWhatCounts(_ language: Language, _ kernel: Kernel) throws {
    let table = try TruthTable(language, kernel)
    let names = Set(table.ways.map(\.name))
    let isWhole = kernel == .whole && Self.different.contains(language)
    #expect(try table.recorder() == (kernel == .silent ? "ptrace" : "notify"))
    #expect(try table.run() == names)
    let records = try table.records()
    for way in table.ways {
      let record = try #require(records[way.name])
      #expect(record["watch"] == "traced", "\(way.name)")
      #expect(
        record["trace"]?.string == (way.incomplete == nil ? "complete" : "incomplete"),
        "\(way.name): \(record["trace_problems"]?.compact ?? "")")
      let problems = record["trace_problems"]?.array?.compactMap(\.string) ?? []
      if let words = way.incomplete {
        #expect(problems.count == 1 && problems[0].contains(words), "\(way.name): \(problems)")
      }
      // Otherwise the changes below say as much.
      guard isWhole else { continue }
      let seen = try table.observed(record)
      for (path, kind) in way.seen {
        #expect(seen[table.path(path, of: way)] == kind, "\(way.name): \(path) in \(seen)")
      }
      for path in way.unseen { #expect(seen[table.path(path, of: way)] == nil, "\(way.name): \(path) in \(seen)") }
    }
    #expect(try table.run() == [])

    // Who would run once too often does so in the next round.
    let changes = table.ways.flatMap { way in way.changes.map { (way, $0) } }
    let rounds = TruthTable.rounds(for: changes.count, twice: isWhole)
    for (number, round) in rounds.enumerated() {
      var expected: Set<String> = []
      for index in round {
        try table.change(changes[index].0, changes[index].1)
        expected.insert(changes[index].0.name)
      }
      let ran = try table.run()
      #expect(ran == expected, "round \(number): \(ran.symmetricDifference(expected).sorted())")
    }
    #expect(try table.run() == [])

    for way in table.ways {
      for change in way.harmless { try table.change(way, change) }
    }
    try table.sandbox.write("nobody asked", to: "data/unrelated")
    #expect(try table.run() == [])
    // Whoever opens a folder for reading has listed it, as `find` does with the one that it starts from.
    try table.sandbox.write("nobody asked", to: "unrelated.txt")
    #expect(try table.run() == Set(table.ways.filter(\.opensRoot).map(\.name)))
  }

  @Test(arguments: [Language.c, .shell]) func whereNobodyWatchesNothingIsRecorded(_ language: Language) throws {
    let table = try TruthTable(language, .whole, level: "declared")
    #expect(try table.run() == Set(table.ways.map(\.name)))
    let records = try table.records()
    for way in table.ways {
      let record = try #require(records[way.name])
      #expect(record["watch"] == "declared" && record["trace"] == "off", "\(way.name)")
      #expect(record["observed"] == ["project": nil, "system": nil], "\(way.name)")
      for change in way.changes + way.harmless { try table.change(way, change) }
    }
    #expect(try table.run() == [])
  }

  @Test(arguments: zip(different + [.c], [Kernel.whole, .whole, .whole, .silent]))
  func strictlyNothingUndeclaredIsThere(_ language: Language, _ kernel: Kernel) throws {
    let table = try TruthTable(language, kernel, level: "strict")
    let report = try table.start("run", "--json", "--keep-going", "--watch", "strict")
    let events = try report.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    var failures: [String: String] = [:]
    for event in events where event["event"]?.string == "step-failed" {
      failures[TruthTable.step(event)] = event["problem"]?.string ?? ""
    }
    for way in table.ways {
      switch way.strict {
      case .runs: #expect(failures[way.name] == nil, "\(way.name)")
      case .fails: #expect(failures[way.name] != nil, "\(way.name)")
      case .names(let path):
        #expect(
          failures[way.name]?.contains(table.path(path, of: way)) == true, "\(way.name): \(failures[way.name] ?? "ran")"
        )
      }
    }
  }

  @Test(arguments: different) func strictlyADeclaredFileIsThere(_ language: Language) throws {
    let table = try TruthTable(
      language, .whole, level: "strict", ways: language.ways.filter(\.isOneFile), declares: true)
    let names = Set(table.ways.map(\.name))
    #expect(try table.run() == names)
    #expect(try table.run() == [])
    for way in table.ways { try table.change(way, .append("f")) }
    #expect(try table.run() == names)
    #expect(try table.run() == [])
  }

  @Test func whatRungItselfMakesInTheProjectIsNobodysChange() throws {
    // The step asks whether the folder is there, which publishing makes.
    let sandbox = try Sandbox([
      "pipelines/t/pipeline.yaml": """
      pipeline: t
      steps:
        make:
          run: "mkdir -p made/deep; echo 1 > {out.o}"
          outputs: {o: {path: made/deep/o.txt, publish: ../../made/deep/o.txt}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(sandbox.exists("made/deep/o.txt"))
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
    // What is deleted comes back, and nothing runs.
    try #require(try Sandbox.program("/bin/rm", ["-r", "\(sandbox.project)/made"]).code == 0)
    #expect(try sandbox.run().counts.ran == 0)
    #expect(sandbox.exists("made/deep/o.txt"))
  }

  @Test(arguments: Kernel.allCases) func aFileOutsideTheProjectCounts(_ kernel: Kernel) throws {
    let table = try TruthTable(.shell, kernel, ways: [Way(name: "tool", command: "tool", files: [:])])
    let tools = "../tools"
    let path = ["PATH": "\(table.sandbox.folder)/tools:/usr/bin:/bin"]
    try table.sandbox.write("#!/bin/sh\ncat ${0%/*}/table\ntest -e ${0%/*}/absent || true\n", to: "\(tools)/tool")
    chmod("\(table.sandbox.project)/\(tools)/tool", 0o755)
    try table.sandbox.write("1\n", to: "\(tools)/table")
    #expect(try table.run(with: path) == ["tool"])
    #expect(try table.run(with: path) == [])
    for file in ["table", "absent", "tool"] {
      if !table.sandbox.exists("\(tools)/\(file)") { try table.sandbox.write("", to: "\(tools)/\(file)") }
      try table.sandbox.append("#", to: "\(tools)/\(file)")
      #expect(try table.run(with: path) == ["tool"], "\(file)")
      #expect(try table.run(with: path) == [], "\(file)")
    }
    try table.sandbox.write("1\n", to: "\(tools)/other")
    #expect(try table.run(with: path) == [])
  }

  @Test func withoutAPrivateViewAStepThatChangesAFileIsNotBelieved() throws {
    let table = try TruthTable(.c, .narrow, ways: Way.system.filter(\.changesMetadata))
    let run = try RunReport(try table.start("run", "--json", "--keep-going"))
    #expect(run.counts == Counts(failed: table.ways.count) && table.ways.count == 2)
    for event in run.events("step-failed") {
      #expect(event["problem"]?.string?.contains("/f changed while it ran") == true, "\(event.compact)")
    }
  }

  @Test func withoutAPrivateViewFilesOfOthersAreSeen() throws {
    let place = "/tmp/rung-truth-\(getpid())-of-others"
    defer { unlink(place) }
    let table = try TruthTable(.shell, .narrow, ways: [Way(name: "see", command: "cat \(place) || true", files: [:])])
    #expect(try table.run() == ["see"])
    #expect(try table.run() == [])
    let file = try #require(fopen(place, "we"))
    fputs("there", file)
    fclose(file)
    #expect(try table.run() == ["see"])
    #expect(try table.run() == [])
  }

  @Test func aTraceTellsWhatWasSeen() throws {
    let ways = Language.c.ways.filter { ["open", "ask", "unknown"].contains($0.name) }
    let table = try TruthTable(.c, .whole, ways: ways)
    try table.run()
    for way in ways {
      let trace = try table.sandbox.json(["trace", "t/\(way.name)", "--json"])
      let sources = trace["sources"]?.array ?? []
      let source = sources.first { $0["path"]?.string == table.path("f", of: way) }
      #expect(source?["observed"]?.bool == (way.name == "ask" ? nil : true), "\(trace.compact)")
      #expect(trace["trace"]?.string == (way.name == "unknown" ? "incomplete" : "complete"))
      #expect(trace["trace_problems"]?.array?.isEmpty == (way.name != "unknown"))
    }
  }
}

/// A project with a step for each way of a language.
struct TruthTable {
  let sandbox: Sandbox
  let ways: [Way]
  private let prefix: [String]
  private let level: String
  private let changes = Counter()

  private final class Counter {
    var counts: [String: Int] = [:]
  }

  init(
    _ language: TruthTableStories.Language, _ kernel: TruthTableStories.Kernel, level: String = "traced",
    ways given: [Way]? = nil, declares: Bool = false
  ) throws {
    // Without a private view there is no overlay.
    ways = given ?? language.ways.filter { kernel != .narrow || !($0.overlay || $0.changesMetadata || $0.needsView) }
    self.level = level
    let programs = try TruthPrograms.folder.get()
    prefix = kernel == .whole ? [] : ["\(programs)/refuse", kernel == .silent ? "notify" : "namespaces", "--"]
    sandbox = try Sandbox(["rung.yaml": ""])
    let (file, call) = language.program ?? ("", "")
    if !file.isEmpty {
      try sandbox.write("", to: "bin/\(file)")
      try TruthPrograms.copy(file, to: "\(sandbox.project)/bin/\(file)")
    }
    var steps = ""
    for way in ways {
      let command = level == "declared" ? way.declaredCommand ?? way.command : way.command
      let text = fill(command, way).replacing("{look}", with: call)
      var inputs = file.isEmpty ? [] : ["../../bin/\(file)"]
      if declares { inputs.append("../../\(path("f", of: way))") }
      let output = way.overlay ? "\(path("output", of: way))" : "out/\(way.name)"
      steps += """
          \(way.name):
            run: |
              {
              \(text)
              } > {out.o}
            inputs: [\(inputs.joined(separator: ", "))]
            outputs: {o: \(output)}

        """
      for (name, content) in way.files {
        let place = path(name, of: way)
        switch content {
        case .text(let text): try sandbox.write(text, to: place)
        case .script(let text):
          try sandbox.write(fill(text, way), to: place)
          chmod("\(sandbox.project)/\(place)", 0o755)
        case .program(let name):
          try sandbox.write("", to: place)
          try TruthPrograms.copy(name, to: "\(sandbox.project)/\(place)")
        }
      }
      mkdir("\(sandbox.project)/data", 0o755)
      mkdir("\(sandbox.project)/data/\(way.name)", 0o755)
      for (name, target) in way.links {
        try #require(symlink(fill(target, way), "\(sandbox.project)/\(path(name, of: way))") == 0)
      }
    }
    try sandbox.write("pipeline: t\nsteps:\n\(steps)", to: "pipelines/t/pipeline.yaml")
  }

  private func fill(_ text: String, _ way: Way) -> String {
    text.replacing("{d}", with: "data/\(way.name)").replacing("{project}", with: sandbox.project)
  }

  /// The path of a way's file from the project's root.
  func path(_ name: String, of way: Way) -> String { name.isEmpty ? "data/\(way.name)" : "data/\(way.name)/\(name)" }

  /// Runs `rung`, under the program that keeps it from using notification if ptrace is asked for.
  func start(_ words: String..., with own: [String: String] = [:]) throws -> Finished {
    let all = prefix + [Sandbox.binary] + words
    return try Running(
      all[0], Array(all.dropFirst()), variables: sandbox.variables(own), folder: sandbox.project, sandbox: sandbox
    ).wait()
  }

  /// Who records, as `rung doctor` says.
  func recorder() throws -> String {
    try JSON(parsing: try start("doctor", "--json").output)["recorder"]?.string ?? "none"
  }

  /// Runs everything; returns the names of the steps that ran. All must succeed.
  @discardableResult func run(with own: [String: String] = [:]) throws -> Set<String> {
    let report = try RunReport(try start("run", "--json", "--watch", level, with: own))
    for event in report.events("step-failed") { Issue.record("\(event.compact)") }
    // A daemon may be there for an instant after its last word.
    for event in report.events("warning") where event["message"]?.string?.hasPrefix("t/daemon left processes") != true {
      Issue.record("\(event.compact)")
    }
    return Set(report.steps.keys)
  }

  static func step(_ event: JSON) -> String { String(event["instance"]?.string?.split(separator: "/").last ?? "?") }

  /// The records of all steps, by their names.
  func records() throws -> [String: JSON] {
    let all = try sandbox.json(["show", "t", "--json"]).array ?? []
    return Dictionary(all.map { (Self.step($0), $0) }) { $1 }
  }

  /// The observed set of a record: kinds by path, those of the project.
  func observed(_ record: JSON) throws -> [String: String] {
    guard let digest = record["observed"]?["project"]?.digest else { return [:] }
    let text = try sandbox.rung("cache", "cat", digest.hex).output
    var kinds: [String: String] = [:]
    for entry in try JSON(parsing: text)["entries"]?.array ?? [] {
      if let path = entry.array?[0].string { kinds[path] = entry.array?[1].string }
    }
    return kinds
  }

  func change(_ way: Way, _ change: Way.Change) throws {
    func count(_ name: String) -> Int {
      let key = path(name, of: way)
      changes.counts[key, default: 0] += 1
      return changes.counts[key, default: 0]
    }
    switch change {
    case .append(let name, let text):
      let place = path(name, of: way)
      if !sandbox.exists(place) { try sandbox.write("", to: place) }
      let line = Array("\(text) \(text == "#" ? "\(count(name))" : "# \(count(name))")\n".utf8)
      let file = try #require(fopen("\(sandbox.project)/\(place)", "ae"))
      defer { fclose(file) }
      fwrite(line, 1, line.count, file)
    case .add(let name): try sandbox.write("new\n", to: "\(path(name, of: way))-\(count(name)).txt")
    case .point(let name, let first, let second):
      let place = "\(sandbox.project)/\(path(name, of: way))"
      unlink(place)
      try #require(symlink(count(name) == 1 ? first : second, place) == 0)
    }
  }

  /// For each round the changes that are made in it. Twice: each in two rounds, no two in the same two, so that whoever
  /// runs in a round has its own change in it. Otherwise each in one.
  static func rounds(for count: Int, twice: Bool) -> [[Int]] {
    guard twice else {
      let rounds = 6
      return (0..<rounds).map { round in (0..<count).filter { $0 % rounds == round } }
    }
    var rounds: [[Int]] = [[]]
    var index = 0
    while index < count {
      rounds.append([])
      for other in 0..<(rounds.count - 1) where index < count {
        rounds[other].append(index)
        rounds[rounds.count - 1].append(index)
        index += 1
      }
    }
    return rounds
  }
}

/// The programs beside these tests, compiled once for each test process.
enum TruthPrograms {
  static let folder = Result { try compile() }
  /// Whether the kernel carries out calls of 32-bit programs.
  static let runs32Bits: Bool = {
    guard let folder = try? folder.get() else { return false }
    return (try? Sandbox.program("\(folder)/look", ["32-bits", "/dev/null"]).code) == 0
  }()

  static func copy(_ name: String, to place: String) throws {
    guard try Sandbox.program("/bin/cp", ["\(try folder.get())/\(name)", place]).code == 0 else {
      throw Broken(description: "cannot copy \(name)")
    }
    chmod(place, 0o755)
  }

  private static func compile() throws -> String {
    let folder = "/tmp/rung-truth-\(getpid())"
    guard mkdir(folder, 0o755) == 0 else { throw Broken(description: "cannot make \(folder)") }
    atexit { _ = try? Sandbox.program("/bin/rm", ["-rf", "/tmp/rung-truth-\(getpid())"]) }
    let sources = "\(Sandbox.sources)/Programs"
    let origin = "-Wl,-rpath,$ORIGIN"
    for words in [
      ["-o", "look", "\(sources)/look.c", "-pthread", "-ldl"],
      ["-o", "look-static", "-static", "\(sources)/look.c", "-pthread"],
      ["-o", "look-threads", "-DTHREADS", "\(sources)/look.c", "-pthread", "-ldl"],
      ["-o", "refuse", "\(sources)/refuse.c"],
      ["-o", "hello", "\(sources)/hello.c"],
      ["-o", "libanswer.so", "-shared", "-fPIC", "\(sources)/answer.c"],
      ["-o", "ask", "\(sources)/ask.c", "-L.", "-lanswer", origin],
    ] {
      let compiled = try Sandbox.program("/usr/bin/cc", ["-w"] + words, in: folder)
      guard compiled.code == 0 else { throw Broken(description: "cannot compile: \(compiled.testDescription)") }
    }
    _ = try Sandbox.program("/bin/cp", ["\(sources)/look.py", folder])
    return folder
  }
}
