import RungCore

/// Runs step instances, one at a call.
public protocol StepExecutor: Sendable {
  /// Prepares the workspace, runs the program, stores what it made. Blocks until the process and all that it left in its
  /// session are gone: call it on a plain thread, which must live until it returns.
  ///
  /// Never throws: whatever goes wrong is a result. May be called from many threads at once.
  func execute(_ task: StepTask, stop: StopSignal) -> StepResult
}
