import Glibc
import RungCore
import Testing

/// What a step sees of the world, and what of it is written down.
@Suite struct StepSurroundingsStories {
  @Test func aStepGetsTheSameVariablesWhoeverRunsIt() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        see:
          run: |
            env | sort > {out.env}
            ls -A "$HOME" "$TMPDIR" > {out.folders}
            pwd >> {out.folders}
          env: {DECLARED: "two words", INHERITED: null}
          resources: {cpus: 1}
          outputs:
            env: {path: env.txt, publish: env.txt}
            folders: {path: folders.txt, publish: folders.txt}
      """
    ])
    let caller = ["SECRET": "1", "PYTHONPATH": "/evil", "LD_LIBRARY_PATH": "/evil", "INHERITED": "yes", "TZ": "CET"]
    #expect(try sandbox.run(with: caller).counts == Counts(ran: 1))
    var seen: [String: String] = [:]
    for line in try #require(sandbox.read("pipelines/x/env.txt")).split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      seen[String(parts[0])] = String(parts.last ?? "")
    }
    // Wherever the project lies, and whoever else runs steps on this machine.
    #expect(sandbox.read("pipelines/x/folders.txt") == "/tmp:\nhome\nworkspace\n\n/tmp/home:\n/tmp/workspace\n")
    #expect(
      seen == [
        "HOME": "/tmp/home", "TMPDIR": "/tmp", "PWD": "/tmp/workspace", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8", "TZ": "UTC", "DECLARED": "two words",
        "INHERITED": "yes", "SOURCE_DATE_EPOCH": "315532800", "CUDA_VISIBLE_DEVICES": "", "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1", "BLIS_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1",
        "RUNG_EVENTS": "/tmp/rung-events.jsonl",
      ])
    // Nobody else's variables matter; a declared one does.
    #expect(try sandbox.run(with: caller.merging(["SECRET": "2"]) { $1 }).counts == Counts(unchanged: 1))
    let other = caller.merging(["INHERITED": "no"]) { $1 }
    #expect(try sandbox.start(["why", "see", "--json"], with: other).wait().output.contains("\"INHERITED\""))
    #expect(try sandbox.run(with: other).counts == Counts(ran: 1))
    let without = try sandbox.rung("run")
    #expect(without.code == 2)
    #expect(without.errors.contains("INHERITED, which is not set"))
  }

  @Test func aSecretReachesTheStepAndIsNeverWrittenDown() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        ask:
          run: printf %s "$TOKEN" | tr a-z b-za > {out.answer}
          secrets: [TOKEN]
          outputs: {answer: {path: answer.txt, publish: answer.txt}}
        refuse:
          run: test "$TOKEN" = other > {out.a}
          secrets: [TOKEN]
          outputs: {a: a.txt}
      """
    ])
    let token = "swordfish"
    let run = try sandbox.run("--keep-going", with: ["TOKEN": token])
    #expect(run.counts == Counts(ran: 1, failed: 1))
    #expect(sandbox.read("pipelines/x/answer.txt") == "txpsegjti")
    // Another secret is the same step.
    #expect(try sandbox.run("ask", with: ["TOKEN": "another"]).counts == Counts(unchanged: 1))
    var texts = [run.finished.output]
    for words in [["show", "ask"], ["show", "ask", "--json"], ["log", "ask"], ["show", "refuse", "--json"]] {
      texts.append(try sandbox.start(words, with: ["TOKEN": token]).wait().output)
    }
    #expect(texts.allSatisfy { !$0.contains(token) })
    try expectNowhere(token, in: sandbox)
  }

  // Looks into every file of the project, decompressed where it is compressed.
  private func expectNowhere(_ text: String, in sandbox: Sandbox) throws {
    let found = try Sandbox.program(
      "/bin/sh",
      [
        "-c",
        """
        grep -rlF '\(text)' . ; find cache -name '*.zst' | while read -r f; do
          zstd -qdc "$f" | grep -qF '\(text)' && echo "$f"; done; true
        """,
      ], in: sandbox.project)
    #expect(found.code == 0 && found.output.isEmpty, "\(found.testDescription)")
  }

  @Test func aSecretThatIsNotSetIsToldBeforeTheStepRuns() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        ask: {run: "echo hi > {out.a}", secrets: [TOKEN], outputs: {a: a.txt}}
      """
    ])
    let refused = try sandbox.rung("run")
    #expect(refused.code == 1 && refused.errors.contains("the secret TOKEN is not set"))
  }

  @Test func everyOptionOfAStepIsTaken() throws {
    let sandbox = try Sandbox([
      "rung.yaml": "jobs: 2\npools: {licence: 1}\ngpus: []\nmemory: 1 GB\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      about: All of them.
      defaults: {kind: train}
      steps:
        a:
          kind: anything
          run: [sh, -c, "echo $1 > $2", sh, "{ word }", "{out.a}"]
          env: {A: b}
          secrets: []
          resources: {cpus: 2, memory: 10 MB, gpus: 0, licence: 1}
          timeout: 1 min
          retries: 2
          network: true
          watch: declared
          deterministic: false
          outputs: {a: {path: a.txt, publish: a.txt, tolerance: {relative: 1e-3}}}
        b:
          shell: bash
          run: |
            set -o pipefail
            cat {a.a} <(echo b) > {out.a}
          keep: [state/]
          outputs: {a: {path: a.txt, publish: b.txt}}
      """,
    ])
    let run = try sandbox.rung("run")
    #expect(run.code == 0, "\(run.testDescription)")
    #expect(sandbox.read("pipelines/x/b.txt") == "{ word }\nb\n")
    #expect(try sandbox.run().counts == Counts(unchanged: 2))
  }

  @Test func aStepThatWantsMoreThanThereIsIsRefused() throws {
    let sandbox = try Sandbox([
      "rung.yaml": "pools: {licence: 1}\ngpus: [0]\nmemory: 1 GB\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        a: {run: "echo > {out.a}", resources: {gpus: 2}, outputs: {a: a.txt}}
        b: {run: "echo > {out.a}", resources: {memory: 2 GB}, outputs: {a: a.txt}}
        d: {run: 'echo "$CUDA_VISIBLE_DEVICES" > {out.a}', resources: {gpus: 1}, outputs: {a: {path: a, publish: gpu}}}
        e: {run: "echo > {out.a}", resources: {cpus: 1000}, outputs: {a: a.txt}}

      """,
    ])
    let refused = try sandbox.rung("run")
    #expect(refused.code == 2)
    for text in ["needs 2 GPUs; there are 1", "of memory"] {
      #expect(refused.errors.contains(text), "no '\(text)' in: \(refused.errors)")
    }
    try sandbox.append("  c: {run: x, resources: {licence: 2}, outputs: {a: a.txt}}", to: "pipelines/x/pipeline.yaml")
    #expect(try sandbox.rung("run").errors.contains("the pool 'licence' has 1, not 2"))
    try sandbox.edit("pipelines/x/pipeline.yaml", "licence: 2", "licence: 1")
    #expect(try sandbox.run("d", "e").counts == Counts(ran: 2))
    #expect(sandbox.read("pipelines/x/gpu") == "0\n")
  }

  @Test func processesThatAStepLeavesBehindAreEnded() throws {
    let sandbox = try Sandbox()
    let mark = try Mark("mark", in: sandbox)
    let door = try Mark("door", in: sandbox)
    try sandbox.write(
      """
      pipeline: x
      steps:
        leave:
          run: |
            sleep 600 &
            setsid sleep 600 &
            (setsid sh -c 'trap "" TERM HUP; sleep 600; sleep 600' &)
            echo left > \(mark.path)
            read -r go < \(door.path)
            echo done > {out.a}
          outputs: {a: a.txt}
      """, to: "pipelines/x/pipeline.yaml")
    let started = try sandbox.start(["run", "--json"])
    #expect(try mark.line() == "left")
    // The step, what starts and watches it, and the three that it leaves.
    #expect(sandbox.stepProcesses().count >= 5)
    door.say("go")
    let run = try RunReport(try started.wait())
    #expect(run.counts == Counts(ran: 1))
    #expect(run.events("warning").first?["message"]?.string?.contains("left processes behind") == true)
    #expect(sandbox.stepProcesses() == [])
  }

  @Test func aStepReadsNothingFromStandardInput() throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        read: {run: "wc -c > {out.a}", outputs: {a: {path: a, publish: count}}}
      """
    ])
    let run = try Sandbox.program("/bin/sh", ["-c", "echo hello | '\(Sandbox.binary)' run -C '\(sandbox.project)'"])
    #expect(run.code == 0)
    #expect(sandbox.read("pipelines/x/count") == "0\n")
  }
}
