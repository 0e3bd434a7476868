import Glibc
import RungCore
import RungExec
import RungModel
import Testing

/// What a step finds, prints and leaves.
@Suite struct OutputTests {
  let bench: Bench
  init() throws { bench = try Bench() }

  @Test func inputsAreStagedAndOutputsStored() throws {
    let data = try bench.store.put(Array("1 2 3\n".utf8)).digest
    mkdir(bench.place("tree"), 0o755)
    mkdir(bench.place("tree/sub"), 0o755)
    symlink("sub", bench.place("tree/link"))
    let tree = try bench.store.putTree(at: bench.place("tree")).digest
    let result = bench.sh(
      """
      cat data/set.txt > results/copy.txt
      cat lines.txt >> results/copy.txt
      readlink trees/a/link
      [ -d trees/a/sub ] && ! [ -x data/set.txt ]
      mkdir models && cp data/set.txt models/one && cp data/set.txt models/two
      printf '#!/bin/sh\n' > tool && chmod +x tool
      """,
      files: [
        StagedFile(path: path("data/set.txt"), content: .object(data, executable: false)),
        StagedFile(path: path("trees/a"), content: .tree(tree)),
        StagedFile(path: path("lines.txt"), content: .bytes(Array("4\n".utf8))),
      ],
      outputs: [
        output("copy", "results/copy.txt"), output("models", "models", isDirectory: true), output("tool", "tool"),
      ])
    #expect(result.succeeded, "\(result)")
    #expect(result.logTail == ["sub"])
    #expect(result.outputs.map(\.name) == ["copy", "models", "tool"])
    #expect(result.outputs.map(\.size) == [8, 12, 10])
    #expect(result.outputs.map(\.executable) == [false, false, true])
    #expect(result.outputs.map(\.isDirectory) == [false, true, false])
    #expect(result.outputs[0].digest == Digest(ofText: "1 2 3\n4\n"))
  }

  @Test func temporaryAndHomeFoldersAreThere() {
    let task = bench.task(.shell(text: "[ -d $TMPDIR ] && [ -d $HOME ] && ls -A . $HOME", .sh))
    #expect(bench.run(task).logTail == [".:", "", "\(task.workspace)/tmp/home:"])
  }

  @Test(arguments: [
    (
      "true", "fit.json", false,
      "did not write its output 'metrics' (fit.json); it wrote no other file either"
    ),
    (
      "echo > fit.jsn", "fit.json", false,
      "did not write its output 'metrics' (fit.json); it wrote 'fit.jsn'"
    ),
    (
      "echo > abc; echo > xyz", "fit.json", false,
      "did not write its output 'metrics' (fit.json); it wrote 'abc', 'xyz'"
    ),
    (
      "ln -s /etc/passwd fit.json", "fit.json", false,
      "its output 'metrics' (fit.json) is a symbolic link; a result must be the file itself: copy it there"
    ),
    (
      "rmdir out; ln -s /etc out", "out/passwd", false,
      "its output 'metrics' (out/passwd) lies behind a symbolic link; results must lie in the workspace itself"
    ),
    (
      "mkfifo fit.json", "fit.json", false, "its output 'metrics' (fit.json) is a named pipe, not a file"
    ),
    (
      "mkdir fit.json", "fit.json", false,
      "its output 'metrics' (fit.json) is a directory, but is declared as a file; declare it as 'fit.json/' if a "
        + "directory is meant"
    ),
    (
      "echo > models", "models", true,
      "its output 'metrics' (models) is a file, but is declared as a directory; write a directory, or declare the "
        + "path without '/' at its end"
    ),
    (
      "rmdir out; echo > out", "out/fit.json", false,
      "did not write its output 'metrics' (out/fit.json): a part of that path is not a directory"
    ),
  ])
  func anOutputOfTheWrongKindIsExplained(script: String, place: String, isDirectory: Bool, problem: String) {
    let result = bench.sh(script, outputs: [output("metrics", place, isDirectory: isDirectory)])
    #expect(result.end == .exited(0))
    #expect(!result.succeeded && !result.isMachineFault && result.outputs.isEmpty)
    #expect(result.problem == problem)
  }

  @Test func aSocketIsNoOutput() {
    let script = "import socket; socket.socket(socket.AF_UNIX).bind('fit.json')"
    let result = bench.run(
      bench.task(.arguments(["/usr/bin/python3", "-c", script]), outputs: [output("metrics", "fit.json")]))
    #expect(result.problem == "its output 'metrics' (fit.json) is a socket, not a file")
  }

  @Test func allOutputsAreLookedAtBeforeOneIsStored() {
    let result = bench.sh("echo > b", outputs: [output("a", "a"), output("b", "b"), output("c", "c")])
    #expect(result.problem?.split(separator: "\n").count == 2)
    #expect(!bench.store.contains(Digest(ofText: "\n")))
  }

  @Test func aLinkInsideAnOutputDirectoryMustNotLeadOut() {
    let result = bench.sh("mkdir m; ln -s /etc/passwd m/x", outputs: [output("models", "m", isDirectory: true)])
    #expect(!result.succeeded && !result.isMachineFault)
    #expect(result.problem?.contains("/etc/passwd") == true, "\(result)")
  }

  @Test func anOutputThatItsOwnerMayNotReadIsStored() {
    let result = bench.sh("echo 1 > a; chmod 0 a", outputs: [output("a", "a")])
    #expect(result.succeeded)
  }

  @Test func rungsOwnFolderIsRefused() {
    let result = bench.sh("true", outputs: [output("a", ".rung/tmp/a")])
    guard case .notStarted(let why) = result.end else {
      Issue.record("\(result)")
      return
    }
    #expect(why.hasPrefix("the output 'a' lies in '.rung'"))
  }

  @Test func aMissingInputIsTheMachinesFault() {
    let gone = StagedFile(path: path("a"), content: .object(Digest(ofText: "never stored"), executable: false))
    let result = bench.sh("true", files: [gone])
    #expect(result.isMachineFault)
    guard case .notStarted = result.end else {
      Issue.record("\(result)")
      return
    }
  }

  @Test func bothStreamsGoToOneLogInOrder() throws {
    let result = bench.sh("echo 1; echo 2 >&2; echo 3; exit 1")
    #expect(try bench.text(result.log) == "1\n2\n3\n")
    #expect(result.logTail == ["1", "2", "3"])
  }

  @Test func aDaemonThatKeepsTheLogOpenHoldsNobodyUp() {
    let result = bench.sh("sleep 1000 & echo done")
    #expect(result.end == .exited(0) && result.logTail == ["done"])
  }

  @Test(arguments: [
    ("a\\nb\\n\\n\\n", ["a", "b"]),
    ("\\033[31mred\\033[0m \\033]0;title\\007x\\033(By\\n", ["red xy"]),
    ("  1%%\\r 50%%\\r100%%\\nend\\r\\n", ["100%", "end"]),
    ("a\\377\\376b\\tc\\010\\000d\\n", ["a\u{fffd}\u{fffd}b cd"]),
    ("\\342\\200\\256abc\\302\\233x", ["abcx"]),
    ("no line break", ["no line break"]),
  ])
  func theTailIsFitForATerminal(format: String, lines: [String]) {
    #expect(bench.sh("printf '\(format)'").logTail == lines)
  }

  @Test func theTailIsShort() {
    let many = bench.sh("i=0; while [ $i -lt 9000 ]; do echo line number $i; i=$((i+1)); done")
    #expect(many.logTail.count == 20)
    #expect(many.logTail.first == "line number 8980" && many.logTail.last == "line number 8999")
    let long = bench.sh("head -c 200000 /dev/zero | tr '\\0' x")
    #expect(long.logTail.map(\.count) == [300])
    #expect(long.logTail.first?.hasSuffix("x…") == true)
  }
}
