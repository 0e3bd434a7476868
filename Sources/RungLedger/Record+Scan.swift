import RungCore

extension Record {
  /// Reads a record as `bytes` writes it, much faster than `init(json:)`. Nil for all others, among them sound ones that
  /// are written in another way.
  init?(scanning bytes: [UInt8], onlyCommandField: Bool = false) {
    let record = bytes.withUnsafeBufferPointer { bytes -> Record? in
      var scanner = ByteScanner(bytes)
      return Self.scanned(&scanner, onlyCommandField)
    }
    guard let record else { return nil }
    self = record
  }

  // Member for member in the order of `json`.
  private static func scanned(_ from: inout ByteScanner, _ onlyCommandField: Bool) -> Record? {
    guard from.take("{\"format\":\"rung/record/2\",\"instance\":"), let instance = from.string(),
      from.take(",\"pipeline\":"), let pipeline = from.string(), from.take(",\"step\":"), let step = from.string(),
      from.take(",\"kind\":"), let kind = from.optionalString(), from.take(",\"axes\":"), let axes = from.members(),
      from.take(",\"key\":"), let key = from.digest(), from.take(",\"fields\":"),
      let fields = onlyCommandField ? Field.command(&from) : from.list(Field.scanned), from.take(",\"outcome\":"),
      let outcome = from.string().flatMap(Outcome.init(rawValue:)), from.take(",\"exit\":"),
      let exitCode = from.optionalInt(), from.take(",\"signal\":"), let signal = from.optionalInt(),
      from.take(",\"problem\":"), let problem = from.optionalString(), from.take(",\"command\":"),
      let command = from.list({ $0.string() }), from.take(",\"parameters\":"), let parameters = from.members(),
      from.take(",\"inputs\":"), let inputs = from.list(Input.scanned), from.take(",\"outputs\":"),
      let outputs = from.list(Output.scanned), from.take(",\"environment\":"),
      let environment = Environment.scanned(&from), from.take(",\"program\":"), let program = Program.scanned(&from),
      from.take(",\"variables\":"), let variables = from.members(), from.take(",\"watch\":"),
      let watch = from.string()
    else { return nil }
    guard from.take(",\"network\":"), let network = from.bool(), from.take(",\"view\":"), let view = from.string(),
      from.take(",\"trace\":"), let trace = from.string(), from.take(",\"trace_problems\":"),
      let traceProblems = from.list({ $0.string() }), from.take(",\"observed\":{\"project\":"),
      let project = from.optionalDigest(), from.take(",\"system\":"), let system = from.optionalDigest(),
      from.take("},\"run\":"), let run = from.string(), let runRecord = runRecord(&from), from.take(",\"host\":"),
      let host = from.string(), let place = place(&from),
      from.take(",\"started_ns\":"), let started = from.int(), from.take(",\"duration_ns\":"),
      let duration = from.int(), from.take(",\"cpu_ns\":"), let cpu = from.int(),
      from.take(",\"peak_memory_bytes\":"), let peakMemory = from.int(), from.take(",\"attempts\":"),
      let attempts = from.int(), from.take(",\"commit\":"), let commit = from.optionalString(),
      from.take(",\"dirty\":"), let dirty = from.optionalBool(), from.take(",\"log\":"),
      let log = from.optionalDigest(), let events = events(&from), from.take(",\"version\":"),
      let version = from.string(), from.take("}\n"),
      from.isAtEnd
    else { return nil }
    return Record(
      instance: instance, pipeline: pipeline, step: step, kind: kind, axes: axes, key: key, fields: fields,
      outcome: outcome, exitCode: exitCode, signal: signal, problem: problem, command: command, parameters: parameters,
      inputs: inputs, outputs: outputs, environment: environment, program: program, variables: variables, watch: watch,
      network: network, view: view, trace: trace, traceProblems: traceProblems,
      observed: Observed(project: project, system: system), run: run, runRecord: runRecord,
      host: host, place: place, started: Int64(started),
      duration: Int64(duration), cpu: Int64(cpu), peakMemory: Int64(peakMemory), attempts: attempts, commit: commit,
      dirty: dirty, log: log, events: events, version: version)
  }
}

extension Record {
  // Earlier records do not have it.
  private static func runRecord(_ from: inout ByteScanner) -> Digest?? {
    from.take(",\"run_record\":") ? from.optionalDigest() : .some(nil)
  }
}

extension Record {
  // Nor this.
  private static func events(_ from: inout ByteScanner) -> Digest?? {
    from.take(",\"events\":") ? from.optionalDigest() : .some(nil)
  }
}

extension Record {
  // Nor this.
  private static func place(_ from: inout ByteScanner) -> JSON?? {
    guard from.take(",\"place\":"), !from.take("null") else { return .some(nil) }
    guard let members = from.members() else { return nil }
    return .some(.object(members))
  }
}

extension ByteScanner {
  fileprivate mutating func optionalBool() -> Bool?? {
    if take("null") { return .some(nil) }
    guard let value = bool() else { return nil }
    return .some(value)
  }
}

extension Record.Field {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Record.Field? {
    guard from.take("{\"kind\":"), let kind = from.string(), from.take(",\"name\":"), let name = from.string(),
      from.take(",\"value\":"), let value = from.string(), from.take(",\"digest\":"),
      let digest = from.optionalDigest(), from.take("}")
    else { return nil }
    return Record.Field(kind: kind, name: name, value: value, digest: digest)
  }
}

extension Record.Field {
  // The field `command` of a list; the others are passed over.
  fileprivate static func command(_ from: inout ByteScanner) -> [Record.Field]? {
    var fields: [Record.Field] = []
    guard from.take("[") else { return nil }
    if from.take("]") { return fields }
    repeat {
      if from.isNext("{\"kind\":\"command\"") {
        guard let field = scanned(&from) else { return nil }
        fields.append(field)
        continue
      }
      guard from.take("{\"kind\":"), from.passString(), from.take(",\"name\":"), from.passString(),
        from.take(",\"value\":"), from.passString(), from.take(",\"digest\":"),
        from.take("null") || from.passString(), from.take("}")
      else { return nil }
    } while from.take(",")
    return from.take("]") ? fields : nil
  }
}

extension Record.Output {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Record.Output? {
    guard from.take("{\"name\":"), let name = from.string(), from.take(",\"path\":"), let path = from.string(),
      from.take(",\"kind\":"), let kind = from.string(), from.take(",\"digest\":"), let digest = from.digest(),
      from.take(",\"size\":"), let size = from.int(), from.take("}")
    else { return nil }
    return Record.Output(name: name, path: path, kind: kind, digest: digest, size: Int64(size))
  }
}

extension Record.Input {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Record.Input? {
    guard from.take("{\"name\":"), let name = from.string(), from.take(",\"path\":"), let path = from.string(),
      from.take(",\"kind\":"), let kind = from.string(), from.take(",\"digest\":"), let digest = from.digest(),
      from.take(",\"from\":"), let source = source(&from), from.take("}")
    else { return nil }
    return Record.Input(name: name, path: path, kind: kind, digest: digest, source: source)
  }

  private static func source(_ from: inout ByteScanner) -> Source? {
    if from.take("{\"project\":") {
      guard let path = from.string(), from.take("}") else { return nil }
      return .project(path: path)
    }
    if from.take("{\"instance\":") {
      guard let instance = from.string(), from.take(",\"output\":"), let output = from.string(),
        from.take(",\"record\":"), let record = from.digest(), from.take("}")
      else { return nil }
      return .step(instance: instance, output: output, record: record)
    }
    if from.take("{\"members\":") {
      guard let members = from.digest(), from.take(",\"form\":"), let form = from.string(), from.take("}") else {
        return nil
      }
      return .collection(members: members, form: form)
    }
    return from.take("{\"files\":true}") ? .files : nil
  }
}

extension Record.Environment {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Record.Environment?? {
    if from.take("null") { return .some(nil) }
    guard from.take("{\"identity\":"), let identity = from.digest(), from.take(",\"lock_path\":"),
      let lockPath = from.string(), from.take(",\"lock\":"), let lock = from.digest(), from.take(",\"interpreter\":"),
      let interpreter = from.string(), from.take(",\"interpreter_version\":"), let version = from.string(),
      from.take(",\"interpreter_digest\":"), let interpreterDigest = from.optionalDigest(),
      from.take(",\"platform\":"), let platform = from.string(), from.take("}")
    else { return nil }
    return Record.Environment(
      identity: identity, lockPath: lockPath, lock: lock, interpreter: interpreter, version: version,
      interpreterDigest: interpreterDigest, platform: platform)
  }
}

extension Record.Program {
  fileprivate static func scanned(_ from: inout ByteScanner) -> Record.Program?? {
    if from.take("null") { return .some(nil) }
    guard from.take("{\"name\":"), let name = from.string(), from.take(",\"path\":"), let path = from.string(),
      from.take(",\"digest\":"), let digest = from.digest(), from.take("}")
    else { return nil }
    return Record.Program(name: name, path: path, digest: digest)
  }
}
