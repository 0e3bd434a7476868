import RungCore
import Testing

/// Outputs that are big and cheap: not kept, and made again when somebody asks (`recompute: true`).
@Suite struct RecomputeStories {
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        draw:
          run: seq 1000 > {out.numbers}; echo drawn > {out.note}
          outputs: {numbers: {path: numbers.txt, recompute: true}, note: note.txt}
        sum:
          run: sh {code} {draw.numbers} > {out.sum}
          inputs: {code: sum.sh}
          outputs: {sum: {path: sum.txt, publish: sum.txt}}

      """,
      "pipelines/x/sum.sh": "awk '{ s += $1 } END { print s }' $1\n",
    ])
  }

  private func isStored(_ output: String) throws -> Bool {
    let outputs = try sandbox.json(["show", "draw", "--json"])["outputs"]?.array ?? []
    let digest = try #require(outputs.first { $0["name"]?.string == output }?["digest"]?.string)
    return try sandbox.rung("cache", "cat", digest).code == 0
  }

  @Test func goesWhenTheRunHasEndedAndIsMadeAgainForAReader() throws {
    #expect(try sandbox.run().steps == ["draw": 1, "sum": 1])
    #expect(sandbox.read("pipelines/x/sum.txt") == "500500\n")
    #expect(try !isStored("numbers") && isStored("note"))
    #expect(try sandbox.rung("cache", "check").code == 0)
    #expect(try sandbox.run().counts == Counts(unchanged: 2))

    try sandbox.edit("pipelines/x/sum.sh", "print s", "print -s")
    let again = try sandbox.run()
    #expect(again.steps == ["draw": 1, "sum": 1] && again.events("warning").isEmpty)
    #expect(sandbox.read("pipelines/x/sum.txt") == "-500500\n")
    #expect(try !isStored("numbers"))
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
  }

  @Test func isKeptForWhomAsksForItByName() throws {
    #expect(try sandbox.run().counts == Counts(ran: 2))
    #expect(try sandbox.run("x").counts == Counts(unchanged: 2))
    let asked = try sandbox.run("draw")
    #expect(asked.counts == Counts(ran: 1) && asked.events("warning").isEmpty)
    #expect(try isStored("numbers"))
    #expect(try sandbox.run("x/draw").counts == Counts(unchanged: 1))
    #expect(try isStored("numbers"))
    let collected = try sandbox.json(["gc", "--json"])
    #expect(collected["recomputable"]?.int == 2 && collected["dropped"]?.array == [])
    #expect(try !isStored("numbers") && isStored("note"))
    #expect(try sandbox.run("draw").counts == Counts(ran: 1))
    // A run of everything does not ask for it.
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
    #expect(try !isStored("numbers"))
  }

  @Test func staysWhileItsReadersFail() throws {
    try sandbox.write("exit 3\n", to: "pipelines/x/sum.sh")
    #expect(try sandbox.run().counts == Counts(ran: 1, failed: 1))
    #expect(try isStored("numbers"))
    try sandbox.write("wc -l < $1\n", to: "pipelines/x/sum.sh")
    #expect(try sandbox.run().counts == Counts(ran: 1, unchanged: 1))
    #expect(sandbox.read("pipelines/x/sum.txt") == "1000\n")
    #expect(try !isStored("numbers"))
  }

  /// What another result holds, too, is not taken from it.
  @Test func sharedBytesStay() throws {
    try sandbox.edit("pipelines/x/pipeline.yaml", "echo drawn >", "seq 1000 >")
    #expect(try sandbox.run().counts == Counts(ran: 2))
    #expect(try isStored("numbers") && isStored("note"))
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
  }

  /// A pinned run can be made again from what it had.
  @Test func whatIsPinnedStays() throws {
    #expect(try sandbox.run("draw").counts == Counts(ran: 1))
    #expect(try sandbox.rung("cache", "pin", "last").code == 0)
    #expect(try sandbox.run().counts == Counts(ran: 1, unchanged: 1))
    #expect(try isStored("numbers"))
  }
}
