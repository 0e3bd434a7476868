import Glibc
import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungStore

/// A project opened for work: its pipelines expanded, its cache and ledger at hand.
///
/// Used by one thread at a time; the parts that others need (store, ledger, locks) are safe to share.
public final class Session {
  /// The project as its files declare it.
  public let project: Project
  /// Its step instances.
  public let graph: BuildGraph
  /// The objects.
  public let store: ObjectStore
  /// The index.
  public let ledger: Ledger
  /// What the machine has.
  public let host: HostResources
  /// How the ledger calls this project: `.` when its cache lies inside it, else its path.
  public let projectName: String
  /// The instance and output that make each published file, by path from the project's root.
  public let published: [String: PublishedOutput]
  /// The folder of the cache, absolute.
  public let cache: String
  /// The folder that steps must not see, absolute: the cache, and for a scratch session the one that it lies in.
  let hiddenCache: String

  /// Who executes steps that do not say; what the project says, unless the command line does.
  public var executor: ExecutorKind

  /// What starts steps; nil where there is none.
  public let launcher: StepLauncher?

  // On a file system of several machines, that this one may use the cache.
  private let claim: HostClaim?
  // What the ledger and the store had seen when this session began.
  let generation: LedgerGeneration?
  let removals: String?
  let resolver: ResolverBox
  let checker: CheckerBox
  // What the ledger says of each published path.
  let publishedRows: [String: PublishedRow]
  let environments: EnvironmentResolver
  // Where Python environments are kept.
  let environmentsFolder: String
  let callerVariables: [String: String]
  // The newest entry of each instance's history.
  var latest: [String: HistoryEntry]
  // What was accepted in this project and not revoked, by the key that it is accepted for, the newest first.
  var acceptances: [Digest: [AcceptanceRow]]
  // What was found out about this host; see Session+Confinement.
  let findings = HostFindings()
  var confinements: [Int: Confinement] = [:]
  // By loop and by the digest of what a round says: whether the loop has ended.
  var loopEndings: [Loop: [Digest: Bool]] = [:]
  var surroundingsBase: Surroundings?
  /// Instances that somebody asks for by name: the bytes of all their outputs are wanted, of those too that are made again
  /// only when something reads them (`recompute: true`).
  public var asked: Set<BuildGraph.NodeID> = []
  // How many surveys there were, and what explanations of the last one have in common.
  var surveys = 0
  var told: Explanations?
  // By step: what its instances declare of the project, where it is the same for all.
  var fixedSources: [Int: ProjectSources] = [:]

  /// A place for a copy of an output.
  public struct PublishedOutput: Sendable {
    /// The instance that makes it.
    public let instance: BuildGraph.NodeID
    /// The index of the output in its step.
    public let output: Int
  }

  // The same for the checker.
  final class CheckerBox {
    var value: ObservedChecker
    init(_ value: ObservedChecker) { self.value = value }
  }

  // A box, so that the resolver is changed in place.
  final class ResolverBox {
    var value: KeyResolver
    init(_ value: KeyResolver) { self.value = value }
  }

  /// Where the cache of a project lies.
  public static func cachePath(root: String, settings: ProjectSettings, variables: [String: String]) -> String {
    let chosen = variables["RUNG_CACHE"].flatMap { $0.isEmpty ? nil : $0 } ?? settings.cache ?? "cache"
    return chosen.hasPrefix("/") ? chosen : "\(root)/\(chosen)"
  }

  /// How the ledger in a cache calls the project at `root`.
  static func projectName(root: String, cache: String) -> String {
    (cache + "/").hasPrefix(root + "/") ? "." : root
  }

  /// Opens a project.
  ///
  /// - Parameters:
  ///   - callerVariables: the environment of the caller, from which steps take PATH and what they declare.
  ///   - ingesting: whether project files are kept in the store when they are read (runs do, questions do not).
  ///   - durable: false for tests and scratch: nothing is synchronised.
  ///   - cache: where the cache lies instead of where the project says, absolute.
  ///   - hiding: what steps must not see of the disk; nil for the cache.
  ///   - environmentsFolder: where Python environments are kept; nil for a folder of the cache.
  ///   - earlier: a session of the same project whose view of the files is kept: the plan stays frozen while dynamic axes
  ///     come to be known.
  ///   - launcher: what starts steps in a view of their own; without one they are only `declared`.
  ///
  /// Throws `Diagnostics` for a plan that cannot be made, `StoreError` and `LedgerError` for a cache that cannot be used.
  public init(
    project: Project, callerVariables: [String: String], ingesting: Bool, durable: Bool = true,
    launcher: StepLauncher? = nil, cache scratch: String? = nil, hiding: String? = nil,
    environmentsFolder: String? = nil, continuing earlier: Session? = nil
  ) throws {
    self.launcher = launcher
    self.project = project
    executor = earlier?.executor ?? project.settings.executor
    self.callerVariables = callerVariables
    graph = try BuildGraph(project.pipelines)
    cache = scratch ?? Self.cachePath(root: project.root, settings: project.settings, variables: callerVariables)
    hiddenCache = hiding ?? cache
    projectName = Self.projectName(root: project.root, cache: cache)
    host = HostResources.detect(environment: callerVariables)
    claim = try earlier?.claim ?? HostClaim.of(cache: cache, host: host.name)
    store = try ObjectStore(path: cache, durability: durable ? .full : .none)
    ledger = try Ledger(path: "\(cache)/index.sqlite", durable: durable)
    // Before anything is read.
    generation = try ledger.generation()
    removals = store.removals()
    latest = try ledger.latest(project: projectName)
    acceptances = Dictionary(
      grouping: try ledger.acceptances().filter { [projectName] in $0.revoked == nil && $0.project == projectName },
      by: \.key)
    self.environmentsFolder = environmentsFolder ?? "\(cache)/envs"
    environments = EnvironmentResolver(
      environments: PythonEnvironments(folder: self.environmentsFolder), root: project.root,
      path: StepVariables.path(environmentBin: nil, caller: callerVariables["PATH"]), ledger: ledger)
    let files =
      try earlier?.resolver.value.files
      ?? SourceFiles(
        root: project.root, cached: try ledger.statCache(project: projectName), storingIn: ingesting ? store : nil)
    resolver = ResolverBox(
      KeyResolver(
        graph: graph, root: project.root, files: files, environments: environments, callerVariables: callerVariables))
    published = try Self.publishedOutputs(graph)
    publishedRows = Dictionary(
      try ledger.published(project: projectName).map { ($0.path, $0) }, uniquingKeysWith: { $1 })
    let inside =
      (hiddenCache + "/").hasPrefix(project.root + "/")
      ? String(hiddenCache.dropFirst(project.root.utf8.count + 1)) : nil
    checker = CheckerBox(
      ObservedChecker(
        store: store,
        observing: Observing(
          published: Set(published.keys).union(publishedRows.keys).flatMap { [$0, Publisher.sidecar(of: $0)] },
          cache: inside)))
  }

  // The model has refused two outputs with one place as far as it could tell without the values of axes.
  private static func publishedOutputs(_ graph: BuildGraph) throws(Diagnostics) -> [String: PublishedOutput] {
    var result: [String: PublishedOutput] = [:]
    for step in graph.steps {
      let parameters = Dictionary(
        graph.pipelines[step.pipeline].parameters.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
      for (index, output) in step.step.outputs.enumerated() {
        guard let template = output.publish else { continue }
        for local in 0..<step.count where step.isLast(local) {
          var axes: [String: AxisValue] = [:]
          for axis in step.axes.indices { axes[step.axes[axis].name] = step.value(axis: axis, of: local) }
          let text = Substitution(parameters: parameters, axes: axes).plain(template)
          guard let path = RelativePath(text, in: output.base), !path.text.isEmpty else {
            throw Diagnostics("the place '\(text)' to publish to leads out of the project", at: output.location)
          }
          if let other = result[path.text] {
            throw Diagnostics(
              "\(graph.name(of: step.first + local)) and \(graph.name(of: other.instance)) would both publish '\(path)'",
              at: output.location, notes: ["give each a path of its own"])
          }
          result[path.text] = PublishedOutput(instance: step.first + local, output: index)
        }
      }
    }
    return result
  }

  /// The targets that can be asked for.
  public var targets: Targets { Targets(graph, published: published.mapValues(\.instance)) }

  /// Looks at everything that the steps of needed nodes read, so that what is wrong is said before anything runs, and
  /// what is right stays as it is for the whole run. Throws all mistakes at once.
  func freeze(_ needed: [Bool]) throws(Diagnostics) {
    var problems: [Diagnostic] = []
    for (index, step) in graph.steps.enumerated() {
      let wanted = (step.first..<(step.first + step.count)).filter { needed[$0] }
      guard !wanted.isEmpty else { continue }
      do throws(Diagnostics) {
        _ = try resolver.value.context(of: index)
      } catch {
        problems += error.items
        continue
      }
      let varies = step.step.inputs.contains { input in
        input.path.references.contains { if case .axis = $0 { true } else { false } }
      }
      let quoted = Self.quotedReferences(of: step.step)
      guard varies || !quoted.isEmpty else { continue }
      for instance in wanted {
        do throws(Diagnostics) {
          let inputs = try resolver.value.inputs(of: instance)
          try refuse(quoted, in: step, of: instance, inputs.map(\.input))
        } catch {
          problems += error.items
          break
        }
      }
    }
    guard problems.isEmpty else { throw Diagnostics(Array(Set(problems))) }
  }

  private static func quotedReferences(of step: Step) -> [Reference] {
    if case .shell(let text, _) = step.command { return text.quotedReferences }
    return []
  }

  // A value that needs quoting, inside quotes that the user has written, would reach the shell in pieces.
  private func refuse(
    _ quoted: [Reference], in step: PlannedStep, of instance: BuildGraph.NodeID, _ inputs: [KeyResolver.ResolvedInput]
  ) throws(Diagnostics) {
    guard !quoted.isEmpty else { return }
    var values = Substitution(
      parameters: try resolver.value.context(of: Int(graph.stepOfInstance[instance])).parameters,
      axes: resolver.value.axisValues(of: instance))
    for input in inputs { values.inputs[input.name] = input.items.map(\.path.text) }
    guard let found = values.firstNeedingQuotes(quoted) else { return }
    throw Diagnostics(
      "{\(found.reference.source)} stands inside quotes in step '\(step.step.name)', and its value needs quoting itself: \(found.value.prefix(80))",
      at: step.step.location,
      notes: ["take the quotes around {\(found.reference.source)} away: Rung quotes every value that needs it"])
  }

  /// The known result of an instance with this key: of the earlier executions, the newest whose observed files are as
  /// they were then, and that was watched as closely as it would be now.
  func lookUp(_ key: Digest, of instance: BuildGraph.NodeID) throws -> KnownResult? {
    let rows = try ledger.actions(forKey: key)
    if rows.isEmpty, acceptances.isEmpty { return nil }
    let required = requiredLevel(ofStep: Int(graph.stepOfInstance[instance]))
    for row in rows where (WatchLevel(rawValue: row.watch) ?? .declared) >= required {
      // A result whose record is gone cannot be traced any more: it counts for nothing and is made again.
      guard store.hasRecord(row.record), checker.value.isCurrent(row.observed, &resolver.value.files) else { continue }
      return KnownResult(key: key, record: row.record, outputs: row.outputs)
    }
    return accepted(key, atLeast: required)
  }

  /// Whether the newest result with this key cannot be judged any more: what it was observed to use is gone from the
  /// cache.
  func isForgotten(_ key: Digest, of instance: BuildGraph.NodeID) throws -> Bool {
    let required = requiredLevel(ofStep: Int(graph.stepOfInstance[instance]))
    let rows = try ledger.actions(forKey: key)
    guard let newest = rows.first(where: { (WatchLevel(rawValue: $0.watch) ?? .declared) >= required }) else {
      return false
    }
    return [newest.observed.project, newest.observed.system].contains { digest in
      digest.map { checker.value.set($0) == nil } ?? false
    }
  }

  /// What an earlier execution with this key, and the same observed files, made; nil when there was none.
  func outputs(of key: Digest, seeing observed: Observed) -> [ActionOutput]? {
    ((try? ledger.actions(forKey: key)) ?? []).first { $0.observed == observed }?.outputs
  }

  /// What was learnt while looking (hashes, interpreters) and is worth remembering.
  func memories() -> LedgerChanges {
    var changes = LedgerChanges()
    changes.stats = resolver.value.files.takeFresh().map { .init(project: projectName, entry: $0) }
    changes.probes = environments.takeProbes().map { .init(name: $0.key, text: $0.value) }
    changes.probes += findings.takeProbes().map { .init(name: $0.key, text: $0.value) }
    return changes
  }

  /// Writes `memories()` if there are any. Failing to do so is no error: they save time only.
  public func remember() {
    let changes = memories()
    if !changes.isEmpty { try? ledger.commit(changes) }
  }

  /// For each step how long an instance takes, in seconds: from records; where there are none, the mean of the others,
  /// or one second.
  public func expectedDurations() -> [Double] {
    let known = (try? ledger.durations(project: projectName)) ?? [:]
    let all = graph.steps.compactMap { known[$0.path] }.map { Double($0) / 1e9 }
    let mean = all.isEmpty ? 1 : all.reduce(0, +) / Double(all.count)
    return graph.steps.map { known[$0.path].map { Double($0) / 1e9 } ?? mean }
  }
}

extension Session {
  /// A step that has something to do with a run.
  public struct ExpectedStep: Sendable {
    /// `pipeline/step`.
    public let path: String
    /// How many instances there are, or may be at most.
    public let count: Int
    /// Whether it is a loop, of which rounds may not be needed.
    public let isLoop: Bool
    /// How many seconds an instance took in earlier runs; nil when it has never run.
    public let each: Double?
  }

  /// The steps that the targets need, in an order in which they can run.
  public func expectedWork(_ targets: [BuildGraph.NodeID]) -> [ExpectedStep] {
    let needed = self.targets.closure(of: targets)
    let known = (try? ledger.durations(project: projectName)) ?? [:]
    return graph.stepOrder.compactMap { index in
      let step = graph.steps[index]
      let count = (step.first..<(step.first + step.count)).count { needed[$0] }
      guard count > 0 else { return nil }
      return ExpectedStep(
        path: step.path, count: count, isLoop: step.step.loop != nil, each: known[step.path].map { Double($0) / 1e9 })
    }
  }
}

extension Session {
  /// What became of an instance last: `ran`, `cached`, `failed`; nil when it has no history.
  public func lastOutcome(of instance: BuildGraph.NodeID) -> String? { latest[graph.name(of: instance)]?.outcome }

  /// The record of what became of an instance last, successful or not; nil when it has no history or the record is
  /// gone.
  public func lastRecord(of instance: BuildGraph.NodeID) -> (digest: Digest, record: Record)? {
    guard let digest = latest[graph.name(of: instance)]?.record, let bytes = try? store.readRecord(digest),
      let record = Record(bytes: bytes)
    else { return nil }
    return (digest, record)
  }
}
