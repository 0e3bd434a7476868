import RungCore
import Testing

/// The first minutes with Rung.
@Suite struct StartingStories {
  @Test func aFirstProjectWorks() throws {
    let sandbox = try Sandbox()
    let made = try sandbox.rung("init")
    #expect(made.code == 0)
    #expect(made.output.contains("wrote pipelines/pi/pipeline.yaml") && made.output.contains("rung run"))
    let files = try sandbox.files()
    #expect(files.contains("rung.yaml") && files.contains(".gitignore"))

    // Less of it than a newcomer runs: the same steps.
    let few = ["--over", "points=10,100", "--over", "seed=0,1"]
    #expect(try sandbox.run(few[0], few[1], few[2], few[3]).counts == Counts(ran: 5))
    #expect(sandbox.read("pipelines/pi/figures/pi.svg")?.hasPrefix("<svg") == true)
    #expect(try sandbox.run(few[0], few[1], few[2], few[3]).counts == Counts(unchanged: 5))
    #expect(
      try sandbox.files().filter { !$0.hasPrefix("cache/") } == (files + ["pipelines/pi/figures/pi.svg"]).sorted())
  }

  @Test func initLeavesWhatIsThereAlone() throws {
    let sandbox = try Sandbox(["pipelines/pi/throw.py": "mine\n"])
    #expect(try sandbox.rung("init").code == 0)
    #expect(sandbox.read("pipelines/pi/throw.py") == "mine\n")
    try sandbox.write("cache: /elsewhere\n", to: "rung.yaml")
    let before = try sandbox.files().map { sandbox.read($0) }
    let again = try sandbox.rung("init")
    #expect(again.code == 0)
    #expect(again.output.contains("nothing to write"))
    #expect(try sandbox.files().map { sandbox.read($0) } == before)
  }

  @Test func initMakesTheFolderThatItIsGiven() throws {
    let sandbox = try Sandbox()
    let made = try sandbox.rung("init", "new/study")
    #expect(made.code == 0)
    #expect(made.output.contains("cd new/study && rung run"))
    #expect(try sandbox.json(["plan", "--json", "-C", "new/study"])["would_run"]?.int == 56)
  }

  @Test func aProjectIsFoundFromAnyFolderInIt() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let place = "pipelines/double-descent"
    let plan = try sandbox.start(["plan", "--json", "figure"], in: place).wait()
    #expect(try JSON(parsing: plan.output)["undecided"]?.int == 19)
    #expect(try sandbox.start(["run", "--json", "theory"], in: place).wait().code == 0)
    // A published file is named as a shell there would name it, or from the project's root.
    for (words, folder) in [("figures/double-descent.svg", place), ("\(place)/figures/double-descent.svg", ".")] {
      #expect(try sandbox.start(["why", words], in: folder).wait().code == 0, "\(words) in \(folder)")
    }
  }

  @Test func targetsAreInstancesStepsPatternsAndFiles() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    func count(_ targets: String...) throws -> Int {
      let plan = try sandbox.json(["plan", "--json"] + targets)
      return try #require(plan["would_run"]?.int) + (try #require(plan["undecided"]?.int))
    }
    #expect(try count() == 23)
    #expect(try count("double-descent") == 23)
    #expect(try count("data") == 3)
    #expect(try count("double-descent/data") == 3)
    #expect(try count("data[seed=1]") == 1)
    #expect(try count("fit[width=30,seed=1]") == 2)
    #expect(try count("fit[width=30]") == 6)
    #expect(try count("double-descent/*a*") == 21)
    #expect(try count("data[seed=1]", "theory") == 2)
    #expect(try count("pipelines/double-descent/figures/double-descent.svg") == 23)
  }

  @Test func completionsArePrintedForThreeShells() throws {
    let sandbox = try Sandbox()
    for shell in ["bash", "zsh", "fish"] {
      let script = try sandbox.rung("completions", shell)
      #expect(script.code == 0)
      for verb in ["run", "status", "trace", "rebuild-index"] {
        #expect(script.output.contains(verb), "no \(verb) for \(shell)")
      }
      if shell == "bash" {
        try sandbox.write(script.output, to: "completion")
        let read = try Sandbox.program("/bin/bash", ["-n", "\(sandbox.project)/completion"])
        #expect(read.code == 0 && read.errors.isEmpty, "\(read.testDescription)")
      }
    }
  }

  @Test(arguments: [["-j2"], ["-j", "2"], ["--jobs", "2"], ["--jobs=2"], ["-kfq"]])
  func optionsAreTypedAsElsewhere(words: [String]) throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let run = try sandbox.start(["run", "theory"] + words).wait()
    #expect(run.code == 0, "\(run.testDescription)")
  }

  @Test func quietSaysNothingUnlessSomethingFails() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let run = try sandbox.rung("run", "--quiet", "theory")
    #expect(run.code == 0 && run.output.isEmpty && run.errors.isEmpty, "\(run.testDescription)")
    let failed = try sandbox.rung("run", "--quiet", "theory", "--set", "noise=loud")
    #expect(failed.code == 1)
    #expect(failed.errors.contains("failed: double-descent/theory") && !failed.errors.contains("not tried"))
  }

  @Test func theVersionIsALine() throws {
    let version = try Sandbox().rung("--version")
    #expect(version.code == 0)
    #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test func questionsWriteNothingIntoAProject() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    let before = try sandbox.files()
    for words in [["plan"], ["status"], ["why", "figure"], ["run", "--dry-run"]] {
      #expect(try sandbox.start(words).wait().code == 0)
    }
    #expect(try sandbox.files().filter { !$0.hasPrefix("cache/") } == before)
    #expect(try sandbox.names("cache/work") == [])
    // Nor into the cache, but for what saves time.
    #expect(try sandbox.files("cache").filter { $0.contains("/objects/") || $0.contains("/packs/") } == [])
  }
}
