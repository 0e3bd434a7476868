import RungCore
import Testing

/// Names and values that a careless program would take for commands.
@Suite struct HostileNameStories {
  static let names = [
    "two words.txt", "it's.txt", "say \"hi\".txt", "$(touch pwned).txt", "a;b&c|d.txt", "-n", "*.txt", "[x].txt",
    "back\\slash.txt", "naïve π.txt", "{brace}.txt", "#hash.txt", "~.txt", "%s%n.txt",
  ]

  @Test(arguments: names)
  func aFileOfAnyNameIsAnInput(name: String) throws {
    let quoted = name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
      .replacing("{brace}", with: "{{brace}}")
    let sandbox = try Sandbox([
      "pipelines/x/\(name)": "content\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        copy:
          run: cat -- {file} > {out.copy}
          inputs: {file: {path: "\(quoted)"}}
          outputs: {copy: {path: "\(quoted)", publish: "out/\(quoted)"}}
        again:
          run: [cp, --, "{copy.copy}", "{out.again}"]
          outputs: {again: {path: again.txt, publish: again.txt}}
      """,
    ])
    let run = try sandbox.run()
    #expect(run.counts == Counts(ran: 2), "\(run.finished.testDescription)")
    #expect(sandbox.read("pipelines/x/out/\(name)") == "content\n")
    #expect(sandbox.read("pipelines/x/again.txt") == "content\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
    #expect(
      try sandbox.names("pipelines/x")
        == [name, "again.txt", "again.txt.rung.json", "out", "pipeline.yaml"].sorted())
    try sandbox.append("more", to: "pipelines/x/\(name)")
    #expect(try sandbox.why("copy") == ["input file"])
    let trace = try sandbox.json(["trace", "pipelines/x/again.txt", "--json"])
    #expect(trace["sources"]?.array?.contains { $0["path"] == .string("pipelines/x/\(name)") } == true)
  }

  static let values = [
    "$(touch pwned)", "`touch pwned`", "; touch pwned", "it's", "say \"hi\"", "a b  c", "-n", "*", "~", "$HOME", "\\",
    "\\n", "!x", "a\nb", "", "#", "π", "{other}", "%s", "& touch pwned &", "'; touch pwned; '",
  ]

  @Test func aParameterReachesTheCommandAsItIs() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {value: "", other: none}
      steps:
        shell: {run: "printf '[%s]' {value} > {out.a}; ls -A >> {out.a}", outputs: {a: {path: a, publish: shell}}}
        words: {run: [sh, -c, "printf '[%s]' \\"$1\\" > \\"$2\\"", sh, "{value}", "{out.a}"], outputs: {a: {path: a, publish: words}}}
        env:
          run: printf '[%s]' "$VALUE" > {out.a}
          env: {VALUE: "{value}"}
          outputs: {a: {path: a, publish: env}}
      """
    ])
    for value in Self.values {
      // As YAML reads it: in double quotes.
      let quoted = JSON.string(value).compact
      let run = try sandbox.run("--set", "value=\(quoted)")
      #expect(
        run.counts.ran + run.counts.unchanged == 3 && run.counts.failed == 0,
        "\(value): \(run.finished.testDescription)")
      #expect(sandbox.read("pipelines/x/shell") == "[\(value)]a\npipelines\n", "\(value)")
      #expect(sandbox.read("pipelines/x/words") == "[\(value)]", "\(value)")
      #expect(sandbox.read("pipelines/x/env") == "[\(value)]", "\(value)")
    }
    #expect(try sandbox.names(".") == ["cache", "pipelines"])
  }

  @Test func theCommandThatIsShownCanBeTypedAgain() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {value: "it's $HOME"}
      steps:
        a: {run: [sh, -c, "exit 3", "{value}", "two words"], outputs: {a: a}}
      """
    ])
    let failed = try sandbox.run()
    let command = try #require(failed.events("step-failed").first?["command"]?.string)
    let typed = try Sandbox.program("/bin/sh", ["-c", "set -- \(command); printf '<%s>' \"$@\""])
    #expect(typed.output == "<sh><-c><exit 3><it's $HOME><two words>")
  }

  @Test func whatAStepPrintsCannotSteerTheTerminal() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      parameters: {title: "\\e]0;owned\\a"}
      steps:
        a:
          run: |
            printf '\\033[2J\\033]0;owned\\007\\033[31mred\\033[0m\\r\\nnext\\177\\233 \\342\\200\\256rtl\\n' >&2
            printf 'raw \\377 byte\\n'
            : {title}
            exit 1
          outputs: {a: a}
      """
    ])
    let failed = try sandbox.rung("run")
    #expect(failed.code == 1)
    #expect(failed.errors.contains("red"))
    let isTame = { (text: String) in
      text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && !(0x7f...0x9f).contains($0.value)) }
    }
    #expect(isTame(failed.errors), "\(failed.errors.debugDescription)")
    let json = try sandbox.run().finished.output
    #expect(isTame(json), "\(json.debugDescription)")
    for words in [["why", "a"], ["plan"], ["show", "a"]] {
      #expect(isTame(try sandbox.start(words).wait().output), "\(words)")
    }
  }

  @Test func aFileThatIsNotUTF8IsAnInput() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        count: {run: "ls {all} | wc -l > {out.a}", inputs: {all: set}, outputs: {a: {path: a, publish: count}}}
      """
    ])
    try #require(
      try Sandbox.program(
        "/bin/sh", ["-c", "mkdir set && : > \"$(printf 'set/a\\nb')\" && : > set/c"],
        in: "\(sandbox.project)/pipelines/x"
      ).code == 0)
    let run = try sandbox.rung("run")
    #expect(run.code == 0, "\(run.testDescription)")
  }
}
