import Glibc
import RungCore
import RungExec
import RungPlan
import RungRemote
import RungStore
import Synchronization

/// Executes steps by the workers of a fleet: asks a cluster for allocations as they are needed, hands steps out, and takes
/// the results.
///
/// One thread owns the fleet as a value and performs what it decides (`FleetDriver`); the cluster is asked on another
/// (`ClusterDesk`), so that one that does not answer holds nobody up. A run that finds the fleet of one that was killed
/// takes it over, with its jobs and the steps that they execute.
public final class FleetExecutor: RemoteStepExecutor {
  /// What a fleet is made for.
  public struct Options: Sendable {
    /// The project's folder.
    public var project: String
    /// The cache.
    public var cache: String
    /// The version of this program.
    public var version: String
    /// What the user allows.
    public var limits: Fleet.Limits
    /// How much of the disk inputs may take that steps have in common, in bytes; nil for the standard.
    public var staging: Int64?
    /// How objects go between this run and its workers; nil where all of them can use the cache's store itself.
    public var exchange: Exchange?
    /// The environment of this process, for what the exchange may need of it.
    public var variables: [String: String] = [:]
    /// How long workers wait for another run when this one is gone, in nanoseconds.
    public var patience: Int64 = 60_000_000_000

    /// Options.
    public init(project: String, cache: String, version: String, limits: Fleet.Limits, staging: Int64? = nil) {
      self.project = project
      self.cache = cache
      self.version = version
      self.limits = limits
      self.staging = staging
    }
  }

  /// Through what objects go between a run and its workers.
  public enum Exchange: Sendable, Hashable {
    /// A folder beside what they say to each other, gone with it.
    case own
    /// The remote cache at an address; a relative path begins at the project.
    case address(String)
  }

  // One call of `execute`.
  final class Request: Sendable {
    let task: StepTask
    let json: JSON
    let name: String
    let layers: [StagedLayer]
    let stop: StopSignal
    let started: @Sendable (String?) -> Void
    let end = Semaphore()
    let result = Mutex<StepResult?>(nil)

    init(
      _ task: StepTask, json: JSON, name: String, layers: [StagedLayer], stop: StopSignal,
      started: @escaping @Sendable (String?) -> Void
    ) {
      self.task = task
      self.json = json
      self.name = name
      self.layers = layers
      self.stop = stop
      self.started = started
    }

    func finish(_ answer: StepResult) {
      result.withLock { $0 = $0 ?? answer }
      end.post()
    }
  }

  enum Message: Sendable {
    case execute(Request)
    case desk(ClusterDesk.Answer)
    case close
  }

  private let store: ObjectStore
  private let mailbox: Mailbox<Message>
  private let thread = Mutex<pthread_t?>(nil)
  private let names = Mutex<(digest: Digest, json: JSON)?>(nil)
  private let limits: Fleet.Limits
  private let exchange: FleetExchange?
  // What was given to it already.
  private let given = Mutex<Set<Digest>>([])

  /// Takes over the fleet of a run that was killed, or makes a new one; nothing is asked of the cluster yet. `warn` is told
  /// what the user should know, from any thread.
  public init(
    _ options: Options, cluster: any Cluster, store: ObjectStore, warn: @escaping @Sendable (String) -> Void
  ) throws {
    self.store = store
    limits = options.limits
    let mailbox = Mailbox<Message>()
    self.mailbox = mailbox
    let claim = try FleetClaim(options)
    exchange = try claim.exchange.map {
      try FleetExchange(
        address: $0, fleet: claim.folder, project: options.project, variables: options.variables)
    }
    let started = WorkerPool.start {
      FleetDriver(options, claim, cluster: cluster, store: store, mailbox: mailbox, warn: warn).run()
    }
    thread.withLock { $0 = started }
  }

  /// How much of all machines steps may use together, when `largest` is the most that one of them needs of each thing.
  public func capacity(largest: Fleet.Size) -> Fleet.Size { Fleet.capacity(of: limits, largest: largest) }

  /// Says which names in the project's folders are no sources, for the steps that are executed from now on.
  func see(_ observing: Observing) {
    let json = JSON.object(
      observing.publishedNames.sorted { $0.key < $1.key }.map { folder, names in
        JSON.Member(folder, .array(names.sorted().map { .string($0) }))
      })
    names.withLock { $0 = (Digest(of: json.compactBytes), json) }
  }

  /// See `RemoteStepExecutor`.
  public func execute(
    _ task: StepTask, stop: StopSignal, started: @escaping @Sendable (_ workspace: String?) -> Void
  ) -> StepResult {
    if stop.isRequested { return StepResult(end: .stopped) }
    let request: Request
    do throws(StoreError) {
      let stored = try task.storingBytes(in: store)
      // Before anybody else is told of the digests.
      if exchange == nil, stored.needsFlush(in: store) { try store.flush() }
      if let problem = give(stored.objects) { return problem }
      let names = names.withLock { $0 }
      let json: JSON = [
        "task": stored.json { ["layer": .string(Self.name(of: $0))] },
        "names": names.map { .digest($0.digest) } ?? .null, "names_list": names?.json ?? .null,
      ]
      let key = task.key ?? Digest(of: json.compactBytes)
      request = Request(
        task, json: json, name: "\(key.hex)-\(Digest(of: json.compactBytes).hex.prefix(16))",
        layers: stored.layers.filter { !$0.isOwn }, stop: stop, started: started)
    } catch {
      return StepResult(end: .notStarted(error.message), isMachineFault: true)
    }
    mailbox.post(.execute(request))
    _ = request.end.wait(milliseconds: nil)
    return take(request.result.withLock { $0 } ?? StepResult(end: .stopped))
  }

  // Puts what a task needs where workers find it; a result when that cannot be done.
  private func give(_ objects: (files: [Digest], trees: [Digest])) -> StepResult? {
    guard let exchange else { return nil }
    let (files, trees) = given.withLock { given in
      (objects.files.filter { !given.contains($0) }, objects.trees.filter { !given.contains($0) })
    }
    guard !files.isEmpty || !trees.isEmpty else { return nil }
    do throws(RemoteError) {
      try exchange.give(files, trees: trees, from: store)
      given.withLock { $0.formUnion(files + trees) }
      return nil
    } catch {
      return StepResult(
        end: .notStarted("cannot hand the inputs over to workers: \(error.message)"), isMachineFault: true)
    }
  }

  private func take(_ result: StepResult) -> StepResult {
    guard let exchange, result.place != nil else { return result }
    do throws(RemoteError) {
      try exchange.take(result.objects.files, trees: result.objects.trees, into: store)
      return result
    } catch {
      var lost = result
      lost.outputs = []
      lost.problem = "cannot take over what a worker made: \(error.message)"
      lost.isMachineFault = true
      return lost
    }
  }

  static func name(of layer: StagedLayer) -> String { layer.folder.split(separator: "/").last.map(String.init) ?? "" }

  /// Lets the workers go and cancels what is still waiting; returns when none of the jobs is left, or the cluster does not
  /// say so for a while. Nothing may be executed after that.
  public func close() {
    mailbox.post(.close)
    if let started = thread.withLock({ $0 }) { pthread_join(started, nil) }
  }
}
