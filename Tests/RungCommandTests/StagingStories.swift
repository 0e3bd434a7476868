import Glibc
import RungCore
import Testing

/// A large input is unpacked once for all steps that read it, and still is each step's own to write to.
@Suite struct StagingStories {
  // A folder that a private view does not replace, and one file system for all of it.
  private func sandbox() throws -> Sandbox {
    let sandbox = try Sandbox(
      [
        "pipelines/x/a.sh": "echo a", "pipelines/x/b.sh": "echo b",
        "pipelines/x/pipeline.yaml": """
        pipeline: x
        axes: {n: [1, 2, 3]}
        steps:
          a: {run: "stat -c %i {data} > {out.o}", inputs: {data: big.bin, code: a.sh}, outputs: {o: {path: o, publish: a.txt}}}
          b: {run: "stat -c %i {data} > {out.o}", inputs: {data: big.bin, code: b.sh}, outputs: {o: {path: o, publish: b.txt}}}
          make: {run: "cat {data} {code} > {out.big}", inputs: {data: big.bin, code: a.sh}, outputs: {big: big.bin}}
          read:
            over: [n]
            run: |
              stat -c %i {make.big} > {out.i}
              tail -c 6 {make.big} > {out.end}
              echo {n} >> {make.big}
              tail -c 8 {make.big} > {out.changed}
            outputs:
              i: {path: i, publish: "i{n}.txt"}
              end: {path: end, publish: "end{n}.txt"}
              changed: {path: changed, publish: "changed{n}.txt"}

        """,
      ], under: "/var/tmp")
    let file = try #require(fopen("\(sandbox.project)/pipelines/x/big.bin", "w"))
    defer { fclose(file) }
    let block = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    for _ in 0..<9 { try #require(fwrite(block, 1, block.count, file) == block.count) }
    return sandbox
  }

  private func published(_ name: String, _ sandbox: Sandbox) throws -> String {
    try #require(sandbox.read("pipelines/x/\(name).txt"))
  }

  @Test(arguments: ["", "staging: 1 MB\n"])
  func stepsWithOtherListsHaveTheSameLargeFile(_ settings: String) throws {
    let sandbox = try sandbox()
    try sandbox.write(settings, to: "rung.yaml")
    // One after the other, so that what is not kept for the next has gone by then.
    let run = try sandbox.rung("run", "--jobs", "1")
    #expect(run.code == 0, "\(run)")
    let isKept = settings.isEmpty
    if isKept {
      #expect(try published("a", sandbox) == published("b", sandbox))
      #expect(try published("i1", sandbox) == published("i2", sandbox))
      #expect(try published("i1", sandbox) == published("i3", sandbox))
    }
    for n in 1...3 {
      #expect(try published("end\(n)", sandbox) == "echo a")
      #expect(try published("changed\(n)", sandbox) == "echo a\(n)\n")
    }
    // Nothing of it stays.
    #expect(try sandbox.names("cache/work") == [])
  }
}
