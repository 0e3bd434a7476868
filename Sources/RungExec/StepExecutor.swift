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

/// Executes step instances elsewhere, in workspaces of its own: those that tasks name are not used, nor their layers'
/// folders.
///
/// For the rest the contract is that of `StepExecutor`. Results are objects of the store that everybody can read; what the
/// step was seen to use is kept there, too (`StepResult.observed`), and files that the step keeps between attempts are
/// handed on. That a machine fails is no result: the step is executed on another one, until that has happened too often.
public protocol RemoteStepExecutor: Sendable {
  /// Blocks until there is a result. `started` is called, on any thread, whenever a machine has begun with the step, with
  /// its workspace if this process can look into it.
  func execute(_ task: StepTask, stop: StopSignal, started: @escaping @Sendable (_ workspace: String?) -> Void)
    -> StepResult
}
