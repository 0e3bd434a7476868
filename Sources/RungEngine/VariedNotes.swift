import RungExec
import Synchronization

/// What was varied for each instance of a run, as far as its host could.
final class VariedNotes: Sendable {
  private let notes = Mutex<[String: [Variation.Aspect]]>([:])

  func note(_ aspects: [Variation.Aspect], of instance: String) { notes.withLock { $0[instance] = aspects } }

  subscript(_ instance: String) -> [Variation.Aspect] { notes.withLock { $0[instance] ?? [] } }
}
