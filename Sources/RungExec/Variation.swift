internal import CRungLaunch
import Glibc

/// What no result may depend on, and what a repetition of a step therefore sees otherwise than the execution before it: a
/// dependence that nobody meant shows as a difference.
///
/// The time of day is not among it: a repetition happens at another one anyway, and no namespace shifts the clock.
///
/// A value: the same seed, the same variation. A task has one only where results are put to the test; without one nothing
/// of this is in force. What the host or the task's confinement does not allow is left out, and `StepResult.varied` says
/// what was done.
public struct Variation: Hashable, Sendable {
  /// One thing that is varied; the raw value is for people and records.
  public enum Aspect: String, CaseIterable, Sendable {
    /// The name of the machine. Needs a private view.
    case hostName = "host name"
    /// In which order `environ` has the variables. Always possible.
    case variableOrder = "order of environment variables"
    /// Where the numbers of processes begin. Needs process namespaces.
    case processNumbers = "process ids"
    /// The absolute paths of the workspace and of the home folder. Needs a private view.
    case folders = "path of the workspace"
    /// In which order folders are listed: the other way round for an odd seed, mixed for an even one. Needs seccomp
    /// notification, and so a step that is watched.
    case listingOrder = "order of directory listings"
    /// How many processors there are to be seen and used, fewer than before. What a step was promised in `cpus`, and
    /// numerical libraries are told, stays. Needs a launcher, and on a machine with one processor a private view.
    case processors = "number of processors"
  }

  /// Which of many variations it is.
  public let seed: UInt64
  /// What is to be varied.
  public let aspects: Set<Aspect>

  /// A variation.
  public init(seed: UInt64, aspects: Set<Aspect> = Set(Aspect.allCases)) {
    self.seed = seed
    self.aspects = aspects
  }
}

extension Variation {
  /// A number that looks like chance, of its own for each use.
  private func number(_ use: UInt64) -> UInt64 {
    // SplitMix64.
    var value = seed &* 0x9E37_79B9_7F4A_7C15 &+ use &* 0xD1B5_4A32_D192_ED03
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  private func name(_ use: UInt64, digits: Int) -> String {
    let text = String(number(use), radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text.suffix(digits)
  }

  var hostName: String? { aspects.contains(.hostName) ? "host-\(name(1, digits: 8))" : nil }

  /// The last process number that counts as used.
  var lastProcess: Int? { aspects.contains(.processNumbers) ? 300 + Int(number(2) % 20_000) : nil }

  /// Where the workspace is seen; not always as long.
  var workspace: String? {
    aspects.contains(.folders) ? "/tmp/w\(name(3, digits: 4 + Int(number(4) % 12)))" : nil
  }

  /// The name of the home folder.
  var home: String? { aspects.contains(.folders) ? "home-\(name(5, digits: 6))" : nil }

  /// As `rung-step` takes it: zero for the other way round.
  var listings: String? {
    aspects.contains(.listingOrder) ? (seed % 2 == 1 ? "0" : "\(max(1, number(6)))") : nil
  }

  /// How many processors are to be used, and which list of them is to be seen, on a machine where a process may use
  /// `usable` of them and `online` are there. `use` is nil where there is but one to be used.
  func processors(usable: Int, online: Int) -> (use: Int?, list: String)? {
    guard aspects.contains(.processors) else { return nil }
    guard usable > 1 else { return (nil, online == 2 ? "0-2\n" : "0-1\n") }
    let use = usable - 1 - Int(number(7) % UInt64(max(1, usable / 2)))
    return (use, use == 1 ? "0\n" : "0-\(use - 1)\n")
  }

  /// The variables in another order.
  func arranged(_ environment: [String]) -> [String] {
    guard aspects.contains(.variableOrder), environment.count > 1 else { return environment }
    var result = environment
    for last in stride(from: result.count - 1, to: 0, by: -1) {
      result.swapAt(last, Int(number(100 &+ UInt64(last)) % UInt64(last + 1)))
    }
    return result == environment ? result.reversed() : result
  }

  /// What of it was in force for a step, given what its launcher says to have done.
  func inForce(_ confinement: Confinement, report: Set<Aspect>) -> [Aspect] {
    var done = report
    done.insert(.variableOrder)
    if confinement.mounts { done.insert(.folders) }
    // With one processor there are more to be seen, and there is nothing for the launcher to do.
    if confinement.mounts, Self.machine().usable == 1, VariedFiles.isThere(VariedFiles.processors) {
      done.insert(.processors)
    }
    return Aspect.allCases.filter { done.contains($0) && aspects.contains($0) }
  }

  /// The processors of this machine.
  static func machine() -> (usable: Int, online: Int) {
    (max(1, Int(rung_usable_processors())), max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
  }
}
