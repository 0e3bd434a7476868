import RungRemote

/// Whether a remote is still used in this run, and what is to be said of it: a pure value. A remote that has failed once is
/// left alone for the rest of the run, for what would be asked again would only wait again; reading and writing fail on
/// their own.
struct RemoteHealth {
  /// What is done with it.
  enum Use: Hashable, Sendable { case reading, writing }

  private var off: Set<Use> = []
  // What was said already.
  private var told: Set<String> = []

  /// Whether it is used in this way.
  func allows(_ use: Use) -> Bool { !off.contains(use) }

  /// Takes in a failure; the answer is a warning, once.
  mutating func failed(_ error: RemoteError, _ use: Use) -> String? {
    let message = error.message
    switch use {
    case .reading:
      // Whoever cannot be reached takes nothing either.
      if error.kind == .unreachable || error.kind == .untrusted { off.insert(.writing) }
      guard off.insert(.reading).inserted else { return nil }
      return say("\(message). The run goes on without it")
    case .writing:
      guard off.insert(.writing).inserted else { return nil }
      return say("\(message). Results are not given to it in this run; `rung cache push` gives what is missing")
    }
  }

  /// Takes in that it is too slow; the answer is a warning, once.
  mutating func overdue(_ name: String, seconds: Int) -> String? {
    off.insert(.writing)
    guard off.insert(.reading).inserted else { return nil }
    return say("the remote \(name) has not answered within \(seconds) s. The run goes on without it")
  }

  /// Whether something was not noted before.
  mutating func isNew(_ word: String) -> Bool { told.insert(word).inserted }

  /// The sentence, unless it was said before.
  mutating func say(_ sentence: String) -> String? { told.insert(sentence).inserted ? sentence : nil }
}
