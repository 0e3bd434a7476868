import RungCore
import Testing

@testable import RungLedger

@Suite struct RecordTests {
  func record(edit: (inout Record) -> Void = { _ in }) -> Record {
    var record = Record(
      instance: "demo/fit[width=20]", pipeline: "demo", step: "fit", kind: "train",
      axes: [.init("width", .string("20"))], key: Digest(ofText: "key"),
      fields: [.init(kind: "command", name: "", value: "fit", digest: nil)], outcome: .succeeded, exitCode: 0,
      signal: nil, problem: nil, command: ["fit"], parameters: [.init("noise", .number("0.10"))],
      inputs: [
        .init(name: "code", path: "fit.py", kind: "file", digest: .empty, source: .project(path: "demo/fit.py"))
      ],
      outputs: [.init(name: "out", path: "out.json", kind: "file", digest: .empty, size: 0)], environment: nil,
      program: nil, variables: [], watch: "traced", network: false, run: "r", host: "atlas", started: 1, duration: 2,
      cpu: 3, peakMemory: 4, attempts: 1, commit: nil, dirty: nil, log: nil, version: "0.2.0")
    edit(&record)
    return record
  }

  @Test func withoutWordOfItNothingWasObserved() {
    let record = record()
    #expect(record.view == "none" && record.trace == "off" && record.traceProblems == [])
    #expect(record.observed == Observed())
    #expect(record.json["observed"] == ["project": nil, "system": nil])
    #expect(Record(bytes: record.bytes) == record)
  }

  @Test(arguments: 0..<50)
  func anyRecordComesBack(seed: UInt64) {
    var dice = Dice(state: seed)
    func one<T>(_ items: [T]) -> T { items[Int.random(in: 0..<items.count, using: &dice)] }
    let record = record {
      $0.outcome = one([.succeeded, .failed, .timedOut, .interrupted, .changed])
      $0.watch = one(["declared", "traced", "strict"])
      $0.view = one(["private", "landlock", "none", "a later word"])
      $0.trace = one(["complete", "incomplete", "off"])
      $0.traceProblems = one([[], ["one"], ["a\nb", "\u{1b}[31m", "é"]])
      $0.observed.project = one([nil, .empty, Digest(ofText: "p")])
      $0.observed.system = one([nil, .empty, Digest(ofText: "s")])
      $0.network = one([true, false])
    }
    #expect(Record(bytes: record.bytes) == record)
    #expect(Record(bytes: record.bytes)?.bytes == record.bytes)
    #expect(record.json["format"] == "rung/record/2")
  }

  @Test func aRecordOfTheFirstFormatHasNoObservation() throws {
    // The second one's members, were they there, would mean nothing in the first.
    let second = record {
      $0.trace = "complete"
      $0.view = "private"
      $0.traceProblems = ["x"]
      $0.observed.project = .empty
    }
    let members = try #require(second.json.members)
    let first = JSON.object([.init("format", "rung/record/1")] + members.dropFirst())
    #expect(Record(json: first) == record())
    let added = ["view", "trace", "trace_problems", "observed"]
    let plain = JSON.object(
      [.init("format", "rung/record/1")] + members.dropFirst().filter { !added.contains($0.name) })
    #expect(Record(json: plain) == record())
    #expect(Record(json: .object([.init("format", "rung/record/3")] + members.dropFirst())) == nil)
  }

  @Test func theMembersAreWhatTheDocumentSays() {
    #expect(
      record().json.members?.map(\.name) == [
        "format", "instance", "pipeline", "step", "kind", "axes", "key", "fields", "outcome", "exit", "signal",
        "problem", "command", "parameters", "inputs", "outputs", "environment", "program", "variables", "watch",
        "network", "view", "trace", "trace_problems", "observed", "run", "run_record", "host", "place",
        "started_ns",
        "duration_ns", "cpu_ns",
        "peak_memory_bytes", "attempts", "commit", "dirty", "log", "events", "version",
      ])
  }

  @Test func everyKindOfRecordIsReadAgainAsWhatItWas() {
    let digest = Digest(ofText: "d")
    let run = RunRecord(
      id: "r", arguments: ["rung", "run"], overrides: .init(profile: "smoke", set: ["a=1"], over: ["n=1,2"]),
      declarations: [.init(path: "rung.yaml", digest: digest)], started: 1, host: "h", commit: "c", dirty: true,
      version: "0.2.0")
    let verification = Verification(
      record: digest, instance: "p/s", key: digest, repetition: 2, varied: ["host name"], verdict: .different,
      problem: nil,
      outputs: [.init(name: "o", expected: digest, made: nil, verdict: .different, difference: "it was not made")],
      host: "h", at: 3, duration: 4, version: "0.2.0")
    let acceptance = Acceptance(
      instance: "p/s", key: digest, record: digest,
      changes: [
        .init(kind: "observed", name: "x", old: "file", new: "absent", oldDigest: digest, newKind: "absent")
      ], because: "a comment", who: "me@here", at: 5, support: [digest], version: "0.2.0")
    let revocation = Revocation(acceptance: digest, who: "me@here", at: 6)
    #expect(AnyRecord(bytes: record().bytes) == .execution(record()))
    #expect(AnyRecord(bytes: run.bytes) == .run(run))
    #expect(AnyRecord(bytes: verification.bytes) == .verification(verification))
    #expect(AnyRecord(bytes: acceptance.bytes) == .acceptance(acceptance))
    #expect(AnyRecord(bytes: revocation.bytes) == .revocation(revocation))
    #expect(AnyRecord(bytes: Array(#"{"format": "rung/run/9"}"#.utf8)) == nil)
  }

  @Test func theWorstVerdictCounts() {
    #expect(Verification.Verdict.worst([]) == .identical)
    #expect(Verification.Verdict.worst([.identical, .within]) == .within)
    #expect(Verification.Verdict.worst([.different, .within, .identical]) == .different)
    #expect(Verification.Verdict.worst([.failed, .different]) == .failed)
  }
}
