import Glibc
import RungCore
import RungExec
import RungModel
import RungStore
import Testing

/// What a repetition sees otherwise. With a launcher everything, where the host allows it; without one the little that
/// needs none.
@Suite struct VariationTests {
  let bench: Bench
  let launcher: StepLauncher
  let abilities: HostAbilities
  let executor: LocalExecutor

  init() throws {
    bench = try Bench()
    // Beside the tests, where the package's programs are built.
    launcher = try #require(StepLauncher.find(variables: [:]), "rung-step is not built")
    abilities = launcher.probe(folder: bench.place("probe"))
    executor = LocalExecutor(store: bench.store, launcher: launcher)
    mkdir(bench.place("project"), 0o755)
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
      close(open(bench.place("project/\(name).txt"), O_CREAT | O_WRONLY, 0o644))
    }
  }

  private static let looking = """
    import os, socket, sys
    print("host", socket.gethostname(), os.uname().nodename, socket.gethostbyname(socket.gethostname()) != "")
    print("pid", os.getpid())
    print("variables", " ".join(name for name in os.environ if name not in ("PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE")))
    print("folder", os.getcwd())
    print("home", os.path.expanduser("~"), os.path.isdir(os.path.expanduser("~")))
    print("list", " ".join(n for n in os.listdir(sys.argv[1]) if n.endswith(".txt")))
    print("processors", os.cpu_count(), len(os.sched_getaffinity(0)))
    """

  /// What a step sees, by word, and what was varied.
  private func look(_ variation: Variation?, _ change: (inout StepTask) -> Void = { _ in }) throws -> [String: String] {
    let python = "/usr/bin/python3"
    var task = bench.task(
      .arguments([python, "-c", Self.looking, bench.place("project")]),
      variables: [("PATH", Bench.path)] + ["B", "A", "D", "C", "E", "F"].map { ($0, "1") })
    task.confinement = Confinement(wanted: .traced, network: false, abilities: abilities)
    task.surroundings = Surroundings(project: bench.place("project"), cache: bench.place("cache"))
    task.variation = variation
    change(&task)
    let result = executor.execute(task, stop: StopSignal())
    #expect(result.succeeded, "\(result.end) \(result.problem ?? "") \(result.logTail)")
    var seen: [String: String] = [:]
    for line in result.logTail {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      if let word = words.first { seen[word] = words.last }
    }
    seen["varied"] = result.varied.map(\.rawValue).joined(separator: ", ")
    return seen
  }

  private static let words = ["host", "pid", "variables", "folder", "home", "list"]

  @Test func aStepSeesOtherThingsWithEachSeed() throws {
    let plain = try look(nil)
    let first = try look(Variation(seed: 1))
    let second = try look(Variation(seed: 2))
    #expect(plain["varied"] == "")
    if abilities.has(.mounts), abilities.has(.processes), abilities.has(.notify) {
      #expect(first["varied"] == Variation.Aspect.allCases.map(\.rawValue).joined(separator: ", "))
      for word in Self.words {
        #expect(
          Set([plain, first, second].map { $0[word] }).count == 3,
          "\(word): \(plain[word] ?? "") \(first[word] ?? "") \(second[word] ?? "")")
      }
      #expect(first["list"]?.split(separator: " ") == plain["list"]?.split(separator: " ").reversed())
      #expect(second["list"]?.split(separator: " ").sorted() == plain["list"]?.split(separator: " ").sorted())
      #expect(first["processors"] != plain["processors"])
      #expect(first["home"]?.hasSuffix(" True") == true && first["host"]?.hasSuffix(" True") == true)
    }
    #expect(first["variables"]?.split(separator: " ").sorted() == plain["variables"]?.split(separator: " ").sorted())
  }

  @Test func theSameSeedIsTheSameVariation() throws {
    for seed in [3, 4] as [UInt64] { #expect(try look(Variation(seed: seed)) == look(Variation(seed: seed))) }
  }

  @Test func onlyWhatIsAskedForIsVaried() throws {
    let plain = try look(nil)
    for aspect in Variation.Aspect.allCases {
      var seen = try look(Variation(seed: 5, aspects: [aspect]))
      guard seen["varied"] != "" else { continue }
      #expect(seen["varied"] == aspect.rawValue)
      let own: [String] =
        switch aspect {
        case .hostName: ["host"]
        case .variableOrder: ["variables"]
        case .processNumbers: ["pid"]
        case .folders: ["folder", "home"]
        case .listingOrder: ["list"]
        case .processors: ["processors"]
        }
      for word in own {
        #expect(seen[word] != plain[word], "\(aspect)")
        seen[word] = plain[word]
      }
      seen["varied"] = ""
      #expect(seen == plain, "\(aspect)")
    }
  }

  @Test func whatThereIsNoMeansForIsLeftOut() throws {
    let seen = try look(Variation(seed: 1)) { $0.confinement = .none }
    #expect(seen["varied"] == "order of environment variables")
    #expect(try seen["host"] == look(nil) { $0.confinement = .none }["host"])
    guard abilities.has(.landlock), abilities.has(.notify) else { return }
    let without = HostAbilities([.landlock, .notify, .refuseNetwork])
    let landlock = try look(Variation(seed: 1)) {
      $0.confinement = Confinement(wanted: .traced, network: false, abilities: without)
    }
    let processors = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) > 1 ? ", number of processors" : ""
    #expect(landlock["varied"] == "order of environment variables, order of directory listings\(processors)")
    guard abilities.has(.mounts), abilities.has(.ptrace) else { return }
    let ptrace = try look(Variation(seed: 1)) { $0.confinement.recorder = .ptrace }
    #expect(ptrace["varied"]?.contains("listings") == false && ptrace["varied"]?.contains("host name") == true)
    #expect(try ptrace["list"] == look(nil)["list"])
  }

  @Test func aLargeFolderIsListedWhole() throws {
    guard abilities.has(.notify) else { return }
    let count = 3000
    mkdir(bench.place("project/large"), 0o755)
    for number in 0..<count { close(open(bench.place("project/large/file-\(number)"), O_CREAT | O_WRONLY, 0o644)) }
    for seed in [1, 2] as [UInt64] {
      var task = bench.task(
        .shell(
          text: """
            ls -U '\(bench.place("project/large"))' > list
            wc -l < list
            sort -u list | wc -l
            cp -r '\(bench.place("project/large"))' copy  # several times as much as one call gives
            ls copy | wc -l
            rm -r copy
            """, .sh),
        outputs: [output("list", "list")])
      task.confinement = Confinement(wanted: .traced, network: false, abilities: abilities)
      task.surroundings = Surroundings(project: bench.place("project"), cache: bench.place("cache"))
      task.variation = Variation(seed: seed)
      let result = executor.execute(task, stop: StopSignal())
      #expect(result.succeeded)
      #expect(result.logTail == ["\(count)", "\(count)", "\(count)"])
      #expect(result.observation.problems == [])
    }
  }

  @Test func outputsAndInputsAreWhereTheyAlwaysAre() throws {
    var task = bench.task(
      .shell(
        text: "cat in/given > made; pwd >> made; echo $HOME >> made; echo scratch > $HOME/x; echo t > $TMPDIR/y", .sh),
      files: [StagedFile(path: path("in/given"), content: .bytes(Array("given\n".utf8)))],
      outputs: [output("made", "made")])
    task.confinement = Confinement(wanted: .traced, network: false, abilities: abilities)
    task.surroundings = Surroundings(project: bench.place("project"), cache: bench.place("cache"))
    task.variation = Variation(seed: 7)
    let result = executor.execute(task, stop: StopSignal())
    #expect(result.succeeded, "\(result)")
    let lines = try bench.text(result.outputs.first?.digest)?.split(separator: "\n") ?? []
    #expect(lines.count == 3 && lines[0] == "given")
    if abilities.has(.mounts) {
      #expect(lines[1] != "/tmp/workspace" && lines[2] != "/tmp/home")
      // Of what the step is told, nothing leads to the other place.
      #expect(result.observation.problems == [])
    }
  }
}
