import RungCore
import RungLedger

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
    /// True when it was only observed: no step on the way declared this content at this path.
    public let observed: Bool
  }

  /// How many files of the system, outside the project, were observed to be read; one that was read with two contents
  /// counts twice.
  public var systemFiles: Int { observed.systemCount }

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

  /// Everything of the project that was read on the way: scripts, data files, lock files, declared or observed; each
  /// path and content once, sorted by path. A path is here twice when two executions read different contents of it. What
  /// an execution was observed to read in a folder that it declares is not here: the folder is.
  public var sources: [Source] {
    var uses: [SourceName: SourceUse] = [:]
    // In a sweep most executions read what the one before has read.
    var last: (step: String, inputs: [Record.Input], environment: Record.Environment?) = ("", [], nil)
    for execution in executions {
      let step = execution.step
      let inputs = execution.record.inputs
      let isSameStep = step == last.step
      for (index, input) in inputs.enumerated() {
        guard case .project(let path) = input.source else { continue }
        if isSameStep, index < last.inputs.count, last.inputs[index] == input { continue }
        uses[SourceName(path: path, digest: input.digest), default: SourceUse()]
          .add(Source.Kind(rawValue: input.kind) ?? .file, step)
      }
      let environment = execution.record.environment
      if let environment, !isSameStep || environment != last.environment {
        uses[SourceName(path: environment.lockPath, digest: environment.lock), default: SourceUse()].add(.lock, step)
      }
      last = (step, inputs, environment)
    }
    for (sighting, steps) in sightings {
      for file in observed.files(of: sighting.set) where !sighting.covers(file.path) {
        uses[SourceName(path: file.path, digest: file.digest), default: SourceUse(isObserved: true)]
          .add(file.isExecutable ? .executable : .file, steps)
      }
    }
    return uses.map {
      Source(
        path: $0.key.path, digest: $0.key.digest, kind: $0.value.kind, usedBy: $0.value.steps.sorted(),
        observed: $0.value.isObserved)
    }
    .sorted { ($0.path, $0.digest) < ($1.path, $1.digest) }
  }

  // The steps by what their executions were observed to read, so that a set that ten thousand executions share is gone
  // through once.
  private var sightings: [Sighting: Set<String>] {
    var result: [Sighting: Set<String>] = [:]
    var last: (set: Digest, step: String)?
    for execution in executions {
      guard let set = execution.record.observed.project else { continue }
      let hasFolders = execution.record.inputs.contains { $0.kind == Source.Kind.tree.rawValue }
      if !hasFolders, let last, last == (set, execution.step) { continue }
      last = hasFolders ? nil : (set, execution.step)
      var folders: Set<String> = []
      for input in execution.record.inputs where input.kind == Source.Kind.tree.rawValue {
        if case .project(let path) = input.source { folders.insert(path) }
      }
      result[Sighting(set: set, folders: folders), default: []].insert(execution.step)
    }
    return result
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
    var last: (T, String)?
    for (thing, step) in pairs {
      if let last, last == (thing, step) { continue }
      last = (thing, step)
      uses[thing, default: []].insert(step)
    }
    return uses.map { ($0.key, $0.value.sorted()) }
  }
}

private struct SourceName: Hashable {
  let path: String
  let digest: Digest
}

private struct SourceUse {
  private(set) var kind = Lineage.Source.Kind.file
  private(set) var steps: Set<String> = []
  var isObserved = false

  mutating func add(_ other: Lineage.Source.Kind, _ step: String) { add(other, [step]) }

  mutating func add(_ other: Lineage.Source.Kind, _ more: Set<String>) {
    if Self.rank(other) > Self.rank(kind) { kind = other }
    steps.formUnion(more)
  }

  private static func rank(_ kind: Lineage.Source.Kind) -> Int {
    switch kind {
    case .file: 0
    case .executable: 1
    case .tree: 2
    case .lock: 3
    }
  }
}

// An observed set, and the folders of the project that the executions which have it declare.
private struct Sighting: Hashable {
  let set: Digest
  let folders: Set<String>

  func covers(_ path: String) -> Bool { folders.contains { path.hasPrefix($0 + "/") || $0.isEmpty || $0 == "." } }
}
