import Glibc
import RungCore
import Testing

/// What a scientist does with an experiment in a day, on a small experiment of the usual shape: 3 data sets, 9 fits, 9
/// measurements, one theory, one figure. After each edit just these instances run, and then none.
@Suite struct DoubleDescentStories {
  static let pipeline = "pipelines/double-descent"
  static let figure = "pipelines/double-descent/figures/double-descent.svg"
  static let everything = ["data": 3, "fit": 9, "measure": 9, "theory": 1, "figure": 1]

  let sandbox: Sandbox

  /// Every story begins with a finished run.
  init() throws {
    sandbox = try Sandbox(copying: "double-descent")
    let first = try sandbox.run()
    #expect(first.counts == Counts(ran: 23), "\(first.finished.testDescription)")
    #expect(first.steps == Self.everything)
  }

  /// Expects that there is nothing to do.
  private func expectRest(_ arguments: String..., at place: Testing.SourceLocation = #_sourceLocation) throws {
    let report = try RunReport(try sandbox.start(["run", "--json"] + arguments).wait())
    #expect(report.counts == Counts(unchanged: report.counts.unchanged), sourceLocation: place)
    #expect(report.counts.unchanged > 0, sourceLocation: place)
    #expect(try sandbox.json(["status", "--json"] + arguments)["current"]?.bool == true, sourceLocation: place)
  }

  @Test func aFinishedExperimentRests() throws {
    let figure = try #require(sandbox.read(Self.figure))
    #expect(try sandbox.run().counts == Counts(unchanged: 23))
    #expect(try sandbox.standing("double-descent") == "current")
    let name = "double-descent/fit[width=30,seed=1]"
    #expect(try sandbox.why(name) == ["record \(name)"])
    #expect(sandbox.read(Self.figure) == figure)
  }

  @Test func touchingEveryFileChangesNothing() throws {
    try sandbox.touchEverything()
    try expectRest()
    #expect(try sandbox.standing("double-descent") == "current")
  }

  @Test func aCommentRunsItsStepAndStopsThere() throws {
    try sandbox.append("# the least squares fit", to: "\(Self.pipeline)/fit.py")
    #expect(try sandbox.why("fit") == ["input code"])
    #expect(try sandbox.standing("measure") == "undecided")
    #expect(try sandbox.standing("data") == "current")
    let report = try sandbox.run()
    #expect(report.steps == ["fit": 9])
    #expect(report.counts == Counts(ran: 9, unchanged: 14))
    #expect(try sandbox.why("fit") == ["input code"])
    #expect(try sandbox.standing("measure") == "current")
    try expectRest()
  }

  @Test func aChangedResultRunsWhatDependsOnIt() throws {
    try sandbox.edit("\(Self.pipeline)/fit.py", "scale = 1.0", "scale = 1.5 if width == 30 else 1.0")
    #expect(try sandbox.why("fit") == ["input code"])
    #expect(try sandbox.why("figure") == ["upstream double-descent/fit < input code"])
    let report = try sandbox.run()
    #expect(report.steps == ["fit": 9, "measure": 3, "figure": 1])
    #expect(try sandbox.why("fit") == ["input code"])
    #expect(try sandbox.why("measure[width=30,seed=1]") == ["input fit.weights"])
    #expect(try sandbox.why("figure") == ["input measure.metrics"])
    try expectRest()
  }

  @Test func aCommentInTheFirstStepIsCutOffEarly() throws {
    try sandbox.append("# a linear congruence", to: "\(Self.pipeline)/data.py")
    #expect(try sandbox.why("data") == ["input code"])
    #expect(try sandbox.standing("figure") == "undecided")
    #expect(try sandbox.why("figure") == ["upstream double-descent/data < input code"])
    let report = try sandbox.run()
    #expect(report.steps == ["data": 3])
    #expect(report.counts == Counts(ran: 3, unchanged: 20))
    #expect(try sandbox.why("data") == ["input code"])
    try expectRest()
  }

  @Test func aParameterThereAndBack() throws {
    let before = sandbox.read(Self.figure)
    #expect(try sandbox.why("data", "--set", "noise=0.2") == ["parameter noise"])
    #expect(try sandbox.why("theory", "--set", "noise=0.2") == ["parameter noise"])
    let there = try sandbox.run("--set", "noise=0.2")
    #expect(there.steps == Self.everything)
    #expect(try sandbox.why("data", "--set", "noise=0.2") == ["parameter noise"])
    try expectRest("--set", "noise=0.2")
    #expect(sandbox.read(Self.figure) != before)

    let back = try sandbox.run()
    #expect(back.steps.isEmpty)
    // The figure of the other noise lies there; this one's is put back.
    #expect(back.counts == Counts(unchanged: 23, restored: 1))
    #expect(sandbox.read(Self.figure) == before)
    #expect(try sandbox.why("data") == ["parameter noise"])
    try expectRest()
  }

  @Test func aDeletedFigureComesBack() throws {
    let before = sandbox.read(Self.figure)
    try sandbox.remove(Self.figure)
    #expect(try sandbox.json(["plan", "--json"])["would_restore"]?.array == [.string(Self.figure)])
    #expect(try sandbox.run().counts == Counts(unchanged: 23, restored: 1))
    #expect(sandbox.read(Self.figure) == before)
    try expectRest()
  }

  @Test func aFigureThatWasEditedByHandComesBackAndTheEditIsKept() throws {
    let before = sandbox.read(Self.figure)
    try sandbox.write("<svg>drawn by hand</svg>\n", to: Self.figure)
    let report = try sandbox.run()
    #expect(report.counts == Counts(unchanged: 23, restored: 1))
    #expect(sandbox.read(Self.figure) == before)
    let digest = Digest(of: Array("<svg>drawn by hand</svg>\n".utf8)).hex
    #expect(try sandbox.rung("cache", "cat", digest).output == "<svg>drawn by hand</svg>\n")
    let said = report.events("warning").compactMap { $0["message"]?.string }
    #expect(said.contains { $0.contains(Self.figure) && $0.contains("kept") }, "\(said)")
    try expectRest()
  }

  @Test func anotherSeedRunsOnlyWhatIsNew() throws {
    try sandbox.edit(
      "\(Self.pipeline)/pipeline.yaml", "seed: {replicates: 3}\n\nsteps", "seed: {replicates: 4}\n\nsteps")
    #expect(try sandbox.why("data[seed=3]") == ["record double-descent/data[seed=3]"])
    #expect(try sandbox.standing("data[seed=2]") == "current")
    let report = try sandbox.run()
    #expect(report.steps == ["data": 1, "fit": 3, "measure": 3, "figure": 1])
    #expect(report.counts == Counts(ran: 8, unchanged: 22))
    #expect(try sandbox.why("figure") == ["input measure.metrics"])
    let members = try sandbox.json(["why", "figure", "--json"])["reasons"]?.array?.first?["members"]
    #expect(members?["added"]?.array?.count == 3)
    #expect(members?["removed"]?.array == [])
    #expect(members?["changed"]?.array == [])
    try expectRest()
  }

  @Test func aRenamedProjectIsTheSameProject() throws {
    #expect(rename(sandbox.project, "\(sandbox.folder)/elsewhere") == 0)
    defer { rename("\(sandbox.folder)/elsewhere", sandbox.project) }
    let report = try RunReport(try sandbox.start(["run", "--json"], in: "\(sandbox.folder)/elsewhere").wait())
    #expect(report.counts == Counts(unchanged: 23))
  }

  @Test func aCacheElsewhereServesACopyOfTheProject() throws {
    let cache = ["RUNG_CACHE": "\(sandbox.folder)/shared"]
    #expect(try sandbox.run(with: cache).counts == Counts(ran: 23))
    let copy = try Sandbox(copying: "double-descent")
    #expect(try copy.run(with: cache).counts == Counts(unchanged: 23, restored: 1))
    #expect(copy.read(Self.figure) == sandbox.read(Self.figure))
    #expect(try copy.run(with: cache).counts == Counts(unchanged: 23))
    #expect(try sandbox.run(with: cache).counts == Counts(unchanged: 23))
  }

  @Test func theWidthsOfASmokeProfileAreTheSameSteps() throws {
    let report = try sandbox.run("--profile", "smoke")
    // The same data and fits; a figure of fewer points.
    #expect(report.steps == ["figure": 1])
    #expect(report.counts == Counts(ran: 1, unchanged: 6))
    #expect(try sandbox.run("--over", "width=10,90", "--over", "seed=0").counts == Counts(unchanged: 7))
  }

  @Test func twoRunsAtOnceShareTheWork() throws {
    try sandbox.append("# again", to: "\(Self.pipeline)/data.py")
    try sandbox.edit("\(Self.pipeline)/theory.py", "(1 + noise)", "(2 + noise)")
    try sandbox.edit("\(Self.pipeline)/fit.py", "scale = 1.0", "scale = 2.0")
    let one = try sandbox.start(["run", "--json"])
    let other = try sandbox.start(["run", "--json"])
    let reports = try [RunReport(try one.wait()), RunReport(try other.wait())]
    for report in reports {
      #expect(report.finished.code == 0, "\(report.finished.testDescription)")
      #expect(report.counts.ran + report.counts.unchanged == 23)
    }
    #expect(reports.map(\.counts.ran).reduce(0, +) == 23)
    for (step, count) in Self.everything {
      #expect(reports.map { $0.steps[step] ?? 0 }.reduce(0, +) == count, "\(step)")
    }
    try expectRest()
  }

  @Test func askedAgainWithForceTheTargetRunsAndNothingElse() throws {
    let report = try sandbox.run("--force", "theory")
    #expect(report.steps == ["theory": 1])
    #expect(report.counts == Counts(ran: 1))
    #expect(try sandbox.why("theory") == ["force double-descent/theory"])
    try expectRest()
  }

  @Test func aChangedCommandIsTheReason() throws {
    try sandbox.edit(
      "\(Self.pipeline)/pipeline.yaml", "python3 -S {code} {samples} {noise} {out.curve}",
      "python3 -S -B {code} {samples} {noise} {out.curve}")
    #expect(try sandbox.why("theory") == ["command "])
    #expect(try sandbox.run().steps == ["theory": 1])
    #expect(try sandbox.why("theory") == ["command "])
    try expectRest()
  }

  @Test func aChangeOfTheSameLengthWithinTheSameTickIsSeen() throws {
    // Each edit is another content of the same size, made as soon as the run before it has ended.
    for (old, new) in [("1", "2"), ("2", "3"), ("3", "4")] {
      try sandbox.edit("\(Self.pipeline)/theory.py", "(\(old) + noise)", "(\(new) + noise)")
      #expect(try sandbox.run("theory").counts == Counts(ran: 1))
    }
  }
}
