import RungCore

extension Record {
  /// The name of the format, in every record that is written now.
  public static let format = "rung/record/2"
  // Without an observation: `view`, `trace`, `trace_problems` and `observed` are not in it.
  private static let firstFormat = "rung/record/1"

  /// The record as JSON. The same record always gives the same text; its digest is the record's name.
  public var json: JSON {
    func digest(_ value: Digest?) -> JSON { value.map { .digest($0) } ?? .null }
    func number(_ value: Int?) -> JSON { value.map { .int($0) } ?? .null }
    return [
      "format": .string(Self.format), "instance": .string(instance), "pipeline": .string(pipeline),
      "step": .string(step), "kind": .optional(kind), "axes": .object(axes), "key": .digest(key),
      "fields": .array(
        fields.map {
          ["kind": .string($0.kind), "name": .string($0.name), "value": .string($0.value), "digest": digest($0.digest)]
        }),
      "outcome": .string(outcome.rawValue), "exit": number(exitCode), "signal": number(signal),
      "problem": .optional(problem), "command": .array(command.map { .string($0) }), "parameters": .object(parameters),
      "inputs": .array(inputs.map(\.json)), "outputs": .array(outputs.map(\.json)),
      "environment": environment.map(\.json) ?? .null,
      "program": program.map { ["name": .string($0.name), "path": .string($0.path), "digest": .digest($0.digest)] }
        ?? .null,
      "variables": .object(variables), "watch": .string(watch), "network": .bool(network),
      "view": .string(view), "trace": .string(trace), "trace_problems": .array(traceProblems.map { .string($0) }),
      "observed": ["project": digest(observed.project), "system": digest(observed.system)], "run": .string(run),
      "run_record": digest(runRecord), "host": .string(host), "place": place ?? .null,
      "started_ns": .int(started),
      "duration_ns": .int(duration), "cpu_ns": .int(cpu),
      "peak_memory_bytes": .int(peakMemory), "attempts": .int(attempts), "commit": .optional(commit),
      "dirty": dirty.map { .bool($0) } ?? .null, "log": digest(log), "events": digest(events),
      "version": .string(version),
    ]
  }

  /// Reads a record. Nil when the JSON is not a record of a format that this version knows.
  public init?(json: JSON) {
    guard let format = json["format"]?.string, format == Self.format || format == Self.firstFormat,
      let instance = json["instance"]?.string,
      let pipeline = json["pipeline"]?.string, let step = json["step"]?.string, let key = json["key"]?.digest,
      let outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:)), let run = json["run"]?.string
    else { return nil }
    func list<T>(_ name: String, _ read: (JSON) -> T?) -> [T]? {
      guard let items = json[name]?.array else { return nil }
      let result = items.compactMap(read)
      return result.count == items.count ? result : nil
    }
    guard let inputs = list("inputs", Input.init(json:)), let outputs = list("outputs", Output.init(json:)),
      let command = list("command", { $0.string }),
      let fields = list("fields", Field.init(json:))
    else { return nil }
    let watching = format == Self.firstFormat ? .null : json
    let observed = watching["observed"]
    self.init(
      instance: instance, pipeline: pipeline, step: step, kind: json["kind"]?.string, axes: json["axes"]?.members ?? [],
      key: key, fields: fields, outcome: outcome, exitCode: json["exit"]?.int, signal: json["signal"]?.int,
      problem: json["problem"]?.string, command: command, parameters: json["parameters"]?.members ?? [],
      inputs: inputs, outputs: outputs, environment: json["environment"].flatMap(Environment.init(json:)),
      program: json["program"].flatMap(Program.init(json:)), variables: json["variables"]?.members ?? [],
      watch: json["watch"]?.string ?? "declared", network: json["network"]?.bool ?? true,
      view: watching["view"]?.string ?? "none", trace: watching["trace"]?.string ?? "off",
      traceProblems: watching["trace_problems"]?.array?.compactMap(\.string) ?? [],
      observed: Observed(project: observed?["project"]?.digest, system: observed?["system"]?.digest), run: run,
      runRecord: json["run_record"]?.digest, host: json["host"]?.string ?? "",
      place: (json["place"]?.members).map { .object($0) }, started: Int64(json["started_ns"]?.int ?? 0),
      duration: Int64(json["duration_ns"]?.int ?? 0), cpu: Int64(json["cpu_ns"]?.int ?? 0),
      peakMemory: Int64(json["peak_memory_bytes"]?.int ?? 0), attempts: json["attempts"]?.int ?? 1,
      commit: json["commit"]?.string, dirty: json["dirty"]?.bool, log: json["log"]?.digest,
      events: json["events"]?.digest, version: json["version"]?.string ?? "")
  }

  /// Reads a record from the bytes of its object. Nil as `init(json:)`.
  public init?(bytes: [UInt8]) { self.init(bytes: bytes, onlyCommandField: false) }

  /// The same; with `onlyCommandField` it is cheaper: all fields of the key but the command are left out, and what is
  /// wrong in them may pass.
  public init?(bytes: [UInt8], onlyCommandField: Bool) {
    if let record = Record(scanning: bytes, onlyCommandField: onlyCommandField) {
      self = record
      return
    }
    guard let json = try? JSON(parsing: bytes) else { return nil }
    self.init(json: json)
    if onlyCommandField { fields.removeAll { $0.kind != "command" } }
  }

  /// The bytes of the record's object.
  public var bytes: [UInt8] { json.compactBytes + [10] }
}

extension Record.Field {
  init?(json: JSON) {
    guard let kind = json["kind"]?.string, let name = json["name"]?.string, let value = json["value"]?.string else {
      return nil
    }
    self.init(kind: kind, name: name, value: value, digest: json["digest"]?.digest)
  }
}

extension Record.Output {
  var json: JSON {
    [
      "name": .string(name), "path": .string(path), "kind": .string(kind), "digest": .digest(digest),
      "size": .int(size),
    ]
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let path = json["path"]?.string, let kind = json["kind"]?.string,
      let digest = json["digest"]?.digest, let size = json["size"]?.int
    else { return nil }
    self.init(name: name, path: path, kind: kind, digest: digest, size: Int64(size))
  }
}

extension Record.Input {
  var json: JSON {
    let from: JSON =
      switch source {
      case .project(let path): ["project": .string(path)]
      case .files: ["files": true]
      case .step(let instance, let output, let record):
        ["instance": .string(instance), "output": .string(output), "record": .digest(record)]
      case .collection(let members, let form): ["members": .digest(members), "form": .string(form)]
      }
    return [
      "name": .string(name), "path": .string(path), "kind": .string(kind), "digest": .digest(digest), "from": from,
    ]
  }

  init?(json: JSON) {
    guard let name = json["name"]?.string, let path = json["path"]?.string, let kind = json["kind"]?.string,
      let digest = json["digest"]?.digest, let from = json["from"]
    else { return nil }
    let source: Source
    if let path = from["project"]?.string {
      source = .project(path: path)
    } else if from["files"]?.bool == true {
      source = .files
    } else if let members = from["members"]?.digest, let form = from["form"]?.string {
      source = .collection(members: members, form: form)
    } else if let instance = from["instance"]?.string, let output = from["output"]?.string,
      let record = from["record"]?.digest
    {
      source = .step(instance: instance, output: output, record: record)
    } else {
      return nil
    }
    self.init(name: name, path: path, kind: kind, digest: digest, source: source)
  }
}

extension Record.Environment {
  var json: JSON {
    [
      "identity": .digest(identity), "lock_path": .string(lockPath), "lock": .digest(lock),
      "interpreter": .string(interpreter), "interpreter_version": .string(version),
      "interpreter_digest": interpreterDigest.map { .digest($0) } ?? .null, "platform": .string(platform),
    ]
  }

  init?(json: JSON) {
    guard let identity = json["identity"]?.digest, let lockPath = json["lock_path"]?.string,
      let lock = json["lock"]?.digest, let interpreter = json["interpreter"]?.string
    else { return nil }
    self.init(
      identity: identity, lockPath: lockPath, lock: lock, interpreter: interpreter,
      version: json["interpreter_version"]?.string ?? "", interpreterDigest: json["interpreter_digest"]?.digest,
      platform: json["platform"]?.string ?? "")
  }
}

extension Record.Program {
  init?(json: JSON) {
    guard let name = json["name"]?.string, let path = json["path"]?.string, let digest = json["digest"]?.digest else {
      return nil
    }
    self.init(name: name, path: path, digest: digest)
  }
}
