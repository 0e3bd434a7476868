import Glibc
import RungCore
import RungEngine
import Synchronization

/// The view for a terminal: what is done, what runs and for how long, what it says, and how long it will take.
///
/// A thread of its own redraws ten times a second; events only change a value (`RunPicture`), from which `LiveScreen`
/// decides what is shown. Finished steps leave no lines; failures and warnings do.
final class LiveRunView: RunView {
  private struct State {
    var picture: RunPicture
    var messages: [String] = []
    var finished = false
    var frame = Frame()
  }

  private let state: Mutex<State>
  private let style = Style.errors
  private let thread = Mutex<StartedThread?>(nil)

  /// - Parameter steps: what there is to be done.
  init(_ steps: [RunPicture.Step]) { state = Mutex(State(picture: RunPicture(steps))) }

  func begin() {
    let started = startThread {
      var details = LiveDetails()
      var load = ProcessLoad()
      var measured: (at: Int64, load: LiveScreen.Load?) = (0, nil)
      while true {
        usleep(100_000)
        let now = Monotonic.now()
        let (picture, over) = self.state.withLock { ($0.picture, $0.finished) }
        if over { return }
        // A run that is over in an instant shows nothing but its last line.
        guard picture.total > 0, now - picture.started > 150_000_000 else { continue }
        let (columns, rows) = Console.size(STDERR_FILENO)
        if now - measured.at > 1_000_000_000 { measured = (now, load.sample(at: now)) }
        let screen = LiveScreen(
          picture: picture, details: details.look(at: LiveScreen.shown(picture, rows: rows)), load: measured.load,
          now: now, columns: columns, rows: rows)
        let lines = screen.lines
        self.state.withLock { state in
          guard !state.finished else { return }
          let text = state.frame.replace(with: lines, above: state.messages, columns: columns, style: self.style)
          state.messages = []
          Console.write(text, to: STDERR_FILENO)
        }
      }
    }
    thread.withLock { $0 = started }
  }

  func end() {
    state.withLock { state in
      state.finished = true
      Console.write(state.frame.erase(columns: Console.size(STDERR_FILENO).columns), to: STDERR_FILENO)
    }
    thread.withLock { $0 }?.join()
  }

  func observe(_ event: RunEvent) {
    state.withLock { state in
      state.picture.note(event, at: Monotonic.now())
      switch event {
      case .stepFailed(let failure): state.messages.append(RunText.failure(failure, style))
      case .finished(let summary):
        state.finished = true
        let last = state.messages + [RunText.summary(summary, style)]
        state.messages = []
        let columns = Console.size(STDERR_FILENO).columns
        Console.write(
          state.frame.erase(columns: columns) + last.joined(separator: "\n") + "\n", to: STDERR_FILENO)
      default: if let line = RunText.line(event, style) { state.messages.append(line) }
      }
    }
  }
}

/// What stands at the bottom of a terminal and is drawn over again and again.
struct Frame: Sendable {
  // In columns, of each line that stands there.
  private var widths: [Int] = []

  init() {}

  /// What takes away what was drawn. A window that has become narrower since has broken lines in two: they count as often
  /// as they take rows now.
  mutating func erase(columns: Int) -> String {
    defer { widths = [] }
    let rows = widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(1, columns)) }
    return rows == 0 ? "" : "\r\u{1B}[\(rows)A\u{1B}[J"
  }

  /// What draws these lines in place of those before, with messages above them that stay.
  mutating func replace(
    with lines: [ScreenLine], above messages: [String], columns: Int, style: Style
  ) -> String {
    var text = erase(columns: columns)
    for message in messages { text += message + "\n" }
    for line in lines { text += line.text(style, columns: columns) + "\n" }
    widths = lines.map { min($0.width, columns) }
    return text
  }
}
