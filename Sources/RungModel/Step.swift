import RungCore

/// A step as declared: one command, run once for each combination of the values of its axes.
public struct Step: Hashable, Sendable {
  /// The name within its pipeline.
  public var name: String
  /// `data`, `train`, `measure`, `theory`, `analysis`, or any word; nil when not said.
  public var kind: String?
  /// The axes it runs over, by name, in the order declared.
  public var over: [String]
  /// Combinations left out: each maps some of the axes in `over` to labels; a combination that agrees with all of them
  /// is not made.
  public var exclude: [[String: String]]
  /// Combinations added: each gives a value for every axis in `over`.
  public var include: [[String: AxisValue]]
  /// What to run.
  public var command: Command
  /// Files of the project that it reads.
  public var inputs: [Input]
  /// What it makes; at least one.
  public var outputs: [Output]
  /// The environment that it runs in; nil for the machine's own programs.
  public var environment: EnvironmentSpec?
  /// What it needs while it runs.
  public var resources: Resources
  /// After this time it is stopped and has failed; nil for never.
  public var timeout: TimeSpan?
  /// How long it may take to end when it is asked to, before it is killed; nil for five seconds.
  public var grace: TimeSpan?
  /// How many times it is tried again after a failure.
  public var retries: Int
  /// Environment variables that it gets, in the order of the file; each is part of the key.
  public var variables: [Variable]
  /// Names of variables of the caller that it gets and that are never recorded; the names are part of the key.
  public var secrets: [String]
  /// Whether it may use the network.
  public var network: Bool
  /// The level asked for; nil for the project's default.
  public var watch: WatchLevel?
  /// Workspace files that survive an interrupted attempt; never a result.
  public var keep: [RelativePath]
  /// False when the author says that two runs may differ.
  public var deterministic: Bool
  /// How it is repeated on its own output; nil for a step that runs once.
  public var loop: Loop?
  /// Who executes it; nil for what the command line or the project says.
  public var executor: ExecutorKind?
  /// Where it was declared.
  public var location: SourceLocation?

  /// A step; what is not given has the default that the format documents.
  public init(
    name: String, kind: String? = nil, over: [String] = [], exclude: [[String: String]] = [],
    include: [[String: AxisValue]] = [], command: Command, inputs: [Input] = [], outputs: [Output],
    environment: EnvironmentSpec? = nil, resources: Resources = Resources(), timeout: TimeSpan? = nil,
    grace: TimeSpan? = nil, retries: Int = 0, variables: [Variable] = [], secrets: [String] = [], network: Bool = false,
    watch: WatchLevel? = nil, keep: [RelativePath] = [], deterministic: Bool = true, loop: Loop? = nil,
    location: SourceLocation? = nil
  ) {
    self.name = name
    self.kind = kind
    self.over = over
    self.exclude = exclude
    self.include = include
    self.command = command
    self.inputs = inputs
    self.outputs = outputs
    self.environment = environment
    self.resources = resources
    self.timeout = timeout
    self.grace = grace
    self.retries = retries
    self.variables = variables
    self.secrets = secrets
    self.network = network
    self.watch = watch
    self.keep = keep
    self.deterministic = deterministic
    self.loop = loop
    self.location = location
  }
}

extension Step {
  /// The names of the outputs that are made again when something reads them.
  public var passing: Set<String> { Set(outputs.lazy.filter(\.recompute).map(\.name)) }
}

extension Step {
  /// The name of the step that judges a pipeline's claims, and its kind.
  public static let claims = "claims"
  /// The output of that step: a JSON list with an object for each claim.
  public static let verdicts = "verdicts"

  /// The step that judges claims.
  static func judging(_ claims: [Claim]) -> Step {
    Step(
      name: Self.claims, kind: Self.claims, command: .claims(claims),
      outputs: [Output(name: verdicts, path: Template(literal: "verdicts.json"))], location: claims.first?.location)
  }
}

/// What a step runs.
public enum Command: Hashable, Sendable {
  /// A text for a shell, run as `sh -eu` or `bash -eu`.
  case shell(Template, Shell)
  /// A program and its arguments, no shell at all.
  case arguments([Template])
  /// Rung itself judges these claims; no program is started.
  case claims([Claim])

  /// The texts in it; none where no program is started.
  public var templates: [Template] {
    switch self {
    case .shell(let text, _): [text]
    case .arguments(let list): list
    case .claims: []
    }
  }

  /// The outputs of other steps that it needs, in the order of the text, some more than once.
  public var outputs: [StepOutput] {
    if case .claims(let claims) = self { return claims.flatMap(\.outputs) }
    return templates.flatMap(\.references).compactMap { if case .step(let output) = $0 { output } else { nil } }
  }
}

/// The shell that a step's text is for.
public enum Shell: String, Hashable, Sendable, CaseIterable {
  /// The POSIX shell.
  case sh
  /// GNU bash.
  case bash
}

/// Files of the project that a step reads.
public struct Input: Hashable, Sendable {
  /// The name; empty for an input that commands do not name.
  public var name: String
  /// A path or a glob, from the project's root after filling in; may use parameters and axes of the step.
  public var path: Template
  /// What `path` stands for.
  public var form: Form
  /// The folder that the path is relative to, from the project's root (the pipeline's, or that of the pipeline that
  /// the step was taken from by `uses`).
  public var base: RelativePath
  /// Where it was declared.
  public var location: SourceLocation?

  /// What an input's path stands for.
  public enum Form: String, Hashable, Sendable {
    /// One file or one directory: whichever is there.
    case path
    /// All files that match a glob; the command sees their paths, sorted.
    case glob
  }

  /// An input.
  public init(name: String, path: Template, form: Form, base: RelativePath, location: SourceLocation? = nil) {
    self.name = name
    self.path = path
    self.form = form
    self.base = base
    self.location = location
  }
}

/// What a step makes.
public struct Output: Hashable, Sendable {
  /// The name: `{out.name}` in its own command, `{step.name}` in others.
  public var name: String
  /// Where the step writes it, from the root of its workspace; may use parameters and axes.
  public var path: Template
  /// True when it is a directory (declared by a trailing `/` or `directory: true`).
  public var isDirectory: Bool
  /// Where a copy is put in the project, from the project's root after filling in and relative to `base`; nil for
  /// none.
  public var publish: Template?
  /// The folder that `publish` is relative to, from the project's root.
  public var base: RelativePath
  /// When numbers of two executions count as equal; nil for bit by bit.
  public var tolerance: Tolerance?
  /// How the cache stores it. No part of the result, and so none of its key.
  public var compression: Compression
  /// Whether its bytes go when the run that made it has ended, and are made again when something reads them: for what is
  /// big and cheap. No part of the result, and so none of its key.
  public var recompute: Bool
  /// Where it was declared.
  public var location: SourceLocation?

  /// How the cache stores the bytes of an output.
  public enum Compression: Hashable, Sendable {
    /// As the cache finds best.
    case auto
    /// As they are.
    case raw
    /// Compressed at this level of zstd, one of `levels`.
    case level(Int)

    /// The levels that may be asked for.
    public static let levels = 1...19
  }

  /// An output.
  public init(
    name: String, path: Template, isDirectory: Bool = false, publish: Template? = nil, base: RelativePath = .root,
    tolerance: Tolerance? = nil, compression: Compression = .auto, recompute: Bool = false,
    location: SourceLocation? = nil
  ) {
    self.name = name
    self.path = path
    self.isDirectory = isDirectory
    self.publish = publish
    self.base = base
    self.tolerance = tolerance
    self.compression = compression
    self.recompute = recompute
    self.location = location
  }
}

/// How far two numbers may lie apart and still count as equal: within `absolute` or within `relative` times the larger.
public struct Tolerance: Hashable, Sendable {
  /// In the unit of the numbers; nil for none.
  public var absolute: Double?
  /// Without unit; nil for none.
  public var relative: Double?

  /// A tolerance.
  public init(absolute: Double? = nil, relative: Double? = nil) {
    self.absolute = absolute
    self.relative = relative
  }
}

/// An environment variable of a step.
public struct Variable: Hashable, Sendable {
  /// The name.
  public var name: String
  /// Its value; nil to take the caller's value (which is then part of the key).
  public var value: Template?

  /// A variable.
  public init(name: String, value: Template?) {
    self.name = name
    self.value = value
  }
}

/// What a step needs while it runs.
public struct Resources: Hashable, Sendable {
  /// Processors; also the number of threads that numerical libraries are told to use. At least 1.
  public var cpus: Int
  /// Main memory; nil when not said.
  public var memory: ByteCount?
  /// Whole GPUs; the step sees just these, through CUDA_VISIBLE_DEVICES.
  public var gpus: Int
  /// Units of the pools that rung.yaml names (licences, a database), by name.
  public var pools: [String: Int]

  /// What a step needs; one processor by default.
  public init(cpus: Int = 1, memory: ByteCount? = nil, gpus: Int = 0, pools: [String: Int] = [:]) {
    self.cpus = cpus
    self.memory = memory
    self.gpus = gpus
    self.pools = pools
  }
}

/// An environment that Rung builds for steps.
public struct EnvironmentSpec: Hashable, Sendable {
  /// The lock file of the Python packages, from the project's root.
  public var pythonLock: RelativePath
  /// The interpreter asked for, a name on PATH or an absolute path; nil for the first native `python3` on PATH.
  public var interpreter: String?
  /// Where it was declared.
  public var location: SourceLocation?

  /// A Python environment.
  public init(pythonLock: RelativePath, interpreter: String? = nil, location: SourceLocation? = nil) {
    self.pythonLock = pythonLock
    self.interpreter = interpreter
    self.location = location
  }
}

/// How far a step is watched while it runs (docs/guarantees.md), weakest first.
public enum WatchLevel: String, Hashable, Comparable, Sendable, CaseIterable {
  /// Only declared inputs are known.
  case declared
  /// Every file opened or looked for is recorded.
  case traced
  /// Only declared inputs exist.
  case strict

  /// By strength: `declared < traced < strict`.
  public static func < (a: WatchLevel, b: WatchLevel) -> Bool { a.strength < b.strength }

  private var strength: Int {
    switch self {
    case .declared: 0
    case .traced: 1
    case .strict: 2
    }
  }
}
