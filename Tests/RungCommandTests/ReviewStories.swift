import RungCore
import Testing

/// What a reviewer found by use: each story failed once.
@Suite struct ReviewStories {
  @Test func repetitionsThatDoNotNameTheirSeedAreMeasuredEach() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {seed: {replicates: 3}, width: [1, 2]}
      steps:
        measure: {over: [seed], run: "cat /proc/self/stat > {out.o}", deterministic: false, outputs: {o: o.txt}}
        same: {over: [width], run: "echo one > {out.o}", outputs: {o: o.txt}}
      """
    ])
    // The three repetitions run; of two names for one action, one does.
    #expect(try sandbox.run().counts == Counts(ran: 4, unchanged: 1))
    #expect(try sandbox.run("--force", "x/measure").counts == Counts(ran: 3))
    #expect(try sandbox.run().counts == Counts(unchanged: 5))
  }

  @Test func aFileAndItsFolderCanBothBeInputs() throws {
    let sandbox = try Sandbox([
      "pipelines/x/d/a": "A\n", "pipelines/x/d/b": "B\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        both: {run: "cat {f} {d}/b {g} > {out.o}", inputs: {d: d, f: d/a, g: "d/*"}, outputs: {o: {path: o, publish: o.txt}}}
      """,
    ])
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(sandbox.read("pipelines/x/o.txt") == "A\nB\nA\nB\n")
  }

  @Test func aResultWithoutItsRecordIsMadeAgain() throws {
    let sandbox = try story()
    try #require(try Sandbox.program("/bin/sh", ["-c", "rm cache/packs/*.records"], in: sandbox.project).code == 0)
    #expect(try sandbox.run().counts == Counts(ran: 2))
    #expect(try sandbox.json(["trace", "pipelines/x/b.txt", "--json"])["complete"]?.bool == true)
  }

  @Test func aDeletedIndexIsMadeAnew() throws {
    let sandbox = try story()
    try #require(try Sandbox.program("/bin/sh", ["-c", "rm \(sandbox.project)/cache/index.sqlite*"]).code == 0)
    let plan = try sandbox.rung("plan")
    #expect(plan.output.contains("nothing to do"), "\(plan.testDescription)")
    #expect(plan.errors.contains("made anew from 2 records"))
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
  }

  @Test func whyKnowsOfPublishedCopies() throws {
    let sandbox = try story()
    try sandbox.remove("pipelines/x/b.txt")
    #expect(try sandbox.why("x/b") == ["published pipelines/x/b.txt"])
    #expect(try sandbox.run().counts == Counts(unchanged: 2, restored: 1))
    #expect(try sandbox.why("x/b") == ["published pipelines/x/b.txt"])
  }

  @Test func traceOfAStepFollowsWhatItHasNow() throws {
    let sandbox = try story()
    // Another number, the same length: b is forced to run and makes the same bytes.
    #expect(try sandbox.run("--set", "n=3", "--force").counts == Counts(ran: 2))
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
    for asked in ["x/b", "pipelines/x/b.txt"] {
      let steps = try sandbox.json(["trace", asked, "--json"])["steps"]?.array ?? []
      #expect(steps.compactMap { $0["parameters"]?["n"]?.int } == [1], "\(asked)")
    }
  }

  @Test func aRunThatDivergedIsNotAMissingOne() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {i: [1]}
      steps:
        m: {over: [i], run: "echo '{\\"a\\": NaN, \\"b\\": -Infinity, \\"c\\": null}' > {out.o}", outputs: {o: o.json}}
        t: {run: "cp {m.o} {out.o}", outputs: {o: {path: o.csv, publish: t.csv}}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 2))
    #expect(sandbox.read("pipelines/x/t.csv") == "i,a,b,c\n1,NaN,-Infinity,\n")
  }

  @Test func quotesAroundAPlaceholderAreNoTrap() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {words: plain}
      steps:
        say: {run: "echo \\"{words}\\" > {out.o}", outputs: {o: {path: o, publish: o.txt}}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(sandbox.read("pipelines/x/o.txt") == "plain\n")
    let refused = try sandbox.rung("run", "--set", "words=two words; $(date)")
    #expect(refused.code == 2 && refused.errors.contains("take the quotes around {words} away"))
  }

  @Test func aFailedCollectionLeavesARecord() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      axes: {i: [1]}
      steps:
        m: {over: [i], run: "echo no > {out.o}", outputs: {o: o.json}}
        t: {run: "cp {m.o} {out.o}", outputs: {o: o.csv}}
      """
    ])
    #expect(try sandbox.run().finished.code == 1)
    #expect(try sandbox.why("x/t").first?.hasPrefix("failure") == true)
    #expect(try sandbox.json(["show", "x/t", "--json"])["outcome"]?.string == "failed")
  }

  @Test func ofAStructuredParameterOnlyWhatIsUsedCounts() throws {
    let sandbox = try Sandbox([
      "pipelines/x/sites.csv": "code,lat\nams,52\nbcn,41\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {m: {a: 1, b: 2}}
      axes: {site: {table: sites.csv, key: code}}
      steps:
        a: {run: "echo {m.a} > {out.o}", outputs: {o: o}}
        b: {over: [site], run: "echo {m.b} {site.lat} > {out.o}", outputs: {o: o}}
      """,
    ])
    #expect(try sandbox.run().counts == Counts(ran: 3))
    #expect(try sandbox.run("--set", "m.a=7").counts == Counts(ran: 1, unchanged: 2))
    let sources = try sandbox.json(["trace", "x/b[site=ams]", "--json"])["sources"]?.array ?? []
    #expect(sources.compactMap { $0["path"]?.string } == ["pipelines/x/sites.csv"])
  }

  private func story() throws -> Sandbox {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {n: 1}
      steps:
        a: {run: "echo {n} > {out.o}", outputs: {o: o}}
        b: {run: "wc -c < {a.o} > {out.o}", outputs: {o: {path: o, publish: b.txt}}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 2))
    return sandbox
  }
}
