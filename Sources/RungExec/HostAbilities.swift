import RungCore

/// What this host allows a step's launcher to do, as `rung-step probe` found out by trying.
public struct HostAbilities: Hashable, Sendable {
  /// One thing that was tried.
  public struct Answer: Hashable, Sendable {
    /// Whether it works.
    public let works: Bool
    /// Why not, as the kernel said it; empty when it works.
    public let reason: String

    /// An answer.
    public init(works: Bool, reason: String = "") {
      self.works = works
      self.reason = reason
    }
  }

  /// The things that are tried, in the words of `rung-step probe`.
  public enum Thing: String, CaseIterable, Sendable {
    /// User namespaces, without privileges.
    case users
    /// Mount namespaces by the rights of root, without a user namespace.
    case mountsAsRoot = "mounts-as-root"
    /// Mount namespaces: a private view.
    case mounts
    /// Process namespaces with a /proc of their own.
    case processes
    /// Network namespaces.
    case network
    /// Overlays in such a view, with the writable layer in the cache.
    case overlay
    /// Being told of system calls by seccomp.
    case notify
    /// Being told of them by ptrace.
    case ptrace
    /// Landlock.
    case landlock
    /// Refusing internet sockets by a seccomp filter.
    case refuseNetwork = "refuse-network"
  }

  private var answers: [Thing: Answer] = [:]
  /// Why nothing at all is known: the launcher is missing; nil when it answered.
  public private(set) var problem: String?

  /// A host with these abilities and no others.
  public init(_ things: Set<Thing>) {
    for thing in Thing.allCases { answers[thing] = Answer(works: things.contains(thing)) }
  }

  /// A host of which nothing is known: steps run as they did before there was a launcher.
  public init(problem: String) { self.problem = problem }

  /// What came of trying a thing.
  public subscript(thing: Thing) -> Answer { answers[thing] ?? Answer(works: false, reason: "not tried") }

  /// Whether a thing works.
  public func has(_ thing: Thing) -> Bool { self[thing].works }

  /// Reads what `rung-step probe` printed: `NAME yes` or `NAME no REASON` a line. Nil for anything else. Lines of things
  /// that this version does not know are passed over.
  public init?(text: String) {
    let lines = text.split(separator: "\n")
    guard lines.first == "version 1" else { return nil }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count >= 2, let thing = Thing(rawValue: String(words[0])) else { continue }
      answers[thing] = Answer(works: words[1] == "yes", reason: words.count > 2 ? String(words[2]) : "")
    }
    // A list that was cut short.
    guard answers[.refuseNetwork] != nil else { return nil }
  }

  /// The text that `init(text:)` reads.
  public var text: String {
    var text = "version 1\n"
    for thing in Thing.allCases {
      guard let answer = answers[thing] else { continue }
      text += "\(thing.rawValue) \(answer.works ? "yes" : "no \(answer.reason)")\n"
    }
    return text
  }
}
