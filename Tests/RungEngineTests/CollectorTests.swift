import Glibc
import RungCore
import RungEngine
import RungLedger
import RungPlan
import RungStore
import Testing

/// What a collection makes of records, history and objects that were put there by hand.
@Suite struct CollectorTests {
  static let day: Int64 = 86_400_000_000_000

  /// A cache without a project.
  final class Hoard {
    let lab = Lab()
    let cache: String
    var store: ObjectStore
    let ledger: Ledger

    init() throws {
      cache = "\(lab.root)/cache"
      store = try ObjectStore(path: cache, durability: .none)
      ledger = try Ledger(path: "\(cache)/index.sqlite", durable: false)
    }

    var now: Int64 {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// An execution that ended `days` days ago and is the newest of its instance; its output holds its text.
    @discardableResult
    func made(
      _ instance: String, _ text: String, days: Int64, from: [Record.Input] = [], run: String = "r",
      kind: String = "file",
      edit: (inout Record) -> Void = { _ in }
    ) throws -> Digest {
      let output = kind == "file" ? try store.put(Array(text.utf8)).digest : Digest(ofText: text)
      var record = Record(
        instance: instance, pipeline: "x", step: String(instance.dropFirst(2)), kind: nil, axes: [],
        key: Digest(ofText: instance + text), fields: [], outcome: .succeeded, exitCode: 0, signal: nil, problem: nil,
        command: ["true"], parameters: [], inputs: from,
        outputs: [.init(name: "o", path: "o", kind: kind, digest: output, size: Int64(text.utf8.count))],
        environment: nil, program: nil, variables: [], watch: "declared", network: false, run: run, host: "h",
        started: now - days * day, duration: 1_000_000, cpu: 0, peakMemory: 0, attempts: 1, commit: nil, dirty: nil,
        log: nil, version: "test")
      edit(&record)
      let name = try store.putRecord(record.bytes)
      try store.flush()
      var changes = LedgerChanges()
      changes.records = [
        RecordRow(
          record: name, project: ".", instance: instance, pipeline: "x", step: record.step, key: record.key, run: run,
          outcome: record.outcome.rawValue, started: record.started, duration: record.duration)
      ]
      changes.history = [
        HistoryEntry(
          project: ".", instance: instance, run: run, key: record.key, record: name,
          outcome: record.outcome == .succeeded ? "ran" : "failed", at: record.started)
      ]
      try ledger.commit(changes)
      return name
    }

    func commit(_ edit: (inout LedgerChanges) -> Void) throws {
      var changes = LedgerChanges()
      edit(&changes)
      try ledger.commit(changes)
    }

    func folder(_ entries: [TreeManifest.Entry]) throws -> Digest {
      try store.put(try TreeManifest(entries: entries).encoded).digest
    }

    /// Another process, as it were: what the one before has put is not spared on its account any more.
    func reopen() throws { store = try ObjectStore(path: cache, durability: .none) }

    /// Changes a byte of the record that was published last, wherever the store keeps it.
    func damageLastRecord() throws {
      let files = try #require(
        shell("find '\(cache)/records' '\(cache)/packs' -name '*.zst' -o -name '*.records' 2>/dev/null | xargs ls -t"))
      let file = open(try #require(files.split(separator: "\n").first.map(String.init)), O_RDWR | O_CLOEXEC)
      try #require(file >= 0)
      defer { close(file) }
      let place = lseek(file, 0, SEEK_END) - 20
      var byte: [UInt8] = [0]
      pread(file, &byte, 1, place)
      byte[0] ^= 0xFF
      pwrite(file, byte, 1, place)
    }

    private func shell(_ command: String) -> String? {
      guard let pipe = popen(command, "re") else { return nil }
      defer { pclose(pipe) }
      var buffer = [UInt8](repeating: 0, count: 65536)
      return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, pipe)], as: UTF8.self)
    }

    // Looked up in the list: to ask the store whether it has an object is to pin it.
    func holds(_ text: String) throws -> Bool {
      try store.objects().contains { $0.digest == Digest(ofText: text) }
    }

    @discardableResult
    func collect(days: Int64 = 30, maxSize: Int64? = nil, keep: [String] = [], instances: Set<String>? = nil) throws
      -> CollectionReport
    {
      // What a living process has put is spared: another one collects.
      try reopen()
      let request = Collector.Request(
        olderThan: days * day, maxSize: maxSize, keepRuns: keep, project: ".", instances: instances)
      let collector = Collector(store: store, ledger: ledger, cache: cache)
      let before = try store.objects().count
      let survey = try collector.survey(request)
      #expect(try store.objects().count == before)
      let report = try collector.collect(request) { Issue.record("somebody collects") }
      #expect(report.collected?.bytes == survey.bytes && report.collected?.objects == survey.objects)
      #expect(try store.objects().reduce(0) { $0 + $1.stored } == report.keptBytes)
      return report
    }
  }

  private static func input(_ digest: Digest, kind: String = "file", _ source: Record.Input.Source) -> Record.Input {
    Record.Input(name: "i", path: "i", kind: kind, digest: digest, source: source)
  }

  @Test func aResultIsOfUseAsLongAsItIsTheLatest() throws {
    let hoard = try Hoard()
    try hoard.made("x/long", "replaced long ago", days: 90)
    try hoard.made("x/long", "replaced lately", days: 60)
    try hoard.made("x/long", "latest", days: 3)
    let report = try hoard.collect()
    #expect(report.dropped.map(\.instance) == ["x/long"])
    #expect(try !hoard.holds("replaced long ago") && hoard.holds("replaced lately") && hoard.holds("latest"))
    #expect(report.kept == [.recent: 1, .current: 1])
    // The record stays, and so it is known what it was.
    #expect(hoard.store.hasRecord(report.dropped[0].record))
    #expect(try hoard.collect(days: 2).dropped.count == 1)
    #expect(try !hoard.holds("replaced lately") && hoard.holds("latest"))
  }

  @Test func anAttemptThatFailedTakesNobodysPlace() throws {
    let hoard = try Hoard()
    try hoard.made("x/s", "good", days: 90)
    try hoard.made("x/s", "half", days: 50) { $0.outcome = .failed }
    try hoard.collect(days: 0)
    #expect(try hoard.holds("good") && !hoard.holds("half"))
  }

  @Test func anInstanceThatIsNotDeclaredAnyMoreAges() throws {
    let hoard = try Hoard()
    let used = try hoard.made("x/used", "used", days: 90)
    try hoard.made("x/gone", "gone", days: 90)
    try hoard.made("x/there", "there", days: 90)
    try hoard.commit { $0.uses = [UseRow(record: used, at: hoard.now - 5 * Self.day)] }
    try hoard.collect(instances: nil)
    #expect(try hoard.holds("gone"))
    try hoard.collect(instances: ["x/there"])
    #expect(try hoard.holds("used") && hoard.holds("there") && !hoard.holds("gone"))
    try hoard.collect(days: 4, instances: ["x/there"])
    #expect(try !hoard.holds("used") && hoard.holds("there"))
  }

  @Test func anotherProjectsInstancesCountAsDeclared() throws {
    let hoard = try Hoard()
    let theirs = try hoard.made("x/a", "theirs", days: 90)
    try hoard.made("x/a", "ours", days: 80)
    try hoard.commit {
      $0.history = [
        HistoryEntry(
          project: "/other", instance: "x/a", run: "q", key: .empty, record: theirs, outcome: "ran",
          at: hoard.now - 90 * Self.day)
      ]
    }
    try hoard.collect(instances: [])
    #expect(try hoard.holds("theirs") && !hoard.holds("ours"))
  }

  @Test func aPinKeepsWhatTheProjectHadWhenTheRunEnded() throws {
    let hoard = try Hoard()
    let data = try hoard.made("x/data", "data 1", days: 99, run: "1")
    try hoard.made(
      "x/fit", "fit 1", days: 98, from: [Self.input(.empty, .step(instance: "x/data", output: "o", record: data))],
      run: "1")
    try hoard.made("x/side", "side 1", days: 97, run: "1")
    // Only this step ran then, the others were up to date.
    try hoard.made("x/side", "side 2", days: 90, run: "2")
    for step in ["data", "fit", "side"] { try hoard.made("x/\(step)", "\(step) 3", days: 80, run: "3") }
    for step in ["data", "fit", "side"] { try hoard.made("x/\(step)", "\(step) 4", days: 70, run: "4") }

    var report = try hoard.collect(days: 1000, keep: ["2"])
    #expect(report.dropped.isEmpty && report.kept == [.pinned: 3, .current: 3, .recent: 4])
    try hoard.commit { $0.pins = [PinRow(run: "2", project: ".", at: 1)] }
    report = try hoard.collect(days: 0, maxSize: 0)
    #expect(!report.fits)
    for text in ["data 1", "fit 1", "side 2"] { #expect(try hoard.holds(text)) }
    for text in ["side 1", "data 3", "fit 3", "side 3", "data 4", "fit 4", "side 4"] { #expect(try !hoard.holds(text)) }
    try hoard.commit { $0.unpins = ["2"] }
    #expect(try hoard.collect(days: 0, maxSize: 0).fits)
    #expect(try hoard.store.objects().isEmpty)
  }

  @Test func aPinReachesThroughResultsWhoseBytesAreGone() throws {
    let hoard = try Hoard()
    let data = try hoard.made("x/data", "data", days: 90)
    let fit = try hoard.made(
      "x/fit", "fit", days: 90, from: [Self.input(.empty, .step(instance: "x/data", output: "o", record: data))])
    let members = RungLedger.Collection(
      form: "files", output: "o", members: [.init(instance: "x/fit", labels: "", digest: .empty, record: fit)])
    let collected = try hoard.store.put(members.bytes).digest
    try hoard.made(
      "x/figure", "figure", days: 90,
      from: [Self.input(members.contentDigest, .collection(members: collected, form: "files"))], run: "paper")
    try hoard.reopen()
    _ = try hoard.store.collect([Digest(ofText: "fit")])
    let report = try hoard.collect(days: 0, keep: ["paper"], instances: [])
    #expect(try hoard.holds("data") && hoard.holds("figure") && report.kept == [.pinned: 2])
  }

  @Test func whatNobodyCanMakeAgainStays() throws {
    let hoard = try Hoard()
    func put(_ text: String) throws -> Digest { try hoard.store.put(Array(text.utf8)).digest }
    let inFolder = try put("in a folder")
    let folder = try hoard.folder([.init(name: "f", kind: .file(digest: inFolder, size: 11, executable: false))])
    let listing = FileListing([.init(path: "a", digest: try put("matched"), executable: false)])
    _ = try hoard.store.put(listing.bytes)
    let seen = ObservedSet(
      scope: .project, entries: [.init(path: "lib.py", kind: .file, digest: try put("observed"))])
    let machine = ObservedSet(scope: .system, entries: [.init(path: "/etc/x", kind: .absent, digest: nil)])
    for set in [seen, machine] { _ = try hoard.store.put(set.bytes) }
    let maker = try hoard.made("x/maker", "member", days: 90)
    let members = RungLedger.Collection(
      form: "files", output: "o",
      members: [.init(instance: "x/maker", labels: "", digest: Digest(ofText: "member"), record: maker)])
    let collected = try hoard.store.put(members.bytes).digest
    let script = try put("script")
    let lock = try put("lock")
    let log = try put("log")
    try hoard.made(
      "x/s", "result", days: 90,
      from: [
        Self.input(script, .project(path: "s.py")), Self.input(folder, kind: "tree", .project(path: "f")),
        Self.input(listing.digest, .files),
        Self.input(members.contentDigest, .collection(members: collected, form: "files")),
      ]
    ) {
      $0.log = log
      $0.environment = .init(
        identity: .empty, lockPath: "l", lock: lock, interpreter: "python", version: "3", interpreterDigest: nil,
        platform: "linux")
      $0.observed = Observed(project: Digest(of: seen.bytes), system: Digest(of: machine.bytes))
    }
    let mine = try put("edited by hand")
    try hoard.store.flush()
    try hoard.commit {
      $0.displaced = [DisplacedRow(digest: mine, isTree: false, project: ".", path: "fig.svg", at: 1)]
    }

    let report = try hoard.collect(days: 0, maxSize: 1, instances: [])
    #expect(Set(report.dropped.map(\.instance)) == ["x/maker", "x/s"])
    #expect(try !hoard.holds("result") && !hoard.holds("member"))
    let kept = [
      script, lock, log, inFolder, folder, listing.digest, collected, mine, Digest(of: seen.bytes),
      Digest(of: machine.bytes), Digest(ofText: "matched"), Digest(ofText: "observed"),
    ]
    #expect(Set(try hoard.store.objects().map(\.digest)) == Set(kept))
  }

  @Test func aFolderGoesWithWhatOnlyItHolds() throws {
    let hoard = try Hoard()
    let shared = try hoard.store.put(Array("shared".utf8)).digest
    let own = try hoard.store.put(Array("own".utf8)).digest
    let inner = try hoard.folder([.init(name: "o", kind: .file(digest: own, size: 3, executable: false))])
    let tree = try hoard.folder([
      .init(name: "d", kind: .directory(digest: inner, size: 3)),
      .init(name: "s", kind: .file(digest: shared, size: 6, executable: true)),
    ])
    try hoard.made("x/tree", "", days: 90, kind: "tree") { $0.outputs[0].digest = tree }
    try hoard.made("x/other", "shared", days: 90)
    try hoard.collect(instances: ["x/tree"])
    #expect(try hoard.store.objects().count == 4)
    try hoard.collect(instances: ["x/other"])
    #expect(try hoard.store.objects().map(\.digest) == [shared])
  }

  @Test func whatNothingRefersToGoesUnlessARecordIsDamaged() throws {
    let hoard = try Hoard()
    try hoard.made("x/s", "result", days: 1)
    _ = try hoard.store.put(Array("left by a crash".utf8))
    try hoard.store.flush()
    var report = try hoard.collect()
    #expect(try report.strayObjects == 1 && !hoard.holds("left by a crash") && hoard.holds("result"))

    // Nobody knows what a damaged record named.
    try hoard.made("x/s", "later", days: 0)
    try hoard.damageLastRecord()
    report = try hoard.collect(days: 0)
    #expect(report.unreadable.count == 1 && report.strayObjects == 0)
    #expect(try hoard.holds("later") && hoard.holds("result"))
  }

  @Test func aRecordOfALaterFormatForbidsCollecting() throws {
    let hoard = try Hoard()
    _ = try hoard.store.put(Array("stray".utf8))
    _ = try hoard.store.putRecord(Array("{\"format\": \"rung/record/99\"}\n".utf8))
    try hoard.store.flush()
    #expect(throws: CollectorError.self) { try hoard.collect() }
    #expect(try hoard.holds("stray"))
  }

  @Test func whatCameOutTheSameIsTold() throws {
    let hoard = try Hoard()
    for (days, log) in [(9, "1"), (8, "2")] as [(Int64, String)] {
      try hoard.made("x/same", "same", days: days) { $0.log = Digest(ofText: log) }
      try hoard.made("x/dice", "dice \(log)", days: days) { $0.key = .empty }
    }
    try hoard.made("x/once", "once", days: 9)
    let report = try hoard.collect(days: 0, instances: [])
    func told(_ instance: String) -> Set<Reproducibility> {
      Set(report.dropped.filter { $0.instance == instance }.map(\.reproducible))
    }
    #expect(told("x/same") == [.yes] && told("x/dice") == [.no] && told("x/once") == [.unknown])
    #expect(report.steps.map(\.step) == ["x/dice", "x/once", "x/same"])
    // Two executions of one thing are made again by one.
    #expect(report.steps.map(\.duration) == [1_000_000, 1_000_000, 1_000_000])
    #expect(report.rebuilding == 3_000_000)
  }

  @Test func aRunNotesOnceADayThatAResultWasOfUse() throws {
    let lab = EditStories.lab()
    _ = try lab.run()
    func uses() throws -> [Digest: Int64] { try lab.session().ledger.uses(since: .min) }
    _ = try lab.run()
    #expect(try uses().isEmpty)
    // As if it had been made long ago.
    let session = try lab.session()
    let old = try #require(try session.ledger.latest(project: ".")["x/figure"])
    var changes = LedgerChanges()
    changes.history = [old]
    changes.history[0].at = 5
    try session.ledger.commit(changes)
    _ = try lab.run()
    let first = try uses()
    #expect(first.keys.map { $0 } == [old.record])
    _ = try lab.run()
    #expect(try uses() == first)
  }
}
