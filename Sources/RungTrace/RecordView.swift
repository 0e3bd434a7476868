import RungCore
import RungLedger
import RungStore

/// One record as `rung show` shows it.
public struct RecordView: Sendable {
  /// The record's name.
  public let digest: Digest
  /// The record.
  public let record: Record

  private let store: ObjectStore?
  private let audit: Audit

  /// A view of a record. With the store, the text also tells what the execution was observed to read; with the ledger,
  /// what was found out about it since.
  public init(digest: Digest, record: Record, store: ObjectStore? = nil, ledger: Ledger? = nil) {
    if let store, let ledger {
      audit = Audit.of([(digest, record)], ledger: ledger, store: store)
    } else {
      audit = Audit()
    }
    self.digest = digest
    self.record = record
    self.store = store
  }

  /// The record's own JSON (docs/formats/record.md), with its name first as `record`.
  public var json: JSON {
    JSON.object([JSON.Member("record", .digest(digest))]).appending(record.json).appending(audit.json(digest))
  }

  /// Everything in the record, for people, in lines of at most `width` characters but for words that are longer.
  public func text(width: Int = 80) -> String {
    var out = TextLayout(width: width)
    out.line(record.instance)
    // A whole digest just fits into 80 columns.
    out.field("record", digest.description, column: 9)
    out.field("key", record.key.description, column: 9)
    if let log = record.log { out.field("log", log.description, column: 9) }
    out.field("kind", record.kind ?? "")
    out.field("ended", ending)
    out.field("made", "\(UTCTime(nanoseconds: record.started).text) on \(record.host), run \(record.run)")
    out.field(
      "took",
      "\(TimeSpan(nanoseconds: record.duration)), \(TimeSpan(nanoseconds: record.cpu)) of processor time, at most "
        + "\(ByteCount(bytes: record.peakMemory)) of memory")
    if record.attempts > 1 { out.field("attempts", "\(record.attempts)") }
    out.field("commit", StepGroup.commit(of: record))
    for line in audit.lines(ofStep: [digest]) { out.field(line.label, line.text) }
    out.field("watched", "\(record.watch), \(record.network ? "with" : "without") network")
    out.field("view", Self.meaning(ofView: record.view))
    out.field("trace", record.trace)
    for problem in record.traceProblems { out.field("", problem) }
    if let command = record.fields.first(where: { $0.kind == "command" })?.value { out.field("declared", command) }
    out.field("ran", Self.commandLine(record.command))
    out.field("axes", Self.assignments(record.axes))
    out.field("parameters", Self.assignments(record.parameters))
    out.field("variables", Self.assignments(record.variables))
    if let environment = record.environment {
      out.field("environment", "\(environment.version) on \(environment.platform), \(environment.identity.short)")
      out.field("", "\(environment.interpreter) \(environment.interpreterDigest?.short ?? "")")
      out.field("", "\(environment.lockPath) \(environment.lock.short)")
    }
    if let program = record.program { out.field("program", "\(program.path) \(program.digest.short)") }
    if record.log == nil { out.field("log", "nothing was printed") }
    out.field("rung", record.version)
    if !record.inputs.isEmpty {
      out.space()
      out.line("Inputs")
      for input in record.inputs { show(input, &out) }
    }
    if let store { ObservedText(record.observed, store).write(to: &out) }
    if !record.outputs.isEmpty {
      out.space()
      out.line("Outputs")
      for output in record.outputs {
        let gone = store?.contains(output.digest) == false ? ", no longer in the cache" : ""
        out.line(
          "\(output.digest.short)  \(output.name)  \(output.path)  (\(output.kind), \(ByteCount(bytes: output.size))"
            + "\(gone))", indent: 2)
      }
    }
    if !record.fields.isEmpty {
      out.space()
      out.line("What the key covers")
      for field in record.fields {
        let name = field.name.isEmpty ? field.kind : "\(field.kind) \(field.name)"
        out.field(name, field.value + (field.digest.map { " \($0.short)" } ?? ""), column: 24)
      }
    }
    return out.text
  }

  private var ending: String {
    var text = record.outcome.rawValue
    // A problem says how it ended.
    if let problem = record.problem { return "\(text): \(problem)" }
    if let code = record.exitCode, code != 0 { text += ", exit code \(code)" }
    if let signal = record.signal { text += ", signal \(signal)" }
    return text
  }

  private static func meaning(ofView view: String) -> String {
    switch view {
    case "private": "private: a mount namespace of its own"
    case "landlock": "landlock: the kernel refused it what it might not use"
    case "none": "none: it could see all that its user can see"
    default: view
    }
  }

  private func show(_ input: Record.Input, _ out: inout TextLayout) {
    let from =
      switch input.source {
      case .project(let path): path == input.path ? "" : "from \(path)"
      case .files: "a list of the files that the pattern matched"
      case .step(let instance, let output, let record): "'\(output)' of \(instance), record \(record.short)"
      case .collection(let members, let form): "collection \(members.short), as \(form)"
      }
    let name = input.name.isEmpty || input.name == input.path ? "" : "\(input.name)  "
    out.line("\(input.digest.short)  \(name)\(input.path)  (\(input.kind))", indent: 2)
    if !from.isEmpty { out.line(from, indent: 16) }
  }

  private static func assignments(_ members: [JSON.Member]) -> String {
    members.map { "\($0.name)=\($0.value.string ?? $0.value.compact)" }.joined(separator: ", ")
  }

  // Quoted for a shell, so that it can be copied.
  private static func commandLine(_ words: [String]) -> String {
    words.map { word in
      let plain = !word.isEmpty && word.unicodeScalars.allSatisfy { isPlain($0) }
      return plain
        ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", "_", "-", ".", "/", "=", ":", ",", "@", "%", "+": true
    default: false
    }
  }
}
