import RungCore
import RungLedger
import RungModel

/// All executions of one step in a lineage, folded: a sweep of ten thousand instances is one of these.
public struct StepGroup {
  /// Where an input comes from, folded.
  public enum Origin: Hashable, Sendable {
    case project
    /// Outputs of another step, one for each reader.
    case step(String, output: String)
    /// Outputs of many instances of a step.
    case collection(String, output: String, form: String)
  }

  /// An input of all executions.
  public struct Input: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Where it comes from.
    public let origin: Origin
  }

  /// A file as it is shown.
  public struct File: Hashable, Sendable {
    /// From the project's root.
    public let path: String
    /// Its content.
    public let digest: Digest
  }

  /// `pipeline/step`.
  public let step: String
  /// The kinds that its records name; one, unless the pipeline was changed.
  public private(set) var kinds = Distinct<String>()
  /// How many executions.
  public private(set) var executions = 0
  /// Their records.
  public private(set) var records: [Digest] = []
  /// Names of instances.
  public private(set) var instances: Set<String> = []
  /// Labels by axis.
  public private(set) var axes = Grouped<String, String>()
  /// Commands as declared, else as run.
  public private(set) var commands = Distinct<String>()
  /// Values by parameter.
  public private(set) var parameters = Grouped<String, String>()
  /// Values by declared variable.
  public private(set) var variables = Grouped<String, String>()
  /// Project files by input; for the other inputs an empty list.
  public private(set) var inputs = Grouped<Input, File>()
  /// Members of the largest collection of each input.
  public private(set) var members: [Input: Int] = [:]
  /// The environments that they ran in.
  public private(set) var environments = Distinct<Record.Environment>()
  /// The programs that their commands start with.
  public private(set) var programs = Distinct<Record.Program>()
  /// The names of their outputs.
  public private(set) var outputs = Distinct<String>()
  /// How many outputs its executions have in all.
  public private(set) var outputCount = 0
  /// How many of those are not in the cache.
  public private(set) var goneCount = 0
  /// How far they were watched, as their records say.
  public private(set) var watches = Distinct<String>()
  /// Whether their reads were recorded.
  public private(set) var traces = Distinct<Lineage.TraceState>()
  /// What kept recordings from being complete.
  public private(set) var traceProblems = Distinct<String>()
  /// Where they ran.
  public private(set) var hosts = Distinct<String>()
  /// The commits that the project was at.
  public private(set) var commits = Distinct<String>()
  /// In nanoseconds.
  public private(set) var duration: Int64 = 0
  // What the last execution had: the next one mostly has the same.
  private var last: (parameters: [JSON.Member], variables: [JSON.Member], commit: String?, dirty: Bool?)?

  /// The steps of a lineage in the order of their first executions: makers first.
  public static func groups(of lineage: Lineage) -> [StepGroup] {
    var groups: [StepGroup] = []
    var places: [String: Int] = [:]
    var makers: [Digest: Set<String>] = [:]
    for execution in lineage.executions {
      let step = execution.step
      let place = places[step] ?? groups.count
      if place == groups.count {
        places[step] = place
        groups.append(StepGroup(step: step))
      }
      groups[place].add(execution, lineage, &makers)
    }
    return groups
  }

  private init(step: String) { self.step = step }

  // `makers` remembers the steps behind each collection, which many readers share.
  private mutating func add(
    _ execution: Lineage.Execution, _ lineage: Lineage, _ makers: inout [Digest: Set<String>]
  ) {
    let record = execution.record
    executions += 1
    records.append(execution.digest)
    instances.insert(record.instance)
    if let kind = record.kind { kinds.insert(kind) }
    for axis in record.axes { axes.insert(axis.name, axis.value.string ?? axis.value.compact) }
    commands.insert(execution.declaredCommand ?? record.command.joined(separator: " "))
    if last?.parameters != record.parameters {
      for parameter in record.parameters { parameters.insert(parameter.name, parameter.value.compact) }
    }
    if last?.variables != record.variables {
      for variable in record.variables { variables.insert(variable.name, variable.value.string ?? "") }
    }
    for input in record.inputs {
      switch input.source {
      case .files:
        inputs.insert(Input(name: input.name, origin: .project), File(path: input.path, digest: input.digest))
      case .project(let path):
        inputs.insert(Input(name: input.name, origin: .project), File(path: path, digest: input.digest))
      case .step(let instance, let output, let maker):
        let step = lineage.step(ofRecord: maker, instance: instance)
        inputs.touch(Input(name: input.name, origin: .step(step, output: output)))
      case .collection(let digest, let form):
        let collection = lineage.collections[digest]
        let steps =
          makers[digest]
          ?? Set((collection?.members ?? []).map { lineage.step(ofRecord: $0.record, instance: $0.instance) })
        makers[digest] = steps
        let output = collection?.output ?? "?"
        for step in steps.isEmpty ? ["?"] : steps.sorted() {
          let key = Input(name: input.name, origin: .collection(step, output: output, form: form))
          inputs.touch(key)
          members[key] = max(members[key, default: 0], collection?.members.count ?? 0)
        }
      }
    }
    if let environment = record.environment { environments.insert(environment) }
    if let program = record.program { programs.insert(program) }
    for output in record.outputs {
      outputs.insert(output.name)
      outputCount += 1
      if lineage.gone.contains(output.digest) { goneCount += 1 }
    }
    watches.insert(record.watch)
    traces.insert(Lineage.TraceState(of: record))
    for problem in record.traceProblems { traceProblems.insert(problem) }
    hosts.insert(record.host)
    if commits.items.isEmpty || last?.commit != record.commit || last?.dirty != record.dirty {
      commits.insert(Self.commit(of: record))
    }
    last = (record.parameters, record.variables, record.commit, record.dirty)
    // What a foreign record claims may be any number.
    duration = duration.addingReportingOverflow(record.duration).partialValue
  }

  /// The commit for people.
  public static func commit(of record: Record) -> String {
    guard let commit = record.commit else { return "not in git" }
    return "\(commit.prefix(12))\(record.dirty == true ? ", with uncommitted changes" : "")"
  }

  /// The weakest level; words that are not known count as the weakest.
  public var watch: WatchLevel {
    let levels = watches.items.map { WatchLevel(rawValue: $0) ?? .declared }
    return WatchLevel.allCases.first { levels.contains($0) } ?? .declared
  }

  /// The weakest state of the recording of its reads.
  var trace: Lineage.TraceState { Lineage.TraceState.allCases.first(where: traces.items.contains) ?? .off }

  /// `[width=20…800 (25), seed=0…9 (10)]`; empty for a step that runs over nothing.
  public var axesText: String {
    if axes.keys.isEmpty { return "" }
    return "[" + axes.keys.map { "\($0)=\(Self.fold(axes[$0]))" }.joined(separator: ", ") + "]"
  }

  /// A few labels as they are, many as `first…last (count)`.
  public static func fold(_ labels: [String]) -> String {
    let sorted: [String]
    let numbers = labels.compactMap { label in Double(label).map { (label, $0) } }
    if numbers.count == labels.count {
      sorted = numbers.sorted { $0.1 < $1.1 }.map(\.0)
    } else {
      sorted = labels.sorted()
    }
    guard let first = sorted.first, let last = sorted.last, sorted.count > 4 else {
      return sorted.joined(separator: ",")
    }
    return "\(first)…\(last) (\(sorted.count))"
  }
}

/// Values in the order in which they first appear, each once.
public struct Distinct<Value: Hashable & Sendable> {
  /// The values.
  public private(set) var items: [Value] = []
  private var seen: Set<Value> = []

  mutating func insert(_ value: Value) {
    // In a sweep most things are as they were in the instance before.
    if let last = items.last, last == value { return }
    if seen.insert(value).inserted { items.append(value) }
  }
}

/// Distinct values by key, both in the order in which they first appear.
public struct Grouped<Key: Hashable & Sendable, Value: Hashable & Sendable> {
  /// The keys.
  public private(set) var keys: [Key] = []
  private var values: [Key: Distinct<Value>] = [:]

  mutating func touch(_ key: Key) {
    if values[key] == nil {
      keys.append(key)
      values[key] = Distinct()
    }
  }

  mutating func insert(_ key: Key, _ value: Value) {
    touch(key)
    values[key]?.insert(value)
  }

  /// The values of a key.
  public subscript(_ key: Key) -> [Value] { values[key]?.items ?? [] }
}
