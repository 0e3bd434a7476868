import Glibc
import RungCore
import RungEngine
import Synchronization

/// The view for a terminal: what is done, what runs and for how long, and how long it will take.
///
/// A thread of its own redraws ten times a second, and only when something changed or a second has passed; events
/// only change numbers. Finished steps leave no lines; failures and warnings do.
final class LiveRunView: RunView {
  private struct State {
    var total = 0
    var jobs = 1
    var unchanged = 0
    var ran = 0
    var failed = 0
    var skipped = 0
    var running: [(instance: String, step: String, since: Int64)] = []
    var started: Int64 = 0
    var remaining: [String: (count: Int, each: Double?)]
    // What steps took in this run: worth more than what they took before.
    var observed: [String: (count: Int, seconds: Double)] = [:]
    var messages: [String] = []
    var drawn = 0
    var changed = true
    var finished = false
  }

  private let state: Mutex<State>
  private let style = Style.errors
  private let thread = Mutex<StartedThread?>(nil)

  /// - Parameter expected: for each step how many instances there are and how many seconds one took before.
  init(expected: [String: (count: Int, each: Double?)]) {
    state = Mutex(State(remaining: expected))
  }

  func begin() {
    let started = startThread {
      while true {
        usleep(100_000)
        let over = self.state.withLock { state -> Bool in
          self.draw(&state)
          return state.finished
        }
        if over { return }
      }
    }
    thread.withLock { $0 = started }
  }

  func end() {
    state.withLock { state in
      state.finished = true
      erase(&state)
    }
    thread.withLock { $0 }?.join()
  }

  func observe(_ event: RunEvent) {
    state.withLock { state in
      state.changed = true
      switch event {
      case .started(_, let instances, let jobs):
        state.total = instances
        state.jobs = jobs
        state.started = Monotonic.now()
      case .unchanged(let instance):
        state.unchanged += 1
        finish(instance, &state)
      case .settled(let instance):
        state.total -= 1
        finish(instance, &state)
      case .stepStarted(let instance, let step, _):
        state.running.append((instance, step, Monotonic.now()))
      case .stepSucceeded(let instance, let step, let duration, _):
        state.ran += 1
        let before = state.observed[step] ?? (0, 0)
        state.observed[step] = (before.count + 1, before.seconds + duration.seconds)
        stop(instance, &state)
        finish(instance, &state)
      case .stepFailed(let failure):
        state.failed += 1
        stop(failure.instance, &state)
        state.messages.append(RunText.failure(failure, style))
      case .skipped(let instances): state.skipped += instances.count
      case .finished(let summary):
        erase(&state)
        state.finished = true
        flushMessages(&state)
        Console.write(RunText.summary(summary, style) + "\n", to: STDERR_FILENO)
      case .retrying(let instance, _, _, _):
        stop(instance, &state)
        if let line = RunText.line(event, style) { state.messages.append(line) }
      default: if let line = RunText.line(event, style) { state.messages.append(line) }
      }
    }
  }

  private func stop(_ instance: String, _ state: inout State) {
    if let index = state.running.firstIndex(where: { $0.instance == instance }) { state.running.remove(at: index) }
  }

  private func finish(_ instance: String, _ state: inout State) {
    let step = String(instance.prefix { $0 != "[" })
    if let entry = state.remaining[step] { state.remaining[step] = (max(0, entry.count - 1), entry.each) }
  }

  // MARK: drawing

  private func erase(_ state: inout State) {
    guard state.drawn > 0 else { return }
    Console.write("\r\u{1B}[\(state.drawn)A\u{1B}[J", to: STDERR_FILENO)
    state.drawn = 0
  }

  private func flushMessages(_ state: inout State) {
    guard !state.messages.isEmpty else { return }
    Console.write(state.messages.joined(separator: "\n") + "\n", to: STDERR_FILENO)
    state.messages = []
  }

  private func draw(_ state: inout State) {
    guard !state.finished, state.total > 0, state.changed || !state.running.isEmpty else { return }
    state.changed = false
    let now = Monotonic.now()
    // A run that is over in an instant shows nothing but its last line.
    guard now - state.started > 150_000_000 || !state.messages.isEmpty else { return }
    let (columns, rows) = Console.size(STDERR_FILENO)
    erase(&state)
    flushMessages(&state)
    var lines = [progress(state, now, columns)]
    let room = max(1, min(8, rows - 4))
    for entry in state.running.prefix(room) {
      let elapsed = "\(TimeSpan(nanoseconds: now - entry.since))"
      lines.append("  " + Self.fit(entry.instance, columns - 6 - elapsed.count) + "  " + style.dim(elapsed))
    }
    if state.running.count > room { lines.append(style.dim("  and \(state.running.count - room) more")) }
    Console.write(lines.joined(separator: "\n") + "\n", to: STDERR_FILENO)
    state.drawn = lines.count
  }

  private func progress(_ state: State, _ now: Int64, _ columns: Int) -> String {
    let done = state.unchanged + state.ran + state.failed + state.skipped
    var words = "\(done)/\(state.total)"
    if state.unchanged > 0 { words += ", \(state.unchanged) up to date" }
    if state.failed > 0 { words += ", \(style.red("\(state.failed) failed"))" }
    if let seconds = Self.secondsLeft(state), done < state.total {
      words += ", about \(TimeSpan(nanoseconds: Int64(seconds * 1e9))) left"
    }
    let width = max(10, min(30, columns - 50))
    let filled = state.total == 0 ? width : width * done / state.total
    let bar =
      style.green(String(repeating: "━", count: filled)) + style.dim(String(repeating: "─", count: width - filled))
    return "\(bar) \(words) \(style.dim("\(TimeSpan(nanoseconds: now - state.started))"))"
  }

  // The work that is left, shared among the jobs: by what steps took in this run, else in earlier ones, else by the mean
  // of all steps so far. Nil when nothing is known.
  private static func secondsLeft(_ state: State) -> Double? {
    let count = state.observed.values.reduce(0) { $0 + $1.count }
    let mean = count > 0 ? state.observed.values.reduce(0) { $0 + $1.seconds } / Double(count) : nil
    var work = 0.0
    for (step, left) in state.remaining where left.count > 0 {
      let seen = state.observed[step].map { $0.seconds / Double($0.count) }
      guard let each = seen ?? left.each ?? mean else { return nil }
      work += Double(left.count) * each
    }
    return work / Double(max(1, state.jobs))
  }

  /// A text cut in the middle so that it has at most `width` characters.
  static func fit(_ text: String, _ width: Int) -> String {
    guard text.count > width, width > 8 else { return text }
    let head = width * 2 / 3
    return text.prefix(head) + "…" + text.suffix(width - head - 1)
  }
}
