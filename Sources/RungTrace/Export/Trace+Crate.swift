import RungCore
import RungLedger

/// What a crate is to have in it and to say, beyond what records tell.
public struct CrateOptions: Sendable {
  /// Also the outputs of the executions on the way, not only those of the last.
  public var intermediates = false
  /// The licence, as people write it: an SPDX identifier, a URL, a sentence. Records know none.
  public var license: String?

  /// Options; see the properties.
  public init(intermediates: Bool = false, license: String? = nil) {
    self.intermediates = intermediates
    self.license = license
  }
}

extension Trace {
  /// The lineage as an RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) that conforms to Process Run Crate 0.5
  /// (https://w3id.org/ro/wfrun/process/0.5): an action for each execution.
  ///
  /// In the crate lie what the last execution made and all sources of the project, as far as the cache has their bytes;
  /// the rest is named by digest. The same lineage and options always give the same crate.
  ///
  /// - Parameter has: whether the cache has the bytes of an object.
  public func crate(_ options: CrateOptions, has: @escaping (Digest) -> Bool) -> Crate {
    var builder = CrateBuilder(self, options, has)
    builder.addResults()
    builder.addSources()
    for execution in lineage.executions { builder.add(execution) }
    builder.addCollections()
    for accepted in standingAcceptances { builder.add(accepted) }
    return builder.crate()
  }
}

// The entities of a crate while they grow.
private struct CrateBuilder {
  private static let profile = "https://w3id.org/ro/wfrun/process/0.5"

  private let trace: Trace
  private let options: CrateOptions
  private let root: Lineage.Execution?
  private var places: CratePlaces
  private var entities: [JSON] = []
  private var known: Set<String> = []
  private var parts: [String] = []
  private var mentions: [String] = []
  private var comments: [String] = []
  // The entities of what was made, by content, and of sources, by path and content.
  private var made: [Digest: String] = [:]
  private var sources: [SourceKey: String] = [:]
  private var observed: Set<SourceKey> = []

  private struct SourceKey: Hashable {
    let path: String
    let digest: Digest
  }

  init(_ trace: Trace, _ options: CrateOptions, _ has: @escaping (Digest) -> Bool) {
    self.trace = trace
    self.options = options
    root = trace.lineage.execution(trace.subject.record)
    places = CratePlaces(has: has)
  }

  // MARK: data

  mutating func addResults() {
    for output in (root?.record.outputs ?? []).sorted(by: { $0.path < $1.path }) {
      addMade(output, at: ["result/\(output.path)", "result-\(output.digest.hex)/\(ExportNames.base(output.path))"])
    }
  }

  mutating func addSources() {
    for source in trace.lineage.sources {
      let kind = source.kind == .lock ? "file" : source.kind.rawValue
      let path = places.place(
        source.digest, kind: kind,
        at: ["project/\(source.path)", "versions/\(source.digest.hex)/\(ExportNames.base(source.path))"])
      let key = SourceKey(path: source.path, digest: source.digest)
      sources[key] = addData(path, source.digest, kind, name: source.path)
      if source.observed { observed.insert(key) }
    }
  }

  private mutating func addMade(_ output: Record.Output, at candidates: [String]?) {
    if made[output.digest] != nil && candidates == nil { return }
    let path = candidates.flatMap { places.place(output.digest, kind: output.kind, at: $0) }
    let name = addData(
      path, output.digest, output.kind, name: output.path,
      output.kind == "tree" ? [:] : ["contentSize": .string(String(output.size))])
    if made[output.digest] == nil { made[output.digest] = name }
  }

  // A file or folder: in the crate at a path, or elsewhere and known by its digest.
  private mutating func addData(
    _ path: RelativePath?, _ digest: Digest, _ kind: String, name: String, _ more: JSON = [:]
  ) -> String {
    let isTree = kind == "tree"
    let id = (path.map { ExportNames.escaped($0.text) } ?? ExportNames.content(digest)) + (isTree ? "/" : "")
    let content: JSON =
      isTree
      ? ["identifier": .digest(digest)] : ["sha256": .string(digest.hex)]
    let head: JSON = ["@id": .string(id), "@type": isTree ? "Dataset" : "File", "name": .string(name)]
    if add(id, head.appending(content).appending(more)) { parts.append(id) }
    return id
  }

  // MARK: executions

  mutating func add(_ execution: Lineage.Execution) {
    let record = execution.record
    for output in record.outputs where made[output.digest] == nil {
      addMade(
        output, at: options.intermediates ? ["made/\(output.digest.hex)/\(ExportNames.base(output.path))"] : nil)
    }
    var inputs: [String] = []
    for input in record.inputs { inputs.append(entity(of: input)) }
    for parameter in record.parameters { inputs.append(property("parameter", parameter)) }
    inputs += observedSet(of: record)
    let id = Self.action(execution.digest)
    var action: JSON = [
      "@id": .string(id), "@type": "CreateAction", "name": .string(record.instance),
      "description": .string(JSON.strings(record.command).compact), "identifier": .digest(execution.digest),
      "instrument": reference(instrument(execution)),
      "startTime": .string(ExportTime.milliseconds(record.started)),
      "endTime": .string(ExportTime.milliseconds(ExportTime.end(of: record))),
      "object": references(distinct(inputs)),
      "result": references(distinct(record.outputs.compactMap { made[$0.digest] })),
      "actionStatus": .string(
        "http://schema.org/\(record.outcome == .succeeded ? "CompletedActionStatus" : "FailedActionStatus")"),
    ]
    var variables: [String] = []
    for variable in record.variables { variables.append(property("variable", variable)) }
    if !variables.isEmpty {
      action = action.appending(["environment": references(distinct(variables))])
    }
    if record.outcome != .succeeded, let problem = record.problem {
      action = action.appending(["error": .string(problem)])
    }
    add(id, action)
    mentions.append(id)
  }

  private static func action(_ record: Digest) -> String { "#execution/\(record.hex)" }
  private static func collection(_ digest: Digest) -> String { "#collection/\(digest.hex)" }

  private mutating func entity(of input: Record.Input) -> String {
    switch input.source {
    case .project(let path):
      if let known = sources[SourceKey(path: path, digest: input.digest)] { return known }
    case .collection(let members, _):
      if trace.lineage.collections[members] != nil { return Self.collection(members) }
    case .step, .files: break
    }
    return made[input.digest] ?? addLost(input.digest, input.kind, input.path)
  }

  // Something whose maker's record, or whose list, is lost: it is known from who read it.
  private mutating func addLost(_ digest: Digest, _ kind: String, _ name: String) -> String {
    let id = addData(nil, digest, kind, name: name)
    made[digest] = id
    return id
  }

  private mutating func property(_ kind: String, _ member: JSON.Member) -> String {
    let value = member.value.string ?? member.value.compact
    var hash = FramedHash(domain: "rung/crate-property/1")
    hash.field("kind", kind)
    hash.field("name", member.name)
    hash.field("value", member.value.compact)
    let id = "#\(kind)/\(ExportNames.escaped(member.name))/\(hash.digest().short)"
    add(
      id,
      [
        "@id": .string(id), "@type": "PropertyValue", "name": .string(member.name), "value": .string(value),
      ])
    return id
  }

  // The step as a tool: what its declaration says, and what it runs in.
  private mutating func instrument(_ execution: Lineage.Execution) -> String {
    let record = execution.record
    var hash = FramedHash(domain: "rung/crate-step/1")
    hash.field("step", execution.step)
    hash.field("command", execution.declaredCommand ?? "")
    if let environment = record.environment { hash.field("environment", environment.identity) }
    if let program = record.program { hash.field("program", program.digest) }
    let id = "#step/\(ExportNames.escaped(execution.step))/\(hash.digest().short)"
    if known.contains(id) { return id }
    var requirements: [String] = []
    if let environment = record.environment { requirements.append(add(environment)) }
    if let program = record.program {
      let program = (id: "#program/\(program.digest.hex)", value: program)
      add(
        program.id,
        [
          "@id": .string(program.id), "@type": "SoftwareApplication", "name": .string(program.value.name),
          "softwareVersion": .digest(program.value.digest),
        ])
      requirements.append(program.id)
    }
    var step: JSON = ["@id": .string(id), "@type": "SoftwareApplication", "name": .string(execution.step)]
    if let command = execution.declaredCommand { step = step.appending(["description": .string(command)]) }
    if !requirements.isEmpty { step = step.appending(["softwareRequirements": references(requirements)]) }
    add(id, step)
    return id
  }

  private mutating func add(_ environment: Record.Environment) -> String {
    let id = "#environment/\(environment.identity.hex)"
    let key = SourceKey(path: environment.lockPath, digest: environment.lock)
    add(
      id,
      [
        "@id": .string(id), "@type": "SoftwareApplication", "name": .string(ExportNames.base(environment.interpreter)),
        "softwareVersion": .string(environment.version), "operatingSystem": .string(environment.platform),
        "identifier": .digest(environment.identity),
        "softwareRequirements": references([sources[key]].compactMap { $0 }),
      ])
    return id
  }

  // MARK: collections

  mutating func addCollections() {
    for (digest, collection) in trace.lineage.collections.sorted(by: { $0.key < $1.key }) {
      var members: [String] = []
      for member in collection.members {
        members.append(
          made[member.digest] ?? addLost(member.digest, "file", "\(collection.output) of \(member.instance)"))
      }
      addCollection(Self.collection(digest), "\(collection.output) (\(collection.form))", members)
    }
  }

  // The files that an execution was observed to read without declaring them; many executions share one set.
  private mutating func observedSet(of record: Record) -> [String] {
    guard !observed.isEmpty, let set = record.observed.project else { return [] }
    let id = "#observed/\(set.hex)"
    if known.contains(id) { return [id] }
    let files = trace.lineage.observed.files(of: set).map { SourceKey(path: $0.path, digest: $0.digest) }
    let members = files.filter(observed.contains).compactMap { sources[$0] }
    if members.isEmpty { return [] }
    addCollection(id, "observed to be read", members)
    return [id]
  }

  private mutating func addCollection(_ id: String, _ name: String, _ members: [String]) {
    add(
      id,
      [
        "@id": .string(id), "@type": "Collection", "name": .string(name), "hasPart": references(distinct(members)),
      ])
    mentions.append(id)
  }

  // MARK: what people said

  mutating func add(_ accepted: Audit.Accepted) {
    let acceptance = accepted.acceptance
    let person = "#person/\(ExportNames.escaped(acceptance.who))"
    add(person, ["@id": .string(person), "@type": "Person", "name": .string(acceptance.who)])
    let id = "#acceptance/\(accepted.digest.hex)"
    let changes = acceptance.changes.map { "\($0.kind) \($0.name)" }.joined(separator: ", ")
    add(
      id,
      [
        "@id": .string(id), "@type": "Comment",
        "name": .string("Changed since and accepted, in \(acceptance.instance): \(changes)"),
        "text": .string(acceptance.because), "about": reference(Self.action(acceptance.record)),
        "creator": reference(person), "dateCreated": .string(ExportTime.milliseconds(acceptance.at)),
      ])
    comments.append(id)
  }

  // MARK: the crate

  func crate() -> Crate {
    let subject = trace.subject
    let title = ExportNames.base(root?.record.outputs.first { $0.name == subject.output }?.path ?? subject.output)
    var dataset: JSON = [
      "@id": "./", "@type": "Dataset", "name": .string(title), "description": .string(description),
      "datePublished": .string(ExportTime.milliseconds(root.map { ExportTime.end(of: $0.record) } ?? 0)),
      "license": .string(options.license ?? "No licence is recorded; ask the authors."),
      "conformsTo": reference(Self.profile), "hasPart": references(parts), "mentions": references(mentions),
    ]
    if let main = root?.record.outputs.first(where: { $0.name == subject.output }).flatMap({ made[$0.digest] }) {
      dataset = dataset.appending(["mainEntity": reference(main)])
    }
    if !comments.isEmpty { dataset = dataset.appending(["comment": references(comments)]) }
    let head: [JSON] = [
      [
        "@id": .string(Crate.metadataName), "@type": "CreativeWork",
        "conformsTo": reference("https://w3id.org/ro/crate/1.1"), "about": reference("./"),
      ], dataset,
      [
        "@id": .string(Self.profile), "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5",
      ],
    ]
    // Terms of the run profiles that the context of RO-Crate 1.1 lacks.
    let terms = ["sha256", "environment"].map { name in
      JSON.Member(name, .string("https://w3id.org/ro/terms/workflow-run#\(name)"))
    }
    let metadata: JSON = [
      "@context": ["https://w3id.org/ro/crate/1.1/context", .object(terms)], "@graph": .array(head + entities),
    ]
    return Crate(metadata: metadata, payload: places.payload, absent: places.absent)
  }

  private var description: String {
    guard let record = root?.record else { return "What is left of the records of \(trace.subject.instance)." }
    let output = "Output '\(trace.subject.output)' of \(record.instance)"
    let count = trace.lineage.executions.count
    var text =
      "\(output), made on \(record.host), with all that it was made from: "
      + "\(count == 1 ? "1 execution" : "\(count) executions"), as Rung \(record.version) recorded them."
    if let commit = record.commit {
      text += " The project's git commit was \(commit)\(record.dirty == true ? ", with uncommitted changes" : "")."
    }
    for gap in trace.lineage.incomplete { text += " Not complete: \(gap.message)." }
    return text
  }

  @discardableResult
  private mutating func add(_ id: String, _ entity: JSON) -> Bool {
    guard known.insert(id).inserted else { return false }
    entities.append(entity)
    return true
  }

  private func reference(_ id: String) -> JSON { ["@id": .string(id)] }

  // One is no list: JSON-LD's compact form, which RO-Crate asks for.
  private func references(_ ids: [String]) -> JSON { ids.count == 1 ? reference(ids[0]) : .array(ids.map(reference)) }

  private func distinct(_ ids: [String]) -> [String] {
    var seen: Set<String> = []
    return ids.filter { seen.insert($0).inserted }
  }
}
