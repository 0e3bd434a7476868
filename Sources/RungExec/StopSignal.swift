internal import CRungLaunch
import Glibc
import Synchronization

/// Asks running steps to end: first politely, then at once. One signal may serve any number of tasks, now and later.
///
/// May be used from any thread, but not from a signal handler. It only wakes the threads that wait for their children;
/// each of them signals its own child, which it has not reaped: so no other process can ever be hit.
public final class StopSignal: Sendable {
  /// How urgent it is.
  enum Level: Int, Comparable {
    case none, polite, now

    static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
  }

  private let state = Atomic<Int>(Level.none.rawValue)
  // Readable for ever once the level is reached, so that every waiting thread sees it. -1 when the process has no
  // descriptors left: waiting threads then look at `level` from time to time.
  let polite: Int32
  let now: Int32

  /// Not asked for yet.
  public init() {
    polite = rung_event()
    now = rung_event()
  }

  deinit {
    if polite >= 0 { close(polite) }
    if now >= 0 { close(now) }
  }

  /// SIGTERM to the process group of every task that runs with this signal; SIGKILL to those that are still there after
  /// their grace. Tasks that have not started end as `.stopped`. A second call changes nothing.
  public func request() { raise(to: .polite) }

  /// SIGKILL at once.
  public func requestNow() { raise(to: .now) }

  /// True once either was called.
  public var isRequested: Bool { level > .none }

  /// True once `requestNow` was called.
  public var isRequestedNow: Bool { level == .now }

  var level: Level { Level(rawValue: state.load(ordering: .acquiring)) ?? .now }

  private func raise(to level: Level) {
    guard state.max(level.rawValue, ordering: .acquiringAndReleasing).oldValue < level.rawValue else { return }
    if polite >= 0 { rung_event_raise(polite) }
    if level == .now, now >= 0 { rung_event_raise(now) }
  }
}
