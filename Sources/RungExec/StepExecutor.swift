import RungCore

/// Runs step instances, one at a call.
public protocol StepExecutor: Sendable {
  /// Prepares the workspace, runs the program, stores what it made. Blocks until the process and all that it left in its
  /// session are gone: call it on a plain thread, which must live until it returns.
  ///
  /// Results are put into the store but not flushed: the caller does that before it publishes a record of them.
  /// The workspace stays, for the caller to discard or to show.
  ///
  /// Never throws: whatever goes wrong is a result. May be called from many threads at once.
  func execute(_ task: StepTask, stop: StopSignal) -> StepResult
}
