import RungCore

/// How two sets of results differ: in what went in, and in what came out. Results are paired by the names of their
/// instances.
public struct Comparison: Sendable {
  /// Something that two executions of an instance had, other than files.
  public struct Setting: Hashable, Sendable {
    /// What it is.
    public enum Kind: String, Sendable, CaseIterable {
      /// A parameter; values as JSON.
      case parameter
      /// The command as it is declared, else as it ran.
      case command
      /// A declared environment variable.
      case variable
      /// The interpreter of the environment: its version, path and content.
      case interpreter
      /// The platform of the environment.
      case platform
      /// The program that the command starts with: its path and content.
      case program
      /// How far it was watched.
      case watch
      /// Whether it could use the network.
      case network
      /// The machine.
      case host
    }
    /// What it is.
    public let kind: Kind
    /// Which of that kind; empty where there is one.
    public let name: String
    /// The value before; nil when there was none.
    public let old: String?
    /// The value after; nil when there is none.
    public let new: String?
    /// The steps (`pipeline/step`) in which it differs so, sorted.
    public internal(set) var steps: [String]
    /// In how many instances; 0 where only the steps can be compared, because they have no instance in common.
    public internal(set) var instances: Int
  }

  /// A source with other content, or that only one side has.
  public struct FileChange: Hashable, Sendable {
    /// From the project's root.
    public let path: String
    /// What it is.
    public let kind: Lineage.Source.Kind
    /// The contents before; empty when it was not read.
    public let old: [Digest]
    /// The contents after.
    public let new: [Digest]
    /// In bytes, where there is one content and the cache has it.
    public let oldSize: Int64?
    /// The same, after.
    public let newSize: Int64?
    /// The steps that read it, on either side.
    public let usedBy: [String]
    /// True when no step declares it: it was only observed.
    public let observed: Bool
    /// A unified diff where both contents are text that the cache has; nil otherwise.
    public let diff: [String]?
    /// Of a folder: the paths in it that came, went and changed; nil otherwise.
    public let members: FolderChange?
  }

  /// A package of a lock file.
  public struct PackageChange: Hashable, Sendable {
    /// The lock file.
    public let lock: String
    /// The package, its name normalised.
    public let name: String
    /// The version before; nil when it was not there.
    public let old: String?
    /// The version after.
    public let new: String?
  }

  /// A number in an output that differs.
  public struct NumberChange: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// The JSON pointer (RFC 6901) of the number in the output.
    public let path: String
    /// The value before; nil when it was not there.
    public let old: Double?
    /// The value after.
    public let new: Double?

    /// The new value less the old; nil where one is missing or no number.
    public var absolute: Double? {
      guard let old, let new, old.isFinite, new.isFinite else { return nil }
      return new - old
    }
    /// `absolute` as a part of the old value; nil also when that is 0.
    public var relative: Double? {
      guard let absolute, let old, old != 0 else { return nil }
      let part = absolute / old.magnitude
      return part.isFinite ? part : nil
    }
  }

  /// The numbers at one place of one output of a step, over all its instances.
  public struct Metric: Hashable, Sendable {
    /// `pipeline/step`.
    public let step: String
    /// The output's name.
    public let output: String
    /// The place, with `*` for each index of a list.
    public let path: String
    /// How many instances both sides have.
    public let instances: Int
    /// Those that differ, the largest change first.
    public let changes: [NumberChange]
  }

  /// An output that differs and is not made of numbers, or not only of them.
  public struct OutputChange: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// `pipeline/step`.
    public let step: String
    /// The output's name.
    public let output: String
    /// Where it lay in the workspace.
    public let path: String
    /// The content before; nil when it was not made.
    public let old: Digest?
    /// The content after.
    public let new: Digest?
    /// In bytes.
    public let oldSize: Int64?
    /// In bytes.
    public let newSize: Int64?
    /// True of an image: PNG, SVG, PDF, JPEG.
    public let isFigure: Bool
    /// True when its numbers are told in `metrics`.
    public let isMeasured: Bool
  }

  /// An instance that only one side has, or that ended in another way.
  public struct InstanceChange: Hashable, Sendable {
    /// The instance.
    public let instance: String
    /// How it ended before, as a record says it; nil when it was not there.
    public let old: String?
    /// How it ended after.
    public let new: String?
  }

  /// What was before.
  public let old: ResultSet
  /// What came after.
  public let new: ResultSet
  /// How many instances both sides have.
  public let paired: Int
  /// Of those, how many have the very same outputs.
  public let identical: Int
  /// Instances with the same key on both sides and other outputs: what they make does not follow from what went in.
  public let unexplained: [String]
  /// What differs besides files, by kind and name.
  public let settings: [Setting]
  /// Sources that differ, by path.
  public let files: [FileChange]
  /// Packages that differ, by lock file and name.
  public let packages: [PackageChange]
  /// Instances that differ, by name.
  public let instances: [InstanceChange]
  /// Numbers that differ, by step, output and path.
  public let metrics: [Metric]
  /// Outputs that differ, by instance and name.
  public let outputs: [OutputChange]
  /// What could not be found on either side.
  public let incomplete: [Lineage.Gap]

  /// True when nothing differs: neither what went in nor what came out.
  public var isEmpty: Bool {
    settings.isEmpty && files.isEmpty && packages.isEmpty && instances.isEmpty && metrics.isEmpty && outputs.isEmpty
  }
}
