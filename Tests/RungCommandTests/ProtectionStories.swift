import Glibc
import RungCore
import Testing

/// What a step cannot do to the project, to other steps and to the machine; Programs/attack.py tries.
@Suite struct ProtectionStories {
  static let situations = [Situation.here, .ordinary]

  static let pipeline = """
    pipeline: x
    parameters: {project: "", cache: "", home: "", marker: "", port: 0}
    steps:
      alone:
        run: python3 -S {code} {project} {cache} {home} {marker} {port} > {out.answers}
        inputs: {code: attack.py}
        outputs: {answers: {path: answers.json, publish: alone.json}}
      connected:
        run: python3 -S {code} {project} {cache} {home} {marker} {port} > {out.answers}
        inputs: {code: attack.py}
        network: true
        outputs: {answers: {path: answers.json, publish: connected.json}}
    """

  // A folder that a private view does not replace, as /tmp and /dev are.
  private func sandbox() throws -> Sandbox {
    let sandbox = try Sandbox(
      [
        "pipelines/x/pipeline.yaml": Self.pipeline, "precious.txt": "precious\n", "empty/.keep": "",
        "pipelines/x/attack.py": try #require(Sandbox.text(of: "\(Sandbox.sources)/Programs/attack.py")),
      ], under: "/var/tmp")
    try #require(symlink("precious.txt", "\(sandbox.project)/link.txt") == 0)
    return sandbox
  }

  @Test(arguments: situations.filter(\.isPossible))
  func aStepCannotChangeAnythingButItsOutputs(_ situation: Situation) throws {
    let sandbox = try sandbox()
    let marker = "rung-marker-\(sandbox.folder.suffix(6))-\(getpid())"
    let tcp = try Listener.onLoopback()
    let others = try ["\0\(marker)", "\(sandbox.folder)/socket", "\(sandbox.project)/socket"].map(Listener.init(at:))
    let home = try #require(getpwuid(situation.isOrdinary ? Situation.user : getuid())?.pointee.pw_dir)
    let before = try state(sandbox)
    let run = try sandbox.run(
      "--set", "project=\(sandbox.project)", "--set", "cache=\(sandbox.project)/cache", "--set",
      "home=\(String(cString: home))", "--set", "marker=\(marker)", "--set", "port=\(tcp.port)", "--jobs", "2",
      in: situation)
    #expect(run.counts == Counts(ran: 2), "\(run.finished.testDescription)")
    #expect(try state(sandbox) == before)
    #expect(run.events("warning").contains { $0["message"]?.string?.contains("left processes behind") == true })
    #expect(try Self.processes(with: marker).isEmpty)
    withExtendedLifetime(others) {}

    let alone = try answers("alone", sandbox)
    for (name, answer) in alone {
      guard let answer = answer.string else { continue }
      #expect(answer != "done" && answer != "seen" && answer != "reached", "\(name): \(answer)")
    }
    // Where the kernel looks at the mount first, it is the view that refuses, not a permission.
    for name in ["relative", "absolute", "through a link", "rename", "unlink", "chmod", "truncate", "mkdir"] {
      #expect(alone[name] == "EROFS", "\(name)")
    }
    #expect(alone["own loopback"] == "hello")
    #expect(alone["strangers"] == [])
    #expect(alone["got in it"] == "")
    #expect(alone["home"] == [])
    #expect(alone["umask"] == "022")
    #expect(alone["descriptors"] == [0, 1, 2])
    #expect(
      alone["variables"]
        == ["TZ": "UTC", "LANG": "C.UTF-8", "SOURCE_DATE_EPOCH": "315532800", "USER": nil, "TMPDIR": "/tmp"])
    let devices = [
      "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
    ]
    #expect(alone["devices"] == .array(devices.map { .string($0) }))

    let connected = try answers("connected", sandbox)
    #expect(connected["tcp"] == "reached")
    #expect(connected["own loopback"] == "hello")
    #expect(connected["absolute"] == "EROFS")
    #expect(connected["strangers"] == [])
  }

  private func answers(_ step: String, _ sandbox: Sandbox) throws -> [String: JSON] {
    let text = try #require(sandbox.read("pipelines/x/\(step).json"))
    guard case .object(let members) = try JSON(parsing: text) else { return [:] }
    return Dictionary(members.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
  }

  // Every file of the project with all that can be told of it, but what a run writes.
  private func state(_ sandbox: Sandbox) throws -> String {
    try Sandbox.program(
      "/usr/bin/find",
      [
        sandbox.project, "(", "-path", "\(sandbox.project)/cache", "-o", "-name", "alone.json", "-o", "-name",
        "connected.json", "-o", "-path", "\(sandbox.project)/pipelines/x", "-o", "-path", sandbox.project, ")",
        "-prune",
        "-o", "-printf", "%p %m %s %T@ %l\n",
      ]
    ).output
  }

  /// The processes of the machine that have a text among their words.
  private static func processes(with marker: String) throws -> [String] {
    try Sandbox.program("/bin/ls", ["/proc"]).output.split(separator: "\n").map(String.init).filter { name in
      name.allSatisfy(\.isNumber) && (Sandbox.text(of: "/proc/\(name)/cmdline") ?? "").contains(marker)
    }
  }

  // MARK: steps among each other

  /// `spoil` tries all it can to change what it reads, while `reader` reads the same; `later` reads it afterwards. Each
  /// waits at named pipes until the test comes there: to read from one is all that every step may.
  static let sharing = """
    pipeline: x
    parameters: {at: ""}
    steps:
      make: {run: "echo original > {out.text}", outputs: {text: {path: text.txt, publish: made.txt}}}
      spoil:
        run: |
          echo other > other
          for file in {shared} {make.text} pipelines/x/free.txt "$(readlink -f pipelines/x/free.txt)"; do
            echo spoilt >> $file || true
            echo spoilt > $file || true
            case $file in *free.txt) ;; *) chmod 777 $file || true ;; esac
            sed -i s/original/spoilt/ $file || true
            rm -f $file || true
            mv other $file || true
          done
          for folder in . "$TMPDIR" "$HOME" /dev/shm; do echo x > $folder/trace-of-spoil || true; done
          read answer < {at}/spoilt; read answer < {at}/seen
          echo done > {out.done}
        inputs: {shared: shared.txt}
        outputs: {done: done.txt}
      reader:
        run: |
          read answer < {at}/start
          cat {shared} {make.text} pipelines/x/free.txt > {out.seen}
          ls -A . "$TMPDIR" "$HOME" /dev/shm | grep trace-of >> {out.seen} || true
          read answer < {at}/end
        inputs: {shared: shared.txt}
        outputs: {seen: {path: seen.txt, publish: seen.txt}}
      later:
        run: cat {shared} {make.text} pipelines/x/free.txt {spoil.done} > {out.seen}
        inputs: {shared: shared.txt}
        outputs: {seen: {path: seen.txt, publish: later.txt}}
    """

  static let unmounted = Situation(name: "no namespaces", refused: ["namespaces"])

  @Test(arguments: [Situation.here, .ordinary, unmounted].filter(\.isPossible))
  func whatOneStepDoesAnotherDoesNotSee(_ situation: Situation) throws {
    let sandbox = try Sandbox([
      "pipelines/x/pipeline.yaml": Self.sharing, "pipelines/x/shared.txt": "original\n",
      "pipelines/x/free.txt": "original\n", "at/.keep": "",
    ])
    // An overlay has pipes of its own: by the project's path a step finds the real ones.
    let at = "\(sandbox.project)/at"
    for name in ["spoilt", "seen", "start", "end"] { try #require(mkfifo("\(at)/\(name)", 0o600) == 0) }
    // Returns when the step has come there.
    func meet(_ name: String) throws {
      let met = try Running(
        "/bin/sh", ["-c", "echo go > \"$0\"", "\(at)/\(name)"], variables: [:], folder: "/", sandbox: sandbox)
      try #require(met.wait().code == 0)
    }
    let run = try sandbox.start(["run", "--json", "--jobs", "2", "--set", "at=\(at)"], in: situation)
    for name in ["spoilt", "start", "end", "seen"] { try meet(name) }
    let report = try RunReport(try run.wait())
    #expect(report.counts == Counts(ran: 4), "\(report.finished.testDescription)")
    let original = "original\noriginal\noriginal\n"
    // Without a view of its own a step shares /dev/shm with all others.
    let isPrivate = situation.name != Self.unmounted.name
    let seen = sandbox.read("pipelines/x/seen.txt")
    #expect(seen == original || (!isPrivate && seen == original + "trace-of-spoil\n"), "\(seen ?? "")")
    #expect(sandbox.read("pipelines/x/later.txt") == original + "done\n")
    #expect(sandbox.read("pipelines/x/free.txt") == "original\n")
    #expect(sandbox.read("pipelines/x/shared.txt") == "original\n")
    #expect(sandbox.read("pipelines/x/made.txt") == "original\n")
    #expect(try sandbox.rung("cache", "check", in: situation).code == 0)
    let again = try RunReport(try sandbox.start(["run", "--json", "--set", "at=\(at)"], in: situation).wait())
    #expect(again.counts == Counts(unchanged: 4))
    unlink("/dev/shm/trace-of-spoil")
  }

  @Test(arguments: [Situation.here, .ordinary, unmounted].filter(\.isPossible))
  func nothingOfAStepOutlivesAKilledRung(_ situation: Situation) throws {
    let sandbox = try Sandbox(
      [
        "pipelines/x/pipeline.yaml": """
        pipeline: x
        parameters: {pipe: ""}
        steps:
          stay:
            run: |
              exec 3> {pipe}
              python3 -S {code} &
              sleep 1000
            inputs: {code: leave.py}
            outputs: {a: a.txt}
        """,
        // It has nothing to do any more with the process that started it, but for the pipe.
        "pipelines/x/leave.py": """
        import os, signal
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]: signal.signal(number, signal.SIG_IGN)
                os.write(3, b"here\\n")
                signal.pause()
            os._exit(0)

        """,
      ], under: "/var/tmp")
    // A step may write to a pipe in the project where that is read-only, but not where Landlock guards it.
    let isPrivate = situation.name != Self.unmounted.name
    let pipe = try Mark(reading: isPrivate ? "\(sandbox.project)/pipe" : "/dev/shm/rung-pipe-\(getpid())")
    defer { unlink(pipe.path) }
    let run = try sandbox.start(["run", "--json", "--set", "pipe=\(pipe.path)"], in: situation)
    #expect(try pipe.line() == "here")
    run.signal(SIGKILL)
    // It ends when the last process that can write to it has ended.
    try pipe.end()
    #expect(try run.wait().code == 128 + SIGKILL)
  }

  @Test func aStepIsGivenNothingOfWhoeverStartsRung() throws {
    let sandbox = try Sandbox([
      "rung.yaml": "gpus: [0, 1]\n",
      "pipelines/x/pipeline.yaml": """
      pipeline: x
      steps:
        see:
          run: |
            umask > {out.a}; ls /proc/self/fd | wc -l >> {out.a}; ls -A "$HOME" >> {out.a}; date >> {out.a}
            echo "$LANG $TZ $SOURCE_DATE_EPOCH" >> {out.a}; ls /dev | grep nvidia >> {out.a} || echo none >> {out.a}
          outputs: {a: {path: a.txt, publish: see.txt}}
        compute:
          run: echo "$CUDA_VISIBLE_DEVICES" > {out.a}; test -c /dev/null; cat shared.txt >> {out.a}
          resources: {gpus: 1}
          outputs: {a: {path: a.txt, publish: compute.txt}}
      """, "shared.txt": "shared\n",
    ])
    let script = "umask 077; exec 7< /etc/passwd 8> \"$HOME/file\"; exec \"$0\" run -C \"$1\""
    let variables = ["TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8", "SOURCE_DATE_EPOCH": "1", "UMASK": "077"]
    let run = try Running(
      "/bin/sh", ["-c", script, Sandbox.binary, sandbox.project], variables: sandbox.variables(variables), folder: "/",
      sandbox: sandbox
    ).wait()
    #expect(run.code == 0, "\(run.testDescription)")
    let lines = try #require(sandbox.read("pipelines/x/see.txt")).split(separator: "\n")
    #expect(lines.count == 5)
    // The fourth descriptor is the one with which `ls` reads the folder.
    #expect(lines.first == "0022" && lines.dropFirst().first == "4")
    #expect(lines.dropFirst(2).first?.contains("UTC") == true)
    #expect(lines.suffix(2) == ["C.UTF-8 UTC 315532800", "none"])
    #expect(sandbox.read("pipelines/x/compute.txt")?.hasSuffix("\nshared\n") == true)
  }
}
