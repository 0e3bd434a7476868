import RungCore
import RungFormats
import RungLedger

extension Trace {
  /// The trace for programs; docs/formats/json.md lists the fields. One entry for each execution, makers first.
  public var json: JSON {
    let watch = lineage.watch
    let root = lineage.execution(subject.record)?.record
    let output: JSON = [
      "instance": .string(subject.instance), "name": .string(subject.output), "record": .digest(subject.record),
      "published": .optional(subject.publishedAt),
    ]
    let head: JSON = [
      "file": .string(subject.file), "digest": .digest(subject.digest), "output": output,
      "also_made_by": .array(subject.alsoMadeBy.map(\.json)),
      "stamp": subject.stamp.map(\.members) ?? .null,
      "started_ns": root.map { .int($0.started) } ?? .null, "host": .optional(root?.host),
      "commit": .optional(root?.commit), "dirty": .optional(root?.dirty),
      "watch": .optional(watch?.level.rawValue), "weakest": .strings(watch?.steps ?? []),
      "trace": .optional(watch?.trace.rawValue), "trace_steps": .strings(watch?.traceSteps ?? []),
      "trace_problems": .strings(watch?.traceProblems ?? []),
      "network": .optional(watch?.network), "network_steps": .strings(watch?.networkSteps ?? []),
    ]
    return head.appending(lineage.json(audit))
  }
}

extension Stamp {
  /// What the stamp says, without its format.
  var members: JSON {
    [
      "artifact": .digest(artifact), "record": .digest(record), "run": .optional(run),
      "instance": .string(instance), "output": .string(output),
    ]
  }
}

extension Trace.Maker {
  var json: JSON {
    [
      "instance": .string(instance), "name": .string(output), "record": .digest(record),
      "started_ns": .int(started), "published": .optional(publishedAt),
    ]
  }
}

extension Lineage {
  /// The part of a trace that does not depend on the file: `complete`, `incomplete`, `steps`, `collections`, `sources`,
  /// `system_files`, `environments`, `programs`.
  public var json: JSON { json(Audit()) }

  /// The same, with what was found out about the executions since.
  func json(_ audit: Audit) -> JSON {
    let gathered = collections.sorted { $0.key < $1.key }.map { Self.json($0.key, $0.value) }
    return [
      "complete": .bool(isComplete), "incomplete": .array(incomplete.map(\.json)),
      "steps": .array(executions.map { $0.json(gone: gone).appending(audit.json($0.digest)) }),
      "collections": .array(gathered),
      "sources": .array(sources.map(\.json)), "system_files": .int(systemFiles),
      "environments": .array(environments.map(\.json)),
      "programs": .array(programs.map(\.json)),
    ]
  }

  private static func json(_ digest: Digest, _ collection: RungLedger.Collection) -> JSON {
    let members = collection.members.map { member -> JSON in
      [
        "instance": .string(member.instance), "axes": .string(member.labels), "digest": .digest(member.digest),
        "record": .digest(member.record),
      ]
    }
    return [
      "digest": .digest(digest), "form": .string(collection.form), "output": .string(collection.output),
      "members": .array(members),
    ]
  }
}

extension Lineage.Gap {
  var json: JSON {
    ["digest": .digest(digest), "needed_by": .optional(neededBy), "message": .string(message)]
  }
}

extension Lineage.Source {
  var json: JSON {
    let source: JSON = [
      "path": .string(path), "digest": .digest(digest), "kind": .string(kind.rawValue), "used_by": .strings(usedBy),
    ]
    return observed ? source.appending(["observed": true]) : source
  }
}

extension Lineage.Environment {
  var json: JSON {
    [
      "identity": .digest(environment.identity), "lock": .digest(environment.lock),
      "lock_path": .string(environment.lockPath), "interpreter": .string(environment.interpreter),
      "interpreter_version": .string(environment.version),
      "interpreter_digest": .optional(environment.interpreterDigest), "platform": .string(environment.platform),
      "used_by": .strings(usedBy),
    ]
  }
}

extension Lineage.Program {
  var json: JSON {
    [
      "name": .string(program.name), "path": .string(program.path), "digest": .digest(program.digest),
      "used_by": .strings(usedBy),
    ]
  }
}

extension Lineage.Execution {
  /// One entry of `steps`. `gone`: the outputs that are not in the cache.
  func json(gone: Set<Digest>) -> JSON {
    let what: JSON = [
      "instance": .string(record.instance), "step": .string(record.step), "pipeline": .string(record.pipeline),
      "kind": .optional(record.kind), "record": .digest(digest), "key": .digest(record.key),
      "command": .strings(record.command), "declared_command": .optional(declaredCommand),
      "parameters": .object(record.parameters), "axes": .object(record.axes),
      "variables": .object(record.variables), "inputs": .array(record.inputs.map(Self.json)),
      "outputs": .array(record.outputs.map { Self.json($0, isGone: gone.contains($0.digest)) }),
    ]
    let how: JSON = [
      "environment": .optional(record.environment?.identity), "program": .optional(record.program?.digest),
      "watch": .string(record.watch), "network": .bool(record.network),
      "view": .string(record.view), "trace": .string(record.trace), "trace_problems": .strings(record.traceProblems),
      "observed": ["project": .optional(record.observed.project), "system": .optional(record.observed.system)],
      "outcome": .string(record.outcome.rawValue),
      "exit": record.exitCode.map { .int($0) } ?? .null, "run": .string(record.run),
      "run_record": .optional(record.runRecord), "host": .string(record.host),
      "started_ns": .int(record.started), "duration_ns": .int(record.duration),
      "commit": .optional(record.commit), "dirty": .optional(record.dirty), "rung": .string(record.version),
    ]
    return what.appending(how)
  }

  private static func json(_ input: Record.Input) -> JSON {
    let from: JSON =
      switch input.source {
      case .project(let path): ["project": .string(path)]
      case .files: ["files": .bool(true)]
      case .step(let instance, let output, let record):
        ["instance": .string(instance), "output": .string(output), "record": .digest(record)]
      case .collection(let members, let form): ["collection": .digest(members), "form": .string(form)]
      }
    return [
      "name": .string(input.name), "path": .string(input.path), "kind": .string(input.kind),
      "digest": .digest(input.digest), "from": from,
    ]
  }

  private static func json(_ output: Record.Output, isGone: Bool) -> JSON {
    let json: JSON = [
      "name": .string(output.name), "path": .string(output.path), "kind": .string(output.kind),
      "digest": .digest(output.digest), "size": .int(output.size),
    ]
    return isGone ? json.appending(["gone": true]) : json
  }
}

extension JSON {
  /// An object with the members of both.
  func appending(_ other: JSON) -> JSON { .object((members ?? []) + (other.members ?? [])) }

  static func optional(_ value: Digest?) -> JSON { value.map { .digest($0) } ?? .null }
  static func optional(_ value: Bool?) -> JSON { value.map { .bool($0) } ?? .null }
  static func strings(_ values: [String]) -> JSON { .array(values.map { .string($0) }) }
}
