import RungCore
import RungFormats
import RungLedger
import RungRemote
import RungSign
import RungStore
import Testing

@testable import RungEngine

/// Two machines that share a remote, which may be anything but good.
@Suite struct RemoteRunStories {
  static let steps = """
    axes: {n: [1, 2, 3]}
    steps:
      make: {over: [n], run: 'sim make {code} {n} out {out.t}', inputs: {code: a.code}, outputs: {t: t.txt}}
      sum:
        run: 'sim sum {code} {make.t} out {out.s}'
        inputs: {code: b.code}
        outputs: {s: {path: s.txt, publish: sum.txt}}
      last: {run: 'sim last {code} {sum.s} out {out.l}', inputs: {code: c.code}, outputs: {l: l.txt}}
    """

  let remote = MemoryRemote()
  let key: SecretKey
  let here = Self.machine()
  let there = Self.machine()

  init() throws { key = try #require(SecretKey.random()) }

  private static func machine() -> Lab {
    let lab = Lab()
    lab.pipeline(steps)
    for name in ["a", "b", "c"] { lab.write("pipelines/x/\(name).code", "code \(name)") }
    return lab
  }

  private func caches(_ signer: SecretKey? = nil, trusting: [SecretKey]? = nil, patience: Int = 20_000) -> RemoteCaches
  {
    let own = signer ?? key
    let trusted = (trusting ?? [own]).map(\.publicKey.id)
    return RemoteCaches(
      [RemoteCache(name: "lab", pushes: true, storage: remote)], trust: Trust(keys: Set(trusted)),
      signer: Signer(own, by: "ana@north"), patience: patience, lingering: 20_000)
  }

  private func run(_ lab: Lab, _ caches: RemoteCaches, force: Bool = false) throws -> Lab.Ran {
    try lab.run { options in
      options.remotes = caches
      options.force = force
    }
  }

  // The listing under the key of an instance, as the remote has it.
  private func listing(_ lab: Lab, _ instance: String) throws -> (key: Digest, listing: RemoteListing) {
    let session = try lab.session(ingesting: false)
    let node = try session.targets.instances([instance])[0]
    _ = try session.survey([node])
    let key = try #require(session.resolver.value.results[node]?.key)
    let bytes = try #require(remote.results[key])
    return (key, try #require(RemoteListing(bytes: bytes)))
  }

  @Test func theSecondMachineRunsNothing() throws {
    #expect(try run(here, caches()).counts == [5, 0, 0, 0, 0])
    #expect(remote.results.count == 5)
    let second = try run(there, caches())
    #expect(second.counts == [0, 5, 1, 0, 0])
    #expect(second.summary.fetched == 5)
    #expect(second.executed == [] && second.warnings == [])
    #expect(there.read("pipelines/x/sum.txt") == here.read("pipelines/x/sum.txt"))
    // And the third time nobody asks anybody.
    let questions = remote.questions
    #expect(try run(there, caches()).counts == [0, 5, 0, 0, 0])
    #expect(remote.questions == questions)
    // What came is as durable as what is made here.
    let session = try there.session(ingesting: false)
    #expect(try session.survey(try session.targets.instances([])).count(.current) == 5)
    #expect(try session.ledger.history(project: ".", instance: "x/sum").map(\.outcome) == ["fetched"])
  }

  @Test func onlyTheMiddleIsMissing() throws {
    _ = try run(here, caches())
    let middle = try listing(here, "sum").key
    remote.results[middle] = nil
    let second = try run(there, caches())
    // What comes after it is the same again, and is found.
    #expect(second.executed == ["x/sum"])
    #expect(second.counts == [1, 4, 0, 0, 0] && second.summary.fetched == 4)
    #expect(remote.results[middle] != nil)
  }

  @Test func objectsAreSentOnce() throws {
    _ = try run(here, caches())
    _ = try run(here, caches(), force: true)
    #expect(Set(remote.received).count == remote.received.count)
  }

  // Whatever the remote is, the run comes out as without it, with one warning, and the cache is sound.
  @Test(arguments: [MemoryRemote.Fault.gone, .forbidden, .full, .readOnly])
  func aRemoteThatFailsNeverFailsARun(fault: MemoryRemote.Fault) throws {
    remote.fault = fault
    let ran = try run(here, caches())
    #expect(ran.counts == [5, 0, 0, 0, 0])
    #expect((1...2).contains(ran.warnings.count), "\(ran.warnings)")
    #expect(ran.warnings.allSatisfy { $0.contains("the remote lab") })
    #expect(try run(here, caches()).counts == [0, 5, 0, 0, 0])
    #expect(remote.results.isEmpty)
    // When it is itself again, the other machine finds what was not given: nothing.
    remote.fault = .none
    #expect(try run(there, caches()).summary.ran == 5)
  }

  @Test func aSilentRemoteIsLeftAlone() throws {
    _ = try run(here, caches())
    remote.fault = .silent
    let second = try run(there, caches(patience: 50))
    remote.release()
    #expect(second.counts == [5, 0, 0, 0, 0])
    #expect(second.warnings.map { $0.contains("has not answered within") } == [true], "\(second.warnings)")
  }

  // Whoever waits for a remote can be stopped.
  @Test func aRunThatWaitsForARemoteCanBeInterrupted() throws {
    remote.fault = .silent
    let ran = try here.run(
      [], { $0.remotes = self.caches(patience: 600_000) },
      engine: { engine in
        let interrupter = engine.interrupter
        self.remote.onQuestion { interrupter.interrupt() }
      })
    remote.release()
    #expect(ran.summary.interrupted && ran.executed == [])
  }

  @Test func damagedAndMissingObjectsAreMadeHere() throws {
    _ = try run(here, caches())
    let output = try #require(try here.output("x/sum", "s"))
    for fault in [MemoryRemote.Fault.damaged(output), .lost(output)] {
      let other = Self.machine()
      remote.fault = fault
      let ran = try run(other, caches())
      // Made with the same bytes, so that the last step is found.
      #expect(ran.executed == ["x/sum"])
      #expect(ran.warnings.count == 1 && ran.warnings[0].contains(output.short), "\(ran.warnings)")
      #expect(other.read("pipelines/x/sum.txt") == here.read("pipelines/x/sum.txt"))
    }
  }

  @Test func aLyingRemoteIsNotBelieved() throws {
    _ = try run(here, caches())
    remote.fault = .lying
    let ran = try run(there, caches())
    #expect(ran.counts == [5, 0, 0, 0, 0] && ran.summary.fetched == 0)
  }

  @Test func strangersAreNotTrusted() throws {
    let stranger = try #require(SecretKey.random())
    _ = try run(here, caches(stranger))
    let second = try run(there, caches())
    #expect(second.counts == [5, 0, 0, 0, 0])
    #expect(second.warnings.count == 1, "\(second.warnings)")
    #expect(second.warnings[0].contains(stranger.publicKey.id) && second.warnings[0].contains("ana@north"))
    // Now both have signed it, and each is found by those who trust one of them.
    let third = Self.machine()
    #expect(try run(third, caches(trusting: [stranger])).summary.fetched == 5)
  }

  // Each is a listing that somebody who can write to the remote may put there.
  @Test func forgeriesAreNotUsed() throws {
    _ = try run(here, caches())
    let (sumKey, sum) = try listing(here, "sum")
    let (_, last) = try listing(here, "last")
    let record = try #require(sum.candidates[0].record)
    let stranger = try #require(SecretKey.random())
    func put(_ bytes: [UInt8]) -> RemoteListing.Object {
      remote.objects[Digest(of: bytes)] = bytes
      return .init(role: "signature", digest: Digest(of: bytes), size: Int64(bytes.count))
    }
    func signed(_ signature: [UInt8]) -> RemoteListing {
      var candidate = sum.candidates[0]
      candidate.objects.removeAll { $0.role == "signature" }
      candidate.objects.append(put(signature))
      return RemoteListing(candidates: [candidate])
    }
    let good = ResultSignature(key: sumKey, record: record, by: "ana@north", with: key)
    let genuine = String(decoding: good.bytes, as: UTF8.self)
    let foreign = ResultSignature(key: sumKey, record: record, by: "ana@north", with: stranger)
    let own = try #require(try JSON(parsing: good.bytes)["public_key"]?.string)
    let others = try #require(try JSON(parsing: foreign.bytes)["public_key"]?.string)
    var unsigned = sum
    unsigned.candidates[0].objects.removeAll { $0.role == "signature" }
    // The record of another step, with its own sound signature.
    let forgeries: [(RemoteListing, String)] = [
      (unsigned, "is not signed"),
      (signed(Array(genuine.replacing("ana", with: "eva").utf8)), "does not fit"),
      (signed(Array(genuine.replacing(own, with: others).utf8)), "does not fit"),
      (signed(Array(String(decoding: foreign.bytes, as: UTF8.self).replacing(others, with: own).utf8)), "does not fit"),
      (signed(foreign.bytes), "not trusted here"),
      (last, "does not fit"),
      (RemoteListing(), ""),
    ]
    for (forgery, words) in forgeries {
      remote.results[sumKey] = forgery.actionResult.bytes
      let other = Self.machine()
      let ran = try other.run { $0.remotes = self.caches(self.key) }
      #expect(ran.executed == ["x/sum"], "\(words)")
      #expect(
        ran.warnings.count == (words.isEmpty ? 0 : 1) && ran.warnings.allSatisfy { $0.contains(words) },
        "\(ran.warnings)")
    }
    remote.results[sumKey] = [1, 2, 3]
    #expect(try run(there, caches()).warnings.map { $0.contains("not a result of Rung") } == [true])
  }

  // A record that nobody has vouched for does not get in beside one that somebody has.
  @Test func onlyRecordsOfTheLineageComeAlong() throws {
    _ = try run(here, caches())
    let (sumKey, found) = try listing(here, "sum")
    var sum = found
    let session = try here.session(ingesting: false)
    let record = try #require(sum.candidates[0].record)
    var forged = try #require(Record(bytes: try session.store.readRecord(record)))
    forged.instance = "x/evil"
    let bytes = forged.bytes
    remote.objects[Digest(of: bytes)] = bytes
    sum.candidates[0].objects.append(.init(role: "lineage", digest: Digest(of: bytes), size: Int64(bytes.count)))
    remote.results[sumKey] = sum.actionResult.bytes
    #expect(try run(there, caches()).summary.fetched == 5)
    let other = try there.session(ingesting: false)
    #expect(other.store.hasRecord(record))
    #expect(!other.store.hasRecord(Digest(of: bytes)))
  }

  @Test func lostBytesComeBackInsteadOfBeingMade() throws {
    _ = try run(here, caches())
    let output = try #require(try here.output("x/sum", "s"))
    here.removeObject(output)
    here.remove("pipelines/x/sum.txt")
    let ran = try run(here, caches())
    #expect(ran.executed == [] && ran.summary.fetched == 1, "\(ran.warnings)")
    #expect(here.holds(output) && here.read("pipelines/x/sum.txt") != nil)
    // In the middle, where only a step that runs finds out.
    let first = try #require(try here.output("x/sum", "s"))
    here.removeObject(first)
    here.write("pipelines/x/c.code", "other code")
    let again = try run(here, caches())
    #expect(again.executed == ["x/last"], "\(again.executed) \(again.warnings)")
  }

  @Test func withoutAKeyNothingIsGiven() throws {
    var caches = caches()
    caches.signer = nil
    let ran = try run(here, caches)
    #expect(remote.results.isEmpty)
    #expect(ran.warnings.count == 1 && ran.warnings[0].contains("rung key new"))
  }
}
