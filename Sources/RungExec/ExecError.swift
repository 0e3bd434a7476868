internal import CRungLaunch
import Glibc

/// What the machine refused while a step was prepared or cleaned up after.
public struct ExecError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence without a full stop, naming the thing.
  public let description: String

  /// An error told by a sentence.
  public init(_ description: String) { self.description = description }

  /// A refused system call: `cannot VERB 'PATH': REASON`.
  public static func system(_ verb: String, _ path: String, _ code: Int32 = errno) -> ExecError {
    ExecError("cannot \(verb) '\(path)': \(reason(code))")
  }

  /// What an errno means.
  static func reason(_ code: Int32) -> String {
    String(cString: rung_reason(code))
  }
}
