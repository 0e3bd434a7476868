import Glibc
import RungCore
import Testing

/// `rung verify`: results are read again, or made again and compared.
@Suite struct VerifyStories {
  static let pipeline = """
    pipeline: x
    axes: {seed: [1, 2, 3]}
    steps:
      data:
        over: [seed]
        run: sh {code} {seed} > {out.set}
        inputs: {code: data.sh}
        outputs: {set: set.txt}
      moment:
        run: date +%s%N > {out.at}
        outputs: {at: at.txt}
      figure:
        run: cat {data.set:files}/*/* {moment.at} > {out.figure}
        outputs: {figure: {path: figure.txt, publish: figure.txt}}
      last:
        run: wc -l < {figure.figure} > {out.lines}
        outputs: {lines: lines.txt}
    """
  static let files = ["pipelines/x/pipeline.yaml": pipeline, "pipelines/x/data.sh": "echo some data of seed $1\n"]

  private func results(_ json: JSON) -> [String: JSON] {
    Dictionary(
      (json["results"]?.array ?? []).compactMap { item in item["instance"]?.string.map { ($0, item) } },
      uniquingKeysWith: { first, _ in first })
  }

  @Test func eachStepIsJudgedByItselfAndTheVerdictsAreKept() throws {
    let sandbox = try Sandbox(Self.files)
    #expect(try sandbox.run().counts == Counts(ran: 6))
    let before = try #require(sandbox.read("pipelines/x/figure.txt"))
    let finished = try sandbox.rung("verify", "--rerun", "--json")
    #expect(finished.code == 1)
    let report = try JSON(parsing: finished.output)
    #expect(report["instances"]?.int == 6 && report["identical"]?.int == 5 && report["different"]?.int == 1)
    let results = results(report)
    let moment = try #require(results["x/moment"])
    #expect(moment["verdict"]?.string == "different")
    let difference = try #require(moment["outputs"]?.array?.first?["difference"]?.string)
    #expect(difference.hasPrefix("line 1: ") || difference.hasPrefix("at.txt"), "\(difference)")
    // The figure read another moment at first, and what follows the figure read another figure.
    #expect(results["x/figure"]?["verdict"]?.string == "identical" && results["x/figure"]?["follows"]?.bool == true)
    #expect(results["x/data[seed=1]"]?["follows"]?.bool == false)

    // Nothing of it is anybody's result.
    #expect(sandbox.read("pipelines/x/figure.txt") == before)
    #expect(try sandbox.run().counts == Counts(unchanged: 6))
    #expect(try sandbox.names("cache/work").isEmpty)

    // The verdicts are kept, and come back when the index is lost.
    for _ in 1...2 {
      let shown = try sandbox.json(["show", "x/moment", "--json"])
      #expect(shown["confirmed"]?["different"]?.int == 1 && shown["confirmed"]?["identical"]?.int == 0)
      let trace = try sandbox.json(["trace", "pipelines/x/figure.txt", "--json"])
      let steps = try #require(trace["steps"]?.array)
      #expect(steps.count { $0["confirmed"]?["identical"]?.int == 1 } == 4)
      #expect(try sandbox.rung("cache", "rebuild-index").code == 0)
    }
    let text = try sandbox.rung("trace", "pipelines/x/figure.txt").output
    #expect(text.contains("4 of 5 executions came out the same"), "\(text)")
    // A collection says which steps can be made again with the same bytes.
    try sandbox.edit("pipelines/x/data.sh", "some", "other")
    #expect(try sandbox.run().counts.ran == 5)
    let dropped = try #require(try sandbox.json(["gc", "--json", "--older-than", "0", "--dry-run"])["dropped"]?.array)
    #expect(Set(dropped.compactMap { $0["reproducible"]?.string }) == ["yes"])
  }

  @Test func aRepetitionSeesNoMoreOfTheProjectThanARun() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        look: {run: "ls -a > {out.o}; ls -a pipelines >> {out.o}", outputs: {o: o.txt}}
        folder:
          run: mkdir -p {out.d}/a/b && echo 1 > {out.d}/a/c
          outputs: {d: {path: d/, publish: d}}
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 2))
    // The cache above all: results are there to be found.
    let finished = try sandbox.rung("verify", "--rerun", "--times", "2")
    #expect(finished.code == 0 && finished.output.contains("2 identical"), "\(finished.output)")
    #expect(try sandbox.rung("verify").code == 0)
  }

  @Test func whatIsDeclaredToDifferAndWhatLiesWithinTheToleranceIsFine() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        measured:
          run: |
            noise=$(date +%N)
            printf '{"value": 1.0000%s, "name": "a"}' "$noise" > {out.m}
          outputs: {m: {path: m.json, tolerance: {absolute: 0.001}}}
        dice:
          run: date +%N > {out.d}
          outputs: {d: d.txt}
          deterministic: false
      """
    ])
    #expect(try sandbox.run().counts == Counts(ran: 2))
    let finished = try sandbox.rung("verify", "--rerun", "--times", "2")
    #expect(finished.code == 0, "\(finished.output)\(finished.errors)")
    #expect(finished.output.contains("different, as declared: x/dice (2 of 2 times)"))
    #expect(finished.output.contains("within the tolerance: x/measured"))
    // Less than that is not within it.
    try sandbox.edit("pipelines/x/pipeline.yaml", "absolute: 0.001", "absolute: 0.0000000000001")
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
    let strict = try sandbox.rung("verify", "x/measured", "--rerun")
    #expect(strict.code == 1 && strict.output.contains("#/value: 1.0000"), "\(strict.output)")
  }

  @Test func aStepThatCannotBeMadeAgainIsSaidToFail() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {host: HOST}
      steps:
        here: {run: 'test "$(cat /proc/sys/kernel/hostname)" = {host} && echo made > {out.o}', outputs: {o: o.txt}}
        after: {run: "cat {here.o} > {out.p}", outputs: {p: p.txt}}
      """
    ])
    let host = try #require(sandbox.read("/proc/sys/kernel/hostname")).split(separator: "\n").joined()
    try sandbox.edit("pipelines/x/pipeline.yaml", "HOST", host)
    #expect(try sandbox.run().counts == Counts(ran: 2))
    let finished = try sandbox.rung("verify", "--rerun", "--json")
    let results = results(try JSON(parsing: finished.output))
    // Where the host name cannot be varied it is the same again.
    let isVaried = results["x/here"]?["varied"]?.array?.contains("host name") == true
    #expect(results["x/here"]?["verdict"]?.string == (isVaried ? "failed" : "identical"))
    #expect(finished.code == (isVaried ? 1 : 0))
    // What follows is judged with the input that it had.
    #expect(results["x/after"]?["verdict"]?.string == "identical")
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
  }

  @Test func whatIsNotUpToDateIsNotVerified() throws {
    let sandbox = try Sandbox(Self.files)
    let never = try sandbox.rung("verify", "--rerun")
    #expect(never.code == 2 && never.errors.contains("not up to date"))
    #expect(try sandbox.rung("verify", "--times", "2").code == 2)
    #expect(try sandbox.rung("verify", "--rerun", "--times", "0").code == 2)
  }

  @Test func damageAndEditsAreFoundByReading() throws {
    let sandbox = try Sandbox(Self.files)
    #expect(try sandbox.run().counts == Counts(ran: 6))
    let sound = try sandbox.rung("verify")
    #expect(sound.code == 0 && sound.output.contains("all are what they are said to be"), "\(sound.output)")
    let record = try sandbox.json(["show", "x/data[seed=2]", "--json"])
    let digest = try #require(record["outputs"]?.array?.first?["digest"]?.digest)
    try sandbox.damage(digest)
    try sandbox.write("drawn by hand\n", to: "pipelines/x/figure.txt")
    let damaged = try sandbox.rung("verify")
    #expect(damaged.code == 1)
    #expect(damaged.output.contains("damaged x/data[seed=2]: its output 'set'"), "\(damaged.output)")
    #expect(damaged.output.contains("changed pipelines/x/figure.txt"), "\(damaged.output)")
  }

  @Test func otherBytesUnderTheSameKeyAreAConflictThatIsKept() throws {
    let sandbox = try Sandbox(Self.files)
    #expect(try sandbox.run().counts == Counts(ran: 6))
    let first = try #require(try sandbox.json(["show", "x/moment", "--json"])["record"]?.string)
    let again = try sandbox.rung("run", "x/moment", "--force")
    #expect(again.errors.contains("not reproducible"), "\(again.errors)")
    let shown = try sandbox.json(["show", "x/moment", "--json"])
    #expect(shown["conflicts"]?.array?.compactMap { $0["record"]?.string } == [first])
    #expect(try sandbox.rung("show", "x/moment").output.contains("the same key gave other bytes once"))
  }

  // Eight kinds of what a result must not depend on, each in a step of its own, and one step that depends on nothing.
  static let planted = """
    pipeline: x
    steps:
      time: {run: "date +%s%N > {out.o}", outputs: {o: o.txt}}
      seed: {run: "python3 -c 'import random; print(random.random())' > {out.o}", outputs: {o: o.txt}}
      process: {run: "python3 -c 'import os; print(os.getpid())' > {out.o}", outputs: {o: o.txt}}
      hash: {run: "env -u PYTHONHASHSEED python3 -c 'print(hash(str(1)))' > {out.o}", outputs: {o: o.txt}}
      order:
        inputs: {files: files}
        run: python3 -c 'import os, sys; print(os.listdir(sys.argv[1]))' {files} > {out.o}
        outputs: {o: o.txt}
      threads:
        inputs: {code: sum.py}
        run: python3 {code} > {out.o}
        outputs: {o: o.json}
      host: {run: "python3 -c 'import socket; print(socket.gethostname())' > {out.o}", outputs: {o: o.txt}}
      path: {run: "pwd > {out.o}", outputs: {o: o.txt}}
      nothing: {run: "echo 1 > {out.o}", outputs: {o: o.txt}}
    """

  @Test func plantedDependencesAreFoundByKindAndNothingElse() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": Self.planted,
      "pipelines/x/sum.py": """
      import os
      # As threads do: each sums its part of 1/3 + 1/4 + …, and floating point is not associative.
      threads = len(os.sched_getaffinity(0))
      terms = [1 / (i + 3) for i in range(1000)]
      print('{"sum": %r}' % sum(sum(terms[k::threads]) for k in range(threads)))
      """,
      "pipelines/x/files/a": "", "pipelines/x/files/b": "", "pipelines/x/files/c": "", "pipelines/x/files/d": "",
      "pipelines/x/files/e": "", "pipelines/x/files/f": "",
    ])
    #expect(try sandbox.run().counts == Counts(ran: 9))
    let finished = try sandbox.rung("verify", "--rerun", "--times", "2", "--json")
    #expect(finished.code == 1)
    let report = try JSON(parsing: finished.output)
    // What this host can vary; the rest differs by itself.
    let varied = Set((report["results"]?.array?.first?["varied"]?.array ?? []).compactMap(\.string))
    var expected: Set = ["x/time", "x/seed", "x/hash"]
    let kinds = [
      "process ids": "x/process", "order of directory listings": "x/order", "number of processors": "x/threads",
      "host name": "x/host", "path of the workspace": "x/path",
    ]
    for (kind, step) in kinds where varied.contains(kind) { expected.insert(step) }
    var found: Set<String> = []
    for result in report["results"]?.array ?? [] where result["verdict"]?.string != "identical" {
      found.insert(result["instance"]?.string ?? "")
      let difference = try #require(result["outputs"]?.array?.first?["difference"]?.string)
      #expect(result["outputs"]?.array?.first?["name"]?.string == "o" && !difference.isEmpty)
    }
    // Where there is one processor only, there is no other number of threads.
    if sysconf(Int32(_SC_NPROCESSORS_ONLN)) < 2 { expected.remove("x/threads") }
    #expect(found == expected)
    #expect(!found.contains("x/nothing"))
  }
}
