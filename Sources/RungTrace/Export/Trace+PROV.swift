import RungCore
import RungLedger

extension Trace {
  /// The lineage as PROV-JSON (W3C member submission of 24 April 2013), which PROV-DM defines the meaning of.
  ///
  /// Entities are the outputs of executions, the sources of the project, collections, and programs and environments;
  /// activities are executions; the agents are the versions of Rung that recorded them. An output is an entity for each
  /// execution that made it, since PROV gives an entity one generation; its content is the attribute `rung:digest`. The
  /// same lineage always gives the same document, and its size is in proportion to what executions read and made.
  public var prov: JSON {
    var document = ProvenanceDocument()
    for execution in lineage.executions {
      document.add(execution, in: lineage, confirmed: audit.line(ofConfirmation: execution.digest))
    }
    for accepted in standingAcceptances { document.add(accepted) }
    for (digest, collection) in lineage.collections.sorted(by: { $0.key < $1.key }) {
      document.add(collection, digest)
    }
    let sources = lineage.sources
    for source in sources { document.add(source) }
    document.addObserved(in: lineage, sources)
    return document.json(subject: subject, gaps: lineage.incomplete)
  }
}

// The sections of a document while it grows; each section has its identifiers in the order of their addition.
private struct ProvenanceDocument {
  private var entities: [JSON.Member] = []
  private var known: Set<String> = []
  private var activities: [JSON.Member] = []
  private var agents: [JSON.Member] = []
  private var relations: [(section: String, members: [JSON.Member])] = [
    "used", "wasGeneratedBy", "wasAssociatedWith", "wasDerivedFrom", "hadMember", "wasAttributedTo", "wasInfluencedBy",
  ].map { ($0, []) }

  // MARK: names

  private static func activity(_ record: Digest) -> String { "execution:\(record.hex)" }
  private static func output(_ record: Digest, _ name: String) -> String {
    "output:\(record.hex)/\(ExportNames.escaped(name))"
  }
  private static func collection(_ digest: Digest) -> String { "collection:\(digest.hex)" }
  private static func source(_ path: String, _ digest: Digest) -> String {
    "source:\(digest.hex)/\(ExportNames.escaped(path))"
  }

  // MARK: parts

  mutating func add(_ execution: Lineage.Execution, in lineage: Lineage, confirmed: String?) {
    let record = execution.record
    let activity = Self.activity(execution.digest)
    activities.append(.init(activity, Self.attributes(of: execution) + Self.optional("rung:confirmed", confirmed)))
    associate(execution, activity)

    var inputs: [String] = []
    for input in record.inputs {
      let entity: String
      switch input.source {
      case .project(let path): entity = Self.source(path, input.digest)
      case .step(_, let output, let maker):
        entity = Self.output(maker, output)
        // What the maker's own record will say of it, unless that record is lost.
        if lineage.execution(maker) == nil { addEntity(entity, ["rung:digest": .digest(input.digest)]) }
      case .collection(let members, let form):
        entity = Self.collection(members)
        if lineage.collections[members] == nil {
          addEntity(entity, ["prov:type": Self.name("prov:Collection"), "rung:form": .string(form)])
        }
      case .files:
        // A list of files that is lost: all that is known of it is its digest.
        entity = "content:\(input.digest.hex)"
        addEntity(entity, ["rung:digest": .digest(input.digest), "rung:glob": .string(input.path)])
      }
      inputs.append(entity)
      relate("used", ["prov:activity": .string(activity), "prov:entity": .string(entity)])
    }
    if let environment = record.environment { use(environment, activity) }
    if let program = record.program {
      let entity = "program:\(program.digest.hex)/\(ExportNames.escaped(program.path))"
      addEntity(
        entity,
        [
          "prov:label": .string(program.name), "rung:path": .string(program.path),
          "rung:digest": .digest(program.digest),
        ])
      relate("used", ["prov:activity": .string(activity), "prov:entity": .string(entity)])
    }

    for output in record.outputs {
      let entity = Self.output(execution.digest, output.name)
      addEntity(
        entity,
        [
          "prov:label": .string("\(output.name) of \(record.instance)"), "rung:digest": .digest(output.digest),
          "rung:kind": .string(output.kind), "rung:path": .string(output.path),
          "rung:size": ["$": .string(String(output.size)), "type": "xsd:long"],
        ])
      relate(
        "wasGeneratedBy",
        [
          "prov:entity": .string(entity), "prov:activity": .string(activity),
          "prov:time": .string(ExportTime.exact(ExportTime.end(of: record))),
        ])
      for input in Self.distinct(inputs) {
        relate(
          "wasDerivedFrom",
          [
            "prov:generatedEntity": .string(entity), "prov:usedEntity": .string(input),
            "prov:activity": .string(activity),
          ])
      }
    }
  }

  mutating func add(_ collection: RungLedger.Collection, _ digest: Digest) {
    let entity = Self.collection(digest)
    addEntity(
      entity,
      [
        "prov:type": Self.name("prov:Collection"), "rung:form": .string(collection.form),
        "rung:output": .string(collection.output), "rung:digest": .digest(collection.contentDigest),
      ])
    for member in collection.members {
      let name = Self.output(member.record, collection.output)
      addEntity(name, ["rung:digest": .digest(member.digest)])
      relate("hadMember", ["prov:collection": .string(entity), "prov:entity": .string(name)])
    }
  }

  mutating func add(_ source: Lineage.Source) {
    let entity = Self.source(source.path, source.digest)
    addEntity(
      entity,
      [
        "prov:label": .string(source.path), "rung:digest": .digest(source.digest),
        "rung:kind": .string(source.kind.rawValue), "rung:observed": .bool(source.observed),
      ])
  }

  /// That somebody said that a change does not matter to a result: an entity of theirs, for which the execution counted.
  mutating func add(_ accepted: Audit.Accepted) {
    let acceptance = accepted.acceptance
    let entity = "acceptance:\(accepted.digest.hex)"
    addEntity(
      entity,
      [
        "prov:label": .string(acceptance.because), "rung:instance": .string(acceptance.instance),
        "rung:changes": .strings(acceptance.changes.map { "\($0.kind) \($0.name)" }),
        "rung:at": .string(ExportTime.exact(acceptance.at)),
      ])
    let person = "person:\(ExportNames.escaped(acceptance.who))"
    if known.insert(person).inserted {
      agents.append(
        .init(person, ["prov:type": Self.name("prov:Person"), "prov:label": .string(acceptance.who)]))
    }
    relate("wasAttributedTo", ["prov:entity": .string(entity), "prov:agent": .string(person)])
    relate(
      "wasInfluencedBy",
      ["prov:influencee": .string(entity), "prov:influencer": .string(Self.activity(acceptance.record))])
  }

  /// What executions were observed to read without declaring it: a collection for each set of files, since many
  /// executions share one. What lies in a folder that they declare is left out, as it is of the sources.
  mutating func addObserved(in lineage: Lineage, _ sources: [Lineage.Source]) {
    let observed = Set(sources.lazy.filter(\.observed).map { Self.source($0.path, $0.digest) })
    if observed.isEmpty { return }
    for execution in lineage.executions {
      guard let set = execution.record.observed.project else { continue }
      let entity = "collection:\(set.hex)"
      if !known.contains(entity) {
        let members = lineage.observed.files(of: set).map { Self.source($0.path, $0.digest) }.filter(observed.contains)
        addEntity(entity, ["prov:type": Self.name("prov:Collection"), "prov:label": "observed to be read"])
        for member in Self.distinct(members) {
          relate("hadMember", ["prov:collection": .string(entity), "prov:entity": .string(member)])
        }
      }
      let activity = Self.activity(execution.digest)
      relate("used", ["prov:activity": .string(activity), "prov:entity": .string(entity)])
    }
  }

  // One `used` for the lock and one for the interpreter, as far as it was hashed.
  private mutating func use(_ environment: Record.Environment, _ activity: String) {
    let lock = Self.source(environment.lockPath, environment.lock)
    relate("used", ["prov:activity": .string(activity), "prov:entity": .string(lock)])
    let entity = "environment:\(environment.identity.hex)"
    addEntity(
      entity,
      [
        "prov:label": .string(environment.version), "rung:interpreter": .string(environment.interpreter),
        "rung:platform": .string(environment.platform),
      ] + Self.optional("rung:interpreterDigest", environment.interpreterDigest?.description))
    relate("used", ["prov:activity": .string(activity), "prov:entity": .string(entity)])
  }

  private mutating func associate(_ execution: Lineage.Execution, _ activity: String) {
    let record = execution.record
    let agent = "agent:rung-\(ExportNames.escaped(record.version))"
    if known.insert(agent).inserted {
      agents.append(
        .init(
          agent,
          [
            "prov:type": Self.name("prov:SoftwareAgent"), "prov:label": .string("Rung \(record.version)"),
            "rung:version": .string(record.version),
          ]))
    }
    var association: [JSON.Member] = [
      .init("prov:activity", .string(activity)), .init("prov:agent", .string(agent)),
    ]
    if let command = execution.declaredCommand {
      var hash = FramedHash(domain: "rung/prov-plan/1")
      hash.field("step", execution.step)
      hash.field("command", command)
      let plan = "step:\(ExportNames.escaped(execution.step))/\(hash.digest().short)"
      addEntity(
        plan,
        [
          "prov:type": Self.name("prov:Plan"), "prov:label": .string(execution.step),
          "rung:command": .string(command),
        ])
      association.append(.init("prov:plan", .string(plan)))
    }
    relate("wasAssociatedWith", .object(association))
  }

  private static func attributes(of execution: Lineage.Execution) -> JSON {
    let record = execution.record
    let known: JSON = [
      "prov:startTime": .string(ExportTime.exact(record.started)),
      "prov:endTime": .string(ExportTime.exact(ExportTime.end(of: record))),
      "prov:label": .string(record.instance), "rung:step": .string(execution.step),
      "rung:record": .digest(execution.digest), "rung:key": .digest(record.key), "rung:run": .string(record.run),
      "rung:outcome": .string(record.outcome.rawValue),
      "rung:command": .string(JSON.strings(record.command).compact),
      "rung:parameters": .string(JSON.object(record.parameters).compact),
      "rung:variables": .string(JSON.object(record.variables).compact),
      "rung:host": .string(record.host), "rung:watch": .string(record.watch),
      "rung:trace": .string(record.trace), "rung:view": .string(record.view), "rung:network": .bool(record.network),
    ]
    return known + optional("rung:commit", record.commit)
      + (record.dirty.map { ["rung:dirty": .bool($0)] } ?? [:])
  }

  // MARK: the document

  func json(subject: Trace.Subject, gaps: [Lineage.Gap]) -> JSON {
    let kinds = [
      "execution", "output", "source", "collection", "program", "environment", "step", "agent", "content",
      "acceptance", "person",
    ]
    var sections: [JSON.Member] = [
      .init(
        "prefix",
        .object(
          [
            .init("xsd", "http://www.w3.org/2001/XMLSchema#"),
            .init("rung", .string("\(ExportNames.namespace)prov#")),
          ] + kinds.map { .init($0, .string("\(ExportNames.namespace)\($0):")) })),
      .init("entity", .object(entities.map { Self.marked($0, subject, gaps) })),
      .init("activity", .object(activities)), .init("agent", .object(agents)),
    ]
    for (section, members) in relations where !members.isEmpty { sections.append(.init(section, .object(members))) }
    return .object(sections.filter { $0.value != [:] })
  }

  // The entity that was asked for says so, and what its lineage lacks.
  private static func marked(_ entity: JSON.Member, _ subject: Trace.Subject, _ gaps: [Lineage.Gap]) -> JSON.Member {
    guard entity.name == output(subject.record, subject.output) else { return entity }
    var more: JSON = ["rung:subject": true]
    if !gaps.isEmpty { more = more + ["rung:incomplete": .strings(gaps.map(\.message))] }
    return .init(entity.name, entity.value + more)
  }

  private mutating func addEntity(_ name: String, _ attributes: JSON) {
    if known.insert(name).inserted { entities.append(.init(name, attributes)) }
  }

  private mutating func relate(_ section: String, _ attributes: JSON) {
    guard let place = relations.firstIndex(where: { $0.section == section }) else { return }
    let number = relations[place].members.count + 1
    relations[place].members.append(.init("_:\(section)\(number)", attributes))
  }

  private static func name(_ text: String) -> JSON { ["$": .string(text), "type": "prov:QUALIFIED_NAME"] }
  private static func optional(_ name: String, _ value: String?) -> JSON {
    value.map { .object([.init(name, .string($0))]) } ?? [:]
  }
  private static func distinct(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}

extension JSON {
  // An object with the members of both.
  fileprivate static func + (a: JSON, b: JSON) -> JSON { a.appending(b) }
}
