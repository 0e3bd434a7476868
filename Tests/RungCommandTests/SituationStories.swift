import Glibc
import RungCore
import Synchronization
import Testing

/// One project on hosts that allow more and less: the same results, and never more claimed than was so.
@Suite struct SituationStories {
  /// A situation, and what is to be expected of it where the host itself allows all.
  struct Case: Sendable, CustomTestStringConvertible {
    let situation: Situation
    let watch: String
    let view: String
    var trace: String { watch == "declared" ? "off" : "complete" }
    /// What does not work, in the words of `rung doctor --json`.
    var missing: Set<String> = []
    var recorder: String?
    /// Whether a step finds files that it does not declare.
    var seesProject = true

    var testDescription: String { situation.name }

    /// Whether the host itself allows what this case does not take away.
    var isPossible: Bool {
      guard situation.isPossible else { return false }
      return hostLacks(as: situation.isOrdinary ? .ordinary : .here).isSubset(of: missing)
    }
  }

  private static let namespaces: Set = ["users", "mounts", "processes", "network", "overlay"]
  private static let asRoot: Set = ["mounts-as-root"]

  static let all = [
    Case(situation: .init(name: "root"), watch: "traced", view: "private", recorder: "notify"),
    Case(
      situation: .ordinary, watch: "traced", view: "private", missing: asRoot, recorder: "notify"),
    Case(
      situation: .init(name: "ordinary user, no user namespaces", isOrdinary: true, refused: ["users"]),
      watch: "traced", view: "landlock", missing: namespaces.union(asRoot), recorder: "notify"),
    Case(
      situation: .init(name: "root, no namespaces", refused: ["namespaces"]),
      watch: "traced", view: "landlock", missing: namespaces.union(asRoot), recorder: "notify"),
    Case(
      situation: .init(name: "root, no notification", refused: ["notify"]),
      watch: "traced", view: "private", missing: ["notify"], recorder: "ptrace"),
    Case(
      situation: .init(
        name: "ordinary user, no user namespaces, no notification", isOrdinary: true, refused: ["users", "notify"]),
      watch: "traced", view: "landlock", missing: namespaces.union(asRoot).union(["notify"]), recorder: "ptrace"),
    Case(
      situation: .init(name: "root, no recorder", refused: ["notify", "ptrace"]),
      watch: "declared", view: "private", missing: ["notify", "ptrace"]),
    Case(
      situation: .init(
        name: "ordinary user, no namespaces, no recorder", isOrdinary: true, refused: ["users", "notify", "ptrace"]),
      watch: "declared", view: "landlock", missing: namespaces.union(asRoot).union(["notify", "ptrace"])),
    Case(
      situation: .init(name: "root, nothing but a recorder", refused: ["namespaces", "landlock"]),
      watch: "declared", view: "none", missing: namespaces.union(asRoot).union(["landlock"]), seesProject: false),
    Case(
      situation: .init(
        name: "ordinary user, nothing at all", isOrdinary: true, refused: ["users", "filters", "landlock"]),
      watch: "declared", view: "none",
      missing: namespaces.union(asRoot).union(["notify", "ptrace", "landlock", "refuse-network"]), seesProject: false),
    Case(
      situation: .init(name: "no rung-step", hasLauncher: false), watch: "declared", view: "none",
      missing: namespaces.union(asRoot).union(["notify", "ptrace", "landlock", "refuse-network"]), seesProject: false),
  ]

  // What the host does not allow to whoever runs the tests, or to an ordinary user.
  private static func hostLacks(as situation: Situation) -> Set<String> {
    (situation.isOrdinary ? lacksOrdinary : lacksHere).value
  }
  private struct Lacks: Sendable {
    let value: Set<String>
    init(_ situation: Situation) {
      value = (try? lacks(in: situation, Sandbox())) ?? ["unknown"]
    }
  }
  private static let lacksHere = Lacks(.here)
  private static let lacksOrdinary = Lacks(.ordinary)

  private static func lacks(in situation: Situation, _ sandbox: Sandbox) throws -> Set<String> {
    let report = try sandbox.json(["doctor", "--json"], in: situation)
    return Set((report["abilities"]?.array ?? []).filter { $0["works"] == false }.compactMap { $0["name"]?.string })
  }

  /// Data, a fit over an axis, the table of all fits, a figure; everything declared.
  static let tiny = [
    // Copies without stamps, which name records: these tell of where they were made.
    "rung.yaml": "jobs: 2\nstamps: false\n",
    "pipelines/tiny/pipeline.yaml": """
    pipeline: tiny
    axes: {degree: [1, 2, 3]}
    steps:
      data:
        run: "seq 1 9 > {out.set}"
        outputs: {set: set.txt}
      fit:
        over: [degree]
        run: python3 -S {code} {data.set} {degree} > {out.fit}
        inputs: {code: fit.py, helper: helper.py}
        outputs: {fit: fit.json}
      table:
        run: cp {fit.fit} {out.table}
        outputs: {table: {path: table.csv, publish: results/table.csv}}
      figure:
        run: sh {code} {table.table} > {out.figure}
        inputs: {code: figure.sh}
        outputs: {figure: {path: figure.svg, publish: results/figure.svg}}
    """,
    "pipelines/tiny/fit.py": """
    import json, sys, helper
    values = [float(line) for line in open(sys.argv[1])]
    print(json.dumps({"moment": helper.moment(values, int(sys.argv[2]))}))

    """,
    "pipelines/tiny/helper.py": "def moment(values, n): return sum(v**n for v in values) / len(values)\n",
    "pipelines/tiny/figure.sh":
      "echo '<svg>'; while IFS=, read -r degree moment; do echo \"<text>$degree $moment</text>\"; done < \"$1\"; echo '</svg>'\n",
    // The same, but that nothing of it is declared.
    "pipelines/loose/pipeline.yaml": """
    pipeline: loose
    steps:
      fit:
        run: python3 -S pipelines/loose/fit.py > {out.fit}
        outputs: {fit: {path: fit.txt, publish: fit.txt}}
    """,
    "pipelines/loose/fit.py": "import helper\nprint(helper.word)\n",
    "pipelines/loose/helper.py": "word = 'one'\n",
  ]

  static let results = ["pipelines/tiny/results/table.csv", "pipelines/tiny/results/figure.svg"]

  @Test(arguments: all.filter(\.isPossible))
  func theSameProjectGivesTheSameEverywhere(_ here: Case) throws {
    let sandbox = try Sandbox(Self.tiny)
    let run = try sandbox.run("tiny", in: here.situation)
    #expect(run.counts == Counts(ran: 6), "\(run.finished.testDescription)")
    let warnings = run.events("warning").compactMap { $0["message"]?.string }
    if here.watch == "traced" {
      #expect(warnings == [])
    } else {
      #expect(warnings.count == 1)
      #expect(
        warnings.first?.contains("cannot watch tiny/data and 3 more steps as 'traced', only as 'declared'") == true)
      #expect(warnings.first?.contains("`rung doctor`") == true)
    }
    #expect(try sandbox.run("tiny", in: here.situation).counts == Counts(unchanged: 6))

    var keys: [String: String] = [:]
    for record in try records(sandbox, in: here.situation) {
      let name = try #require(record["instance"]?.string)
      keys[name] = record["key"]?.string
      #expect(record["watch"] == .string(here.watch), "\(name)")
      #expect(record["view"] == .string(here.view), "\(name)")
      #expect(record["trace"] == .string(here.trace), "\(name): \(record["trace_problems"]?.compact ?? "")")
      #expect(record["network"] == .bool(here.missing.isSuperset(of: ["network", "refuse-network"])), "\(name)")
    }
    // One key for a situation is the key for all: so that a cache can be taken along.
    let results = Self.results.map { sandbox.read($0) ?? "none" }
    #expect(keys.count == 6)
    Self.first.withLock { first in
      let known = first ?? (keys, results)
      first = known
      #expect(keys == known.keys)
      #expect(results == known.results)
    }
    #expect(results[1].contains("<text>3 225.0</text>"))

    try undeclared(sandbox, here)
    try doctor(sandbox, here)
  }

  private static let first = Mutex<(keys: [String: String], results: [String])?>(nil)

  private func records(_ sandbox: Sandbox, in situation: Situation) throws -> [JSON] {
    try ["data", "fit", "table", "figure"].flatMap { step in
      let shown = try sandbox.json(["show", "tiny/\(step)", "--json"], in: situation)
      return shown.array ?? [shown]
    }
  }

  // What is read and not declared: found and seen, or found and not seen, or not there at all.
  private func undeclared(_ sandbox: Sandbox, _ here: Case) throws {
    let run = try sandbox.run("loose", in: here.situation)
    guard here.seesProject else {
      #expect(run.counts == Counts(failed: 1), "\(run.finished.testDescription)")
      return
    }
    #expect(run.counts == Counts(ran: 1), "\(run.finished.testDescription)")
    #expect(sandbox.read("pipelines/loose/fit.txt") == "one\n")
    try sandbox.edit("pipelines/loose/helper.py", "one", "two")
    let changed = try sandbox.run("loose", in: here.situation)
    let isSeen = here.watch != "declared"
    #expect(changed.counts == (isSeen ? Counts(ran: 1) : Counts(unchanged: 1)))
    #expect(sandbox.read("pipelines/loose/fit.txt") == (isSeen ? "two\n" : "one\n"))
    try sandbox.edit("pipelines/loose/helper.py", "two", "one")
    let back = try sandbox.run("loose", in: here.situation)
    #expect(back.counts == (isSeen ? Counts(unchanged: 1, restored: 1) : Counts(unchanged: 1)))
  }

  // What `rung doctor` says is what was so.
  private func doctor(_ sandbox: Sandbox, _ here: Case) throws {
    let said = try sandbox.start(["doctor", "--json"], in: here.situation).wait()
    let report = try JSON(parsing: said.output)
    #expect(said.code == (here.watch == "declared" ? 1 : 0))
    #expect(report["level"] == .string(here.watch))
    #expect(report["view"] == .string(here.view))
    #expect(report["recorder"] == (here.recorder.map { .string($0) } ?? .null))
    #expect(report["strict"] == .bool(here.view == "private"))
    #expect((report["launcher"] == .null) == !here.situation.hasLauncher)
    let lacking = (report["abilities"]?.array ?? []).filter { $0["works"] == false }
    // An ordinary user needs no rights of root where it has namespaces of its own.
    #expect(Set(lacking.compactMap { $0["name"]?.string }) == here.missing)

    let text = try sandbox.start(["doctor"], in: here.situation).wait()
    #expect(text.code == said.code && text.errors.isEmpty)
    guard here.situation.hasLauncher else {
      #expect(text.output.contains("RUNG_STEP") && text.output.contains("make build"))
      return
    }
    #expect(text.output.contains("Steps are watched as '\(here.watch)' by default"))
    for ability in lacking where ability["name"] != "mounts-as-root" && ability["name"] != "users" {
      #expect(ability["reason"]?.string?.isEmpty == false, "\(ability.compact)")
      let needs = try #require(ability["needs"]?.string, "\(ability.compact)")
      #expect(text.output.contains("needs: \(needs)"), "\(text.output)")
    }
    #expect(text.output.contains("the kernel says: ") == !lacking.isEmpty.self || here.missing == Self.asRoot)
  }

  @Test func strictWhereItCannotBeIsTracedAndSaidSo() throws {
    let here = Self.all[2]
    guard here.isPossible else { return }
    let sandbox = try Sandbox(Self.tiny)
    let run = try sandbox.run("tiny", "--watch", "strict", in: here.situation)
    #expect(run.counts == Counts(ran: 6))
    let warning = try #require(run.events("warning").first?["message"]?.string)
    #expect(warning.contains("cannot watch tiny/data and 3 more steps as 'strict', only as 'traced'"))
    // Before the first step.
    #expect(
      run.events.firstIndex { $0["event"] == "warning" }
        == run.events.firstIndex { $0["event"] == "step-started" }.map { $0 - 1 })
    #expect(try records(sandbox, in: here.situation).allSatisfy { $0["watch"] == "traced" })
    // It stays so: what nobody can watch better counts.
    #expect(try sandbox.run("tiny", "--watch", "strict", in: here.situation).counts == Counts(unchanged: 6))
  }

  @Test func aFloorThatCannotBeReachedRefusesTheRun() throws {
    let here = Self.all[2]
    guard here.isPossible else { return }
    let sandbox = try Sandbox(Self.tiny)
    try sandbox.write("watch_floor: strict\n", to: "rung.yaml")
    let refused = try sandbox.rung("run", "tiny", "--watch", "strict", in: here.situation)
    #expect(refused.code == 2, "\(refused.testDescription)")
    for step in ["data", "fit", "table", "figure"] {
      #expect(refused.errors.contains("step 'tiny/\(step)' would be watched as 'traced' only"))
    }
    #expect(refused.errors.contains("`rung doctor` tells what this host lacks"))
    #expect(!sandbox.exists("pipelines/tiny/results/table.csv"))

    try sandbox.write("watch_floor: traced\n", to: "rung.yaml")
    let none = Self.all[6]
    guard none.isPossible else { return }
    let untraced = try sandbox.rung("run", "tiny", in: none.situation)
    #expect(untraced.code == 2 && untraced.errors.contains("'tiny/data' would be watched as 'declared' only"))
    #expect(try sandbox.run("tiny", in: here.situation).counts == Counts(ran: 6))
    // What is done is done: nothing is to be run, so nothing is refused.
    #expect(try sandbox.rung("run", "tiny", in: here.situation).code == 0)
  }
}
