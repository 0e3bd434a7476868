import RungCore
import RungExec
import RungModel
import RungStore
import Synchronization

/// What a simulated step makes of what it sees: a pure function that the executor and the oracle share.
///
/// The command is `sim NAME CODE WORD… out PATH…`. CODE is a file; its lines that begin with `#` are comments. A WORD
/// that names a file or folder in the workspace stands for its content, any other for itself. A line `fail` in the
/// code makes the step fail; after a line `coarse`, it sees of the contents only whether their digest is odd.
enum Simulation {
  /// The content behind a word: the bytes of a file, or the files below a folder by path, sorted.
  typealias Look = (_ word: String) -> [(path: String, bytes: [UInt8])]?

  /// For each path after `out` the text written there; nil when the step fails.
  static func outputs(of words: [String], _ look: Look) -> [String: String]? {
    guard words.count > 2, let split = words.firstIndex(of: "out") else { return nil }
    let code = look(words[2]).map { $0.map { String(decoding: $0.bytes, as: UTF8.self) }.joined() } ?? ""
    let lines = code.split(separator: "\n").filter { !$0.hasPrefix("#") }
    if lines.contains("fail") { return nil }
    var hash = FramedHash(domain: "simulation")
    hash.field("name", words[1])
    for line in lines { hash.field("line", String(line)) }
    for word in words[3..<split] {
      guard let content = look(word) else {
        hash.field("word", word)
        continue
      }
      var digest = FramedHash(domain: "content")
      for file in content {
        digest.field("path", file.path)
        digest.field("bytes", bytes: file.bytes)
      }
      if lines.contains("coarse") {
        hash.field("parity", Int(digest.digest().bytes[0] & 1))
      } else {
        hash.field("content", digest.digest())
      }
    }
    let result = hash.digest().hex.prefix(16)
    var outputs: [String: String] = [:]
    for path in words[(split + 1)...] {
      outputs[path] = path.hasSuffix(".json") ? "{\"v\":\"\(result)\",\"n\":1}" : "\(words[1]) \(path) \(result)\n"
    }
    return outputs
  }
}

/// Names from any thread.
final class ExecutionLog: Sendable {
  private let names = Mutex<[String]>([])
  func add(_ name: String) { names.withLock { $0.append(name) } }
  var all: [String] { names.withLock { $0.sorted() } }
}

/// Runs steps in this process, by `Simulation`.
struct SimulatedExecutor: StepExecutor {
  let store: ObjectStore
  /// The instances that were executed, failed attempts too.
  let log = ExecutionLog()
  /// Called before each execution; false makes it fail with exit code 9.
  var gate: @Sendable (StepTask, StopSignal) -> Bool = { _, _ in true }

  func execute(_ task: StepTask, stop: StopSignal) -> StepResult {
    if stop.isRequested { return StepResult(end: .stopped) }
    guard gate(task, stop) else {
      log.add(task.instance)
      return StepResult(end: stop.isRequested ? .stopped : .exited(9))
    }
    if stop.isRequested { return StepResult(end: .stopped) }
    do {
      return try simulate(task)
    } catch {
      return StepResult(end: .notStarted("\(error)"), isMachineFault: true)
    }
  }

  private func simulate(_ task: StepTask) throws -> StepResult {
    var files: [String: [UInt8]] = [:]
    for staged in task.shared + task.files {
      switch staged.content {
      case .object(let digest, let executable):
        files[staged.path.text] = try store.read(digest, limit: 1 << 30) + (executable ? Array("+x".utf8) : [])
      case .tree(let digest): try addTree(digest, staged.path.text, &files)
      case .bytes(let bytes): files[staged.path.text] = bytes
      }
    }
    let words: [String] =
      switch task.program {
      case .arguments(let words): words
      case .shell(let text, _): text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
      }
    log.add(task.instance)
    guard let texts = Simulation.outputs(of: words, { Self.look($0, files) }) else {
      return StepResult(end: .exited(1))
    }
    var outputs: [ProducedOutput] = []
    for expected in task.outputs {
      guard let text = texts[expected.path.text] else { return StepResult(end: .exited(2)) }
      let file = try store.put(Array(text.utf8))
      guard expected.isDirectory else {
        outputs.append(ProducedOutput(name: expected.name, path: expected.path, digest: file.digest, size: file.size))
        continue
      }
      let tree = try TreeManifest(entries: [
        .init(name: "part", kind: .file(digest: file.digest, size: file.size, executable: false))
      ])
      let stored = try store.put(tree.encoded)
      outputs.append(
        ProducedOutput(
          name: expected.name, path: expected.path, digest: stored.digest, size: tree.size, isDirectory: true))
    }
    return StepResult(end: .exited(0), outputs: outputs)
  }

  private func addTree(_ digest: Digest, _ path: String, _ files: inout [String: [UInt8]]) throws {
    for entry in try store.tree(digest).entries {
      let place = "\(path)/\(entry.name)"
      switch entry.kind {
      case .file(let digest, _, let executable):
        files[place] = try store.read(digest, limit: 1 << 30) + (executable ? Array("+x".utf8) : [])
      case .directory(let digest, _): try addTree(digest, place, &files)
      case .link(let target): files[place] = target
      }
    }
  }

  static func look(_ word: String, _ files: [String: [UInt8]]) -> [(path: String, bytes: [UInt8])]? {
    if let bytes = files[word] { return [("", bytes)] }
    let inside = files.filter { $0.key.hasPrefix(word + "/") }
    if inside.isEmpty { return nil }
    return inside.map { (String($0.key.dropFirst(word.utf8.count + 1)), $0.value) }.sorted { $0.0 < $1.0 }
  }
}
