import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore
import Synchronization
import Testing

@testable import RungEngine

/// A project in a folder of its own in memory, removed with this value, and the verbs that a story needs.
// Sendable by the rule that a story uses a lab from several threads only while it changes nothing.
final class Lab: @unchecked Sendable {
  let root: String
  /// A fake executor unless a story wants real processes.
  var simulated = true
  /// Nothing here starts a step that could be watched, so none is asked for.
  var overrides = Overrides(watch: .declared)
  var variables = ["PATH": "/usr/bin:/bin"]

  // When each session was opened.
  private let opened = Mutex<[ObjectIdentifier: Int64]>([:])

  init() {
    let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    root = "\(base)/rung-engine-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36))"
    mkdir(root, 0o755)
  }

  deinit { try? discardWorkspace(root) }

  // MARK: files

  func write(_ path: String, _ text: String, executable: Bool = false) {
    makeParents(path)
    let file = open("\(root)/\(path)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    precondition(file >= 0, "cannot write \(path)")
    let bytes = Array(text.utf8)
    let count = Glibc.write(file, bytes, bytes.count)
    precondition(count == bytes.count)
    close(file)
    chmod("\(root)/\(path)", executable ? 0o755 : 0o644)
  }

  func makeParents(_ path: String) {
    var folder = root
    for part in path.split(separator: "/").dropLast() {
      folder += "/\(part)"
      mkdir(folder, 0o755)
    }
  }

  func read(_ path: String) -> String? {
    let file = open("\(root)/\(path)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = Glibc.read(file, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  func remove(_ path: String) { unlink("\(root)/\(path)") }

  /// The names in a folder, sorted.
  func names(_ folder: String) -> [String] {
    (SourceFiles.names(in: "\(root)/\(folder)") ?? []).map { String(decoding: $0, as: UTF8.self) }.sorted()
  }

  /// Gives every file of the project that is no part of the cache another time.
  func touchAll() { touch(root) }

  private func touch(_ folder: String) {
    guard let handle = opendir(folder) else { return }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name == "." || name == ".." || name == "cache" { continue }
      var status = stat()
      let path = "\(folder)/\(name)"
      guard lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR { touch(path) }
      utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW)
    }
  }

  func pipeline(_ text: String, name: String = "x") {
    write("pipelines/\(name)/pipeline.yaml", "pipeline: \(name)\n\(text)\n")
  }

  // MARK: objects

  // A store of its own each time: nothing may come from memory.
  private func withStore<T>(_ body: (ObjectStore) throws -> T?) -> T? {
    (try? ObjectStore(path: "\(root)/cache", durability: .none)).flatMap { try? body($0) }
  }

  func holds(_ digest: Digest) -> Bool { withStore { try $0.location(of: digest) } != nil }

  func removeObject(_ digest: Digest) { _ = withStore { try $0.lose(digest) } }

  /// Changes one byte in the middle of a stored object.
  func damageObject(_ digest: Digest) {
    guard let (path, bytes) = withStore({ try $0.location(of: digest) }) else {
      preconditionFailure("no object \(digest.short)")
    }
    let file = open(path, O_RDWR | O_CLOEXEC)
    precondition(file >= 0, "no object \(digest.short)")
    defer { close(file) }
    // Behind the middle, where in a pack no header is.
    let middle = Int((bytes.lowerBound + bytes.upperBound) / 2 + 30)
    let at = min(middle, Int(bytes.upperBound) - 5)
    var byte: [UInt8] = [0]
    pread(file, &byte, 1, at)
    byte[0] ^= 0xFF
    pwrite(file, byte, 1, at)
  }

  // MARK: work

  func session(ingesting: Bool = true) throws -> Session {
    let began = now()
    let project = try Project.load(root: root, files: .onDisk(root: root), overrides: overrides)
    let session = try Session(project: project, callerVariables: variables, ingesting: ingesting, durable: false)
    opened.withLock { $0[ObjectIdentifier(session)] = began }
    return session
  }

  /// In nanoseconds since 1970.
  private func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The request to bring targets up to date, as the command would make it before it opens a session.
  func request(_ targets: [String] = [], began: Int64? = nil) -> QuietRequest {
    QuietRequest(
      root: root, cache: variables["RUNG_CACHE"] ?? "\(root)/cache", words: targets + ["\(overrides)"],
      variables: variables, version: "test",
      began: began ?? now())
  }

  /// What came of a run.
  struct Ran {
    let summary: RunSummary
    /// Instances that were executed, failed ones too, one entry for each attempt, sorted.
    let executed: [String]
    let events: [RunEvent]

    var warnings: [String] { events.compactMap { if case .warning(let text) = $0 { text } else { nil } } }
    var failures: [StepFailure] { events.compactMap { if case .stepFailed(let failure) = $0 { failure } else { nil } } }
    /// `ran`, `unchanged`, `restored`, `failed`, `skipped`.
    var counts: [Int] { [summary.ran, summary.unchanged, summary.restored, summary.failed, summary.skipped] }
  }

  func run(
    _ targets: [String] = [], jobs: Int = 2, in session: Session? = nil, executor: (any StepExecutor)? = nil,
    fleet: FleetExecutor? = nil, _ configure: (inout RunOptions) -> Void = { _ in },
    engine inspect: (RunEngine) -> Void = { _ in },
    observe: @escaping @Sendable (RunEvent) -> Void = { _ in }
  ) throws -> Ran {
    let session = try session ?? self.session()
    var options = RunOptions(targets: try session.targets.instances(targets))
    options.jobs = jobs
    configure(&options)
    // Whatever a story does, an earlier run's state must not say that there is nothing to do when there is.
    let request = request(targets, began: opened.withLock { $0[ObjectIdentifier(session)] })
    let quiet = options.force ? nil : request.recall()
    let events = EventLog()
    let executor = executor ?? (simulated ? SimulatedExecutor(store: session.store) : nil)
    let engine = try RunEngine(session: session, options: options, executor: executor, fleet: fleet, version: "test") {
      events.add($0)
      observe($0)
    }
    inspect(engine)
    let summary = engine.run()
    if let quiet, quiet.instances != summary.unchanged || summary.restored > 0 {
      Issue.record("an earlier run's state said that \(quiet.instances) were up to date; now \(summary)")
    }
    engine.remember(request)
    if let executor = executor as? SimulatedExecutor {
      return Ran(summary: summary, executed: executor.log.all, events: events.all)
    }
    var started: [String] = []
    for case .stepStarted(let instance, _, _, _) in events.all { started.append(instance) }
    return Ran(summary: summary, executed: started.sorted(), events: events.all)
  }

  /// What `why` says of the instances that would run, by instance; those that are up to date are left out.
  func plan(_ targets: [String] = [], forced: Bool = false) throws -> [String: Told] {
    let session = try self.session(ingesting: false)
    let chosen = try session.targets.instances(targets)
    let survey = try session.survey(chosen, forced: forced)
    var told: [String: Told] = [:]
    for instance in 0..<session.graph.instanceCount {
      switch survey.standing[instance] {
      case .wouldRun, .undecided:
        let why = try session.why(instance, survey)
        told[session.graph.name(of: instance)] = Told(why)
      case .current, .unneeded: break
      }
    }
    return told
  }

  /// What `why` says of an instance now.
  func why(_ instance: String) throws -> Told {
    let session = try self.session(ingesting: false)
    let node = try session.targets.instances([instance])[0]
    return Told(try session.why(node, try session.survey([node])))
  }

  /// The digest of an output of an instance that is up to date.
  func output(_ instance: String, _ name: String) throws -> Digest? {
    let session = try self.session(ingesting: false)
    let node = try session.targets.instances([instance])[0]
    let why = try session.why(node, try session.survey([node]))
    guard let digest = why.last?.record else { return nil }
    let record = Record(bytes: try session.store.readRecord(digest))
    return record?.outputs.first { $0.name == name }?.digest
  }
}

/// An explanation in short.
struct Told: Equatable, CustomStringConvertible {
  var standing: Survey.Standing
  /// `kind name`, or `kind` alone where there is no name; sorted.
  var reasons: [String]
  var why: Why

  init(_ why: Why) {
    standing = why.standing
    self.why = why
    reasons = why.reasons.map { $0.reason.name.isEmpty ? $0.reason.field : "\($0.reason.field) \($0.reason.name)" }
      .sorted()
  }

  static func == (a: Told, b: Told) -> Bool { a.standing == b.standing && a.reasons == b.reasons }

  var description: String { "\(standing): \(reasons)" }
}

/// Events from any thread.
final class EventLog: Sendable {
  private let events = Mutex<[RunEvent]>([])
  func add(_ event: RunEvent) { events.withLock { $0.append(event) } }
  var all: [RunEvent] { events.withLock { $0 } }
}
