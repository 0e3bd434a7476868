import RungCore

/// What is kept for ever of one execution of a step instance: what went in, what was done, what came out.
///
/// Records are objects of the store, named by the digest of their JSON text (docs/formats/record.md). They name the
/// records of the steps that made their inputs, so a record carries its whole lineage.
public struct Record: Hashable, Sendable {
  /// How the execution ended.
  public enum Outcome: String, Sendable {
    /// All outputs are there.
    case succeeded
    /// The command ended with an error, or an output is missing.
    case failed
    /// It took longer than the step's `timeout`.
    case timedOut = "timed-out"
    /// It was stopped with the run.
    case interrupted
    /// A file that it read was changed while it ran: the result is kept but counts for nothing.
    case changed
  }

  /// One field of the action key (see `ActionKey`).
  public struct Field: Hashable, Sendable {
    /// The kind: `command`, `parameter`, `input`, …
    public var kind: String
    /// Which of that kind.
    public var name: String
    /// The value for people.
    public var value: String
    /// The content, where the value names it.
    public var digest: Digest?

    /// A field of a key.
    public init(kind: String, name: String, value: String, digest: Digest?) {
      self.kind = kind
      self.name = name
      self.value = value
      self.digest = digest
    }
  }

  /// Something that the step read.
  public struct Input: Hashable, Sendable {
    /// Where it came from.
    public enum Source: Hashable, Sendable {
      /// A file or directory of the project, by its path there.
      case project(path: String)
      /// Files of the project that a glob matched: the digest of the input is that of a `FileListing` object, and its
      /// path is the glob.
      case files
      /// An output of another step instance, by the record of its execution.
      case step(instance: String, output: String, record: Digest)
      /// Outputs of many instances: a `Collection` object.
      case collection(members: Digest, form: String)
    }

    /// The name under which the command refers to it; empty for none.
    public var name: String
    /// Where it lay in the workspace.
    public var path: String
    /// What kind of object: `file`, `executable`, `tree`, `table`.
    public var kind: String
    /// The content.
    public var digest: Digest
    /// Where it came from.
    public var source: Source

    /// An input.
    public init(name: String, path: String, kind: String, digest: Digest, source: Source) {
      self.name = name
      self.path = path
      self.kind = kind
      self.digest = digest
      self.source = source
    }
  }

  /// Something that the step made.
  public struct Output: Hashable, Sendable {
    /// The name.
    public var name: String
    /// Where it lay in the workspace.
    public var path: String
    /// `file`, `executable` or `tree`.
    public var kind: String
    /// The content.
    public var digest: Digest
    /// In bytes.
    public var size: Int64

    /// An output.
    public init(name: String, path: String, kind: String, digest: Digest, size: Int64) {
      self.name = name
      self.path = path
      self.kind = kind
      self.digest = digest
      self.size = size
    }
  }

  /// The environment that Rung built for the step.
  public struct Environment: Hashable, Sendable {
    /// The name of the environment: its digest.
    public var identity: Digest
    /// The lock file's path in the project.
    public var lockPath: String
    /// The lock file's content.
    public var lock: Digest
    /// The interpreter's path on the host.
    public var interpreter: String
    /// For example `CPython 3.11.2`.
    public var version: String
    /// The content of the interpreter's file.
    public var interpreterDigest: Digest?
    /// For example `linux-x86_64-glibc2.36`.
    public var platform: String

    /// An environment.
    public init(
      identity: Digest, lockPath: String, lock: Digest, interpreter: String, version: String,
      interpreterDigest: Digest?, platform: String
    ) {
      self.identity = identity
      self.lockPath = lockPath
      self.lock = lock
      self.interpreter = interpreter
      self.version = version
      self.interpreterDigest = interpreterDigest
      self.platform = platform
    }
  }

  /// The program that the command starts with, where it is not part of a built environment.
  public struct Program: Hashable, Sendable {
    /// The name in the command.
    public var name: String
    /// Its path on the host, links resolved.
    public var path: String
    /// The content.
    public var digest: Digest

    /// A program.
    public init(name: String, path: String, digest: Digest) {
      self.name = name
      self.path = path
      self.digest = digest
    }
  }

  /// `pipeline/step[axis=value,…]`.
  public var instance: String
  /// The pipeline's name.
  public var pipeline: String
  /// The step's name.
  public var step: String
  /// The step's kind, if it has one.
  public var kind: String?
  /// Axis names and labels.
  public var axes: [JSON.Member]
  /// The action key.
  public var key: Digest
  /// What the key covers.
  public var fields: [Field]
  /// How it ended.
  public var outcome: Outcome
  /// The exit code, when the command ended by itself.
  public var exitCode: Int?
  /// The signal that ended it, if one did.
  public var signal: Int?
  /// What went wrong, for people; nil for success.
  public var problem: String?
  /// The program and arguments as run, filled in.
  public var command: [String]
  /// Parameters that the step used.
  public var parameters: [JSON.Member]
  /// What it read.
  public var inputs: [Input]
  /// What it made; empty unless it succeeded or `changed`.
  public var outputs: [Output]
  /// The environment that Rung built, if any.
  public var environment: Environment?
  /// The program, where known.
  public var program: Program?
  /// Declared environment variables.
  public var variables: [JSON.Member]
  /// How far it was watched: `declared`, `traced`, `strict`.
  public var watch: String
  /// Whether it could use the network as far as Rung knows.
  public var network: Bool
  /// What it could see: `private` (a mount namespace of its own), `landlock`, or `none` (all that the user can see).
  public var view: String
  /// Whether its reads were recorded: `complete`, `incomplete`, `off`.
  public var trace: String
  /// Why the recording is incomplete, sentences.
  public var traceProblems: [String]
  /// What it was observed to read.
  public var observed: Observed
  /// The run that it was part of.
  public var run: String
  /// That run's own record (`RunRecord`); nil in older records.
  public var runRecord: Digest?
  /// The host's name.
  public var host: String
  /// Where a cluster executed it: an object with the host, the cluster's software, job, node and partition; nil when it was
  /// executed by the run itself.
  public var place: JSON?
  /// Nanoseconds since 1970.
  public var started: Int64
  /// Wall time in nanoseconds.
  public var duration: Int64
  /// Processor time in nanoseconds.
  public var cpu: Int64
  /// The largest resident size of a process of it, in bytes.
  public var peakMemory: Int64
  /// How many attempts it took.
  public var attempts: Int
  /// The git commit of the project, if it is in git.
  public var commit: String?
  /// Whether files of the project differed from that commit.
  public var dirty: Bool?
  /// What it printed, as an object; nil when nothing.
  public var log: Digest?
  /// What it said of itself (`StepEvents`), as an object; nil when nothing.
  public var events: Digest?
  /// The version of Rung.
  public var version: String

  /// A record from all its parts; see the properties.
  public init(
    instance: String, pipeline: String, step: String, kind: String?, axes: [JSON.Member], key: Digest,
    fields: [Field], outcome: Outcome, exitCode: Int?, signal: Int?, problem: String?, command: [String],
    parameters: [JSON.Member], inputs: [Input], outputs: [Output], environment: Environment?, program: Program?,
    variables: [JSON.Member], watch: String, network: Bool, view: String = "none", trace: String = "off",
    traceProblems: [String] = [], observed: Observed = Observed(), run: String,
    runRecord: Digest? = nil, host: String, place: JSON? = nil, started: Int64,
    duration: Int64, cpu: Int64, peakMemory: Int64, attempts: Int, commit: String?, dirty: Bool?, log: Digest?,
    events: Digest? = nil, version: String
  ) {
    self.instance = instance
    self.pipeline = pipeline
    self.step = step
    self.kind = kind
    self.axes = axes
    self.key = key
    self.fields = fields
    self.outcome = outcome
    self.exitCode = exitCode
    self.signal = signal
    self.problem = problem
    self.command = command
    self.parameters = parameters
    self.inputs = inputs
    self.outputs = outputs
    self.environment = environment
    self.program = program
    self.variables = variables
    self.watch = watch
    self.network = network
    self.view = view
    self.trace = trace
    self.traceProblems = traceProblems
    self.observed = observed
    self.run = run
    self.runRecord = runRecord
    self.host = host
    self.place = place
    self.started = started
    self.duration = duration
    self.cpu = cpu
    self.peakMemory = peakMemory
    self.attempts = attempts
    self.commit = commit
    self.dirty = dirty
    self.log = log
    self.events = events
    self.version = version
  }
}
