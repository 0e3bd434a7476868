import RungCore
import RungLedger

extension Trace {
  /// The lineage as an in-toto statement; see `Lineage.statement(of:accepted:)`.
  public var statement: JSON? {
    lineage.statement(of: subject.record, accepted: standingAcceptances.map { ($0.digest, $0.acceptance) })
  }

  /// The acceptances of changes that let results of the lineage stand and were not taken back, in the order of the
  /// executions, newest first.
  var standingAcceptances: [Audit.Accepted] {
    lineage.executions.flatMap { audit.acceptances[$0.digest] ?? [] }.filter { $0.revoked == nil }
  }
}

extension Lineage {
  /// The type of the statement's predicate.
  public static let predicateType = "https://slsa.dev/provenance/v1"
  /// What a statement's parameters and dependencies mean; docs/formats/export.md says it.
  public static let buildType = "\(ExportNames.namespace)build:1"

  /// One in-toto statement (v1) with a SLSA provenance predicate (v1) for what an execution of this lineage made: its
  /// outputs are the subject, and every source, environment and program on the way to them is a resolved dependency. The
  /// records of all executions are its by-products, so that the statement commits to the whole history. Nil when the
  /// lineage lacks the record, or when that made nothing: a statement must have a subject.
  ///
  /// Depends on nothing but records, so that whoever has them can make it again and compare.
  ///
  /// - Parameter accepted: the acceptances that the results rely on, with the digests of their records.
  public func statement(of record: Digest, accepted: [(digest: Digest, acceptance: Acceptance)] = []) -> JSON? {
    guard let root = execution(record), !root.record.outputs.isEmpty else { return nil }
    return [
      "_type": "https://in-toto.io/Statement/v1",
      "subject": .array(root.record.outputs.map(Self.descriptor)),
      "predicateType": .string(Self.predicateType),
      "predicate": [
        "buildDefinition": [
          "buildType": .string(Self.buildType), "externalParameters": Self.external(root),
          "internalParameters": internalParameters(root, accepted), "resolvedDependencies": .array(dependencies),
        ],
        "runDetails": [
          "builder": [
            "id": .string("\(ExportNames.namespace)builder:\(ExportNames.escaped(root.record.host))"),
            "version": ["rung": .string(root.record.version)],
          ],
          "metadata": [
            "invocationId": .digest(record), "startedOn": .string(ExportTime.exact(root.record.started)),
            "finishedOn": .string(ExportTime.exact(ExportTime.end(of: root.record))),
          ],
          "byproducts": .array(executions.map(Self.descriptor)),
        ],
      ],
    ]
  }

  // What was asked for: the step and what its declaration says.
  private static func external(_ root: Execution) -> JSON {
    let record = root.record
    return [
      "instance": .string(record.instance), "step": .string(root.step), "axes": .object(record.axes),
      "command": .optional(root.declaredCommand), "parameters": .object(record.parameters),
      "variables": .object(record.variables),
    ]
  }

  // What Rung made of it, and how far it can answer for the result.
  private func internalParameters(
    _ root: Execution, _ accepted: [(digest: Digest, acceptance: Acceptance)]
  ) -> JSON {
    let record = root.record
    var known: JSON = [
      "key": .digest(record.key), "run": .string(record.run), "command": .strings(record.command),
      "commit": .optional(record.commit), "dirty": .optional(record.dirty), "watch": .optional(watch?.level.rawValue),
      "trace": .optional(watch?.trace.rawValue), "network": .optional(watch?.network),
      "executions": .int(executions.count),
    ]
    if !accepted.isEmpty {
      let list = accepted.map { digest, acceptance -> JSON in
        [
          "acceptance": .digest(digest), "instance": .string(acceptance.instance),
          "record": .digest(acceptance.record), "because": .string(acceptance.because),
          "who": .string(acceptance.who), "at": .string(ExportTime.exact(acceptance.at)),
          "changes": .strings(acceptance.changes.map { "\($0.kind) \($0.name)" }),
        ]
      }
      known = known.appending(["accepted": .array(list)])
    }
    return isComplete ? known : known.appending(["incomplete": .strings(incomplete.map(\.message))])
  }

  private var dependencies: [JSON] {
    sources.map { source in
      [
        "name": .string(source.path), "digest": Self.digest(source.digest, isTree: source.kind == .tree),
        "annotations": [
          "kind": .string(source.kind.rawValue), "usedBy": .strings(source.usedBy), "observed": .bool(source.observed),
        ],
      ]
    }
      + environments.map { use in
        let environment = use.environment
        let facts: JSON = [
          "kind": "environment", "version": .string(environment.version), "platform": .string(environment.platform),
          "identity": .digest(environment.identity), "usedBy": .strings(use.usedBy),
        ]
        // The interpreter's own content, where it was hashed; else the environment as a whole.
        let digest: JSON =
          environment.interpreterDigest.map { ["sha256": .string($0.hex)] }
          ?? ["rungEnvironment": .string(environment.identity.hex)]
        return ["name": .string(environment.interpreter), "digest": digest, "annotations": facts]
      }
      + programs.map { use in
        [
          "name": .string(use.program.path), "digest": Self.digest(use.program.digest, isTree: false),
          "annotations": [
            "kind": "program", "command": .string(use.program.name), "usedBy": .strings(use.usedBy),
          ],
        ]
      }
  }

  private static func descriptor(_ output: Record.Output) -> JSON {
    ["name": .string(output.path), "digest": digest(output.digest, isTree: output.kind == "tree")]
  }

  private static func descriptor(_ execution: Execution) -> JSON {
    [
      "name": .string(execution.record.instance), "digest": digest(execution.digest, isTree: false),
      "mediaType": "application/json",
    ]
  }

  // The digest of a folder is that of its manifest: no `sha256sum` finds it, so it has a name of its own.
  private static func digest(_ digest: Digest, isTree: Bool) -> JSON {
    .object([.init(isTree ? "rungTree" : "sha256", .string(digest.hex))])
  }
}
