import RungCore
import RungEngine
import RungPlan

/// What a run looks like at a moment: a value that events change and that `LiveScreen` draws. Knows no clock: who tells it
/// something says when that was, in nanoseconds of a clock that never jumps.
struct RunPicture: Sendable {
  /// A step of the run, its instances folded.
  struct Step: Sendable, Hashable {
    /// `pipeline/step`.
    let path: String
    /// How many instances there are, or may be at most.
    var total: Int
    /// Whether it is a loop, whose rounds may turn out not to be needed.
    let isLoop: Bool
    /// What an instance took in earlier runs, in seconds; nil when it has never run.
    let each: Double?
    var unchanged = 0
    var ran = 0
    var failed = 0
    var skipped = 0
    var running = 0
    /// What those that ran took together, in seconds.
    var seconds = 0.0

    init(path: String, total: Int, isLoop: Bool = false, each: Double? = nil) {
      self.path = path
      self.total = total
      self.isLoop = isLoop
      self.each = each
    }

    /// How many have come to an end, one way or the other.
    var done: Int { unchanged + ran + failed + skipped }
  }

  /// An instance that runs.
  struct Running: Sendable {
    let instance: String
    let step: String
    /// When it was started.
    let since: Int64
    /// Where it writes; nil for what Rung does itself.
    let workspace: String?
  }

  /// In the order of the plan.
  private(set) var steps: [Step] = []
  /// The longest-running first.
  private(set) var running: [Running] = []
  /// How many instances there are.
  private(set) var total = 0
  private(set) var jobs = 1
  /// When the run began.
  private(set) var started: Int64 = 0
  private var places: [String: Int] = [:]

  /// A run of these steps that has not begun.
  init(_ steps: [Step]) {
    self.steps = steps
    for (index, step) in steps.enumerated() { places[step.path] = index }
  }

  /// All steps together.
  var sum: Step {
    var sum = Step(path: "", total: total)
    for step in steps {
      sum.unchanged += step.unchanged
      sum.ran += step.ran
      sum.failed += step.failed
      sum.skipped += step.skipped
    }
    return sum
  }

  /// Takes in what happened.
  mutating func note(_ event: RunEvent, at now: Int64) {
    switch event {
    case .started(_, let instances, let jobs):
      total = instances
      self.jobs = jobs
      started = now
    case .unchanged(let instance): change(instance) { $0.unchanged += 1 }
    case .settled(let instance):
      total -= 1
      change(instance) { $0.total -= 1 }
    case .stepStarted(let instance, let step, _, let workspace):
      running.append(Running(instance: instance, step: step, since: now, workspace: workspace))
      change(instance) { $0.running += 1 }
    case .stepSucceeded(let instance, _, let duration, _):
      stop(instance)
      change(instance) {
        $0.ran += 1
        $0.seconds += duration.seconds
      }
    case .stepFailed(let failure): note(failed: failure.instance)
    case .skipped(let instances): for instance in instances { change(instance) { $0.skipped += 1 } }
    case .retrying(let instance, _, _, _): stop(instance)
    default: break
    }
  }

  /// So many instances of a step were up to date, and so many rounds turned out not to be needed.
  mutating func note(unchanged: Int, settled: Int, of step: String) {
    total -= settled
    change(step) {
      $0.unchanged += unchanged
      $0.total -= settled
    }
  }

  /// An instance failed.
  mutating func note(failed instance: String) {
    stop(instance)
    change(instance) { $0.failed += 1 }
  }

  private mutating func change(_ instance: String, _ body: (inout Step) -> Void) {
    let path = String(instance.prefix { $0 != "[" })
    if places[path] == nil {
      places[path] = steps.count
      steps.append(Step(path: path, total: 0))
    }
    if let place = places[path] { body(&steps[place]) }
  }

  private mutating func stop(_ instance: String) {
    guard let index = running.firstIndex(where: { $0.instance == instance }) else { return }
    running.remove(at: index)
    change(instance) { $0.running -= 1 }
  }

  /// The work that is left, shared among the jobs, in seconds: by what steps took in this run, else in earlier ones, else by
  /// the mean of all steps so far. Nil when nothing is known.
  var secondsLeft: Double? {
    let count = steps.reduce(0) { $0 + $1.ran }
    let mean = count > 0 ? steps.reduce(0) { $0 + $1.seconds } / Double(count) : nil
    var work = 0.0
    for step in steps where step.total > step.done {
      guard let each = step.ran > 0 ? step.seconds / Double(step.ran) : step.each ?? mean else { return nil }
      work += Double(step.total - step.done) * each
    }
    return work / Double(max(1, jobs))
  }
}

extension RunPicture.Step {
  /// The steps that targets need.
  static func all(_ session: Session, _ targets: [BuildGraph.NodeID]) -> [RunPicture.Step] {
    session.expectedWork(targets).map { .init(path: $0.path, total: $0.count, isLoop: $0.isLoop, each: $0.each) }
  }
}
