import RungCore
import RungModel
import RungStore

/// One execution of one step instance, everything resolved: no names left to look up but that of the program.
public struct StepTask: Sendable {
  /// The instance's name, for messages: `double-descent/fit[width=200,seed=3]`.
  public var instance: String
  /// The folder that the step runs in, absolute: one that `WorkspaceFolder` gave, or one that does not exist yet and
  /// whose parent does. It is left behind, with the log beside it, for the caller to give back or `discardWorkspace`.
  public var workspace: String
  /// What runs.
  public var program: Program
  /// The environment of the process: HOME and TMPDIR, which the executor knows, then these; nothing else is inherited.
  /// PATH, if given, is where a program named without `/` is looked for. Of two variables of one name the last counts.
  public var variables: [(name: String, value: String)]
  /// What is put into the workspace before the start. Files below `.rung` are Rung's own and refused here.
  public var files: [StagedFile]
  /// The same, but for files that many tasks of a run have in common.
  public var layers: [StagedLayer]
  /// How it is shut in and watched.
  public var confinement: Confinement
  /// What lies around it.
  public var surroundings: Surroundings
  /// The GPUs that it may see.
  public var gpus: [String]
  /// What must be there when the program has ended with 0. Parent folders are made before the start.
  public var outputs: [ExpectedOutput]
  /// How long it may run, from its start; nil for as long as it likes.
  public var timeout: TimeSpan?
  /// Earlier versions of an output, the likeliest first. Asked, on the thread that executes the task, only for outputs
  /// that are folders or have `large` bytes.
  public var earlier: @Sendable (ExpectedOutput) -> [Digest]
  /// What it sees otherwise than the step's other executions; nil, as ever, for nothing.
  public var variation: Variation?
  /// Paths in the workspace at which something may lie already, from an attempt before: they are left as they are.
  public var kept: [RelativePath]
  /// The action key, under which files are kept between attempts and by which other processes know what is executed.
  public var key: Digest?
  /// What it needs of the machine.
  public var resources = Resources()
  /// Whether nothing that earlier attempts kept is handed to it.
  public var startsAnew = false
  /// How long it is thought to take, in nanoseconds; nil when it never ran.
  public var expected: Int64?
  /// The time between the polite request to end (SIGTERM) and the sure one (SIGKILL).
  public var grace: TimeSpan

  /// A task. See the properties for the meaning of each part.
  public init(
    instance: String, workspace: String, program: Program, variables: [(name: String, value: String)] = [],
    files: [StagedFile] = [], outputs: [ExpectedOutput] = [], timeout: TimeSpan? = nil,
    grace: TimeSpan = StepTask.standardGrace, layers: [StagedLayer] = [],
    confinement: Confinement = .none, surroundings: Surroundings = Surroundings(project: "/", cache: "/"),
    gpus: [String] = [], kept: [RelativePath] = [], variation: Variation? = nil,
    earlier: @escaping @Sendable (ExpectedOutput) -> [Digest] = { _ in [] }
  ) {
    self.instance = instance
    self.workspace = workspace
    self.program = program
    self.variables = variables
    self.files = files
    self.outputs = outputs
    self.timeout = timeout
    self.grace = grace
    self.layers = layers
    self.confinement = confinement
    self.surroundings = surroundings
    self.gpus = gpus
    self.kept = kept
    self.variation = variation
    self.earlier = earlier
  }

  /// What the layers hold.
  public var shared: [StagedFile] { layers.flatMap(\.files) }

  /// From this size on, in bytes, it is worth knowing what a file was before, and unpacking it once for many steps.
  public static let large: Int64 = 8 << 20

  /// Five seconds.
  public static let standardGrace = TimeSpan(nanoseconds: 5_000_000_000)
}

/// What a task runs.
public enum Program: Hashable, Sendable {
  /// A text for a shell, run as `sh -eu` or `bash -eu`: the first command that fails ends it, and so does a variable
  /// that is not set.
  case shell(text: String, Shell)
  /// A program and its arguments, no shell at all. The first is the program: a name looked for on the task's PATH, or,
  /// with a `/` in it, a path (relative to the workspace).
  case arguments([String])
}

/// A file or directory tree that a step finds in its workspace.
public struct StagedFile: Hashable, Sendable {
  /// Where it is put, from the root of the workspace.
  public var path: RelativePath
  /// What it holds.
  public var content: Content

  /// What a staged file holds.
  public enum Content: Hashable, Sendable {
    /// The bytes of an object.
    case object(Digest, executable: Bool)
    /// A directory tree.
    case tree(Digest)
    /// These bytes, not executable.
    case bytes([UInt8])
  }

  /// A file at a place.
  public init(path: RelativePath, content: Content) {
    self.path = path
    self.content = content
  }
}

/// Files that a run keeps unpacked for all of its tasks that read them.
public struct StagedLayer: Sendable {
  /// The folder in which the run keeps just these, absolute; it and its parent need not be there yet. It is the name of
  /// what it holds: the same folder, the same files.
  public var folder: String
  /// The files, at their places in the workspace.
  public var files: [StagedFile]
  /// How much they take, in bytes.
  public var size: Int64
  /// Whether it is this task's alone: its folder belongs to the workspace, and is reused with it.
  public var isOwn: Bool

  /// Files in a folder.
  public init(folder: String, files: [StagedFile], size: Int64, isOwn: Bool = false) {
    self.isOwn = isOwn
    self.folder = folder
    self.files = files
    self.size = size
  }
}

/// Something that a step has to make.
public struct ExpectedOutput: Hashable, Sendable {
  /// Its name in the pipeline.
  public var name: String
  /// Where it is written, from the root of the workspace.
  public var path: RelativePath
  /// True when it must be a directory, false when it must be a regular file.
  public var isDirectory: Bool
  /// How the store keeps it.
  public var compression: Compression

  /// An output at a place.
  public init(name: String, path: RelativePath, isDirectory: Bool = false, compression: Compression = .auto) {
    self.name = name
    self.path = path
    self.isDirectory = isDirectory
    self.compression = compression
  }
}
