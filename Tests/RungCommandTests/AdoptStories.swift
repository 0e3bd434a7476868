import RungCore
import Testing

/// `rung adopt` and `--watch`, at the command line.
@Suite struct AdoptStories {
  @Test func aStepThatDeclaresAllHasNothingToAdd() throws {
    let sandbox = try Sandbox(GoldenTests.dice)
    let early = try sandbox.rung("adopt", "throw")
    #expect(early.code == 2 && early.errors.contains("'throw' has not run yet"), "\(early.testDescription)")
    try sandbox.run()
    let file = sandbox.read("pipelines/dice/pipeline.yaml")
    for target in ["throw", "dice/throw", "dice/throw[seed=1]", "dice/thr*"] {
      let adopted = try sandbox.rung("adopt", target)
      #expect(adopted.code == 0 && adopted.errors.isEmpty, "\(adopted.testDescription)")
      #expect(adopted.output == "nothing to add: all that dice/throw was seen to read is declared\n")
    }
    #expect(
      try sandbox.json(["adopt", "throw", "--dry-run", "--json"])
        == ["file": "pipelines/dice/pipeline.yaml", "step": "dice/throw", "added": [], "diff": []])
    #expect(sandbox.read("pipelines/dice/pipeline.yaml") == file)
  }

  @Test func oneStepAtATime() throws {
    let sandbox = try Sandbox(GoldenTests.dice)
    let both = try sandbox.rung("adopt", "dice")
    #expect(both.code == 2)
    #expect(both.errors.contains("more than one step") && both.errors.contains("dice/throw, dice/sum"))
    let unknown = try sandbox.rung("adopt", "dice/thrown")
    #expect(unknown.code == 2 && unknown.errors.contains("did you mean 'dice/throw'?"))
  }

  @Test func levelsOfWatchingAreWords() throws {
    let sandbox = try Sandbox(GoldenTests.dice)
    for verb in ["run", "plan", "status"] {
      let wrong = try sandbox.rung(verb, "--watch", "strickt")
      #expect(wrong.code == 2, "\(wrong.testDescription)")
      #expect(wrong.errors == "error: --watch strickt: there is no such level\n  did you mean 'strict'?\n")
    }
    let none = try sandbox.rung("why", "throw", "--watch", "all")
    #expect(none.code == 2 && none.errors.contains("the levels are strict, traced, declared"))
    #expect(try sandbox.rung("plan", "--watch", "declared").code == 0)
    #expect(try sandbox.run("--watch", "declared").counts == Counts(ran: 4))
    // Only verbs that run steps or say what would run have it.
    #expect(try sandbox.rung("trace", "--watch", "declared", "pipelines/dice/table.csv").code == 2)
  }
}
