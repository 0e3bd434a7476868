import Synchronization

/// Hands on what a fleet says to the view of the stage that goes on.
final class FleetListener: Sendable {
  private let current = Mutex<(@Sendable (String) -> Void)?>(nil)

  /// From now on, this one is told.
  func set(_ warn: @escaping @Sendable (String) -> Void) { current.withLock { $0 = warn } }

  /// Tells it.
  func tell(_ sentence: String) { current.withLock { $0 }?(sentence) }
}
