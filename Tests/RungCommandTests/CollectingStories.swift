import Glibc
import RungCore
import Testing

/// `rung gc`, and what a run makes of a cache that was collected.
@Suite struct CollectingStories {
  static let pipeline = """
    pipeline: x
    axes: {seed: [1, 2, 3]}
    steps:
      data:
        over: [seed]
        run: sh {code} {seed} > {out.set}
        inputs: {code: data.sh}
        outputs: {set: set.txt}
      fit:
        over: [seed]
        run: cat {data.set} {code} > {out.fit}
        inputs: {code: fit.txt}
        outputs: {fit: fit.txt}
      figure:
        run: cat {fit.fit:files}/*/* > {out.figure}
        outputs: {figure: {path: figure.svg, publish: figure.svg}}
    """
  static let files = [
    "pipelines/x/pipeline.yaml": pipeline,
    "pipelines/x/data.sh": "echo some data of seed $1\n",
    "pipelines/x/fit.txt": "fitted once\n",
  ]

  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox(Self.files)
    #expect(try sandbox.run().counts == Counts(ran: 7))
  }

  private func gc(_ arguments: String...) throws -> JSON { try sandbox.json(["gc", "--json"] + arguments) }

  private func dropped(_ report: JSON) -> [String] {
    (report["dropped"]?.array ?? []).compactMap { $0["instance"]?.string }
  }

  private let fits = ["x/fit[seed=1]", "x/fit[seed=2]", "x/fit[seed=3]"]

  @Test func whatWasReplacedIsFreedAndMadeAgainWhenItIsWanted() throws {
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    #expect(try sandbox.run().counts == Counts(ran: 4, unchanged: 3))
    // It was of use a moment ago.
    #expect(dropped(try gc()).isEmpty)
    let report = try gc("--older-than", "0")
    #expect(dropped(report) == ["x/figure"] + fits)
    #expect(report["fits"]?.bool == true && report["dry_run"]?.bool == false)
    #expect(try #require(report["freed_bytes"]?.int) > 0)

    // What was freed is not taken for lost.
    let check = try sandbox.json(["cache", "check", "--json"])
    #expect(check["gone"]?.array == [] && check["collected"]?.int == 4 && check["sound"]?.bool == true)
    #expect(try sandbox.rung("cache", "check").output.contains("4 results were freed on purpose"))

    // Nothing that is in use is gone.
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    try sandbox.edit("pipelines/x/fit.txt", "twice", "once")
    #expect(try sandbox.rung("plan").output.contains("no longer in the cache"))
    let again = try sandbox.run()
    #expect(again.counts == Counts(ran: 4, unchanged: 3))
    #expect(again.steps == ["fit": 3, "figure": 1])
    // One warning for the figure, one for all that it needs.
    #expect(again.events("warning").count == 2)
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    // Made twice, with the same bytes, and the later one is in use: there is nothing to free in the earlier one.
    let third = try gc("--older-than", "0")
    #expect(dropped(third) == ["x/figure"] + fits)
    #expect(third["kept"]?.members?.reduce(0) { $0 + ($1.value.int ?? 0) } == 11)
    #expect(try gc("--older-than", "0")["freed_bytes"]?.int == 0)
  }

  @Test func whatIsPublishedIsKept() throws {
    let figure = try #require(sandbox.read("pipelines/x/figure.svg"))
    let failed = try sandbox.rung("gc", "--older-than", "0", "--max-size", "1")
    #expect(failed.code == 1)
    #expect(failed.errors.contains("what must be kept takes"))
    try sandbox.remove("pipelines/x/figure.svg")
    // From the cache, without making it again: only what it was made from is gone.
    #expect(try sandbox.run().counts == Counts(unchanged: 7, restored: 1))
    #expect(sandbox.read("pipelines/x/figure.svg") == figure)
    try sandbox.edit("pipelines/x/pipeline.yaml", "/*/* >", "/*/* | sort >")
    #expect(try sandbox.run().steps == ["data": 3, "fit": 3, "figure": 1])
  }

  @Test func whatAPinnedRunHadIsKept() throws {
    let pinned = try sandbox.rung("cache", "pin", "last", "--because", "the paper")
    #expect(pinned.output.hasPrefix("pinned 20"))
    let run = try #require(try sandbox.json(["cache", "pin", "--json"])["pins"]?.array?.first?["run"]?.string)
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    try sandbox.run()
    let report = try gc("--older-than", "0")
    #expect(dropped(report).isEmpty && report["kept"]?["pinned"]?.int == 7)
    #expect(try sandbox.rung("gc", "--max-size", "1").code == 1)
    try sandbox.edit("pipelines/x/fit.txt", "twice", "once")
    #expect(try sandbox.run().counts == Counts(unchanged: 7, restored: 1))

    try sandbox.edit("pipelines/x/fit.txt", "once", "three times")
    try sandbox.run()
    #expect(try sandbox.rung("cache", "unpin", String(run.prefix(run.count - 2))).output == "unpinned \(run)\n")
    #expect(try sandbox.rung("cache", "pin").output == "no run is pinned\n")
    // As if it were pinned, what was made in between goes alone; else what it had goes too.
    #expect(dropped(try gc("--older-than", "0", "--dry-run", "--keep-run", run)) == ["x/figure"])
    #expect(dropped(try gc("--older-than", "0")) == ["x/figure", "x/figure"] + fits)
  }

  @Test func onlyToSayItChangesNothing() throws {
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    try sandbox.run()
    func contents() throws -> String {
      // All but the indices and what processes have in work.
      try Sandbox.program(
        "/bin/sh",
        ["-c", "find objects records packs quarantine -type f -exec sha256sum {} + 2>/dev/null | sort"],
        in: "\(sandbox.project)/cache"
      ).output
    }
    let before = try contents()
    let said = try gc("--older-than", "0", "--dry-run")
    #expect(try contents() == before)
    #expect(said["dry_run"]?.bool == true && dropped(said).count == 4)
    #expect(try sandbox.rung("gc", "--dry-run", "--older-than", "0").output.hasPrefix("would free "))
    #expect(try contents() == before)
    let done = try gc("--older-than", "0")
    for name in ["freed_objects", "freed_bytes", "kept_bytes", "rebuild_ns", "dropped", "steps", "kept"] {
      #expect(said[name] == done[name], "\(name)")
    }
    #expect(try gc("--older-than", "0")["freed_objects"]?.int == 0)
  }

  @Test func withoutRoomWhatIsNotPublishedGoesToo() throws {
    let all = try gc("--dry-run")
    let size = try #require(all["kept_bytes"]?.int)
    let report = try gc("--max-size", "\(size - 1)")
    #expect(report["fits"]?.bool == true && dropped(report).count == 1)
    #expect(try #require(report["kept_bytes"]?.int) < size)
    #expect(report["dropped"]?.array?.first?["why"]?.string == "over-size")
    // Nobody needs it yet.
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    #expect(try sandbox.rung("gc", "--max-size", "1").code == 1)
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    #expect(try sandbox.run().counts == Counts(ran: 7))
  }

  @Test func anOldFigureIsTracedWithoutItsBytes() throws {
    let old = try #require(sandbox.read("pipelines/x/figure.svg"))
    try sandbox.write(old, to: "old.svg")
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    try sandbox.run()
    func gone(_ trace: JSON) -> [String] {
      (trace["steps"]?.array ?? []).filter { $0["outputs"]?.array?.contains { $0["gone"]?.bool == true } == true }
        .compactMap { $0["instance"]?.string }.sorted()
    }
    #expect(gone(try sandbox.json(["trace", "old.svg", "--json"])).isEmpty)
    _ = try gc("--older-than", "0")
    let trace = try sandbox.json(["trace", "old.svg", "--json"])
    #expect(trace["complete"]?.bool == true)
    #expect(gone(trace) == ["x/figure"] + fits)
    let text = try sandbox.rung("trace", "old.svg").output
    #expect(text.contains("its bytes are no longer in the cache"))
    #expect(text.contains("fit.txt"))
    // The script as it was then can be read.
    let script = try #require(
      trace["sources"]?.array?.first { $0["path"]?.string == "pipelines/x/fit.txt" }?["digest"]?.string)
    #expect(try sandbox.rung("cache", "cat", script).output == "fitted once\n")
    #expect(gone(try sandbox.json(["trace", "pipelines/x/figure.svg", "--json"])).isEmpty)
  }

  @Test func whatWasChangedByHandIsKept() throws {
    try sandbox.write("<svg>mine</svg>\n", to: "pipelines/x/figure.svg")
    #expect(try sandbox.run().counts == Counts(unchanged: 7, restored: 1))
    _ = try sandbox.rung("gc", "--older-than", "0", "--max-size", "1")
    let digest = Digest(of: Array("<svg>mine</svg>\n".utf8))
    #expect(try sandbox.rung("cache", "cat", digest.hex).output == "<svg>mine</svg>\n")
  }

  @Test func aStepThatIsNotDeclaredAnyMoreIsFreed() throws {
    try sandbox.edit("pipelines/x/pipeline.yaml", "axes: {seed: [1, 2, 3]}", "axes: {seed: [1, 2]}")
    try sandbox.run()
    #expect(dropped(try gc()).isEmpty)
    // The figure of all three is the older one of two.
    #expect(dropped(try gc("--older-than", "0")) == ["x/data[seed=3]", "x/figure", "x/fit[seed=3]"])
    try sandbox.write("not: [a pipeline\n", to: "pipelines/x/pipeline.yaml")
    let report = try sandbox.rung("gc", "--older-than", "0")
    #expect(report.code == 0 && report.errors.contains("the pipelines cannot be read"))
    #expect(report.output.hasPrefix("nothing to free"))
  }

  @Test func theSecondOfTwoWaits() throws {
    let lock = open("\(sandbox.project)/cache/gc.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    try #require(flock(lock, LOCK_EX) == 0)
    let second = try sandbox.start(["gc", "--older-than", "0"])
    try second.wait(untilComplained: "waiting")
    // Saying what would be freed needs no lock.
    #expect(try sandbox.rung("gc", "--dry-run").code == 0)
    close(lock)
    let finished = try second.wait()
    #expect(finished.code == 0)
    #expect(finished.errors == "another rung collects in this cache; waiting for it\n")
  }

  @Test func runsAndCollectionsMeet() throws {
    for round in 0..<6 {
      let text = "fitted \(round % 3) times\n"
      try sandbox.write(text, to: "pipelines/x/fit.txt")
      let others = try [["--max-size", "1"], []].map { try sandbox.start(["gc", "--older-than", "0"] + $0) }
      let run = try sandbox.run()
      #expect(run.counts.ran + run.counts.unchanged == 7 && run.finished.code == 0, "\(run.counts)")
      for other in others {
        let finished = try other.wait()
        #expect(finished.code <= 1, "\(finished.testDescription)")
      }
      let expected = (1...3).map { "some data of seed \($0)\n\(text)" }.joined()
      #expect(sandbox.read("pipelines/x/figure.svg") == expected)
    }
    #expect(try sandbox.rung("cache", "check").code == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
  }

  @Test func aKilledCollectionLeavesNothingToCleanUp() throws {
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    try sandbox.run()
    for _ in 0..<5 {
      let killed = try sandbox.start(["gc", "--older-than", "0"])
      killed.signal(SIGKILL)
      _ = try killed.wait()
    }
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    #expect(try sandbox.rung("gc", "--older-than", "0").errors.isEmpty)
    #expect(try sandbox.rung("cache", "check").code == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
  }

  @Test func withoutItsIndexACacheIsNotCollected() throws {
    for name in try sandbox.names("cache") where name.hasPrefix("index.sqlite") { try sandbox.remove("cache/\(name)") }
    let refused = try sandbox.rung("gc", "--older-than", "0", "--max-size", "1")
    #expect(refused.code == 2 && refused.errors.contains("nothing was collected"))
    #expect(try sandbox.run().counts == Counts(unchanged: 7))
    // The run has found the published file again.
    _ = try sandbox.rung("gc", "--older-than", "0", "--max-size", "1")
    try sandbox.remove("pipelines/x/figure.svg")
    #expect(try sandbox.run().counts == Counts(unchanged: 7, restored: 1))
  }

  @Test func wrongRequestsAreRefused() throws {
    for (arguments, words) in [
      (["gc", "--older-than", "soon"], "--older-than wants a time"), (["gc", "--max-size", "big"], "--max-size wants"),
      (["gc", "--keep-run", "nosuch"], "no run is called 'nosuch'"),
      (["cache", "unpin", "x"], "no pinned run is called 'x'"), (["cache", "pin", "--because", "x"], "wants a run"),
    ] {
      let refused = try sandbox.start(arguments).wait()
      #expect(refused.code == 2, "\(arguments)")
      #expect(refused.errors.contains(words), "\(refused.errors)")
    }
    try sandbox.edit("pipelines/x/fit.txt", "once", "twice")
    try sandbox.run()
    let many = try sandbox.rung("cache", "pin", "2")
    #expect(many.code == 2 && many.errors.contains("any of 2 runs"))
  }

  @Test func aPartOfTheCacheCanBeChecked() throws {
    func checked(_ sample: String...) throws -> Int {
      try #require(try sandbox.json(["cache", "check", "--json"] + sample)["checked"]?.int)
    }
    let all = try checked()
    #expect(all > 10)
    for sample in ["100%", "1TB", "1h", "1"] { #expect(try checked("--sample", sample) == all, "\(sample)") }
    // The first that is not empty is enough.
    #expect(try checked("--sample", "1B") < all)
    #expect(try checked("--sample", "0.000001ms") < all)
    #expect(try checked("--sample", "0.5") <= all)
    #expect(try sandbox.rung("cache", "check", "--sample", "1B").output.hasPrefix("sound: "))
  }
}
