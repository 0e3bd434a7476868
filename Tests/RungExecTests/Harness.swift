import Glibc
import RungCore
import RungExec
import RungModel
import RungStore
import Synchronization

/// A scratch folder with a store in it, gone with the value, and short words for what the stories below need.
final class Bench: Sendable {
  let folder: String
  let store: ObjectStore
  let executor: LocalExecutor
  private let count = Atomic<Int>(0)

  init() throws {
    let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
    folder = "\(parent)/rung-exec-\(getpid())-\(UInt64.random(in: .min ... .max))"
    mkdir(folder, 0o755)
    store = try ObjectStore(path: "\(folder)/cache", durability: .none)
    executor = LocalExecutor(store: store)
  }

  deinit {
    try? discardWorkspace(folder)
  }

  func place(_ name: String) -> String { "\(folder)/\(name)" }

  static let path = "/usr/bin:/bin"

  func task(
    _ program: Program, variables: [(name: String, value: String)] = [("PATH", path)], files: [StagedFile] = [],
    outputs: [ExpectedOutput] = [], timeout: String? = nil, grace: String = "5 s"
  ) -> StepTask {
    StepTask(
      instance: "test/step", workspace: place("w\(count.add(1, ordering: .relaxed).newValue)"), program: program,
      variables: variables, files: files, outputs: outputs, timeout: timeout.flatMap { TimeSpan($0) },
      grace: TimeSpan(grace) ?? StepTask.standardGrace)
  }

  func run(_ task: StepTask, stop: StopSignal = StopSignal()) -> StepResult { executor.execute(task, stop: stop) }

  /// Runs a text with `sh -eu`.
  func sh(
    _ text: String, variables: [(name: String, value: String)] = [("PATH", path)], files: [StagedFile] = [],
    outputs: [ExpectedOutput] = [], timeout: String? = nil, grace: String = "5 s", stop: StopSignal = StopSignal()
  ) -> StepResult {
    run(
      task(
        .shell(text: text, .sh), variables: variables, files: files, outputs: outputs, timeout: timeout, grace: grace),
      stop: stop)
  }

  /// The text of a stored object.
  func text(_ digest: Digest?) throws -> String? {
    try digest.map { String(decoding: try store.read($0, limit: 1 << 20), as: UTF8.self) }
  }

  /// A named pipe: a step that opens it for writing tells that it has come so far.
  func pipe(_ name: String) -> String {
    mkfifo(place(name), 0o600)
    return place(name)
  }
}

func path(_ text: String) -> RelativePath { RelativePath(text) ?? .root }

func output(_ name: String, _ place: String, isDirectory: Bool = false) -> ExpectedOutput {
  ExpectedOutput(name: name, path: path(place), isDirectory: isDirectory)
}

func read(_ file: String) -> String {
  let descriptor = open(file, O_RDONLY | O_CLOEXEC)
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}

func exists(_ path: String) -> Bool {
  var status = stat()
  return lstat(path, &status) == 0
}

/// Runs bodies on plain threads, all at once, and waits for all of them.
func onThreads(_ bodies: [@Sendable () -> Void]) {
  let threads = bodies.map { body in
    let box = Unmanaged.passRetained(Box(body))
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}

private final class Box: Sendable {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
