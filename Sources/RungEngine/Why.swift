import RungCore
import RungLedger
import RungModel
import RungPlan

/// Why an instance would run, or why it last ran.
public struct Why: Sendable {
  /// The instance.
  public let instance: String
  /// How it stands.
  public let standing: Survey.Standing
  /// What else there is to say of an instance that is up to date.
  public let detail: Detail
  /// The reasons; for an instance that is up to date those for which its result last changed.
  public let reasons: [Explained]
  /// The newest entry of its history, if it has any.
  public let last: HistoryEntry?
  /// By what a result stands although something has changed; nil when it needs nothing of the kind.
  public let accepted: Acceptance?

  /// What else there is to say of an instance that is up to date.
  public enum Detail: Hashable, Sendable {
    /// Nothing.
    case none
    /// A published copy of its result is missing or changed; the reasons name it.
    case unpublished
    /// Its result is in the cache from an earlier run, and no run has been since what the reasons name was changed.
    case returned
  }

  /// A reason with what there is to see of it.
  public struct Explained: Hashable, Sendable {
    /// What differs.
    public var reason: Reason
    /// A unified diff of the contents, when both are text that is still there.
    public var diff: [String] = []
    /// Files or instances that came, went or changed, when the content is a set of them.
    public var members = Members()
    /// For a reason `upstream`: why that one would run.
    public var because: [Explained] = []

    /// A reason without details.
    public init(reason: Reason, because: [Explained] = []) {
      self.reason = reason
      self.because = because
    }
  }

  /// How two sets differ.
  public struct Members: Hashable, Sendable {
    /// Only in the new one.
    public var added: [String] = []
    /// Only in the old one.
    public var removed: [String] = []
    /// In both with different contents.
    public var changed: [String] = []
    /// Whether there is anything to say.
    public var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
  }
}

extension Session {
  /// Explains a surveyed instance.
  public func why(_ instance: BuildGraph.NodeID, _ survey: Survey) throws -> Why {
    let name = graph.name(of: instance)
    let history = try ledger.history(project: projectName, instance: name)
    let entries = Self.telling(history)
    let standing = survey.standing[instance]
    var detail = Why.Detail.none
    let reasons: [Why.Explained]
    switch standing {
    case .current, .unneeded:
      let missing = unpublished(survey, of: instance)
      if standing == .current, !missing.isEmpty {
        detail = .unpublished
        reasons = missing.map { Why.Explained(reason: Reason(field: "published", name: $0)) }
      } else if standing == .current, let newest = entries.first, let before = record(newest.record),
        let key = try? resolver.value.fullKey(of: instance), key.digest != newest.key
      {
        detail = .returned
        reasons = Reason.differences(from: fields(before), to: key.fields).map {
          explain($0, before, instance: instance)
        }
      } else {
        reasons = try past(entries, instance)
      }
    case .wouldRun: reasons = try future(instance, entries, survey)
    case .undecided where resolver.value.results[instance] != nil:
      // Only its bytes are missing; whether they are wanted is undecided.
      reasons = [Why.Explained(reason: Reason(field: "object", name: name))]
    case .undecided: reasons = try upstream(instance, entries, survey)
    }
    return Why(
      instance: name, standing: standing, detail: detail, reasons: reasons, last: history.first,
      accepted: standing == .current ? acceptance(of: instance)?.acceptance : nil)
  }

  // An attempt that was interrupted says nothing, unless there is nothing else.
  private static func telling(_ history: [HistoryEntry]) -> [HistoryEntry] {
    let others = history.filter { $0.outcome != "interrupted" }
    return others.isEmpty ? Array(history.prefix(1)) : others
  }

  // MARK: what happened

  private func past(_ entries: [HistoryEntry], _ instance: BuildGraph.NodeID) throws -> [Why.Explained] {
    var entries = entries[...]
    // Another run had made the result already; this one only took it.
    while entries.count > 1, let first = entries.first, first.outcome == "cached" || first.outcome == "fetched",
      entries[entries.startIndex + 1].key == first.key, !entries[entries.startIndex + 1].isFailure
    {
      entries.removeFirst()
    }
    guard let newest = entries.first, let record = record(newest.record) else { return [] }
    if newest.outcome == "restored" {
      let paths = published.filter { $0.value.instance == instance }.keys.sorted()
      return paths.map { Why.Explained(reason: Reason(field: "published", name: $0)) }
    }
    if newest.outcome == "forced" {
      return [Why.Explained(reason: Reason(field: "force", name: newest.instance))]
    }
    if newest.outcome == "rebuilt" {
      return [Why.Explained(reason: Reason(field: "object", name: newest.instance))]
    }
    guard entries.count > 1 else {
      return [Why.Explained(reason: Reason(field: "record", name: newest.instance))]
    }
    let previous = entries[entries.startIndex + 1]
    let before = self.record(previous.record)
    let seen = before.map { changes(from: $0.observed, to: record.observed) } ?? []
    if previous.key == newest.key {
      if previous.isFailure { return [Why.Explained(reason: Reason(field: "failure", name: newest.instance))] }
      if let before, before.watch != record.watch {
        return seen + [Why.Explained(reason: Reason(field: "watch", old: before.watch, new: record.watch))]
      }
      return seen.isEmpty ? [Why.Explained(reason: Reason(field: "rerun", name: newest.instance))] : seen
    }
    guard let before else {
      return [Why.Explained(reason: Reason(field: "record", name: newest.instance))]
    }
    return Reason.differences(from: fields(before), to: fields(record)).map { explain($0, before, after: record) }
      + seen
  }

  // MARK: what would happen

  private func future(
    _ instance: BuildGraph.NodeID, _ entries: [HistoryEntry], _ survey: Survey
  ) throws -> [Why.Explained] {
    let name = graph.name(of: instance)
    if survey.forced.contains(instance) { return [Why.Explained(reason: Reason(field: "force", name: name))] }
    let key = try resolver.value.fullKey(of: instance)
    if try lookUp(key.digest, of: instance) != nil {
      return [Why.Explained(reason: Reason(field: "object", name: name))]
    }
    guard let last = entries.first, let before = record(last.record) else {
      return [Why.Explained(reason: Reason(field: "record", name: name))]
    }
    let seen = changesSince(before.observed)
    if last.key == key.digest {
      if last.isFailure { return [Why.Explained(reason: Reason(field: "failure", name: name, old: before.problem))] }
      let required = requiredLevel(ofStep: Int(graph.stepOfInstance[instance]))
      if (WatchLevel(rawValue: before.watch) ?? .declared) < required {
        return seen + [Why.Explained(reason: Reason(field: "watch", old: before.watch, new: required.rawValue))]
      }
      return seen.isEmpty ? [Why.Explained(reason: Reason(field: "object", name: name))] : seen
    }
    let differences = Reason.differences(from: fields(before), to: key.fields)
    return differences.map { explain($0, before, instance: instance) } + seen
  }

  private func upstream(
    _ instance: BuildGraph.NodeID, _ entries: [HistoryEntry], _ survey: Survey
  ) throws -> [Why.Explained] {
    var reasons: [Why.Explained] = []
    // Its own changes, as far as they can be known.
    if let last = entries.first, let before = record(last.record) {
      let known = try resolver.value.knownFields(of: instance)
      let names = Set(known.map { "\($0.kind.rawValue) \($0.name)" })
      let inputs = Set(graph.step(of: instance).bindings.map { "input \($0.reference.source)" })
      let comparable = fields(before).filter { field in
        let name = "\(field.kind.rawValue) \(field.name)"
        return names.contains(name) || !inputs.contains(name)
      }
      reasons += Reason.differences(from: comparable, to: known).map { explain($0, before, instance: instance) }
    }
    // The nearest instances upstream that would surely run, a step's at a time.
    let explanations = explanations(of: survey)
    let roots = explanations.roots.of(instance)
    for (step, nodes) in roots.steps { reasons += try upstream(step, nodes, survey, explanations) }
    if roots.more { reasons.append(Why.Explained(reason: Reason(field: "others"))) }
    return reasons
  }

  // Why instances of one step make others wait: of each different reason the first.
  private func upstream(
    _ step: Int32, _ nodes: [Int32], _ survey: Survey, _ explanations: Explanations
  ) throws -> [Why.Explained] {
    // Those that collect the same instances have one list of them, which is quickly compared.
    if let known = explanations.ofSteps[step], known.instances == nodes { return known.reasons }
    var reasons: [Why.Explained] = []
    var told: Set<[Why.Explained]> = []
    // Instances of one step nearly always run for the same reason; each different one is told once.
    for node in nodes.map(Int.init) {
      let because = try future(of: node, survey, explanations)
      let name = graph.name(of: node)
      // A reason that just names its instance (a failure, lost bytes, nothing to compare with) is the same for all.
      let kind = because.map { $0.reason.name == name ? Why.Explained(reason: Reason(field: $0.reason.field)) : $0 }
      guard told.insert(kind).inserted else { continue }
      let shown = nodes.count == 1 ? name : graph.steps[Int(step)].path
      reasons.append(
        Why.Explained(
          reason: Reason(field: "upstream", name: shown, new: nodes.count == 1 ? nil : "\(nodes.count) instances"),
          because: because))
      if told.count == 3 { break }
    }
    explanations.ofSteps[step] = (nodes, reasons)
    return reasons
  }

  private func explanations(of survey: Survey) -> Explanations {
    if let known = told, known.survey == survey.number { return known }
    let made = Explanations(graph, survey)
    told = made
    return made
  }

  private func future(
    of instance: BuildGraph.NodeID, _ survey: Survey, _ explanations: Explanations
  ) throws -> [Why.Explained] {
    if let known = explanations.futures[instance] { return known }
    let history = try ledger.history(project: projectName, instance: graph.name(of: instance))
    let made = try future(instance, Self.telling(history), survey)
    explanations.futures[instance] = made
    return made
  }

  // MARK: details

  func record(_ digest: Digest?) -> Record? {
    guard let digest, let bytes = try? store.readRecord(digest) else { return nil }
    return Record(bytes: bytes)
  }

  func fields(_ record: Record) -> [KeyField] {
    record.fields.compactMap { field in
      KeyField.Kind(rawValue: field.kind).map {
        KeyField($0, field.name, value: field.value, digest: field.digest)
      }
    }
  }

  private func explain(
    _ reason: Reason, _ before: Record, after: Record? = nil, instance: BuildGraph.NodeID? = nil
  ) -> Why.Explained {
    var explained = Why.Explained(reason: reason)
    if reason.field == "command" || reason.field == "shell" {
      if reason.field == "command", let old = reason.old, let new = reason.new, old.contains("\n") || new.contains("\n")
      {
        explained.diff = LineDiff.unified(Array(old.utf8), Array(new.utf8)) ?? []
      }
      return explained
    }
    guard let old = reason.oldDigest, let new = reason.newDigest else { return explained }
    if let was = members(of: reason.name, in: before) {
      let now =
        after.flatMap { members(of: reason.name, in: $0) }
        ?? instance.flatMap { collection(reason.name, of: $0) }
      if let now { explained.members = Self.difference(was, now) }
    } else if let was = listing(old), let now = listing(new) ?? currentListing(reason.name, instance) {
      explained.members = Self.difference(was, now)
    } else if reason.field == "input" || reason.field == "environment",
      let a = try? store.read(old, limit: 2 << 20), let b = content(new, reason, instance)
    {
      explained.diff = LineDiff.unified(a, b) ?? []
    }
    return explained
  }

  private func members(of input: String, in record: Record) -> [String: Digest]? {
    guard let found = record.inputs.first(where: { $0.name == input }),
      case .collection(let object, _) = found.source, let bytes = try? store.read(object, limit: 1 << 30),
      let collection = RungLedger.Collection(bytes: bytes)
    else { return nil }
    return Dictionary(collection.members.map { ($0.instance, $0.digest) }, uniquingKeysWith: { $1 })
  }

  private func collection(_ input: String, of instance: BuildGraph.NodeID) -> [String: Digest]? {
    let step = graph.step(of: instance)
    guard let binding = step.bindings.first(where: { $0.reference.source == input }),
      let index = binding.collection(of: instance - step.first)
    else { return nil }
    let collection = resolver.value.collection(index)
    return Dictionary(collection.members.map { ($0.instance, $0.digest) }, uniquingKeysWith: { $1 })
  }

  private func listing(_ digest: Digest) -> [String: Digest]? {
    guard let bytes = try? store.read(digest, limit: 64 << 20) else { return nil }
    if let listing = FileListing(bytes: bytes) {
      return Dictionary(listing.files.map { ($0.path, $0.digest) }, uniquingKeysWith: { $1 })
    }
    var files: [String: Digest] = [:]
    return addFiles(of: digest, "", &files) ? files : nil
  }

  private func addFiles(of tree: Digest, _ prefix: String, _ files: inout [String: Digest]) -> Bool {
    guard let tree = try? store.tree(tree) else { return false }
    return tree.entries.allSatisfy { entry in
      switch entry.kind {
      case .file(let digest, _, _): files[prefix + entry.name] = digest
      case .directory(let digest, _): return addFiles(of: digest, "\(prefix)\(entry.name)/", &files)
      case .link(let target): files[prefix + entry.name] = Digest(of: target)
      }
      return true
    }
  }

  private func currentListing(_ input: String, _ instance: BuildGraph.NodeID?) -> [String: Digest]? {
    guard let instance, let found = try? resolver.value.inputs(of: instance).first(where: { $0.input.name == input })
    else { return nil }
    guard found.input.isGlob else {
      guard let item = found.input.items.first, case .tree = item.content else { return nil }
      return (try? resolver.value.files.listing(item.path)).flatMap { $0 }
    }
    return Dictionary(found.input.items.map { ($0.path.text, $0.content.digest) }, uniquingKeysWith: { $1 })
  }

  // The bytes of a content that may not be in the store yet: then they are read from the project.
  private func content(_ digest: Digest, _ reason: Reason, _ instance: BuildGraph.NodeID?) -> [UInt8]? {
    if let bytes = try? store.read(digest, limit: 2 << 20) { return bytes }
    guard let instance else { return nil }
    var path: RelativePath?
    if reason.field == "environment" {
      path = graph.step(of: instance).step.environment?.pythonLock
    } else if let found = try? resolver.value.inputs(of: instance).first(where: { $0.input.name == reason.name }) {
      path = found.input.items.first?.path
    }
    guard let path, let bytes = readFile(path.absolute(in: project.root)), Digest(of: bytes) == digest else {
      return nil
    }
    return bytes
  }

  private static func difference(_ old: [String: Digest], _ new: [String: Digest]) -> Why.Members {
    Why.Members(
      added: new.keys.filter { old[$0] == nil }.sorted(), removed: old.keys.filter { new[$0] == nil }.sorted(),
      changed: new.keys.filter { old[$0] != nil && old[$0] != new[$0] }.sorted())
  }
}
