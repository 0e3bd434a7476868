extension RunEngine {
  /// The thread-safe handle by which a signal handler's thread stops a run.
  public final class Interrupter: Sendable {
    private let act: @Sendable () -> Void

    init(_ act: @escaping @Sendable () -> Void) { self.act = act }

    /// The first call stops politely: nothing new starts, running steps get SIGTERM and, after their grace, SIGKILL. A
    /// second call kills them at once.
    public func interrupt() { act() }
  }
}
