import Glibc
import RungCore
import RungFormats
import RungSign
import Testing

/// Two machines, each with a home, a project and a cache of its own, that share a folder as remote cache.
@Suite struct RemoteStories {
  static let pipeline = """
    pipeline: p
    axes: {n: [1, 2, 3]}
    steps:
      make:
        over: [n]
        run: 'sh {code} {n} > {out.t}'
        inputs: {code: make.sh}
        outputs: {t: t.txt}
      sum:
        run: 'cat {make.t:files}/*/* > {out.s}'
        outputs: {s: {path: s.txt, publish: sum.txt}}
      folder:
        run: 'mkdir -p {out.d}/x; cp {sum.s} {out.d}/x/a; echo b > {out.d}/b'
        outputs: {d: {path: d, directory: true, publish: results}}
    """

  let here: Sandbox
  let there: Sandbox
  let lab: String

  init() throws {
    here = try Self.machine()
    there = try Self.machine()
    lab = "\(here.folder)/lab"
    mkdir(lab, 0o755)
    for machine in [here, there] { try machine.write("remote: {url: \"\(lab)\", name: lab}\n", to: "rung.yaml") }
  }

  private static func machine() throws -> Sandbox {
    try Sandbox([
      "pipelines/p/pipeline.yaml": pipeline,
      "pipelines/p/make.sh": "echo number $1\ncat pipelines/p/seen.txt 2>/dev/null || true\n",
      "pipelines/p/seen.txt": "seen\n",
    ])
  }

  private func newKey(_ machine: Sandbox) throws -> String {
    #expect(try machine.rung("key", "new").code == 0)
    let keys = try machine.json(["key", "list", "--json"])["keys"]?.array
    return try #require(keys?.first?["id"]?.string)
  }

  // The other machine belongs to the same person.
  private func copyKeys() throws {
    mkdir("\(there.folder)/home/.config", 0o755)
    let copied = try Sandbox.program(
      "/bin/cp", ["-Rp", "\(here.folder)/home/.config/rung", "\(there.folder)/home/.config/"])
    try #require(copied.code == 0)
  }

  private func fetched(_ report: RunReport) -> Int { report.events("fetched").count }
  private func warnings(_ report: RunReport) -> [String] {
    report.events("warning").compactMap { $0["message"]?.string }
  }

  // The files below a folder of the remote, with their digests' digits.
  private func names(_ folder: String) throws -> [String] {
    try Sandbox.program("/usr/bin/find", ["\(lab)/\(folder)", "-type", "f"]).output.split(separator: "\n")
      .map(String.init).sorted()
  }

  private func rewrite(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
    let file = try #require(fopen(path, "re"))
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    fclose(file)
    change(&bytes)
    chmod(path, 0o644)
    let out = try #require(fopen(path, "we"))
    defer { fclose(out) }
    fwrite(bytes, 1, bytes.count, out)
  }

  // The place of an output's object at the remote.
  private func place(of machine: Sandbox, _ instance: String, _ output: String) throws -> (digest: Digest, path: String)
  {
    let shown = try machine.json(["show", instance, "--json"])
    let outputs = try #require(shown["outputs"]?.array ?? shown["record"]?["outputs"]?.array)
    let digest = try #require(outputs.first { $0["name"]?.string == output }?["digest"]?.digest)
    return (digest, "\(lab)/cas/\(digest.hex.prefix(2))/\(digest.hex)")
  }

  @Test func theSecondMachineRunsNothingAndTracesToTheSources() throws {
    _ = try newKey(here)
    try copyKeys()
    let first = try here.run()
    #expect(first.counts == Counts(ran: 5) && warnings(first).isEmpty, "\(first.finished.testDescription)")
    let second = try there.run()
    #expect(second.counts == Counts(unchanged: 5, restored: 2), "\(second.finished.testDescription)")
    #expect(fetched(second) == 5 && second.events.last?["fetched"]?.int == 5)
    #expect(warnings(second).isEmpty)
    for path in ["pipelines/p/sum.txt", "pipelines/p/results/b", "pipelines/p/results/x/a"] {
      #expect(there.read(path) == here.read(path) && there.read(path) != nil, "\(path)")
    }
    let trace = try there.rung("trace", "pipelines/p/sum.txt")
    #expect(trace.code == 0 && trace.output.contains("pipelines/p/make.sh"), "\(trace.testDescription)")
    #expect(trace.output.contains("p/make × 3") && !trace.output.contains("missing"))
    // What was read without being declared came along, too.
    #expect(try there.rung("cache", "cat", Digest(ofText: "seen\n").hex).output == "seen\n")
    #expect(try there.rung("verify", "p/sum").code == 0)
    #expect(try there.rung("cache", "check").code == 0)
    // Nobody asks a remote when there is nothing to do.
    try #require(rename(lab, "\(lab).away") == 0)
    #expect(try there.run().counts == Counts(unchanged: 5))
    let quiet = try there.rung("run")
    #expect(quiet.errors.hasPrefix("nothing to do: 5 up to date") && !quiet.errors.contains("warning"))
  }

  @Test func onlyTheMiddleIsMissing() throws {
    _ = try newKey(here)
    try copyKeys()
    try here.run()
    let key = try #require(try here.json(["show", "p/sum", "--json"])["key"]?.digest)
    try #require(unlink("\(lab)/ac/\(key.hex.prefix(2))/\(key.hex)") == 0)
    let second = try there.run()
    #expect(second.counts == Counts(ran: 1, unchanged: 4, restored: 1), "\(second.finished.testDescription)")
    #expect(second.steps == ["sum": 1] && fetched(second) == 4)
  }

  // The key is the same, but a file that only the watch knows of is not.
  @Test func observedFilesThatDifferAreNoHit() throws {
    _ = try newKey(here)
    try copyKeys()
    let doctor = try here.rung("doctor", "--json").output
    try here.run()
    try there.write("other\n", to: "pipelines/p/seen.txt")
    let second = try there.run()
    guard try JSON(parsing: doctor)["level"]?.string == "traced" else {
      #expect(fetched(second) == 5)
      return
    }
    #expect(second.counts == Counts(ran: 5) && fetched(second) == 0, "\(second.finished.testDescription)")
    #expect(there.read("pipelines/p/sum.txt")?.contains("other") == true)
    // Both results are there now, each for those to whom it belongs.
    let third = try Self.machine()
    try third.write("remote: \"\(lab)\"\n", to: "rung.yaml")
    let home = ["HOME": "\(here.folder)/home"]
    #expect(fetched(try third.run(with: home)) == 5)
    #expect(third.read("pipelines/p/sum.txt")?.contains("seen") == true)
  }

  @Test func pushPullAndSync() throws {
    try here.write("jobs: 2\n", to: "rung.yaml")
    try here.run()
    let refused = try here.rung("cache", "push")
    #expect(refused.code == 2)
    #expect(
      refused.errors == """
        error: there is no remote cache
          name one in rung.yaml, such as `remote: /mnt/lab/rung`, in RUNG_REMOTE, or with --remote

        """)
    let keyless = try here.rung("cache", "push", "--remote", lab)
    #expect(keyless.code == 2)
    #expect(
      keyless.errors == """
        error: results cannot be given to others without a key to sign them with
          `rung key new` makes one

        """)
    _ = try newKey(here)
    try copyKeys()
    #expect(try here.rung("cache", "push", "--dry-run", "--remote", lab).output.contains("5 to give"))
    #expect(try names("").isEmpty)
    let pushed = try here.json(["cache", "push", "--json", "--remote", lab])["remotes"]?.array?.first
    #expect(pushed?["pushed"]?.array?.count == 5 && pushed?["known"]?.int == 0 && pushed?["problem"] == JSON.null)
    let again = try here.rung("cache", "push", with: ["RUNG_REMOTE": lab])
    #expect(again.code == 0 && again.output == "\(lab): 0 given, 5 there already; 0 objects, 0 B sent\n")

    #expect(
      try there.rung("cache", "pull", "-n").output == "3 could be taken, 0 there already, 2 that depend on them\n")
    let pulled = try there.rung("cache", "pull")
    #expect(pulled.code == 0 && pulled.output == "5 taken, 0 there already\n", "\(pulled.testDescription)")
    let run = try there.run("--no-remote")
    #expect(run.counts == Counts(unchanged: 5, restored: 2), "\(run.finished.testDescription)")
    #expect(try there.rung("why", "p/make[n=1]").output.contains("its result was fetched from a remote"))

    // Something new on each side.
    try there.write("echo new number $1\n", to: "pipelines/p/make.sh")
    let nothing = try there.rung("cache", "pull")
    #expect(nothing.code == 1)
    #expect(
      nothing.output == """
        not found  p/make[n=1]
        not found  p/make[n=2]
        not found  p/make[n=3]
        0 taken, 0 there already, 3 not found, 2 that depend on them

        """)
    #expect(try there.run("--no-remote").counts.ran == 5)
    let given = try there.rung("cache", "sync")
    #expect(given.code == 0 && given.output.contains("lab: 5 given, 0 there already; "), "\(given.testDescription)")
    try here.write("echo new number $1\n", to: "pipelines/p/make.sh")
    let synced = try here.json(["cache", "sync", "--json", "--remote", lab])
    #expect(synced["pull"]?["fetched"]?.array?.count == 5, "\(synced.compact)")
    #expect(synced["push"]?.array?.first?["known"]?.int == 5, "\(synced.compact)")
    #expect(try here.run().counts == Counts(unchanged: 5, restored: 2))
    #expect(try here.rung("cache", "push", "--remote", "nowhere").errors.contains("no remote is called 'nowhere'"))
  }

  @Test func lostBytesAreFetched() throws {
    _ = try newKey(here)
    try here.run()
    let (digest, _) = try place(of: here, "p/sum", "s")
    try here.damage(digest)
    try here.remove("pipelines/p/sum.txt")
    let report = try here.run()
    #expect(report.counts.ran == 0 && here.exists("pipelines/p/sum.txt"), "\(report.finished.testDescription)")
    #expect(try here.rung("cache", "check").code == 0)
  }

  // MARK: what may be wrong at the remote

  @Test func damageAndGapsAreToldAndMadeGood() throws {
    _ = try newKey(here)
    try copyKeys()
    try here.run()
    let (digest, path) = try place(of: here, "p/sum", "s")
    try rewrite(path) { $0[0] ^= 1 }
    let damaged = try there.run()
    #expect(damaged.steps == ["sum": 1] && fetched(damaged) == 4, "\(damaged.finished.testDescription)")
    #expect(
      warnings(damaged) == [
        "the result of p/sum at the remote lab is damaged: object \(digest.short) has other bytes than its name says. It is not used"
      ])
    #expect(there.read("pipelines/p/sum.txt") == here.read("pipelines/p/sum.txt"))
    #expect(try there.rung("cache", "check").code == 0)

    let third = try Self.machine()
    try third.write("remote: {url: \"\(lab)\", name: lab}\n", to: "rung.yaml")
    unlink(path)
    let incomplete = try third.run(with: ["HOME": "\(here.folder)/home"])
    #expect(incomplete.steps == ["sum": 1] && fetched(incomplete) == 4)
    #expect(
      warnings(incomplete) == [
        "the result of p/sum at the remote lab is not whole: object \(digest.short) is missing there. It is not used"
      ])
  }

  @Test func strangersMustBeTrustedByName() throws {
    let id = try newKey(here)
    try here.run()
    let second = try there.run()
    #expect(second.counts == Counts(ran: 5) && fetched(second) == 0)
    let told = warnings(second)
    #expect(told.count == 2, "\(told)")
    #expect(told.contains { $0.contains("is signed by") && $0.hasSuffix("add to rung.yaml:\n  trust: [\"\(id)\"]") })
    #expect(told.contains { $0.contains("there is no key to sign them with; `rung key new` makes one") })
    let pulled = try there.rung("cache", "pull", "--json")
    #expect(try JSON(parsing: pulled.output)["fetched"]?.array?.isEmpty == true)

    let third = try Self.machine()
    try third.write("remote: {url: \"\(lab)\", name: lab}\ntrust: [\"\(id)\"]\n", to: "rung.yaml")
    let trusting = try third.run()
    #expect(fetched(trusting) == 5 && warnings(trusting).isEmpty, "\(trusting.finished.testDescription)")
    // What one does not trust changes nothing.
    try third.write("remote: {url: \"\(lab)\", name: lab}\n", to: "rung.yaml")
    let fourth = try Self.machine()
    try fourth.write("remote: {url: \"\(lab)\", name: lab}\n", to: "rung.yaml")
    let refused = try fourth.rung("cache", "pull")
    #expect(refused.code == 1 && refused.errors.contains(id) && refused.output.contains("0 taken"))
    #expect(try fourth.json(["cache", "stat", "--json"])["actions"]?.int == 0)
  }

  @Test func forgedResultsAreNotUsed() throws {
    _ = try newKey(here)
    try copyKeys()
    try here.run()
    let key = try #require(try here.json(["show", "p/sum", "--json"])["key"]?.digest)
    let listing = "\(lab)/ac/\(key.hex.prefix(2))/\(key.hex)"
    var original: [UInt8] = []
    try rewrite(listing) { original = $0 }
    let result = try #require(ActionResult(bytes: original))
    let record = try #require(result.files.first { $0.path == "0/record/0" })

    // Eva signs the same, and puts the right key into it.
    let eva = try #require(SecretKey.random())
    let forged = ResultSignature(key: key, record: record.digest, by: "ana@north", with: eva)
    let signature = try #require(result.files.first { $0.path == "0/signature/0" })
    let signed = try #require(Sandbox.text(of: object(signature.digest)))
    let genuine = try #require(ResultSignature(bytes: Array(signed.utf8)))
    let words = try JSON(parsing: genuine.bytes)["public_key"]?.string ?? ""
    let evas = try JSON(parsing: forged.bytes)["public_key"]?.string ?? ""
    let exchanged = Array(String(decoding: forged.bytes, as: UTF8.self).replacing(evas, with: words).utf8)
    let digest = Digest(of: exchanged)
    mkdir("\(lab)/cas/\(digest.hex.prefix(2))", 0o755)
    let file = try #require(fopen(object(digest), "we"))
    fwrite(exchanged, 1, exchanged.count, file)
    fclose(file)
    var other = result
    other.files.removeAll { $0.path.contains("signature") }
    other.files.append(.init(path: "0/signature/0", digest: digest, size: Int64(exchanged.count)))
    try rewrite(listing) { $0 = other.bytes }

    let second = try there.run()
    #expect(second.steps == ["sum": 1] && fetched(second) == 4, "\(second.finished.testDescription)")
    #expect(
      warnings(second) == [
        "the result of p/sum at the remote lab has a signature that does not fit: it was changed after it was signed. It is not used"
      ])
    try rewrite(listing) { $0 = Array("<html>not found</html>".utf8) }
    let third = try Self.machine()
    try third.write("remote: {url: \"\(lab)\", name: lab}\n", to: "rung.yaml")
    let garbled = try third.run("sum", with: ["HOME": "\(here.folder)/home"])
    #expect(
      warnings(garbled) == ["what the remote lab has for p/sum is not a result of Rung; it is not used"],
      "\(garbled.finished.testDescription)")
  }

  private func object(_ digest: Digest) -> String { "\(lab)/cas/\(digest.hex.prefix(2))/\(digest.hex)" }

  @Test func aRemoteThatIsGoneOrCannotBeWrittenToFailsNothing() throws {
    _ = try newKey(here)
    try #require(rename(lab, "\(lab).away") == 0)
    let gone = try here.run()
    #expect(gone.counts == Counts(ran: 5) && gone.finished.code == 0)
    #expect(
      warnings(gone) == [
        "the folder \(lab) of the remote cache is not there: is it mounted? A new one is made with `mkdir`. The run goes on without it"
      ])
    let push = try here.rung("cache", "push")
    #expect(push.code == 3)
    #expect(
      push.errors == """
        error: the folder \(lab) of the remote cache is not there: is it mounted? A new one is made with `mkdir`
          5 results are not given yet; the same command goes on from here

        """)
    let doctor = try here.rung("doctor")
    #expect(doctor.output.contains("no   remote cache lab: the folder \(lab) of the remote cache is not there"))
    // A file is in the way of what is to be written: that holds for root, too.
    try #require(rename("\(lab).away", lab) == 0)
    let blocked = try #require(fopen("\(lab)/cas", "we"))
    fclose(blocked)
    let full = try here.run("--force")
    #expect(full.counts.ran == 5 && full.finished.code == 0)
    #expect(warnings(full).count == 1 && warnings(full)[0].contains("Results are not given to it in this run"))
    #expect(try here.rung("doctor").output.contains("yes  remote cache lab: it answers"))
  }

  // What lets one in at a remote is for nobody else.
  @Test func credentialsStayWithTheirOwner() throws {
    _ = try newKey(here)
    let own = ["RUNG_REMOTE_USER": "ana", "RUNG_REMOTE_PASSWORD": "pass-4711", "RUNG_REMOTE_TOKEN": "token-4711"]
    let run = try here.run(with: own)
    #expect(run.counts.ran == 5)
    let push = try here.rung("cache", "push", with: own)
    #expect(!run.finished.output.contains("4711") && !push.output.contains("4711"))
    for folder in ["\(here.project)/cache", lab] {
      let found = try Sandbox.program("/bin/grep", ["-r", "-l", "4711", folder])
      #expect(found.code == 1, "\(found.output)")
    }
    // Objects are compressed: what a record says is asked for.
    for instance in ["p/sum", "p/make[n=1]"] {
      let shown = try here.rung("show", instance, "--json")
      #expect(shown.code == 0 && !shown.output.contains("4711"))
    }
    let refused = try here.rung("run", with: ["RUNG_REMOTE": "https://ana:pass-4711@example.org/"])
    #expect(!refused.errors.contains("4711"), "\(refused.errors)")
  }
}
