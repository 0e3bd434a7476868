import Glibc
import RungCore
import RungEngine
import Synchronization

/// What a run writes down of itself while it goes on, for those who look at it from another process (`rung serve`): one JSON
/// object a line in `cache/live/PROJECT/RUN.jsonl`.
///
/// The file is locked (flock) for as long as the run lives, and is gone when it has ended: a file that nobody holds is what a
/// killed run has left. It is made with the first step that starts, so that a run with nothing to do leaves no trace.
/// Nothing is waited for and nothing is synchronised; when it cannot be written, the run goes on without.
final class RunJournal: RunView {
  private struct State {
    var file: Int32 = -1
    var path = ""
    var isClosed = false
    var first: [JSON] = []
    // Since the last line: by step, how many were up to date and how many rounds turned out not to be needed.
    var unchanged: [String: (current: Int, settled: Int)] = [:]
    var pending = 0
  }

  private let folder: String
  private let steps: [RunPicture.Step]
  private let state = Mutex(State())

  /// A journal in the cache at this path, of a run of these steps. `project`: how the ledger calls the project, since several
  /// may share a cache.
  init(cache: String, project: String, steps: [RunPicture.Step]) {
    folder = Self.folder(inCache: cache, project: project)
    self.steps = steps
  }

  /// Where a project's journals lie.
  static func folder(inCache cache: String, project: String) -> String {
    "\(cache)/live/\(Digest(ofText: project).short)"
  }

  func observe(_ event: RunEvent) {
    state.withLock { state in
      switch event {
      case .unchanged(let instance): note(instance, (1, 0), &state)
      case .settled(let instance): note(instance, (0, 1), &state)
      case .started(let run, let instances, let jobs):
        if state.path.isEmpty { state.path = "\(folder)/\(run).jsonl" }
        let steps = steps.map { step -> JSON in
          [
            "step": .string(step.path), "instances": .int(step.total), "loop": .bool(step.isLoop),
            "seconds": step.each.map { .double($0) } ?? .null,
          ]
        }
        write(
          [
            "event": "run-started", "run": .string(run), "instances": .int(instances), "jobs": .int(jobs),
            "steps": .array(steps),
          ], &state)
      case .stepStarted(let instance, let step, let attempt, let workspace):
        open(&state)
        write(
          [
            "event": "step-started", "instance": .string(instance), "step": .string(step), "attempt": .int(attempt),
            "workspace": .optional(workspace),
          ], &state)
      default: if let json = RunText.json(event) { write(json, &state) }
      }
    }
  }

  func end() {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.isClosed = true
      guard state.file >= 0 else { return }
      unlink(state.path)
      close(state.file)
      state.file = -1
    }
  }

  private func note(_ instance: String, _ counts: (current: Int, settled: Int), _ state: inout State) {
    let step = String(instance.prefix { $0 != "[" })
    let before = state.unchanged[step] ?? (0, 0)
    state.unchanged[step] = (before.current + counts.current, before.settled + counts.settled)
    state.pending += 1
    // Thousands come at once; those who look need not know of each.
    if state.pending >= 1000 { flush(&state) }
  }

  private func flush(_ state: inout State) {
    guard state.pending > 0 else { return }
    let steps = state.unchanged.sorted { $0.key < $1.key }.map { step, counts -> JSON in
      ["step": .string(step), "current": .int(counts.current), "settled": .int(counts.settled)]
    }
    state.unchanged = [:]
    state.pending = 0
    put(["event": "unchanged", "steps": .array(steps)], &state)
  }

  private func write(_ json: JSON, _ state: inout State) {
    flush(&state)
    put(json, &state)
  }

  private func put(_ json: JSON, _ state: inout State) {
    let stamped = JSON.object([.init("at_ns", .int(Self.now()))] + (json.members ?? []))
    guard state.file >= 0 else {
      if !state.isClosed { state.first.append(stamped) }
      return
    }
    Console.write(stamped.compact + "\n", to: state.file)
  }

  private func open(_ state: inout State) {
    guard state.file < 0, !state.isClosed, !state.path.isEmpty else { return }
    if let slash = folder.lastIndex(of: "/") { mkdir(String(folder[..<slash]), 0o755) }
    mkdir(folder, 0o755)
    Self.sweep(folder)
    state.file = Glibc.open(state.path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard state.file >= 0 else {
      state.isClosed = true
      state.first = []
      return
    }
    flock(state.file, LOCK_EX | LOCK_NB)
    let first = state.first
    state.first = []
    for json in first { Console.write(json.compact + "\n", to: state.file) }
  }

  // Removes what killed runs have left.
  private static func sweep(_ folder: String) {
    for path in journals(in: folder) {
      let file = Glibc.open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
      guard file >= 0 else { continue }
      if flock(file, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
      close(file)
    }
  }

  /// The journals that there are, the newest run last.
  static func journals(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name.hasSuffix(".jsonl") { names.append(name) }
    }
    return names.sorted().map { "\(folder)/\($0)" }
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// Shows a run to two at once.
struct BothViews: RunView {
  let first: any RunView
  let second: any RunView

  func begin() {
    first.begin()
    second.begin()
  }

  func observe(_ event: RunEvent) {
    first.observe(event)
    second.observe(event)
  }

  func end() {
    first.end()
    second.end()
  }
}
