import Glibc
import RungCore
import RungLedger
import RungStore
import Testing

@testable import RungTrace

/// A project with its cache in a temporary folder, and records made by hand.
final class World {
  let folder: String
  let root: String
  let store: ObjectStore
  let ledger: Ledger
  var clock: Int64 = 1_700_000_000_000_000_000

  init() throws {
    let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    folder = "\(base)/rung-trace-\(getpid())-\(UInt64.random(in: 0..<UInt64.max))"
    root = "\(folder)/project"
    mkdir(folder, 0o755)
    mkdir(root, 0o755)
    store = try ObjectStore(path: "\(folder)/cache", durability: .none)
    ledger = try Ledger(path: "\(folder)/cache/index.sqlite", durable: false)
  }

  deinit { remove(folder) }

  var tracer: Tracer { Tracer(store: store, ledger: ledger, project: ".", root: root) }

  func write(_ text: String, to name: String) {
    guard let file = fopen("\(root)/\(name)", "w") else { return }
    fputs(text, file)
    fclose(file)
  }

  /// Something executed: its inputs by source, its output contents by name. Also in the ledger.
  @discardableResult
  func run(
    _ instance: String, _ inputs: [Record.Input] = [], makes: [String: String] = ["out": ""],
    edit: (inout Record) -> Void = { _ in }
  ) throws -> Made {
    clock += 1_000_000_000
    let path = instance.prefix { $0 != "[" }.split(separator: "/").map(String.init)
    let axes = instance.split(separator: "[").dropFirst().first?.dropLast().split(separator: ",") ?? []
    let outputs = try makes.sorted { $0.key < $1.key }.map { name, text in
      let content = text.isEmpty ? "\(instance) \(name)" : text
      let stored = try store.put(Array(content.utf8))
      return Record.Output(
        name: name, path: "\(name).json", kind: "file", digest: stored.digest, size: stored.size)
    }
    var hash = FramedHash(domain: "test")
    hash.field("instance", instance)
    for input in inputs { hash.field("input", input.digest) }
    var record = Record(
      instance: instance, pipeline: path[0], step: path[1], kind: nil,
      axes: axes.map { axis in
        let parts = axis.split(separator: "=").map(String.init)
        return JSON.Member(parts[0], .string(parts[1]))
      }, key: hash.digest(),
      fields: [.init(kind: "command", name: "", value: "python {code} --out {out.out}", digest: nil)],
      outcome: .succeeded, exitCode: 0, signal: nil, problem: nil, command: ["python", "code.py"], parameters: [],
      inputs: inputs, outputs: outputs, environment: nil, program: nil, variables: [], watch: "declared",
      network: true, run: "20231114-221320-abcdef", host: "atlas", started: clock, duration: 1_500_000_000,
      cpu: 1_400_000_000, peakMemory: 50_000_000, attempts: 1, commit: "0123456789abcdef0123456789abcdef01234567",
      dirty: false, log: nil, version: "0.1.0")
    edit(&record)
    let digest = try store.putRecord(record.bytes)
    try store.flush()
    var changes = LedgerChanges()
    changes.records = [
      RecordRow(
        record: digest, project: ".", instance: instance, pipeline: record.pipeline, step: record.step,
        key: record.key, run: record.run, outcome: record.outcome.rawValue, started: record.started,
        duration: record.duration)
    ]
    changes.history = [
      HistoryEntry(
        project: ".", instance: instance, run: record.run, key: record.key, record: digest,
        outcome: record.outcome == .succeeded ? "ran" : "failed", at: record.started + record.duration)
    ]
    if record.outcome == .succeeded {
      changes.actions = [
        ActionRow(
          key: record.key, observed: record.observed, watch: record.watch, made: record.started, record: digest,
          outputs: record.outputs.map {
            ActionOutput(
              name: $0.name, kind: ActionOutput.Kind(name: $0.kind) ?? .file, digest: $0.digest, size: $0.size)
          })
      ]
      changes.outputs = record.outputs.map { OutputRow(digest: $0.digest, record: digest, name: $0.name) }
    }
    try ledger.commit(changes)
    return Made(digest: digest, record: record)
  }

  func publish(_ made: Made, _ output: String, at path: String) throws {
    var changes = LedgerChanges()
    changes.published = [
      PublishedRow(
        project: ".", path: path, digest: made.content(output), instance: made.record.instance, output: output,
        record: made.digest)
    ]
    try ledger.commit(changes)
  }

  func collect(_ name: String, _ members: [Made], output: String = "out", form: String = "table") throws -> Record.Input
  {
    let collection = RungLedger.Collection(
      form: form, output: output,
      members: members.map { made in
        let labels = made.record.axes.map { "\($0.name)=\($0.value.string ?? "")" }.joined(separator: ",")
        return .init(
          instance: made.record.instance, labels: labels, digest: made.content(output), record: made.digest)
      })
    let object = try store.put(collection.bytes)
    return Record.Input(
      name: name, path: "inputs/\(name).csv", kind: form, digest: collection.contentDigest,
      source: .collection(members: object.digest, form: form))
  }

  /// Stores an observed set; the contents are hashed, not stored.
  func observe(_ scope: ObservedSet.Scope, _ entries: [ObservedSet.Entry]) throws -> Digest {
    try store.put(ObservedSet(scope: scope, entries: entries).bytes).digest
  }

  /// Takes an object or a record out of the cache.
  func lose(_ digest: Digest, isRecord: Bool = false) throws { try store.lose(digest, isRecord: isRecord) }

  /// Changes the last stored byte of a record.
  func damageRecord(_ digest: Digest) throws {
    let (path, bytes) = try #require(try store.location(of: digest, isRecord: true))
    let file = open(path, O_RDWR)
    defer { close(file) }
    var byte: UInt8 = 0
    pread(file, &byte, 1, Int(bytes.upperBound) - 1)
    byte ^= 0xFF
    pwrite(file, &byte, 1, Int(bytes.upperBound) - 1)
  }

  private func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR, let folder = opendir(path) {
      var names: [String] = []
      while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
          String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != "." && name != ".." { names.append(name) }
      }
      closedir(folder)
      for name in names { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

/// An execution made by hand.
struct Made {
  let digest: Digest
  let record: Record

  func content(_ output: String) -> Digest { record.outputs.first { $0.name == output }?.digest ?? .empty }

  /// This execution's output as an input of another.
  func input(_ name: String = "data", output: String = "out") -> Record.Input {
    Record.Input(
      name: name, path: "inputs/\(name)", kind: "file", digest: content(output),
      source: .step(instance: record.instance, output: output, record: digest))
  }
}

/// A file of the project as an input.
func source(_ path: String, _ content: String = "", name: String = "code", kind: String = "file") -> Record.Input {
  Record.Input(
    name: name, path: path, kind: kind, digest: Digest(of: Array((content.isEmpty ? path : content).utf8)),
    source: .project(path: path))
}

/// A file that was seen; its content is its path unless another is given.
func seen(_ path: String, _ content: String = "", _ kind: ObservedSet.Kind = .file) -> ObservedSet.Entry {
  ObservedSet.Entry(path: path, kind: kind, digest: Digest(of: Array((content.isEmpty ? path : content).utf8)))
}

let python = Record.Environment(
  identity: Digest(of: Array("environment".utf8)), lockPath: "demo/requirements.lock",
  lock: Digest(of: Array("lock".utf8)), interpreter: "/usr/bin/python3.11", version: "CPython 3.11.2",
  interpreterDigest: Digest(of: Array("python".utf8)), platform: "linux-x86_64-glibc2.36")
