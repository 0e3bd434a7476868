import Glibc
import RungRemote
import Synchronization

/// How something on another thread ended.
final class Ending: Sendable {
  private let state = Mutex<(isOver: Bool, error: RemoteError?)>((false, nil))

  func set(_ error: RemoteError?) { state.withLock { $0 = (true, error) } }

  func wait() -> RemoteError? {
    while true {
      let (isOver, error) = state.withLock { $0 }
      if isOver { return error }
      sched_yield()
    }
  }
}
