import RungCore
import RungLedger
import RungModel

extension Lineage {
  /// A file or folder of the project that an execution read.
  public struct Source: Hashable, Sendable {
    /// What it is.
    public enum Kind: String, Sendable {
      /// A regular file.
      case file
      /// A regular file with its executable bit set.
      case executable
      /// A folder; its digest is that of its manifest.
      case tree
      /// The lock file of an environment.
      case lock
    }

    /// From the project's root.
    public let path: String
    /// The content that was read.
    public let digest: Digest
    /// What it is; `lock` when it is used as one anywhere.
    public let kind: Kind
    /// The steps (`pipeline/step`) that read it, sorted.
    public let usedBy: [String]
  }

  /// An environment that executions ran in.
  public struct Environment: Hashable, Sendable {
    /// What the records say of it.
    public let environment: Record.Environment
    /// The steps that ran in it, sorted.
    public let usedBy: [String]
  }

  /// A program that commands start with.
  public struct Program: Hashable, Sendable {
    /// What the records say of it.
    public let program: Record.Program
    /// The steps that started it, sorted.
    public let usedBy: [String]
  }

  /// Everything of the project that was read on the way: scripts, data files, lock files; each path and content once,
  /// sorted by path. A path is here twice when two executions read different contents of it.
  public var sources: [Source] {
    struct Name: Hashable {
      let path: String
      let digest: Digest
    }
    var uses: [Name: (kind: Source.Kind, steps: Set<String>)] = [:]
    func add(_ path: String, _ digest: Digest, _ kind: Source.Kind, _ step: String) {
      let name = Name(path: path, digest: digest)
      var use = uses.removeValue(forKey: name) ?? (kind, [])
      if rank(kind) > rank(use.kind) { use.kind = kind }
      use.steps.insert(step)
      uses[name] = use
    }
    func rank(_ kind: Source.Kind) -> Int {
      switch kind {
      case .file: 0
      case .executable: 1
      case .tree: 2
      case .lock: 3
      }
    }
    for execution in executions {
      let step = execution.step
      for input in execution.record.inputs {
        guard case .project(let path) = input.source else { continue }
        add(path, input.digest, Source.Kind(rawValue: input.kind) ?? .file, step)
      }
      if let environment = execution.record.environment {
        add(environment.lockPath, environment.lock, .lock, step)
      }
    }
    return uses.map {
      Source(path: $0.key.path, digest: $0.key.digest, kind: $0.value.kind, usedBy: $0.value.steps.sorted())
    }
    .sorted { ($0.path, $0.digest) < ($1.path, $1.digest) }
  }

  /// The environments that Rung built for the executions, each once.
  public var environments: [Environment] {
    used(executions.compactMap { execution in execution.record.environment.map { ($0, execution.step) } })
      .map { Environment(environment: $0.thing, usedBy: $0.steps) }
      .sorted {
        ($0.environment.lockPath, $0.environment.identity) < ($1.environment.lockPath, $1.environment.identity)
      }
  }

  /// The programs that the executions' commands start with, where they are not part of an environment; each once.
  public var programs: [Program] {
    used(executions.compactMap { execution in execution.record.program.map { ($0, execution.step) } })
      .map { Program(program: $0.thing, usedBy: $0.steps) }
      .sorted { ($0.program.name, $0.program.digest) < ($1.program.name, $1.program.digest) }
  }

  private func used<T: Hashable>(_ pairs: [(T, String)]) -> [(thing: T, steps: [String])] {
    var uses: [T: Set<String>] = [:]
    for (thing, step) in pairs { uses[thing, default: []].insert(step) }
    return uses.map { ($0.key, $0.value.sorted()) }
  }

  /// How far the least watched execution was watched, and the steps to blame, sorted. Nil when no execution is known. A
  /// word that this version does not know counts as the weakest: nothing is claimed that is not understood.
  public var watch: (level: WatchLevel, steps: [String])? {
    var byLevel: [WatchLevel: Set<String>] = [:]
    for execution in executions {
      byLevel[WatchLevel(rawValue: execution.record.watch) ?? .declared, default: []].insert(execution.step)
    }
    // Weakest first, as declared.
    for level in WatchLevel.allCases {
      if let steps = byLevel[level] { return (level, steps.sorted()) }
    }
    return nil
  }
}
