import Glibc
import RungCore

/// What a step was seen to look at.
public struct Observation: Sendable {
  /// Whether anybody watched.
  public var isRecorded = false
  /// Why the list may lack something; empty when it is complete.
  public var problems: [String] = []
  // The entries as the launcher wrote them: instances of a sweep mostly see the same, and are told by these bytes.
  private let raw: ArraySlice<UInt8>

  /// Nothing was seen, since nobody watched.
  public init() { raw = [] }

  /// What a launcher wrote: `count` entries.
  init?(_ raw: ArraySlice<UInt8>, count: Int) {
    self.raw = raw
    var reader = StepReport.Reader(bytes: raw)
    for _ in 0..<count {
      guard let isText = reader.skipEntry() else { return nil }
      if !isText, problems.isEmpty { problems.append("a path that is not UTF-8 was used") }
    }
    guard reader.isAtEnd else { return nil }
  }

  /// Equal fingerprints, equal paths: with everything that was seen of them, their times too.
  public var fingerprint: Digest { Digest(of: Array(raw)) }

  /// Each path once, in the order of first sight; those that are not UTF-8 are left out. Formed anew at each call.
  public func paths() -> [ObservedPath] {
    var reader = StepReport.Reader(bytes: raw)
    var paths: [ObservedPath] = []
    while !reader.isAtEnd, let entry = reader.entry() {
      if let path = entry.value { paths.append(path) }
    }
    return paths
  }
}

/// A path that a step looked at, as it was when it was first looked at.
public struct ObservedPath: Hashable, Sendable {
  /// How it was used.
  public struct Uses: OptionSet, Hashable, Sendable {
    /// The bits of `enum use` in Sources/rung-step/step.h.
    public let rawValue: UInt16
    /// Bits.
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Its presence or its metadata.
    public static let looked = Uses(rawValue: 1)
    /// Its content.
    public static let read = Uses(rawValue: 2)
    /// The names in a folder.
    public static let listed = Uses(rawValue: 4)
    /// Executed, or loaded to execute something.
    public static let executed = Uses(rawValue: 8)
    /// The names in a folder, but only by Python's import system (Sources/rung-step/python.c).
    public static let imported = Uses(rawValue: 16)
  }

  /// What was there.
  public enum Kind: Hashable, Sendable { case absent, file, folder, link, other }

  /// From the project's root (empty for the root itself), or absolute.
  public let path: String
  /// Whether the path is one of the project.
  public let isInProject: Bool
  /// How it was used.
  public let uses: Uses
  /// `st_mode`; 0 when nothing was there.
  public let mode: UInt32
  /// `st_dev`.
  public let device: UInt64
  /// `st_ino`.
  public let inode: UInt64
  /// In bytes.
  public let size: Int64
  /// Time of the last change of the content, in nanoseconds since 1970.
  public let modified: Int64
  /// Time of the last change of the inode, in nanoseconds since 1970.
  public let changed: Int64
  /// Whether it was something else when the step had ended.
  public let wasChanged: Bool
  /// At level `strict`: looked for where only declared inputs are.
  public let isStaged: Bool
  /// The target of a link, or the names in a listed folder with a NUL after each.
  public let extra: [UInt8]

  /// What was there.
  public var kind: Kind {
    switch mode & S_IFMT {
    case 0: .absent
    case S_IFREG: .file
    case S_IFDIR: .folder
    case S_IFLNK: .link
    default: .other
    }
  }

  /// Whether its owner could execute it.
  public var isExecutable: Bool { mode & S_IXUSR != 0 }

  /// The names in a listed folder, in no order.
  public var names: [[UInt8]] { extra.split(separator: 0).map(Array.init) }
}
