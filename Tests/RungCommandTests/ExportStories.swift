import Glibc
import RungCore
import Testing

/// What made a file, told to people who have no Rung, and checked.
@Suite struct ExportStories {
  static let figure = DoubleDescentStories.figure

  @Test func aStatementIsSignedAndChecked() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    let bare = try sandbox.rung("export", Self.figure, "--format", "in-toto")
    #expect(bare.code == 0 && bare.errors.contains("not signed: there is no key"))
    #expect(try JSON(parsing: bare.output)["_type"] == "https://in-toto.io/Statement/v1")

    #expect(try sandbox.rung("key", "new").code == 0)
    #expect(try sandbox.rung("key", "new").code == 2)
    let show = try sandbox.rung("key", "show")
    #expect(show.output.hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
    try sandbox.write(show.output, to: "public.pem")

    #expect(try sandbox.rung("export", Self.figure, "--format", "in-toto", "-o", "figure.intoto.json").code == 0)
    let checked = try sandbox.rung("export", "--check", "figure.intoto.json")
    #expect(checked.code == 0 && checked.output.contains("the 23 records behind it"), "\(checked.testDescription)")
    #expect(try sandbox.rung("export", "--check", "figure.intoto.json", "--public", "public.pem").code == 0)
    let again = try sandbox.rung("export", Self.figure, "--format", "in-toto")
    #expect(again.output == sandbox.read("figure.intoto.json") && again.errors.isEmpty)

    // Another's key; another's statement; a record that was changed.
    #expect(try sandbox.rung("key", "new", "--name", "other").code == 0)
    let other = try sandbox.rung("export", "--check", "figure.intoto.json", "--public", "other")
    #expect(other.code == 1 && other.errors.contains("a key that is not known here"))
    let text = try #require(sandbox.read("figure.intoto.json"))
    try sandbox.write(text.replacing("\"payload\":\"e", with: "\"payload\":\"f"), to: "changed.json")
    #expect(try sandbox.rung("export", "--check", "changed.json").code == 1)
    let sound = try sandbox.rung("export", "--check", "figure.intoto.json", "--json")
    #expect(try JSON(parsing: sound.output)["sound"] == true)
    try damageRecords(sandbox)
    let damaged = try sandbox.rung("export", "--check", "figure.intoto.json", "--json")
    #expect(damaged.code == 1)
    #expect(try JSON(parsing: damaged.output)["problems"]?.array?.isEmpty == false)
  }

  // Changes the last stored byte of each pack of records.
  private func damageRecords(_ sandbox: Sandbox) throws {
    let packs = try sandbox.names("cache/packs").filter { $0.hasSuffix(".records") }
    try #require(!packs.isEmpty)
    for pack in packs {
      let file = try #require(fopen("\(sandbox.project)/cache/packs/\(pack)", "r+"))
      defer { fclose(file) }
      fseek(file, -1, SEEK_END)
      let byte = fgetc(file)
      fseek(file, -1, SEEK_END)
      fputc(byte ^ 0xFF, file)
    }
  }

  @Test func aCrateIsWrittenIntoAnEmptyFolderOnly() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run()
    func crate(_ folder: String, _ more: String...) throws -> Finished {
      try sandbox.start(["export", Self.figure, "--format", "ro-crate", "-o", folder] + more).wait()
    }
    let written = try crate("crate")
    #expect(written.code == 0, "\(written.testDescription)")
    #expect(sandbox.exists("crate/ro-crate-metadata.json"))
    #expect(
      sandbox.read("crate/project/pipelines/double-descent/fit.py") == sandbox.read("pipelines/double-descent/fit.py"))
    let before = try sandbox.files("crate")
    let refused = try crate("crate")
    #expect(refused.code == 2 && refused.errors.contains("not empty"))
    #expect(try sandbox.files("crate") == before)

    mkdir("\(sandbox.project)/empty", 0o755)
    #expect(try crate("empty", "--with-intermediates").code == 0)
    #expect(try sandbox.files("empty").count > before.count)
    #expect(try crate("nowhere/crate").code == 2)
    #expect(try crate(Self.figure).code == 2)
    symlink("empty", "\(sandbox.project)/link")
    #expect(try crate("link").code == 2)

    // The same bytes wherever and whenever it is written.
    #expect(try crate("again").code == 0)
    let same = try Sandbox.program("/usr/bin/diff", ["-r", "\(sandbox.project)/crate", "\(sandbox.project)/again"])
    #expect(same.code == 0, "\(same.testDescription)")
  }

  @Test func whatIsAskedWronglyIsRefused() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run("theory")
    try sandbox.write("drawn by hand", to: "hand.svg")
    for words in [
      ["export", "hand.svg", "--format", "prov"], ["export", "nowhere.svg", "--format", "prov"],
      ["export", "theory"], ["export", "theory", "--format", "ro-crate"], ["export", "theory", "--format", "xml"],
      ["export", "--check", "hand.svg"], ["export", "--check", "nowhere.json"], ["export", "--check", "."],
      ["export", "theory", "--format", "in-toto", "--key", "nobody"],
      ["export", "theory", "--format", "prov", "-o", "hand.svg"], ["key", "show"], ["key", "new", "--name", "../x"],
    ] {
      let refused = try sandbox.start(words).wait()
      #expect(refused.code == 2 && !refused.errors.isEmpty, "\(words): \(refused.testDescription)")
    }
    #expect(sandbox.read("hand.svg") == "drawn by hand")
  }

  @Test func aKeyThatOthersCanReadIsNotUsed() throws {
    let sandbox = try Sandbox(copying: "double-descent")
    try sandbox.run("theory")
    for name in ["one", "two"] { #expect(try sandbox.rung("key", "new", "--name", name).code == 0) }
    let unclear = try sandbox.rung("export", "theory", "--format", "in-toto")
    #expect(unclear.code == 2 && unclear.errors.contains("--key one"))
    #expect(try sandbox.rung("export", "theory", "--format", "in-toto", "--key", "two").code == 0)
    let unsigned = try sandbox.rung("export", "theory", "--format", "in-toto", "--unsigned")
    #expect(unsigned.code == 0 && unsigned.errors.isEmpty)
    chmod("\(sandbox.folder)/home/.config/rung/keys/two.key", 0o644)
    let refused = try sandbox.rung("export", "theory", "--format", "in-toto", "--key", "two")
    #expect(refused.code == 2 && refused.errors.contains("chmod 600"))
  }

  @Test func secretsStaySecret() throws {
    let sandbox = try Sandbox([
      "pipelines/p/pipeline.yaml": """
      pipeline: p
      steps:
        ask: {run: "echo $PLAIN > {out.a}", env: {PLAIN: seen}, secrets: [TOKEN], outputs: {a: a.txt}}
      """
    ])
    let secret = ["TOKEN": "hunter2"]
    #expect(try sandbox.run(with: secret).counts == Counts(ran: 1))
    #expect(try sandbox.rung("export", "p/ask", "--format", "ro-crate", "-o", "crate", with: secret).code == 0)
    var texts = try sandbox.files("crate").compactMap(sandbox.read)
    for format in ["prov", "in-toto"] {
      let said = try sandbox.rung("export", "p/ask", "--format", format, with: secret)
      #expect(said.code == 0)
      texts.append(said.output)
    }
    #expect(texts.filter { $0.contains("seen") }.count >= 3)
    #expect(!texts.contains { $0.contains("hunter2") })
  }
}

/// What is exported, before validators that others wrote. They come from a package index: only with
/// `RUNG_TEST_ENVIRONMENT=1`.
@Suite(.enabled(if: getenv("RUNG_TEST_ENVIRONMENT").map { String(cString: $0) } == "1"))
struct ExportValidatorStories {
  private static let script = Sandbox.sources.replacing("/Tests/RungCommandTests", with: "/scripts/validate-exports")

  // Exports what made a file in every format and lets them be looked at.
  private func validate(_ sandbox: Sandbox, _ file: String) throws -> Finished {
    #expect(try sandbox.rung("key", "new").code == 0)
    let documents = ["crate": "ro-crate", "prov.json": "prov", "signed.json": "in-toto"]
    for (path, format) in documents {
      let written = try sandbox.rung("export", file, "--format", format, "-o", path)
      try #require(written.code == 0, "\(written.testDescription)")
    }
    #expect(try sandbox.rung("export", file, "--format", "in-toto", "--unsigned", "-o", "bare.json").code == 0)
    #expect(try sandbox.rung("export", "--check", "signed.json").code == 0)
    try sandbox.write(try sandbox.rung("key", "show").output, to: "key.pem")
    return try look(sandbox, ["crate", "prov.json", "signed.json", "bare.json"])
  }

  private func look(_ sandbox: Sandbox, _ paths: [String]) throws -> Finished {
    let variables = ExperimentStories.network.merging(["PATH": "/usr/bin:/bin", "HOME": "\(sandbox.folder)/home"]) {
      $1
    }
    return try Running(
      Self.script, ["--public", "key.pem"] + paths, variables: variables, folder: sandbox.project, sandbox: sandbox
    ).wait(patience: 900)
  }

  @Test func exportsAreValid() throws {
    // One test, so that the validators are installed once.
    let experiment = try ExperimentStories().copy()
    let report = try experiment.run("--profile", "smoke", with: ExperimentStories.network)
    try #require(report.finished.code == 0, "\(report.finished.testDescription)")
    let valid = try validate(experiment, ExperimentStories.figures[1])
    #expect(valid.code == 0 && valid.output.split(separator: "\n").count == 4, "\(valid.testDescription)")

    // They do find what is wrong.
    let text = try #require(experiment.read("signed.json"))
    try experiment.write(text.replacing("\"payload\":\"ey", with: "\"payload\":\"eX"), to: "signed.json")
    try experiment.remove("crate/project/pipelines/double-descent/fit.py")
    try experiment.edit("bare.json", "\"buildType\":", "\"built\":")
    let prov = try #require(experiment.read("prov.json"))
    try experiment.write(prov.replacing("prov:startTime", with: "prov:beginning"), to: "prov.json")
    let broken = try look(experiment, ["crate", "signed.json", "bare.json", "prov.json"])
    #expect(broken.code == 1 && broken.errors.split(separator: "\n").count == 4, "\(broken.testDescription)")

    let sweep = try Sandbox([
      "pipelines/sweep/pipeline.yaml": """
      pipeline: sweep
      parameters: {scale: 3}
      axes: {k: 1..2000}
      steps:
        point:
          over: [k]
          run: "printf '{\\"k\\":%d,\\"y\\":%d}' {k} {scale} > {out.metrics}"
          outputs: {metrics: metrics.json}
        figure:
          run: cat {head} {point.metrics} > {out.table}
          inputs: {head: head.txt}
          outputs: {table: {path: table.csv, publish: table.csv}}
      """, "pipelines/sweep/head.txt": "all points\n",
    ])
    #expect(try sweep.run().counts == Counts(ran: 2001))
    let large = try validate(sweep, "pipelines/sweep/table.csv")
    #expect(large.code == 0 && large.output.split(separator: "\n").count == 4, "\(large.testDescription)")
  }
}
