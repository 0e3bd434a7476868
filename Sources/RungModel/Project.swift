import RungCore

/// A project: the settings of `rung.yaml` and every pipeline under `pipelines/`.
public struct Project: Sendable {
  /// The project's folder, absolute.
  public var root: String
  /// What `rung.yaml` says; defaults where it is silent or missing.
  public var settings: ProjectSettings
  /// In the order of their names.
  public var pipelines: [Pipeline]
  /// What is worth saying although nothing stops.
  public var warnings: [Diagnostic]
  /// The files that all this was read from, with their bytes, in the order of their paths.
  public var declarations: [Declaration]
  /// What the command line changed about them.
  public var overrides: Overrides
  /// What else was looked at to load it.
  public var sightings = Sightings()

  /// What was looked at beside the files that were read, by path from the project's root.
  public struct Sightings: Sendable {
    /// Files that would have been read, had they been there.
    public var missing: Set<RelativePath> = []
    /// The names in folders that were listed.
    public var listings: [RelativePath: [String]] = [:]
    /// What was at paths; nil for nothing.
    public var kinds: [RelativePath: ProjectFiles.Kind?] = [:]

    /// Nothing yet.
    public init() {}
  }

  /// A file that a project is declared in.
  public struct Declaration: Hashable, Sendable {
    /// From the project's root.
    public let path: RelativePath
    /// What it held.
    public let bytes: [UInt8]

    /// A file.
    public init(path: RelativePath, bytes: [UInt8]) {
      self.path = path
      self.bytes = bytes
    }
  }

  /// A project from its parts.
  public init(
    root: String, settings: ProjectSettings, pipelines: [Pipeline], warnings: [Diagnostic] = [],
    declarations: [Declaration] = [], overrides: Overrides = Overrides()
  ) {
    self.declarations = declarations
    self.overrides = overrides
    self.root = root
    self.settings = settings
    self.pipelines = pipelines
    self.warnings = warnings
  }

  /// The pipeline of a name.
  public func pipeline(_ name: String) -> Pipeline? { pipelines.first { $0.name == name } }
}

/// The settings of a project (`rung.yaml`).
public struct ProjectSettings: Hashable, Sendable {
  /// Where the cache lies: absolute or from the project's root; nil for `cache`. `RUNG_CACHE` comes first.
  public var cache: String?
  /// How many steps run at once; nil for the number of processors. `--jobs` comes first.
  public var jobs: Int?
  /// The level for steps that do not say; nil for the best that the host allows.
  public var watch: WatchLevel?
  /// A run refuses to start a step below this level; nil to start every step.
  public var watchFloor: WatchLevel?
  /// The sizes of named pools.
  public var pools: [String: Int]
  /// Main memory that steps may use together; nil for the machine's.
  public var memory: ByteCount?
  /// GPU device ids that steps may use; nil to ask the machine.
  public var gpus: [String]?
  /// How much of the disk inputs that steps share may take while a run keeps them unpacked; nil for a tenth of what is
  /// free.
  public var staging: ByteCount?
  /// Whether published copies say where they come from.
  public var stamps: Bool
  /// Who executes steps that do not say.
  public var executor = ExecutorKind.local
  /// The workers of a run on Slurm.
  public var slurm = Slurm()
  /// The remote caches, in the order in which they are asked. `RUNG_REMOTE` comes first.
  public var remotes: [RemoteSetting] = []
  /// The keys whose results are accepted from remotes, beside one's own, by their ids.
  public var trust: [String] = []

  /// Settings; what is not given is left to the defaults.
  public init(
    cache: String? = nil, jobs: Int? = nil, watch: WatchLevel? = nil, watchFloor: WatchLevel? = nil,
    pools: [String: Int] = [:], memory: ByteCount? = nil, gpus: [String]? = nil,
    staging: ByteCount? = nil, stamps: Bool = true
  ) {
    self.stamps = stamps
    self.cache = cache
    self.jobs = jobs
    self.watch = watch
    self.watchFloor = watchFloor
    self.pools = pools
    self.memory = memory
    self.gpus = gpus
    self.staging = staging
  }
}

/// What the command line changes about a project before it is planned.
public struct Overrides: Hashable, Sendable {
  /// The profile to apply, if any.
  public var profile: String?
  /// `--set name=value` or `--set pipeline/name=value`: parameter values, read as YAML scalars, flow lists or maps.
  public var parameters: [(name: String, value: String)]
  /// `--over axis=v1,v2`: the values that an axis is cut down to.
  public var axes: [(name: String, values: [String])]
  /// `--watch level`: the level of every step, over what files say.
  public var watch: WatchLevel?

  /// Overrides; none by default.
  public init(
    profile: String? = nil, parameters: [(name: String, value: String)] = [],
    axes: [(name: String, values: [String])] = [], watch: WatchLevel? = nil
  ) {
    self.profile = profile
    self.parameters = parameters
    self.axes = axes
    self.watch = watch
  }

  /// True when the two say the same.
  public static func == (a: Overrides, b: Overrides) -> Bool {
    a.profile == b.profile && a.watch == b.watch && a.parameters.elementsEqual(b.parameters) { $0 == $1 }
      && a.axes.elementsEqual(b.axes) { $0 == $1 }
  }

  /// Hashes all parts.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(profile)
    hasher.combine(watch)
    for parameter in parameters {
      hasher.combine(parameter.name)
      hasher.combine(parameter.value)
    }
    for axis in axes {
      hasher.combine(axis.name)
      hasher.combine(axis.values)
    }
  }
}

/// How the loader reads the project's files: the one door between the model and the disk, so that tests can hand it a
/// project that exists only in memory.
public struct ProjectFiles: Sendable {
  /// What is at a path.
  public enum Kind: Sendable {
    /// A regular file.
    case file
    /// A directory.
    case directory
    /// A device, a socket, a pipe.
    case other
  }

  /// The bytes of a file, at most `limit + 1` of them (one more than allowed tells that it is too big); nil when there
  /// is none. Throws when it cannot be read.
  public var read: @Sendable (_ path: RelativePath, _ limit: Int) throws -> [UInt8]?
  /// What is at a path, symbolic links followed; nil when there is nothing.
  public var kind: @Sendable (_ path: RelativePath) -> Kind?
  /// The names in a directory, sorted by bytes; empty when there is none.
  public var list: @Sendable (_ path: RelativePath) -> [String]
  /// Whether a path, symbolic links followed, stays inside the project.
  public var staysInside: @Sendable (_ path: RelativePath) -> Bool
  /// Whether an input, a path or a pattern from the project's root, was left out of a bundle: that it is missing is no
  /// mistake before a step that reads it is asked for.
  public var isLeftOut: @Sendable (_ input: String) -> Bool
  /// Whether a path itself is a symbolic link, or may be one.
  public var isLink: @Sendable (_ path: RelativePath) -> Bool

  /// Access to a project's files.
  public init(
    read: @escaping @Sendable (RelativePath, Int) throws -> [UInt8]?,
    kind: @escaping @Sendable (RelativePath) -> Kind?, list: @escaping @Sendable (RelativePath) -> [String],
    staysInside: @escaping @Sendable (RelativePath) -> Bool,
    isLeftOut: @escaping @Sendable (String) -> Bool = { _ in false },
    isLink: @escaping @Sendable (RelativePath) -> Bool = { _ in true }
  ) {
    self.isLeftOut = isLeftOut
    self.isLink = isLink
    self.read = read
    self.kind = kind
    self.list = list
    self.staysInside = staysInside
  }
}
