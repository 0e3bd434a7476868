import Glibc
import RungCore
import Testing

/// Rung killed at any instant loses at most the steps in flight.
@Suite(.serialized) struct KillStories {
  /// Every output holds the salt, so that what a run with another salt must give is known without running it.
  static let pipeline = """
    pipeline: chain
    parameters: {salt: "0000"}
    axes: {n: [1, 2, 3, 4]}
    steps:
      make:
        over: [n]
        run: printf 'salt {salt} number {n}\\n' > {out.text}
        outputs: {text: text.txt}
      turn:
        over: [n]
        run: |
          mkdir {out.folder}
          tr a-z A-Z < {make.text} > {out.folder}/upper.txt
          cat {make.text} {make.text} > {out.twice}
        outputs:
          folder: folder/
          twice: {path: twice.txt, publish: "results/{n}.txt"}
      join:
        run: cat {turn.folder}/*/folder/upper.txt > {out.all}
        outputs: {all: {path: all.txt, publish: results/all.txt}}
    """

  private func results(_ sandbox: Sandbox) -> [String] {
    ["1", "2", "3", "4", "all"].map { sandbox.read("pipelines/chain/results/\($0).txt") ?? "none" }
  }

  @Test func killedAtAnyInstantTheNextRunCompletes() throws {
    let sandbox = try Sandbox(["pipelines/chain/pipeline.yaml": Self.pipeline])
    let began = Instants.now()
    #expect(try sandbox.run().counts == Counts(ran: 9))
    var length = Instants.now() - began
    let undisturbed = results(sandbox)
    #expect(undisturbed.allSatisfy { $0.contains("0000") })
    let files = try projectFiles(sandbox)
    let isLeftover = { (path: String) in path.contains("/.rung-") }
    let canCheck = try sandbox.rung("cache", "check").code == 0

    var instants = Instants(seed: 2026)
    var killed = 0
    var saved = 0
    for round in 1...50 {
      let salt = "\(1000 + round)"
      let run = try sandbox.start(["run", "--json", "--set", "salt=\(salt)"])
      // Instants spread over the length of a run: this wait is what the story is about.
      instants.wait(within: length)
      run.signal(SIGKILL)
      // How long a run takes depends on what else the machine does: the measure follows.
      if try run.wait().code == 128 + SIGKILL {
        killed += 1
        length += length / 16
      } else {
        length -= length / 4
      }
      let next = try sandbox.run("--set", "salt=\(salt)")
      #expect(next.finished.code == 0, "round \(round): \(next.finished.testDescription)")
      #expect(next.counts.ran + next.counts.unchanged == 9, "round \(round)")
      #expect(next.events("warning").isEmpty, "round \(round): \(next.finished.output)")
      saved += next.counts.unchanged
      #expect(results(sandbox) == undisturbed.map { $0.replacing("0000", with: salt) }, "round \(round)")
      #expect(sandbox.stepProcesses() == [], "round \(round)")
      #expect(try sandbox.names("cache/work") == [], "round \(round)")
      #expect(try sandbox.names("cache/stage") == ["lock"], "round \(round)")
      #expect(try sandbox.names("cache/quarantine") == [], "round \(round)")
      #expect(try projectFiles(sandbox).filter { !isLeftover($0) } == files, "round \(round)")
      #expect(try sandbox.run("--set", "salt=\(salt)").counts == Counts(unchanged: 9))
      if canCheck {
        let check = try sandbox.rung("cache", "check")
        #expect(check.code == 0, "round \(round): \(check.testDescription)")
      }
    }
    let leftovers = try projectFiles(sandbox).filter(isLeftover)
    #expect(leftovers.isEmpty)
    // Otherwise the instants were not spread over the run.
    #expect(killed >= 25, "only \(killed) runs were killed")
    #expect(saved > 0 && saved < 450)
  }

  @Test func killedInItsFirstRunItLeavesNothingBehind() throws {
    // Then it makes the cache too, and tries what steps can be given on this host.
    var instants = Instants(seed: 2027)
    var length: Int64 = 100_000_000
    var killed = 0
    for round in 1...20 {
      let sandbox = try Sandbox(["pipelines/chain/pipeline.yaml": Self.pipeline])
      let run = try sandbox.start(["run", "--json"])
      instants.wait(within: length)
      run.signal(SIGKILL)
      if try run.wait().code == 128 + SIGKILL {
        killed += 1
        length += length / 8
      } else {
        length -= length / 4
      }
      let next = try sandbox.run()
      #expect(next.finished.code == 0, "round \(round): \(next.finished.testDescription)")
      #expect(next.events("warning").isEmpty, "round \(round): \(next.finished.output)")
      #expect(try sandbox.names("cache/work") == [], "round \(round)")
      #expect(try sandbox.names("cache/stage") == ["lock"], "round \(round)")
      #expect(sandbox.stepProcesses() == [], "round \(round)")
      #expect(try sandbox.run().counts == Counts(unchanged: 9), "round \(round)")
    }
    #expect(killed >= 8, "only \(killed) runs were killed")
  }

  private func projectFiles(_ sandbox: Sandbox) throws -> [String] {
    try sandbox.files().filter { !$0.hasPrefix("cache/") }
  }
}
