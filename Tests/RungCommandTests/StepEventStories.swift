import Glibc
import RungCore
import Testing

/// Steps that tell of themselves while they run: `RUNG_EVENTS`.
@Suite struct StepEventStories {
  static let pipeline = """
    pipeline: x
    steps:
      fit:
        run: sh {code} > {out.fit}
        inputs: {code: fit.sh}
        outputs: {fit: fit.txt}

    """
  let sandbox: Sandbox

  init() throws {
    sandbox = try Sandbox(["pipelines/x/pipeline.yaml": Self.pipeline, "pipelines/x/fit.sh": "echo fitted\n"])
  }

  private func events() throws -> String? {
    guard let digest = try sandbox.json(["show", "fit", "--json"])["events"]?.string else { return nil }
    return try sandbox.rung("cache", "cat", digest).output
  }

  private func write(_ script: String) throws { try sandbox.write(script + "echo fitted\n", to: "pipelines/x/fit.sh") }

  @Test func whatItSaysIsKeptInTheRecord() throws {
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(try events() == nil)
    try write(
      """
      cd /
      for i in 1 2 3; do echo '{"progress": 0.'$i', "step": '$i', "loss": 0.5}' >> "$RUNG_EVENTS"; done

      """)
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(
      try events() == """
        {"progress": 0.1, "step": 1, "loss": 0.5}
        {"progress": 0.2, "step": 2, "loss": 0.5}
        {"progress": 0.3, "step": 3, "loss": 0.5}

        """)
    // It is part of what happened, not of what the step depends on or makes.
    #expect(try sandbox.run().counts == Counts(unchanged: 1))
    #expect(try sandbox.rung("gc", "--older-than", "0").code == 0)
    #expect(try events()?.hasPrefix("{\"progress\": 0.1") == true)
  }

  @Test func ofAFailureToo() throws {
    try write("echo '{\"loss\": NaN}' >> \"$RUNG_EVENTS\"\nexit 4\n")
    #expect(try sandbox.run().counts == Counts(failed: 1))
    #expect(try events() == "{\"loss\": NaN}\n")
  }

  @Test func whatIsNoEventIsLeftOutAndSaid() throws {
    try write("printf 'hello\\n{\"a\": 1}\\n[2]\\n{\"b\"' >> \"$RUNG_EVENTS\"\n")
    let run = try sandbox.run()
    #expect(run.counts == Counts(ran: 1))
    #expect(
      run.events("warning").compactMap { $0["message"]?.string } == [
        "3 lines that x/fit wrote to RUNG_EVENTS are left out: a line is a JSON object such as {\"step\": 100, \"loss\": 0.31}"
      ])
    #expect(try events() == "{\"a\": 1}\n")
  }

  /// The file is the step's own: whatever lies there, Rung reads no other file and waits for nobody.
  @Test(arguments: [
    "ln -s /etc/passwd \"$RUNG_EVENTS\"", "mkfifo \"$RUNG_EVENTS\"", "mkdir \"$RUNG_EVENTS\"",
    "ln -s /dev/zero \"$RUNG_EVENTS\"",
  ]) func anotherKindOfFileIsNotRead(command: String) throws {
    try write(command + "\n")
    #expect(try sandbox.run().counts == Counts(ran: 1))
    #expect(try events() == nil)
  }
}
